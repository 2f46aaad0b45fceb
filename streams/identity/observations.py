"""One observed message joined into a customer's state: the step taken for every message."""

import msgspec

from streams.identity.operations import Observe
from streams.identity.registers import RANK_FALLBACK, RANK_PROFILE, Register
from streams.identity.state import IdentityState, Root, customer_id, join_identities
from streams.identity.windows import extended, window_of


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
        identities={identity_name(observe): _identity_of(observe)},
        version=1,
    )


def join_observation(root: Root, observe: Observe, gap_ms: int) -> Root:
    """Return the customer knowing this message; the same object if it told nothing new."""
    name = identity_name(observe)
    known = root.identities.get(name)
    if known is None:
        identity = _identity_of(observe)
    elif (identity := _extended(known, observe, gap_ms)) is known:
        return root
    return msgspec.structs.replace(
        root, identities={**root.identities, name: identity}, version=root.version + 1
    )


def _extended(known: IdentityState, observe: Observe, gap_ms: int) -> IdentityState:
    """Return the joined identity. The usual message only moves times forward and says nothing new
    of the person: it takes the short way, which gives what the join would.
    """
    windows = (
        None
        if observe.platform_conversation_id or not _says_nothing_new(known, observe)
        else extended(known.windows, observe.at_ms, gap_ms)
    )
    if windows is None or observe.at_ms < known.first_seen_at_ms:
        identity = join_identities(known, _identity_of(observe), gap_ms)
        return known if identity == known else identity
    last_seen_at_ms = max(known.last_seen_at_ms, observe.at_ms)
    first_inbound_at_ms, last_inbound_at_ms = known.first_inbound_at_ms, known.last_inbound_at_ms
    if observe.direction == "inbound":
        first_inbound_at_ms = min(first_inbound_at_ms or observe.at_ms, observe.at_ms)
        last_inbound_at_ms = max(last_inbound_at_ms or observe.at_ms, observe.at_ms)
    if (
        windows is known.windows
        and last_seen_at_ms == known.last_seen_at_ms
        and first_inbound_at_ms == known.first_inbound_at_ms
        and last_inbound_at_ms == known.last_inbound_at_ms
    ):
        return known
    return msgspec.structs.replace(
        known,
        windows=windows,
        last_seen_at_ms=last_seen_at_ms,
        first_inbound_at_ms=first_inbound_at_ms,
        last_inbound_at_ms=last_inbound_at_ms,
    )


def _says_nothing_new(known: IdentityState, observe: Observe) -> bool:
    """Say whether the message carries nothing that a register of the person could take in."""
    return (
        not (observe.name or observe.picture_url or observe.username)
        and (observe.phone is None or observe.phone in known.phones)
        and (observe.email is None or observe.email in known.emails)
    )


def _identity_of(observe: Observe) -> IdentityState:
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
        phones=(observe.phone,) if observe.phone else (),
        emails=(observe.email,) if observe.email else (),
        windows=(
            window_of(
                f"{observe.tenant_id} {identity_name(observe)}",
                message_id=observe.message_id,
                at_ms=observe.at_ms,
                direction=observe.direction,
                platform_id=observe.platform_conversation_id,
            ),
        ),
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
