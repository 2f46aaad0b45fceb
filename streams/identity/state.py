"""What a node of the identity graph holds: all that is known of the identities that evidence ever
connected, or the way to the node that holds it.

A root is built only of registers that join in any order. Its customers are derived from it
(`partition`), so splitting, refusing and forgetting only add knowledge, like everything else.
Owns joins and their encoding.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from streams.identity.addresses import Addresses
from streams.identity.evidence import Decision, Link
from streams.identity.ids import Namespace
from streams.identity.owners import Span
from streams.identity.refusals import Refusal
from streams.identity.registers import Register
from streams.identity.windows import Window

_CUSTOMERS: Final = Namespace("customer")


class Gaps(NamedTuple):
    """Silences, in milliseconds: after which a conversation is over, and after which a number may
    be somebody else's.
    """

    conversation_ms: int
    owner_ms: int


class IdentityState(msgspec.Struct, frozen=True, gc=False, kw_only=True, array_like=True):
    """All that is known of one channel identity; times are epoch milliseconds.

    Fields are written by place: only ever add one at the end, with a default.
    """

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
    windows: tuple[Window, ...] = ()
    epoch: int = 0
    spans: tuple[Span, ...] = ()  # of a number that fell silent for long: else it is one span


class Seed(msgspec.Struct, frozen=True, gc=False, kw_only=True, array_like=True):
    """An identity key that was observed: the id of the customer it makes, and its age.

    `rank_at_ms` is the event time of the message that brought it, and decides which of several
    keys names the customer. `epoch` counts erasures. `is_published`: the world has seen the id.
    """

    id: str
    address: str
    rank_at_ms: int
    epoch: int = 0
    is_published: bool = False


class Edits(msgspec.Struct, frozen=True, gc=False, kw_only=True, array_like=True):
    """What was set by hand, by an import or by enrichment, under the key of the customer that was
    addressed; a split takes it along. Values of attributes are `=value`, or empty once removed.
    """

    epoch: int = 0
    name: Register | None = None
    picture_url: Register | None = None
    blocked: Register | None = None
    tags: Mapping[str, Register] = msgspec.field(default_factory=dict)
    attributes: Mapping[str, Register] = msgspec.field(default_factory=dict)


class Erased(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What is left of a person: until when nothing may be known, and the epoch that begins."""

    at_ms: int
    epoch: int


class Root(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    rename="camel",
    omit_defaults=True,
    tag="root",
):
    """Identities that evidence connected, whether or not it makes them one customer.

    `rank_at_ms` is the event time of what made the root, and never changes; `version` counts the
    operations that changed anything. `asked` holds the addresses of keys that were told of their
    link to us, `invited` the roots that may come to us, with their sizes, until they have.
    `erased` is by address, so that it names nobody; so is `boundaries`: from when on a number is
    somebody else's. `weighing` says by which policy its evidence was weighed when the world was
    last told.
    """

    tenant_id: str
    rank_at_ms: int
    version: int
    identities: Mapping[str, IdentityState] = msgspec.field(default_factory=dict)
    seeds: Mapping[str, Seed] = msgspec.field(default_factory=dict)
    links: Mapping[str, Link] = msgspec.field(default_factory=dict)
    decisions: Mapping[str, Decision] = msgspec.field(default_factory=dict)
    edits: Mapping[str, Edits] = msgspec.field(default_factory=dict)
    asked: tuple[str, ...] = ()
    invited: Mapping[str, int] = msgspec.field(default_factory=dict)
    refused: tuple[str, ...] = ()  # names of links that the cap on identities forbade
    erased: Mapping[str, Erased] = msgspec.field(default_factory=dict)
    boundaries: Mapping[str, tuple[int, ...]] = msgspec.field(default_factory=dict)
    weighing: str = ""
    refusals: Mapping[str, Refusal] = msgspec.field(default_factory=dict)  # by command id


class Pointer(msgspec.Struct, frozen=True, gc=False, rename="camel", tag="pointer"):
    """The way to the node that holds the customer, or to a node nearer to it."""

    to: str


Node = Root | Pointer

_decoder: msgspec.json.Decoder[Node] = msgspec.json.Decoder(Node)
_encoder = msgspec.json.Encoder()


# The coders' own methods, with nothing in between: they run for every node.
# Returns the node that the table holds.
decode_node: Final[Callable[[bytes], Node]] = _decoder.decode
# Returns the node as the table and its changelog hold it.
encode_node: Final[Callable[[Node], bytes]] = _encoder.encode


def identity_id(address: str, epoch: int = 0) -> str:
    """Return the id of the customer that the key at this address makes: the same on every replay,
    and another one after an erasure.
    """
    return _CUSTOMERS.id_of(f"{address}#{epoch}")


def seed_of(root: "Root", identity_key: str, at_ms: int, addresses: Addresses) -> "Seed":
    """Return the seed of a key that was first seen then: the id is another after an erasure."""
    address = addresses.node(root.tenant_id, identity_key)
    mark = root.erased.get(address)
    epoch = mark.epoch if mark else 0
    return Seed(id=identity_id(address, epoch), address=address, rank_at_ms=at_ms, epoch=epoch)


def size(root: Root) -> int:
    """Return how many identity keys the root holds or has promised to take in."""
    return len(root.seeds) + sum(root.invited.values())


def first_seen(identity: IdentityState) -> tuple[int, str, str]:
    """Return what orders a customer's identities: the earliest first."""
    return (identity.first_seen_at_ms, identity.channel_id, identity.external_id)


def spans_of(identity: IdentityState) -> tuple[Span, ...]:
    """Return the runs of what the person wrote, the earliest first."""
    if identity.spans or identity.first_inbound_at_ms is None:
        return identity.spans
    last_at_ms = identity.last_inbound_at_ms or identity.first_inbound_at_ms
    return (
        Span(
            identity.first_inbound_at_ms,
            last_at_ms,
            identity.name,
            identity.picture_url,
            identity.username,
        ),
    )
