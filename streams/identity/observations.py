"""One observed message joined into a root's state: the step taken for every message."""

from collections.abc import Mapping

from streams.identity.addresses import Addresses
from streams.identity.boundaries import links_of_their_time
from streams.identity.evidence import Link, link_between, link_name
from streams.identity.joins import join_identities, joined_history, with_links
from streams.identity.names import is_raw_id
from streams.identity.operations import Observe
from streams.identity.owners import Span
from streams.identity.registers import (
    RANK_FALLBACK,
    RANK_PROFILE,
    Register,
    earliest,
    latest,
    newest,
)
from streams.identity.state import Gaps, IdentityState, Root, seed_of
from streams.identity.windows import Window, extended, joined, window_of


def identity_name(observe: Observe) -> str:
    """Return the name of the channel identity within its root: channel id, space, external id.

    A channel id holds no white space, so no two identities share a name; nor do two owners of a
    number.
    """
    if observe.since_ms:
        return f"{observe.channel_id} {observe.external_id} {observe.since_ms}"
    return f"{observe.channel_id} {observe.external_id}"


def is_forgotten(root: Root, observe: Observe, addresses: Addresses) -> bool:
    """Say whether the message is of a time of which nothing may be known any more."""
    if not root.erased:
        return False
    mark = root.erased.get(addresses.node(observe.tenant_id, observe.identity_key))
    return mark is not None and observe.at_ms <= mark.at_ms


def join_observation(
    root: Root, observe: Observe, gaps: Gaps, addresses: Addresses, claimant_id: str = ""
) -> Root:
    """Return the root knowing this message; the same object if it told nothing new."""
    name, key = identity_name(observe), observe.identity_key
    seed = root.seeds.get(key)
    known = root.identities.get(name)
    seeds = root.seeds
    if seed is None:
        seed = seed_of(root, key, observe.at_ms, addresses)
        seeds = {**seeds, key: seed}
    if known is None:
        identity = identity_of(observe, seed.epoch)
    elif known.epoch != seed.epoch:
        identity = join_identities(known, identity_of(observe, seed.epoch), gaps)
    else:
        identity = _joined(known, observe, gaps)
    links = root.links
    if observe.claims:
        claimed = claimed_links(observe, claimant_id or seed.id)
        said = links_of_their_time(root, claimed, addresses)
        links = with_links(root, said, addresses).links
    if identity is known and links is root.links and seeds is root.seeds:
        return root
    return Root(
        tenant_id=root.tenant_id,
        rank_at_ms=root.rank_at_ms,
        version=root.version + 1,
        identities={**root.identities, name: identity},
        seeds=seeds,
        links=links,
        decisions=root.decisions,
        edits=root.edits,
        asked=root.asked,
        invited=root.invited,
        refused=root.refused,
        erased=root.erased,
        boundaries=root.boundaries,
        weighing=root.weighing,
        refusals=root.refusals,
    )


def claimed_links(observe: Observe, claimant_id: str) -> list[Link]:
    """Return what the message says of its sender's other identity keys."""
    return [
        link_between(
            observe.identity_key,
            claim.key,
            rule=claim.rule,
            at_ms=observe.at_ms,
            message_id=observe.message_id,
            channel_id=observe.channel_id,
            claimant=observe.identity_key,
            claimant_id=claimant_id,
        )
        for claim in observe.claims
        if claim.key != observe.identity_key
    ]


def is_known(observe: Observe, links: Mapping[str, Link]) -> bool:
    """Say whether all that the message claims was said before, by an earlier one."""
    key, at_ms = observe.identity_key, observe.at_ms
    for claim in observe.claims:
        other = claim.key
        if other == key:
            continue
        left, right = (key, other) if key < other else (other, key)
        known = links.get(link_name(left, right, claim.rule))
        if known is None or known.at_ms >= at_ms:
            return False
    return True


def _joined(known: IdentityState, observe: Observe, gaps: Gaps) -> IdentityState:
    """Return what joining the message's own state would give, without making that first: this
    runs for every message, and most only move times forward.
    """
    at_ms = observe.at_ms
    windows = (
        None
        if observe.platform_conversation_id
        else extended(known.windows, at_ms, gaps.conversation_ms)
    )
    inbound_at_ms = at_ms if observe.direction == "inbound" else None
    identity = IdentityState(
        channel_id=known.channel_id,
        channel_type=min(known.channel_type, observe.channel_type),
        external_id=known.external_id,
        identity_key=min(known.identity_key, observe.identity_key),
        first_seen_at_ms=min(known.first_seen_at_ms, at_ms),
        last_seen_at_ms=max(known.last_seen_at_ms, at_ms),
        first_inbound_at_ms=earliest(known.first_inbound_at_ms, inbound_at_ms),
        last_inbound_at_ms=latest(known.last_inbound_at_ms, inbound_at_ms),
        name=newest(known.name, name_register(observe)),
        picture_url=newest(known.picture_url, picture_register(observe)),
        username=newest(known.username, profile_register(observe.username, observe)),
        windows=(
            joined(known.windows, (window_of_message(observe),), gaps.conversation_ms)
            if windows is None
            else windows
        ),
        epoch=known.epoch,
        spans=_spans(known, observe, gaps),
    )
    return known if identity == known else identity


def _spans(known: IdentityState, observe: Observe, gaps: Gaps) -> tuple[Span, ...]:
    if observe.direction == "outbound":
        return known.spans  # what we say does not show who reads it
    if not known.spans and is_of_one_span(known, observe.at_ms, gaps):
        return ()
    return joined_history(known, identity_of(observe), gaps)


def is_of_one_span(known: IdentityState, at_ms: int, gaps: Gaps) -> bool:
    """Say whether a message leaves an identity of one span at that."""
    first_at_ms, last_at_ms = known.first_inbound_at_ms, known.last_inbound_at_ms
    if first_at_ms is None or last_at_ms is None:
        return True
    return first_at_ms - gaps.owner_ms < at_ms < last_at_ms + gaps.owner_ms


def identity_of(observe: Observe, epoch: int = 0) -> IdentityState:
    """Return what this one message alone says of its channel identity."""
    inbound_at_ms = observe.at_ms if observe.direction == "inbound" else None
    return IdentityState(
        channel_id=observe.channel_id,
        channel_type=observe.channel_type,
        external_id=observe.external_id,
        identity_key=observe.identity_key,
        first_seen_at_ms=observe.at_ms,
        last_seen_at_ms=observe.at_ms,
        first_inbound_at_ms=inbound_at_ms,
        last_inbound_at_ms=inbound_at_ms,
        name=name_register(observe),
        picture_url=picture_register(observe),
        username=profile_register(observe.username, observe),
        windows=(window_of_message(observe),),
        epoch=epoch,
    )


def window_of_message(observe: Observe) -> Window:
    """Return the conversation that the message would be alone."""
    return window_of(
        # Whoever has the number: a split by time leaves every conversation its id.
        f"{observe.tenant_id} {observe.channel_id} {observe.external_id}",
        message_id=observe.message_id,
        at_ms=observe.at_ms,
        direction=observe.direction,
        platform_id=observe.platform_conversation_id,
    )


def name_register(observe: Observe) -> Register | None:
    """Return the display name said with the message. A name that is the raw id or number is a
    fallback: it gives way to any real one.
    """
    if not observe.name:
        return None
    rank = RANK_PROFILE
    if is_raw_id(observe.name, observe.external_id, observe.identity_key):
        rank = RANK_FALLBACK
    return Register(rank, observe.at_ms, observe.name, observe.received_at_ms)


def picture_register(observe: Observe) -> Register | None:
    """Return the picture's address as the platform said it with the message. It expires, or carries
    a token: so it is a fallback, and never replaces the copy that we serve.
    """
    if not observe.picture_url:
        return None
    return Register(RANK_FALLBACK, observe.at_ms, observe.picture_url, observe.received_at_ms)


def profile_register(value: str | None, observe: Observe) -> Register | None:
    """Return what the channel's profile said with the message."""
    if not value:
        return None
    return Register(RANK_PROFILE, observe.at_ms, value, observe.received_at_ms)
