"""The usual customer: known, of one identity key, in a batch that is one run of plain messages.

Gives, straight as bytes, what `graph.fold` and the encoding of its records give of such a batch,
several times faster (tests/unit/identity/test_usual.py); of every other batch it gives nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, cast

import msgspec

from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerIdentity, CustomerMetadata
from streams.contracts.wire import encode
from streams.identity.facts import Messages, Written, written
from streams.identity.instants import rfc3339
from streams.identity.operations import Observe, Operation
from streams.identity.owners import bare_key
from streams.identity.partition import (
    is_one_claimed_key,
    of_one_claimed_key,
    of_one_key,
)
from streams.identity.policy import Policy
from streams.identity.records import (
    IMPORT_CHANNEL,
    IMPORTED,
    SOURCE,
    customer_record,
    fallback_name,
)
from streams.identity.runs import Run, run_at, with_run
from streams.identity.state import IdentityState, Node, Root
from streams.identity.telling import Seen


class Moved(msgspec.Struct, frozen=True, gc=False):
    """What a batch made of a usual customer: the root, the same object where nothing was news, and
    the run of messages that did it.
    """

    root: Root
    customer_id: str
    run: Run
    observed: Sequence[Observe]
    policy: Policy


class Telling(msgspec.Struct, frozen=True, gc=False):
    """What the world is told of usual customers: what is news of each and who was seen again; of
    every customer, by id, the facts of their messages. `largest`: the bytes of the largest value.
    """

    customers: Written
    conversations: Written
    facts: Sequence[tuple[bytes, Written]]
    seen: Sequence[Seen]
    largest: int


def moved(
    node: Node | None, operations: Sequence[Operation], policy_of: Callable[[str], Policy]
) -> Moved | None:
    """Return what the operations make of a usual customer's node; None where they or it are not
    usual.
    """
    if type(node) is not Root or len(node.seeds) != 1 or node.erased or node.boundaries:
        return None
    if not operations:
        return None
    policy = policy_of(node.tenant_id)
    # Whoever must know of what is said of the customer was told when that became known.
    if node.weighing != policy.weighing or (node.links and not is_one_claimed_key(node, policy)):
        return None
    run = run_at(node, operations, 0, policy.gaps)
    if run is None or run.end != len(operations):
        return None
    if run.known.first_inbound_at_ms is None and run.identity.first_inbound_at_ms is not None:
        return None  # somebody who was only contacted has written
    (seed,) = node.seeds.values()
    observed = cast("Sequence[Observe]", operations)
    return Moved(with_run(node, run), seed.id, run, observed, policy)


def told(moves: Sequence[Moved]) -> Telling:
    """Return what is told of the customers. All of one kind is written before the next kind: with
    the same instructions at hand, that is a quarter faster than customer by customer.
    """
    news = [move for move in moves if move.run.news]
    customers = [(move.customer_id.encode(), encode(_customer(move))) for move in news]
    conversations = [
        (one.id.encode(), encode(one)) for move in news for one in _conversations(move)
    ]
    facts = written([_messages(move) for move in moves])
    of_each = iter(facts)
    return Telling(
        customers,
        conversations,
        [(move.customer_id.encode(), list(islice(of_each, len(move.observed)))) for move in moves],
        [_seen(move) for move in news],
        max(
            [len(value) for kind in (customers, conversations, facts) for _, value in kind],
            default=0,
        ),
    )


def _messages(move: Moved) -> Messages:
    own_id = move.customer_id
    return Messages(move.observed, move.run.identity.windows, own_id, own_id)


def _seen(move: Moved) -> Seen:
    identities, channels = move.root.identities, 1
    if len(identities) > 1:
        channels = len({identity.channel_id for identity in identities.values()})
    return Seen(move.root.tenant_id, move.customer_id, channels)


def _customer(move: Moved) -> Customer:
    """Return the customer's record."""
    root = move.root
    if _is_plain(root, move.run.identity):
        return _plain_customer(root, move.run.identity, move.customer_id)
    component = of_one_claimed_key(root, move.policy) if root.links else of_one_key(root)
    return customer_record(root, component)


def _is_plain(root: Root, identity: IdentityState) -> bool:
    """Say whether the record tells of nothing but one identity."""
    if root.edits or root.links or root.decisions or len(root.identities) != 1:
        return False
    (seed,) = root.seeds.values()
    return seed.rank_at_ms == identity.first_seen_at_ms


# Instants as they are written, which is what the encoder makes of a datetime: so it takes them.
_written: Final = cast("Callable[[int], datetime]", rfc3339)


def _plain_customer(root: Root, identity: IdentityState, own_id: str) -> Customer:
    """Return the record of a customer of whom nothing is known but one identity: that of
    `customer_record`, encoded.
    """
    key, external_id, channel_id = identity.identity_key, identity.external_id, identity.channel_id
    name, picture_url, username = identity.name, identity.picture_url, identity.username
    bare = bare_key(key)
    first_seen_at = _written(identity.first_seen_at_ms)
    last_seen_at_ms, last_inbound_at_ms = identity.last_seen_at_ms, identity.last_inbound_at_ms
    last_seen_at = _written(last_seen_at_ms)
    if last_inbound_at_ms is None or last_inbound_at_ms == last_seen_at_ms:
        last_inbound_at = None if last_inbound_at_ms is None else last_seen_at
    else:
        last_inbound_at = _written(last_inbound_at_ms)
    kind, _, value = bare.partition(":")
    return Customer(
        id=own_id,
        tenant_id=root.tenant_id,
        display_name=name.value if name else fallback_name(identity),
        identities=(
            CustomerIdentity(
                channel_id=channel_id,
                channel_type=identity.channel_type,
                external_id=external_id,
                identity_key=bare,
                identity_id=own_id,
                first_seen_at=first_seen_at,
                last_seen_at=last_seen_at,
                last_inbound_at=last_inbound_at,
                username=username.value if username else None,
            ),
        ),
        metadata=CustomerMetadata(
            source=IMPORTED if identity.channel_type == IMPORT_CHANNEL else SOURCE,
            channel=channel_id,
            first_contact_at=first_seen_at,
            original_external_id=external_id,
            last_seen_at=last_seen_at,
            profile_picture_url=picture_url.value if picture_url else None,
        ),
        phones=(value,) if kind == "phone" else (),
        emails=(value,) if kind == "email" else (),
        tags=(),
        custom_attributes={},
        status="contacted" if identity.first_inbound_at_ms is None else "active",
        merged_ids=(),
        merged_into=None,
        created_at=first_seen_at,
        updated_at=last_seen_at,
        version=root.version,
    )


def _conversations(move: Moved) -> Iterator[Conversation]:
    """Yield the records of the conversations that the run moved on or began: those of
    `conversation_movements`. The newest went on, or others came after it.
    """
    before, identity = move.run.known.windows, move.run.identity
    newest = before[-1]
    for window in identity.windows[len(before) - 1 :]:
        if window is not newest:
            yield Conversation(
                id=window.id,
                tenant_id=move.root.tenant_id,
                customer_id=move.customer_id,
                identity_id=move.customer_id,
                channel_id=identity.channel_id,
                channel_type=identity.channel_type,
                external_id=identity.external_id,
                platform_conversation_id=None,
                opened_by=window.opened_by,
                started_at=_written(window.started_at_ms),
                last_message_at=_written(window.last_at_ms),
                merged_into=None,
                version=move.root.version,
            )
