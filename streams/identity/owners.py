"""A number and its owners, one after the other: networks give out again what fell silent.

What one channel identity wrote is kept by span: a run of its messages without a silence after
which somebody else may have the number. A split by time makes the later owner a key of its own.
"""

from functools import reduce
from typing import Final

import msgspec

from streams.identity.registers import RANK_FALLBACK, Register, newest

# More spans than this would make the state of a customer of decades grow without end.
_KEPT: Final = 32
# No number holds it, so no key of a number imitates a later owner's.
_SINCE: Final = "~"
_NUMBERS: Final = "phone:"


class Span(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a person wrote without a long silence, and what their profile said meanwhile."""

    first_at_ms: int
    last_at_ms: int
    name: Register | None = None
    picture_url: Register | None = None
    username: Register | None = None


def changes_owners(identity_key: str) -> bool:
    """Say whether such an id is given to somebody else one day: of all ids, phone numbers are."""
    return identity_key.startswith(_NUMBERS)


def joined_spans(
    one: tuple[Span, ...], other: tuple[Span, ...], silence_ms: int
) -> tuple[Span, ...]:
    """Return both histories as one: what is closer than the silence is one span."""
    result: list[Span] = []
    for span in sorted({*one, *other}, key=lambda span: (span.first_at_ms, span.last_at_ms)):
        if result and span.first_at_ms - result[-1].last_at_ms < silence_ms:
            result[-1] = _joined(result[-1], span)
        else:
            result.append(span)
    return tuple(result[-_KEPT:])


def _joined(one: Span, other: Span) -> Span:
    return Span(
        min(one.first_at_ms, other.first_at_ms),
        max(one.last_at_ms, other.last_at_ms),
        newest(one.name, other.name),
        newest(one.picture_url, other.picture_url),
        newest(one.username, other.username),
    )


def whole(spans: tuple[Span, ...]) -> Span | None:
    """Return the spans as one, whatever silence lies between; None of none."""
    return reduce(_joined, spans) if spans else None


def settled(spans: tuple[Span, ...]) -> tuple[Span, int | None]:
    """Return what is known of the first owner, and since when there may be another: the first
    span whose name is another than the one before it. `spans` must not be empty.
    """
    known = spans[0]
    for span in spans[1:]:
        if _is_another(known.name, span.name):
            return known, span.first_at_ms
        known = _joined(known, span)
    return known, None


def _is_another(known: Register | None, name: Register | None) -> bool:
    if known is None or name is None or RANK_FALLBACK in {known.rank, name.rank}:
        return False
    return known.value.strip().casefold() != name.value.strip().casefold()


def later_key(identity_key: str, since_ms: int) -> str:
    """Return the key that the number is from that time on."""
    return f"{bare_key(identity_key)}{_SINCE}{since_ms}"


def bare_key(identity_key: str) -> str:
    """Return the key as messages name it, whoever owns it."""
    if _SINCE not in identity_key or not changes_owners(identity_key):
        return identity_key
    return identity_key.partition(_SINCE)[0]


def since_of(identity_key: str) -> int:
    """Return from when on the number is this key; 0 of its first owner's, and of what is none."""
    if not changes_owners(identity_key):
        return 0
    return int(identity_key.partition(_SINCE)[2] or 0)
