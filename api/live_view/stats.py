"""The reference's three figures as of now: the warehouse's definition (docs/metrics.md), computed
from the records themselves. A test holds both to each other.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from api.live_view.reader import Reader

# Each count is a filter of its own, so that groups of rows are counted or passed over as a whole.
_FIGURES: Final = """
    with living as not materialized (
        select created_at, last_inbound_at from raw.customers
        where tenant_id = $tenant_id and merged_into is null and created_at <= $now
    )
    select
        (select count(*) from living),
        (select count(*) from living where created_at >= $month_start),
        (select count(*) from living where last_inbound_at >= $week_start)
"""


class CustomerStats(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The three figures, then the windows that they are about; ends are exclusive."""

    total_customers: int
    new_customers_this_month: int
    active_customers_this_week: int
    time_zone: str
    month_start: datetime
    month_end: datetime
    week_start: datetime
    week_end: datetime
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Windows:
    """The calendar month and the ISO week that hold a moment, in a zone; ends are exclusive."""

    month_start: datetime
    month_end: datetime
    week_start: datetime
    week_end: datetime


def windows(now: datetime, time_zone: str) -> Windows:
    """Return the month and the week around this moment."""
    zone = ZoneInfo(time_zone)
    today = now.astimezone(zone).date()
    month = today.replace(day=1)
    monday = today - timedelta(days=today.weekday())
    bounds = (
        month,
        (month + timedelta(days=31)).replace(day=1),
        monday,
        monday + timedelta(days=7),
    )
    return Windows(*(_midnight(day, zone) for day in bounds))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def customer_stats(
    reader: Reader, *, tenant_id: str, now: datetime, time_zone: str
) -> CustomerStats:
    """Return a tenant's figures as of this moment; zeros where nobody ever wrote."""
    bounds = windows(now, time_zone)
    given: dict[str, Any] = {
        "tenant_id": tenant_id,
        "now": now,
        "month_start": bounds.month_start,
        "week_start": bounds.week_start,
    }
    total, new, active = reader.execute(
        _FIGURES,
        given,
    ).fetchall()[0]
    return CustomerStats(
        total_customers=total,
        new_customers_this_month=new,
        active_customers_this_week=active,
        time_zone=time_zone,
        month_start=bounds.month_start,
        month_end=bounds.month_end,
        week_start=bounds.week_start,
        week_end=bounds.week_end,
        as_of=now,
    )
