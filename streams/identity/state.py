"""What a node of the identity graph holds: a customer's state, or the way to it.

A customer is the fold of the states of its channel identities, each built only of registers that
join in any order; keeping them apart is what makes a split exact. Owns joins and their encoding.
"""

from typing import Final

import msgspec

from streams.identity.ids import Namespace
from streams.identity.registers import Register, earliest, latest, newest, union
from streams.identity.windows import Window, joined

_CUSTOMERS: Final = Namespace("customer")
VALUES_KEPT: Final = 16


class IdentityState(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """All that is known of one channel identity; times are epoch milliseconds."""

    channel_id: str
    channel_type: str
    external_id: str
    identity_key: str
    first_seen_at_ms: int
    last_seen_at_ms: int
    first_inbound_at_ms: int | None = None
    last_inbound_at_ms: int | None = None
    name: Register | None = None
    picture_url: Register | None = None
    username: Register | None = None
    phones: tuple[str, ...] = ()  # as said beside the messages; the identity key is apart
    emails: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()


class Root(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, tag="root"
):
    """A customer. `rank_at_ms` is the event time of the message that made it, and never changes;
    `version` counts the operations that changed anything.
    """

    tenant_id: str
    customer_id: str
    rank_at_ms: int
    identities: dict[str, IdentityState]
    version: int
    merged_ids: tuple[str, ...] = ()


class Pointer(msgspec.Struct, frozen=True, rename="camel", tag="pointer"):
    """The way to the node that holds the customer, or to a node nearer to it."""

    to: str


Node = Root | Pointer

_decoder: msgspec.json.Decoder[Node] = msgspec.json.Decoder(Node)
_encoder = msgspec.json.Encoder()


def decode_node(value: bytes) -> Node:
    """Return the node that the table holds."""
    return _decoder.decode(value)


def encode_node(node: Node) -> bytes:
    """Return the node as the table and its changelog hold it."""
    return _encoder.encode(node)


def customer_id(node_key: str, epoch: int = 0) -> str:
    """Return the id of the customer whose root is at this node: the same on every replay."""
    return _CUSTOMERS.id_of(f"{node_key}#{epoch}")


def node_key(tenant_id: str, identity_key: str) -> str:
    """Return the key of the node in the table; a tenant's name holds no slash."""
    return f"{tenant_id}/{identity_key}"


def join_identities(one: IdentityState, other: IdentityState, gap_ms: int) -> IdentityState:
    """Return what both know of the same channel identity."""
    return IdentityState(
        channel_id=one.channel_id,
        channel_type=min(one.channel_type, other.channel_type),
        external_id=one.external_id,
        identity_key=min(one.identity_key, other.identity_key),
        first_seen_at_ms=min(one.first_seen_at_ms, other.first_seen_at_ms),
        last_seen_at_ms=max(one.last_seen_at_ms, other.last_seen_at_ms),
        first_inbound_at_ms=earliest(one.first_inbound_at_ms, other.first_inbound_at_ms),
        last_inbound_at_ms=latest(one.last_inbound_at_ms, other.last_inbound_at_ms),
        name=newest(one.name, other.name),
        picture_url=newest(one.picture_url, other.picture_url),
        username=newest(one.username, other.username),
        phones=union(one.phones, other.phones, at_most=VALUES_KEPT),
        emails=union(one.emails, other.emails, at_most=VALUES_KEPT),
        windows=joined(one.windows, other.windows, gap_ms),
    )


def join_roots(survivor: Root, other: Root, gap_ms: int) -> Root:
    """Return the survivor knowing all that the other knew; itself if nothing is new."""
    identities = dict(survivor.identities)
    for name, identity in other.identities.items():
        known = identities.get(name)
        identities[name] = identity if known is None else join_identities(known, identity, gap_ms)
    merged_ids = tuple(
        sorted(
            {*survivor.merged_ids, *other.merged_ids, other.customer_id} - {survivor.customer_id}
        )
    )
    if identities == survivor.identities and merged_ids == survivor.merged_ids:
        return survivor
    return msgspec.structs.replace(
        survivor,
        identities=identities,
        merged_ids=merged_ids,
        version=max(survivor.version, other.version) + 1,
    )
