"""Points in time: every form that platforms send, as epoch milliseconds.

Internally a time is an int of milliseconds (cheap to join); on the wire it is RFC 3339.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

# Seconds above this would lie beyond the year 5138; such a number is milliseconds.
_SECONDS_LIMIT: Final = 100_000_000_000
# Milliseconds above this would lie beyond the year 5138; such a number is microseconds.
_MILLISECONDS_LIMIT: Final = _SECONDS_LIMIT * 1000
# A clock may be wrong by this much before we believe the broker instead.
FUTURE_TOLERANCE_MS: Final = 5 * 60 * 1000
_LONGEST_TEXT: Final = 64
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def parse_ms(timestamp: str | float) -> int | None:
    """Return the instant in epoch milliseconds, or None where it cannot be read.

    Numbers and digit strings are epoch seconds, milliseconds or microseconds, told apart by
    size. Text is RFC 3339; a time without zone is UTC, as the platforms that omit it mean it.
    """
    if isinstance(timestamp, str):
        text = timestamp.strip()
        if not 0 < len(text) <= _LONGEST_TEXT:
            return None
        if text.isascii() and text.replace(".", "", 1).isdigit():
            return _from_number(float(text) if "." in text else int(text))
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return to_ms(moment)
    return _from_number(timestamp)


def _from_number(number: float) -> int | None:
    if not 0 <= number < _MILLISECONDS_LIMIT * 1000:
        return None
    if number < _SECONDS_LIMIT:
        return int(number * 1000)
    if number < _MILLISECONDS_LIMIT:
        return int(number)
    return int(number / 1000)


def credible_ms(happened_at_ms: int, received_at_ms: int) -> int:
    """Return when it happened, or when the broker had it if the platform's clock cannot be right.

    Zero means that the platform did not know; a time far in the future would poison last-seen
    for ever (hard case 35).
    """
    if happened_at_ms <= 0 or happened_at_ms > received_at_ms + FUTURE_TOLERANCE_MS:
        return received_at_ms
    return happened_at_ms


def to_ms(moment: datetime) -> int:
    """Return the moment in epoch milliseconds; a time without zone is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MILLISECOND


def to_datetime(at_ms: int) -> datetime:
    """Return the instant as an aware UTC datetime."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


# Of later times `to_datetime` is not exact to the microsecond, for want of digits.
_EXACT_UNTIL_MS: Final = to_ms(datetime(2100, 1, 1, tzinfo=UTC))
_MINUTE_MS: Final = 60_000
_MINUTES_KEPT: Final = 8_192  # a day and some late ones, from two clocks
_INSTANTS_KEPT: Final = 512  # a few nodes' messages, and still in the processor's caches
_FRACTIONS: Final = [repr(ms / 1000)[1:] for ms in range(1000)]


class _Minutes(dict[int, str]):
    """What the instants of a minute begin with; raises OverflowError of those not exact."""

    def __missing__(self, minute: int) -> str:
        if not 0 <= minute < _EXACT_UNTIL_MS // _MINUTE_MS:
            raise OverflowError
        if len(self) >= _MINUTES_KEPT:
            self.clear()
        written = to_datetime(minute * _MINUTE_MS).strftime("%Y-%m-%dT%H:%M:")
        self[minute] = written
        return written


class _Rests(dict[int, str]):
    """What they end with, by the milliseconds of the minute."""

    def __missing__(self, rest_ms: int) -> str:
        second, ms = divmod(rest_ms, 1000)
        written = self[rest_ms] = f"{second:02d}.{ms:03d}000Z" if ms else f"{second:02d}Z"
        return written


_minutes: Final = _Minutes()
_rests: Final = _Rests()


class _Instants(dict[int, str]):
    """Instants as they are written, some of them: a customer's records say each several times,
    and those of a batch share their minutes.
    """

    def __missing__(self, at_ms: int) -> str:
        if len(self) >= _INSTANTS_KEPT:
            self.clear()
        try:
            written = _minutes[at_ms // _MINUTE_MS] + _rests[at_ms % _MINUTE_MS]
        except OverflowError:
            written = msgspec.json.encode(to_datetime(at_ms))[1:-1].decode()
        self[at_ms] = written
        return written


# Returns the instant as `to_datetime` of it is written on the wire, without making that.
rfc3339: Final[Callable[[int], str]] = _Instants().__getitem__


def epoch_seconds(at_ms: int) -> str:
    """Return the instant in seconds, as the number that `at_ms / 1000` is written: several times
    faster than that.
    """
    if 0 <= at_ms < _EXACT_UNTIL_MS:
        return f"{at_ms // 1000}{_FRACTIONS[at_ms % 1000]}"
    return repr(at_ms / 1000)
