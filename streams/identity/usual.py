"""The usual customer: known, of one identity key, in a batch that is one run of plain messages.

Gives, straight as bytes, what `graph.fold` and the encoding of its records give of such a batch,
several times faster (tests/unit/identity/test_usual.py); of every other batch it gives nothing.
"""

from collections.abc import Sequence
from typing import Final, cast

import msgspec

from streams.contracts.wire import SCHEMA_VERSION, encode, encode_text
from streams.identity.facts import Messages, Sender, sender_of, written_of
from streams.identity.instants import rfc3339
from streams.identity.operations import Observe, Operation
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
from streams.identity.windows import Window

Written = list[tuple[bytes, bytes]]  # keys and values


class Moved(msgspec.Struct, frozen=True, gc=False):
    """What a batch made of a usual customer: the root, the same object where nothing was news, and
    the run of messages that did it.
    """

    root: Root
    customer_id: str
    run: Run
    observed: Sequence[Observe]
    policy: Policy


class Usual(msgspec.Struct, frozen=True, gc=False):
    """What becomes of a usual customer's node, and what the world is told: each message's fact,
    and what is news, as keys and values.
    """

    node: Root
    owner: bytes
    customers: Written
    conversations: Written
    facts: Written
    seen: Seen | None


def moved(node: Node | None, operations: Sequence[Operation], policy: Policy) -> Moved | None:
    """Return what the operations, of which there is one at least, make of a usual customer's node;
    None where they or it are not usual.
    """
    if (
        type(node) is not Root
        or len(node.seeds) != 1
        or node.erased
        or node.boundaries
        or node.weighing != policy.weighing
        # Whoever must know of what is said of the customer was told when that became known.
        or (node.links and not is_one_claimed_key(node, policy))
    ):
        return None
    run = run_at(node, operations, 0, policy.gaps)
    if run is None or run.end != len(operations):
        return None
    if run.known.first_inbound_at_ms is None and run.identity.first_inbound_at_ms is not None:
        return None  # somebody who was only contacted has written
    observed = cast("Sequence[Observe]", operations)
    if observed[0].tenant_id != node.tenant_id:
        return None
    (seed,) = node.seeds.values()
    return Moved(with_run(node, run), seed.id, run, observed, policy)


def told(moves: Sequence[Moved]) -> Sequence[Usual]:
    """Return what becomes of each customer. All of one kind is written before the next kind: with
    the same instructions at hand, that is a quarter faster than customer by customer.
    """
    owners = [move.customer_id.encode() for move in moves]
    senders = [sender_of(move.observed[0], move.customer_id, move.customer_id) for move in moves]
    customers = list(map(_customers, moves, senders))
    conversations = list(map(_conversations, moves, senders))
    facts = list(map(_facts, moves, senders))
    roots = [move.root for move in moves]
    return list(map(Usual, roots, owners, customers, conversations, facts, map(_seen, moves)))


def _facts(move: Moved, sender: Sender) -> Written:
    """Return the fact of each message."""
    own_id = move.customer_id
    messages = Messages(move.observed, move.run.identity.windows, own_id, own_id)
    return written_of(sender, messages)


def _seen(move: Moved) -> Seen | None:
    """Return who was seen again, if that is news."""
    if not move.run.news:
        return None
    identities, channels = move.root.identities, 1
    if len(identities) > 1:
        channels = len({identity.channel_id for identity in identities.values()})
    return Seen(move.root.tenant_id, move.customer_id, channels)


def _customers(move: Moved, sender: Sender) -> Written:
    """Return the customer's record, if it is news."""
    if not move.run.news:
        return []
    root, key = move.root, move.customer_id.encode()
    if _is_plain(root, move.run.identity):
        return [(key, _plain_customer(sender, move.run.identity, root.version))]
    component = of_one_claimed_key(root, move.policy) if root.links else of_one_key(root)
    return [(key, encode(customer_record(root, component)))]


def _is_plain(root: Root, identity: IdentityState) -> bool:
    """Say whether the record tells of nothing but one identity."""
    if root.edits or root.links or root.decisions or len(root.identities) != 1:
        return False
    (seed,) = root.seeds.values()
    return seed.rank_at_ms == identity.first_seen_at_ms


_CUSTOMER: Final = (
    b'{"id":%b,"tenantId":%b,"displayName":%b,"identities":[{"channelId":%b,"channelType":%b,'
    b'"externalId":%b,"identityKey":%b,"identityId":%b,"firstSeenAt":"%b","lastSeenAt":"%b",'
    b'"lastInboundAt":%b,"username":%b}],"metadata":{"source":"%b","channel":%b,'
    b'"firstContactAt":"%b","originalExternalId":%b,"lastSeenAt":"%b","profilePictureUrl":%b},'
    b'"phones":[%b],"emails":[%b],"tags":[],"customAttributes":{},"status":"%b","mergedIds":[],'
    b'"mergedInto":null,"createdAt":"%b","updatedAt":"%b","version":%d,"links":[],"blocked":false,'
    b'"possibleNewOwnerSince":null,"schemaVersion":%d}'
)
_NULL: Final = b"null"
_SOURCE: Final = SOURCE.encode()
_IMPORTED: Final = IMPORTED.encode()
_PHONE: Final = b'"phone:'
_EMAIL: Final = b'"email:'


def _plain_customer(sender: Sender, identity: IdentityState, version: int) -> bytes:
    """Return the record of a customer of whom nothing is known but one identity: that of
    `customer_record`, encoded.
    """
    key, external_id, channel_id = sender.identity_key, sender.external_id, sender.channel_id
    name, picture_url, username = identity.name, identity.picture_url, identity.username
    first_seen_at = rfc3339(identity.first_seen_at_ms)
    last_seen_at_ms, last_inbound_at_ms = identity.last_seen_at_ms, identity.last_inbound_at_ms
    last_seen_at = rfc3339(last_seen_at_ms)
    if last_inbound_at_ms is None:
        last_inbound_at = _NULL
    elif last_inbound_at_ms == last_seen_at_ms:
        last_inbound_at = b'"%b"' % last_seen_at
    else:
        last_inbound_at = b'"%b"' % rfc3339(last_inbound_at_ms)
    return _CUSTOMER % (
        sender.identity_id,
        sender.tenant_id,
        encode_text(name.value if name else fallback_name(identity)),
        channel_id,
        sender.channel_type,
        external_id,
        key,
        sender.identity_id,
        first_seen_at,
        last_seen_at,
        last_inbound_at,
        encode_text(username.value) if username else _NULL,
        _IMPORTED if identity.channel_type == IMPORT_CHANNEL else _SOURCE,
        channel_id,
        first_seen_at,
        external_id,
        last_seen_at,
        encode_text(picture_url.value) if picture_url else _NULL,
        b'"' + key[len(_PHONE) :] if key.startswith(_PHONE) else b"",
        b'"' + key[len(_EMAIL) :] if key.startswith(_EMAIL) else b"",
        b"contacted" if identity.first_inbound_at_ms is None else b"active",
        first_seen_at,
        last_seen_at,
        version,
        SCHEMA_VERSION,
    )


_CONVERSATION: Final = (
    b'{"id":%b,"tenantId":%b,"customerId":%b,"identityId":%b,"channelId":%b,"channelType":%b,'
    b'"externalId":%b,"platformConversationId":null,"openedBy":"%b","startedAt":"%b",'
    b'"lastMessageAt":"%b","mergedInto":null,"version":%d,"schemaVersion":%d}'
)


def _conversations(move: Moved, sender: Sender) -> Written:
    """Return the records of the conversations that the run moved on or began: those of
    `conversation_movements`, encoded. The newest went on, or others came after it.
    """
    before, windows = move.run.known.windows, move.run.identity.windows
    newest = len(before) - 1
    version = move.root.version
    return [
        (window.id.encode(), _conversation(sender, window, version))
        for window in windows[newest:]
        if window is not before[newest]
    ]


def _conversation(sender: Sender, window: Window, version: int) -> bytes:
    return _CONVERSATION % (
        encode_text(window.id),
        sender.tenant_id,
        sender.identity_id,
        sender.identity_id,
        sender.channel_id,
        sender.channel_type,
        sender.external_id,
        b"inbound" if window.opened_by == "inbound" else b"outbound",
        rfc3339(window.started_at_ms),
        rfc3339(window.last_at_ms),
        version,
        SCHEMA_VERSION,
    )
