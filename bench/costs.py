"""What the core's rarer steps cost: a new customer, a link, a merge, fifty identity keys, a split.

Each is measured over people of its own, one operation a batch, until nothing is left to do at any
node; the figure is the median.
"""

import statistics
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from bench.nodes import ADDRESSES, Nodes, Operation, Spent
from streams.contracts.commands import AnyCustomerCommand, MergeCustomers, SplitCustomer
from streams.identity import operations as ops
from streams.identity.addresses import index_address
from streams.identity.state import identity_id

PEOPLE = 300
LARGE_CUSTOMERS, KEYS_OF_A_LARGE_CUSTOMER, MESSAGES_TO_ONE = 20, 50, 15
_TENANT: Final = "acme"
_START_MS: Final = 1_790_000_000_000
_MINUTE_MS: Final = 60_000

Case = Callable[[Nodes, int], Iterator[Spent]]


def _phone(person: int, place: int = 0) -> str:
    return f"phone:+4915{person:06d}{place:03d}"


def _said(key: str, minute: int = 0, *claims: tuple[str, str]) -> Operation:
    """Return a message of the key's owner, and who they are besides."""
    at_ms = _START_MS + minute * _MINUTE_MS
    observe = ops.Observe(
        tenant_id=_TENANT,
        channel_id="whatsapp-loja",
        channel_type="whatsapp",
        external_id=key.partition("+")[2],
        identity_key=key,
        message_id=f"wamid.{key[-12:]}.{minute}",
        direction="inbound",
        at_ms=at_ms,
        received_at_ms=at_ms + 312,
        content_type="text",
        text="Hello, is my order on its way? Number 12345",
        name="Maria da Silva",
        claims=tuple(ops.Claim(other, rule) for other, rule in claims),
    )
    address = ADDRESSES.node(_TENANT, key)
    return address.encode(), ops.encode_operation(observe), at_ms


def _asked(command: AnyCustomerCommand) -> Operation:
    ask = ops.Ask(command=command, at_ms=_START_MS + 100_000 * _MINUTE_MS)
    address = index_address(_TENANT, command.customer_id)
    return address.encode(), ops.encode_operation(ask), ask.at_ms


def _customer_id(key: str) -> str:
    return identity_id(ADDRESSES.node(_TENANT, key))


def _first_message(nodes: Nodes, person: int) -> Iterator[Spent]:
    yield nodes.settle([_said(_phone(person))])


def _next_message(nodes: Nodes, person: int) -> Iterator[Spent]:
    nodes.settle([_said(_phone(person))])
    yield nodes.settle([_said(_phone(person), 1)])


def _link_to_a_bare_key(nodes: Nodes, person: int) -> Iterator[Spent]:
    nodes.settle([_said(_phone(person))])
    link = (f"email:person{person}@example.com", "vouched_value")
    yield nodes.settle([_said(_phone(person), 1, link)])


def _link_said_again(nodes: Nodes, person: int) -> Iterator[Spent]:
    link = (f"email:person{person}@example.com", "vouched_value")
    nodes.settle([_said(_phone(person), 0, link)])
    yield nodes.settle([_said(_phone(person), 1, link)])


def _merge_by_evidence(nodes: Nodes, person: int) -> Iterator[Spent]:
    one, other = _phone(person), _phone(person, 1)
    nodes.settle([_said(one), _said(other, 1)])
    yield nodes.settle([_said(other, 2, (one, "account_moved"))])


def _merge_by_command(nodes: Nodes, person: int) -> Iterator[Spent]:
    one, other = _phone(person), _phone(person, 1)
    nodes.settle([_said(one), _said(other, 1)])
    command = MergeCustomers(
        id=f"merge-{person}",
        tenant_id=_TENANT,
        issued_at=datetime(2026, 10, 1, tzinfo=UTC),
        issued_by="agent-dana",
        customer_id=_customer_id(one),
        other_customer_id=_customer_id(other),
    )
    yield nodes.settle([_asked(command)])


def _forward(nodes: Nodes, person: int) -> Iterator[Spent]:
    """Yield the pointer's own step: the message goes on to the root, and is left there."""
    one, other = _phone(person), _phone(person, 1)
    nodes.settle([_said(one, 0, (other, "same_account"))])
    yield next(nodes.steps([_said(other, 1)]))


def _grown(nodes: Nodes, person: int) -> list[str]:
    """Return the keys of a customer of many, each tied to the next by the platform's word."""
    keys = [_phone(person, place) for place in range(KEYS_OF_A_LARGE_CUSTOMER)]
    for minute, (key, following) in enumerate(zip(keys, [*keys[1:], None], strict=True)):
        claims = [(following, "same_account")] if following else []
        nodes.settle([_said(key, minute, *claims)])
    return keys


def _message_to_a_large_customer(nodes: Nodes, person: int) -> Iterator[Spent]:
    keys = _grown(nodes, person)
    for minute in range(MESSAGES_TO_ONE):
        yield nodes.settle([_said(keys[0], 1_000 + minute)])


def _split_of_a_large_customer(nodes: Nodes, person: int) -> Iterator[Spent]:
    keys = _grown(nodes, person)
    command = SplitCustomer(
        id=f"split-{person}",
        tenant_id=_TENANT,
        issued_at=datetime(2026, 10, 1, tzinfo=UTC),
        issued_by="agent-dana",
        customer_id=_customer_id(keys[0]),
        identity_keys=tuple(keys[len(keys) // 2 :]),
    )
    yield nodes.settle([_asked(command)])


_LARGE: Final = f"a customer of {KEYS_OF_A_LARGE_CUSTOMER} linked keys"
_CASES: Final[tuple[tuple[str, Case, int], ...]] = (
    ("the first message of a new customer", _first_message, PEOPLE),
    ("one more message of a known customer, alone in its batch", _next_message, PEOPLE),
    ("a link: a message that attests a key nobody wrote from", _link_to_a_bare_key, PEOPLE),
    ("a link that is known: the same attested once more", _link_said_again, PEOPLE),
    ("a merge by evidence: a message that attests another customer", _merge_by_evidence, PEOPLE),
    ("a merge by command", _merge_by_command, PEOPLE),
    ("a forward: a message at a pointer, that step alone", _forward, PEOPLE),
    (f"one more message of {_LARGE}", _message_to_a_large_customer, LARGE_CUSTOMERS),
    (f"a split of {_LARGE} into halves", _split_of_a_large_customer, LARGE_CUSTOMERS),
)


def print_costs() -> None:
    """Print the median of each case, with the steps of nodes that it takes."""
    print("cost until every node is at rest, one operation a batch (median):")
    for name, case, people in _CASES:
        nodes = Nodes()
        spent = [found for person in range(people) for found in case(nodes, person)]
        steps = statistics.median_high(found.steps for found in spent)
        micros = statistics.median(found.seconds for found in spent) * 1e6
        print(f"  {micros:8,.0f} µs  {name} ({steps} step{'s' if steps > 1 else ''})")
