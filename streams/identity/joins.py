"""How what two nodes know becomes one: joins of everything that a root is built of.

Associative, commutative, idempotent (tests/unit/identity/test_joins.py), but for what says who
survives and how often something changed.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from streams.identity.addresses import Addresses
from streams.identity.evidence import Link, joined_decisions, joined_links
from streams.identity.forgetting import forget, joined_erased
from streams.identity.owners import Span, changes_owners, joined_spans
from streams.identity.refusals import joined_refusals
from streams.identity.registers import Register, earliest, latest, newest
from streams.identity.state import Edits, Gaps, IdentityState, Root, Seed, spans_of
from streams.identity.windows import joined


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
        refusals=joined_refusals(survivor_known.refusals, other.refusals),
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


def with_links(root: Root, links: Mapping[str, Link], addresses: Addresses) -> Root:
    """Return the root knowing the links, but for those of a time that is forgotten; the same
    object where nothing is new.
    """
    if root.erased:
        said = Root(tenant_id=root.tenant_id, rank_at_ms=0, version=0, links=links)
        links = forget(said, root.erased, addresses).links
    joined_all = joined_links(root.links, links)
    return root if joined_all is root.links else msgspec.structs.replace(root, links=joined_all)
