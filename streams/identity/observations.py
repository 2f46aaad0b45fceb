"""One observed message joined into a customer's state: the step taken for every message."""

import msgspec

from streams.identity.operations import Observe
from streams.identity.registers import (
    RANK_FALLBACK,
    RANK_PROFILE,
    Register,
    earliest,
    latest,
    newest,
    union,
)
from streams.identity.state import VALUES_KEPT, IdentityState, Root, customer_id
from streams.identity.windows import Window, extended, joined, window_of


def identity_name(observe: Observe) -> str:
    """Return the name of the channel identity within its customer: channel id, space, external id.

    A channel id holds no white space, so no two identities share a name.
    """
    return f"{observe.channel_id} {observe.external_id}"


def root_of(key: str, observe: Observe) -> Root:
    """Return the customer that this message makes where nobody was known."""
    return Root(
        tenant_id=observe.tenant_id,
        customer_id=customer_id(key),
        rank_at_ms=observe.at_ms,
        identities={identity_name(observe): identity_of(observe)},
        version=1,
    )


def join_observation(root: Root, observe: Observe, gap_ms: int) -> Root:
    """Return the customer knowing this message; the same object if it told nothing new."""
    name = identity_name(observe)
    known = root.identities.get(name)
    if known is None:
        identity = identity_of(observe)
    elif (identity := _joined(known, observe, gap_ms)) is known:
        return root
    return msgspec.structs.replace(
        root, identities={**root.identities, name: identity}, version=root.version + 1
    )


def _joined(known: IdentityState, observe: Observe, gap_ms: int) -> IdentityState:
    """Return what joining the message's own state would give, without making that first: this
    runs for every message, and most only move times forward.
    """
    at_ms = observe.at_ms
    windows = None if observe.platform_conversation_id else extended(known.windows, at_ms, gap_ms)
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
        name=newest(known.name, _name_register(observe)),
        picture_url=newest(known.picture_url, _register(observe.picture_url, at_ms)),
        username=newest(known.username, _register(observe.username, at_ms)),
        phones=union(known.phones, _values(observe.phone), at_most=VALUES_KEPT),
        emails=union(known.emails, _values(observe.email), at_most=VALUES_KEPT),
        windows=(
            joined(known.windows, (_window_of(observe),), gap_ms) if windows is None else windows
        ),
    )
    return known if identity == known else identity


def identity_of(observe: Observe) -> IdentityState:
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
        name=_name_register(observe),
        picture_url=_register(observe.picture_url, observe.at_ms),
        username=_register(observe.username, observe.at_ms),
        phones=_values(observe.phone),
        emails=_values(observe.email),
        windows=(_window_of(observe),),
    )


def _window_of(observe: Observe) -> Window:
    return window_of(
        f"{observe.tenant_id} {identity_name(observe)}",
        message_id=observe.message_id,
        at_ms=observe.at_ms,
        direction=observe.direction,
        platform_id=observe.platform_conversation_id,
    )


def _name_register(observe: Observe) -> Register | None:
    """Return the display name said with the message. A name that is the raw id is a fallback: it
    gives way to any real one.
    """
    if not observe.name:
        return None
    rank = RANK_FALLBACK if observe.name == observe.external_id else RANK_PROFILE
    return Register(rank, observe.at_ms, observe.name)


def _register(value: str | None, at_ms: int) -> Register | None:
    return Register(RANK_PROFILE, at_ms, value) if value else None


def _values(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()
