"""What a node of the identity graph holds: all that is known of the identities that evidence ever
connected, or the way to the node that holds it.

A root is built only of registers that join in any order. Its customers are derived from it
(`partition`), so splitting, refusing and forgetting only add knowledge, like everything else.
Owns joins and their encoding.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeVar

import msgspec

from streams.identity.addresses import Addresses
from streams.identity.evidence import Decision, Link, joined_decisions, joined_links
from streams.identity.ids import Namespace
from streams.identity.owners import Span, changes_owners, joined_spans
from streams.identity.registers import Register, earliest, latest, newest
from streams.identity.windows import Window, joined

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


class Pointer(msgspec.Struct, frozen=True, gc=False, rename="camel", tag="pointer"):
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


def identity_id(address: str, epoch: int = 0) -> str:
    """Return the id of the customer that the key at this address makes: the same on every replay,
    and another one after an erasure.
    """
    return _CUSTOMERS.id_of(f"{address}#{epoch}")


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


def joined_history(one: IdentityState, other: IdentityState, gaps: Gaps) -> tuple[Span, ...]:
    """Return the spans that both make; none where they make but one, or the id is no number."""
    if not changes_owners(one.identity_key):
        return ()
    spans = joined_spans(spans_of(one), spans_of(other), gaps.owner_ms)
    return spans if len(spans) > 1 else ()


def join_identities(one: IdentityState, other: IdentityState, gaps: Gaps) -> IdentityState:
    """Return what both know of the same channel identity; of a later epoch, what that knows."""
    if one.epoch != other.epoch:
        return one if one.epoch > other.epoch else other
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
        windows=joined(one.windows, other.windows, gaps.conversation_ms),
        epoch=one.epoch,
        spans=joined_history(one, other, gaps),
    )


def join_seeds(one: Seed, other: Seed) -> Seed:
    """Return what both know of a key: the later epoch, the older rank."""
    if one.epoch != other.epoch:
        return one if one.epoch > other.epoch else other
    return Seed(
        id=one.id,
        address=one.address,
        rank_at_ms=min(one.rank_at_ms, other.rank_at_ms),
        epoch=one.epoch,
        is_published=one.is_published or other.is_published,
    )


def join_edits(one: Edits, other: Edits) -> Edits:
    """Return the edit that stands, value by value; of a later epoch, that one's alone."""
    if one.epoch != other.epoch:
        return one if one.epoch > other.epoch else other
    return Edits(
        epoch=one.epoch,
        name=newest(one.name, other.name),
        picture_url=newest(one.picture_url, other.picture_url),
        blocked=newest(one.blocked, other.blocked),
        tags=_join_registers(one.tags, other.tags),
        attributes=_join_registers(one.attributes, other.attributes),
    )


def _join_registers(
    one: Mapping[str, Register], other: Mapping[str, Register]
) -> Mapping[str, Register]:
    result = dict(one)
    for name, register in other.items():
        kept = newest(result.get(name), register)
        if kept is not None:
            result[name] = kept
    return result


def join_roots(survivor: Root, other: Root, gaps: Gaps, addresses: Addresses) -> Root:
    """Return the survivor knowing all that the other knew; itself if nothing is new.

    What either side knows to be erased is forgotten on the other before they meet.
    """
    erased = joined_erased(survivor.erased, other.erased)
    if erased:
        survivor_known = forget(survivor, erased, addresses)
        other = forget(other, erased, addresses)
    else:
        survivor_known = survivor
    joined_root = msgspec.structs.replace(
        survivor_known,
        identities=_joined_by(
            survivor_known.identities,
            other.identities,
            lambda one, two: join_identities(one, two, gaps),
        ),
        seeds=_joined_by(survivor_known.seeds, other.seeds, join_seeds),
        links=joined_links(survivor_known.links, other.links),
        decisions=joined_decisions(survivor_known.decisions, other.decisions),
        edits=_joined_by(survivor_known.edits, other.edits, join_edits),
        asked=tuple(sorted({*survivor_known.asked, *other.asked})),
        refused=tuple(sorted({*survivor_known.refused, *other.refused})),
        erased=erased,
        boundaries=_joined_by(
            survivor_known.boundaries,
            other.boundaries,
            lambda one, two: tuple(sorted({*one, *two})),
        ),
    )
    if joined_root == survivor:
        return survivor
    version = max(survivor.version, other.version) + 1
    return msgspec.structs.replace(joined_root, version=version)


_Value = TypeVar("_Value")


def _joined_by(
    one: Mapping[str, _Value],
    other: Mapping[str, _Value],
    join: Callable[[_Value, _Value], _Value],
) -> Mapping[str, _Value]:
    result = dict(one)
    for name, value in other.items():
        known = one.get(name)
        result[name] = value if known is None else join(known, value)
    return result


def joined_erased(one: Mapping[str, Erased], other: Mapping[str, Erased]) -> Mapping[str, Erased]:
    """Return both, of each address the later mark; the same object where nothing is new."""
    if not other:
        return one
    result = dict(one)
    for address, erased in other.items():
        known = result.get(address)
        if known is None:
            result[address] = erased
        else:
            result[address] = Erased(max(known.at_ms, erased.at_ms), max(known.epoch, erased.epoch))
    return result


def with_links(root: Root, links: Mapping[str, Link], addresses: Addresses) -> Root:
    """Return the root knowing the links, but for those of a time that is forgotten; the same
    object where nothing is new.
    """
    if root.erased:
        said = Root(tenant_id=root.tenant_id, rank_at_ms=0, version=0, links=links)
        links = forget(said, root.erased, addresses).links
    joined_all = joined_links(root.links, links)
    return root if joined_all is root.links else msgspec.structs.replace(root, links=joined_all)


def forget(root: Root, erased: Mapping[str, Erased], addresses: Addresses) -> Root:
    """Return the root without anything of what was erased; what came after is left."""
    keys = {
        *root.seeds,
        *root.edits,
        *(end for link in root.links.values() for end in (link.left, link.right)),
        *(end for decision in root.decisions.values() for end in (*decision.left, *decision.right)),
    }
    gone: dict[str, Erased] = {}
    for key in keys:
        seed = root.seeds.get(key)
        address = seed.address if seed else addresses.node(root.tenant_id, key)
        if (mark := erased.get(address)) is not None:
            gone[key] = mark
    if not gone:
        return msgspec.structs.replace(root, erased=erased)

    def is_past(key: str, epoch: int) -> bool:
        return key in gone and epoch < gone[key].epoch

    def is_over(key: str, at_ms: int) -> bool:
        return key in gone and at_ms <= gone[key].at_ms

    links = {
        name: link
        for name, link in root.links.items()
        if not is_over(link.left, link.at_ms) and not is_over(link.right, link.at_ms)
    }
    return msgspec.structs.replace(
        root,
        identities={
            name: identity
            for name, identity in root.identities.items()
            if not is_past(identity.identity_key, identity.epoch)
        },
        seeds={key: seed for key, seed in root.seeds.items() if not is_past(key, seed.epoch)},
        links=links,
        decisions={
            name: kept
            for name, decision in root.decisions.items()
            if (
                kept := msgspec.structs.replace(
                    decision,
                    left=tuple(k for k in decision.left if not is_over(k, decision.at_ms)),
                    right=tuple(k for k in decision.right if not is_over(k, decision.at_ms)),
                )
            ).left
            or kept.right
        },
        edits={key: edits for key, edits in root.edits.items() if not is_past(key, edits.epoch)},
        refused=tuple(name for name in root.refused if name in links),
        erased=erased,
    )
