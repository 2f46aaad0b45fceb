"""Numbers, times and lengths of time as the reader's language writes them: pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    format_date,
    format_datetime,
    format_skeleton,
    format_time,
    format_timedelta,
)
from babel.numbers import format_compact_decimal, format_decimal, format_percent

_JUST_NOW = timedelta(seconds=5)
_MINUTE = 60
_HOUR = 3600
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Formats:
    """How one reader sees values: in a language, in the tenant's time zone, at this moment."""

    locale: Locale
    zone: ZoneInfo
    now: datetime

    def number(self, value: float) -> str:
        """Return 1,234."""
        return format_decimal(value, locale=self.locale)

    def short(self, value: float) -> str:
        """Return 1.2M."""
        return format_compact_decimal(value, locale=self.locale, fraction_digits=1)

    def percent(self, share: float) -> str:
        """Return 12%."""
        return format_percent(share, locale=self.locale)

    def local(self, at: datetime) -> datetime:
        """Return the time on the tenant's clock."""
        return at.astimezone(self.zone)

    def moment(self, at: datetime) -> str:
        """Return 26 Nov 2026, 14:30, on the tenant's clock."""
        return format_datetime(at, "medium", tzinfo=self.zone, locale=self.locale)

    def clock(self, at: datetime) -> str:
        """Return 14:30."""
        return format_time(at, "short", tzinfo=self.zone, locale=self.locale)

    def day(self, on: date) -> str:
        """Return 26 Nov 2026; of a moment, the day on the tenant's calendar."""
        if isinstance(on, datetime):
            on = self.local(on).date()
        return format_date(on, "medium", locale=self.locale)

    def short_day(self, on: date) -> str:
        """Return 26 Nov."""
        return format_skeleton("MMMd", on, locale=self.locale)

    def month(self, on: date) -> str:
        """Return Nov 2026."""
        return format_skeleton("yMMM", on, locale=self.locale)

    def weekday(self, on: date) -> str:
        """Return Thursday, 26 November 2026."""
        return format_date(on, "full", locale=self.locale)

    def ago(self, at: datetime) -> str:
        """Return 3 minutes ago."""
        passed = self.now - at
        if abs(passed) < _JUST_NOW:
            passed = timedelta(seconds=1)
        return format_timedelta(-passed, add_direction=True, threshold=1, locale=self.locale)

    def length(self, seconds: float) -> str:
        """Return 3 min."""
        unit = "minute" if seconds < _HOUR else "hour" if seconds < _DAY else "day"
        return format_timedelta(
            timedelta(seconds=max(seconds, _MINUTE) if seconds >= _MINUTE else seconds),
            granularity=unit if seconds >= _MINUTE else "second",  # type: ignore[arg-type]
            threshold=1,
            format="short",
            locale=self.locale,
        )

    def weekday_names(self) -> list[str]:
        """Return the names of the days, from Monday on."""
        names = self.locale.days["stand-alone"]["abbreviated"]
        return [names[number] for number in range(7)]
