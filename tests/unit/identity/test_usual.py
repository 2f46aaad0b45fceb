"""What is written of a usual customer is, byte for byte, what the graph's step and the encoding of
its records give. Nothing is a fake.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer
from streams.contracts.wire import encode
from streams.identity.facts import Written, written
from streams.identity.graph import fold
from streams.identity.operations import Claim, Observe, Operation, Relate
from streams.identity.policy import DEFAULT_RULES, Policy
from streams.identity.registers import RANK_AGENT, Register
from streams.identity.state import Edits, Node, Root, decode_node, encode_node
from streams.identity.telling import Seen
from streams.identity.usual import moved, told
from tests.examples import examples
from tests.unit.identity.builders import ADDRESSES, HOUR_MS, START_MS, address, observe

POLICY = Policy()
CAUTIOUS = Policy(rules={**DEFAULT_RULES, "vouched_value": "ignore"})
KEYS = ("phone:+5511999998888", "email:a@b.example", "telegram:7")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
# Mostly on and on, by less than a conversation's gap and by more; now and then back.
silences = st.sampled_from([0, 1, 312, 60_000, 60_000, HOUR_MS, HOUR_MS, 30 * HOUR_MS, -HOUR_MS])


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Return the usual value nineteen times of twenty."""
    return st.integers(0, 9).flatmap(
        lambda n: st.sampled_from(others) if n == 9 else st.just(usual)
    )


claims = mostly(
    (),
    (Claim("email:c@d.example", "self_declared"),),
    (Claim("phone:+551199998888", "phone_variant"),),
    (Claim("email:e@f.example", "vouched_value"),),
)


def messages(key: str) -> st.SearchStrategy[Observe]:
    """Return the messages of the key's owner, usual ones and others."""
    return st.builds(
        lambda received_after_ms, picture_url, text, **fields: msgspec.structs.replace(
            observe(identity_key=key, external_id=key[-6:], **fields),
            received_at_ms=fields["at_ms"] + received_after_ms,
            picture_url=picture_url,
            text=text,
        ),
        received_after_ms=st.sampled_from([0, 0, 312, -5, 1000]),
        picture_url=st.sampled_from([None, "https://x/1.jpg", 'https://x/"2"']),
        text=st.none() | texts,
        message_id=texts,
        at_ms=st.just(START_MS),
        direction=st.sampled_from(["inbound", "inbound", "outbound"]),
        channel_id=mostly("wa-1", 'sms "2"'),
        name=st.sampled_from([None, "Maria", "Ana", "98888", 'O"Brien\n']),
        username=st.sampled_from([None, None, "@maria"]),
        platform_conversation_id=mostly("", "p1"),
        claims=claims,
    )


edits = st.builds(
    lambda key: Relate(
        tenant_id="acme",
        at_ms=START_MS,
        edits={key: Edits(name=Register(RANK_AGENT, START_MS, "Dr. Maria"))},
    ),
    st.sampled_from(["email:c@d.example", *KEYS]),
)


@st.composite
def steps(draw: st.DrawFn) -> tuple[str, Node | None, list[Operation]]:
    """Draw an address, what the node there knows, and a batch."""
    key = draw(st.sampled_from(KEYS))
    at_ms = START_MS

    def said() -> Observe:
        nonlocal at_ms
        at_ms += draw(silences)
        message = draw(messages(key))
        late_ms = message.received_at_ms - message.at_ms
        return msgspec.structs.replace(message, at_ms=at_ms, received_at_ms=at_ms + late_ms)

    before: list[Operation] = [said() for _ in range(draw(st.integers(1, 3)))]
    before += draw(mostly([], [draw(edits)]))
    node = fold(address(key), None, before, POLICY, ADDRESSES).node
    batch: list[Operation] = [said() for _ in range(draw(st.integers(1, 5)))]
    batch = draw(st.just(batch) | st.permutations(batch))  # some come late
    batch += draw(mostly([], batch[:1]))  # it comes again
    return address(key), decode_node(encode_node(node)) if node else None, batch


@dataclass
class Usual:
    """What becomes of a usual customer, and what the world is told."""

    node: Root
    customers: Written
    conversations: Written
    facts: Written
    owner: str
    seen: list[Seen]


def usual(node: Node | None, operations: Sequence[Operation], policy: Policy) -> Usual | None:
    """Return what becomes of the node, if that and the operations are usual."""
    move = moved(node, operations, lambda _: policy)
    if move is None:
        return None
    telling = told([move])
    ((owner, facts),) = telling.facts
    return Usual(
        move.root,
        telling.customers,
        telling.conversations,
        facts,
        owner.decode(),
        list(telling.seen),
    )


def seen(records: Sequence[Any]) -> list[Seen]:
    """Return who was seen again."""
    return [Seen.of(record) for record in records if isinstance(record, Customer)]


def encoded(records: Sequence[Any], kind: type[Any]) -> list[tuple[bytes, bytes]]:
    """Return key and value of the records of one kind."""
    return [(record.id.encode(), encode(record)) for record in records if isinstance(record, kind)]


@given(steps(), st.sampled_from([POLICY, POLICY, CAUTIOUS]))
@settings(max_examples=examples(200), deadline=None)
def test_what_is_written_of_a_usual_customer_is_what_the_graph_gives(
    step: tuple[str, Node | None, list[Operation]], policy: Policy
) -> None:
    at, node, operations = step
    quick = usual(node, operations, policy)
    if quick is None:
        return
    whole = fold(at, node, operations, policy, ADDRESSES)
    assert quick.node == whole.node
    assert (quick.node is node) == (whole.node is node)
    assert not whole.operations
    assert {type(record) for record in whole.records} <= {Customer, Conversation}
    assert quick.customers == encoded(whole.records, Customer)
    assert quick.conversations == encoded(whole.records, Conversation)
    assert quick.facts == written(whole.messages)
    assert {m.owner_id for m in whole.messages} == {quick.owner}
    assert quick.seen == seen(whole.records)


def test_the_next_messages_of_who_wrote_before_are_usual_on_any_channel() -> None:
    for key in KEYS:
        first = observe(identity_key=key)
        node = fold(address(key), None, [first], POLICY, ADDRESSES).node
        later = [observe(f"m{n}", identity_key=key, at_ms=START_MS + n) for n in range(1, 4)]
        assert usual(node, later, POLICY) is not None


def test_who_is_only_said_to_have_another_number_is_usual_and_who_has_it_is_not() -> None:
    key = KEYS[0]

    def is_usual(rule: str) -> bool:
        said = observe(identity_key=key, claims=(Claim("email:a@b.example", rule),))
        node = fold(address(key), None, [said], POLICY, ADDRESSES).node
        later = observe("m2", identity_key=key, at_ms=START_MS + 1)
        return usual(node, [later], POLICY) is not None

    assert is_usual("self_declared")
    assert is_usual("phone_variant")
    assert not is_usual("vouched_value")


def test_several_customers_are_told_of_as_each_alone() -> None:
    nodes = [
        fold(address(key), None, [observe(identity_key=key)], POLICY, ADDRESSES).node
        for key in KEYS
    ]
    batches = [[observe("m2", identity_key=key, at_ms=START_MS + 1)] for key in KEYS]
    moves = [
        moved(node, batch, lambda _: POLICY) for node, batch in zip(nodes, batches, strict=True)
    ]
    together = told([move for move in moves if move is not None])
    alone = [told([move]) for move in moves if move is not None]
    assert len(together.facts) == len(KEYS)
    for kind in ("customers", "conversations", "facts", "seen"):
        assert getattr(together, kind) == [one for each in alone for one in getattr(each, kind)]


def test_a_message_that_comes_again_and_one_of_the_same_time_are_usual() -> None:
    first = observe("m2")
    node = fold(address(KEYS[0]), None, [first], POLICY, ADDRESSES).node
    assert usual(node, [first, observe("m3")], POLICY) is not None
    assert usual(node, [observe("m1")], POLICY) is None
