"""Where a root's numbers changed hands: everything from then on is a later key's.

Owns the cut: which part of an identity, and which link, is whose. Cutting what is cut already
changes nothing, so a state that did not know of a boundary is cut when it is joined.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from streams.contracts.customers import ErasedIdentity
from streams.identity.addresses import Addresses
from streams.identity.evidence import FORCED_RULES, Link, earlier_link
from streams.identity.instants import to_datetime
from streams.identity.joins import join_identities
from streams.identity.operations import Observe
from streams.identity.owners import bare_key, changes_owners, later_key, since_of, whole
from streams.identity.state import (
    Gaps,
    IdentityState,
    Root,
    Seed,
    identity_id,
    seed_of,
    spans_of,
)


def key_at(root: Root, identity_key: str, at_ms: int, addresses: Addresses) -> str:
    """Return the key that the number was at that time."""
    since_ms = 0
    for boundary_ms in _boundaries(root, identity_key, addresses):
        if boundary_ms <= at_ms:
            since_ms = boundary_ms
    return later_key(identity_key, since_ms) if since_ms else bare_key(identity_key)


def of_its_time(root: Root, observe: Observe, addresses: Addresses) -> Observe:
    """Return the message under the key of whoever had the number when it was sent."""
    key = key_at(root, observe.identity_key, observe.at_ms, addresses)
    if key == observe.identity_key:
        return observe
    return msgspec.structs.replace(observe, identity_key=key, since_ms=since_of(key))


def erased_identities(
    root: Root, identity_key: str, seed: Seed, addresses: Addresses
) -> Iterator[ErasedIdentity]:
    """Yield whose records go when the owner of this key is erased: the key's own, until the next
    owner's time, and what was told of that time under the ids of the number's owners before.
    """
    since_ms = since_of(identity_key)
    known = _boundaries(root, identity_key, addresses)
    next_ms = next((at_ms for at_ms in known if at_ms > since_ms), None)
    until = None if next_ms is None else to_datetime(next_ms)
    yield ErasedIdentity(identity_id=seed.id, until=until)
    if not since_ms:
        return
    bare = bare_key(identity_key)
    for former in (bare, *(later_key(bare, at_ms) for at_ms in known if at_ms < since_ms)):
        address = addresses.node(root.tenant_id, former)
        mark = root.erased.get(address)
        for epoch in range(mark.epoch + 1 if mark else 1):
            yield ErasedIdentity(
                identity_id=identity_id(address, epoch), since=to_datetime(since_ms), until=until
            )


def cut(root: Root, gaps: Gaps, addresses: Addresses) -> Root:
    """Return the root with everything under the key of its time; the same object where it is."""
    if not root.boundaries:
        return root
    identities: dict[str, IdentityState] = {}
    for identity in root.identities.values():
        for part in _parts(root, identity, addresses):
            name = _name(part)
            other = identities.get(name)
            identities[name] = join_identities(other, part, gaps) if other else part
    seeds = dict(root.seeds)
    for identity in identities.values():
        key = identity.identity_key
        if key not in seeds:
            seeds[key] = seed_of(root, key, identity.first_seen_at_ms, addresses)
    links = links_of_their_time(root, root.links.values(), addresses)
    now = msgspec.structs.replace(root, identities=identities, seeds=seeds, links=links)
    return root if now == root else now


def links_of_their_time(
    root: Root, links: Iterable[Link], addresses: Addresses
) -> Mapping[str, Link]:
    """Return the links by name, each between those who had the keys when it was said."""
    result: dict[str, Link] = {}
    for link in links:
        of_its_time = _of_their_time(root, link, addresses) if root.boundaries else link
        known = result.get(of_its_time.name)
        result[of_its_time.name] = earlier_link(known, of_its_time) if known else of_its_time
    return result


def _name(identity: IdentityState) -> str:
    """Return what `identity_name` says of its messages."""
    name = f"{identity.channel_id} {identity.external_id}"
    since_ms = since_of(identity.identity_key)
    return f"{name} {since_ms}" if since_ms else name


def _boundaries(root: Root, identity_key: str, addresses: Addresses) -> tuple[int, ...]:
    if not root.boundaries or not changes_owners(identity_key):
        return ()
    return root.boundaries.get(addresses.node(root.tenant_id, bare_key(identity_key)), ())


def _parts(root: Root, identity: IdentityState, addresses: Addresses) -> Iterable[IdentityState]:
    """Yield what of the identity is each owner's."""
    key = identity.identity_key
    for since_ms in reversed(_boundaries(root, key, addresses)):
        if since_ms > since_of(key) and identity.last_seen_at_ms >= since_ms:
            later = later_key(key, since_ms)
            mark = root.erased.get(addresses.node(root.tenant_id, later))
            yield _side(
                identity, since_ms, is_later=True, key=later, epoch=mark.epoch if mark else 0
            )
            if identity.first_seen_at_ms >= since_ms:
                return
            identity = _side(identity, since_ms, is_later=False, key=key, epoch=identity.epoch)
    yield identity


def _side(
    identity: IdentityState, since_ms: int, *, is_later: bool, key: str, epoch: int
) -> IdentityState:
    spans = tuple(s for s in spans_of(identity) if (s.first_at_ms >= since_ms) == is_later)
    windows = tuple(w for w in identity.windows if (w.started_at_ms >= since_ms) == is_later)
    known = whole(spans)
    starts = [*(s.first_at_ms for s in spans), *(w.started_at_ms for w in windows)]
    ends = [*(s.last_at_ms for s in spans), *(w.last_at_ms for w in windows)]
    return msgspec.structs.replace(
        identity,
        identity_key=key,
        epoch=epoch,
        first_seen_at_ms=min(starts, default=since_ms) if is_later else identity.first_seen_at_ms,
        last_seen_at_ms=identity.last_seen_at_ms if is_later else max(ends, default=since_ms - 1),
        first_inbound_at_ms=known.first_at_ms if known else None,
        last_inbound_at_ms=known.last_at_ms if known else None,
        name=known.name if known else None,
        picture_url=known.picture_url if known else None,
        username=known.username if known else None,
        windows=windows,
        spans=spans if len(spans) > 1 else (),
    )


def _of_their_time(root: Root, link: Link, addresses: Addresses) -> Link:
    """Return the link between those who had the keys when it was said. What somebody decided is
    about the customers they saw: it names the keys it means.
    """
    if link.rule in FORCED_RULES:
        return link

    def end(key: str) -> str:
        is_meant = link.rule == "agent_value" and key == link.claimant
        return key if is_meant else key_at(root, key, link.at_ms, addresses)

    left, right = end(link.left), end(link.right)
    if (left, right) == (link.left, link.right):
        return link
    claimant = left if link.claimant == link.left else right if link.claimant else ""
    ends = sorted((left, right))
    return msgspec.structs.replace(link, left=ends[0], right=ends[1], claimant=claimant)


def boundary_for(identities: Iterable[IdentityState], since_ms: int) -> int | None:
    """Return from when on the number is the later owner's, if it was silent before `since_ms`:
    that time, or the start of the conversation in which it lies. None where the split would part
    one owner's messages, or leave a side nothing.
    """
    spans = [span for identity in identities for span in spans_of(identity)]
    before = [span for span in spans if span.last_at_ms < since_ms]
    after = [span for span in spans if span.first_at_ms >= since_ms]
    if not before or not after or len(before) + len(after) < len(spans):
        return None
    last_before_ms = max(span.last_at_ms for span in before)
    windows = [window for identity in identities for window in identity.windows]
    around = [w.started_at_ms for w in windows if w.started_at_ms < since_ms <= w.last_at_ms]
    return min([since_ms, *(at_ms for at_ms in around if at_ms > last_before_ms)])
