"""Which customers a list has: in SQL for whoever reads many, in Python for whoever has few at hand.
A test holds both to each other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from streams.contracts.customers import Customer

Activity = Literal["active", "inactive"]
ACTIVE_DAYS: Final = 30  # as in docs/metrics.md: active is who wrote within so many days


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFilter:
    """Which customers a list has; what is None does not matter. Times bound: from, and before."""

    tenant_id: str
    search: str | None = None
    channel: str | None = None
    channel_type: str | None = None
    status: Literal["active", "contacted"] | None = None
    activity: Activity | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    last_seen_from: datetime | None = None
    last_seen_before: datetime | None = None
    source: str | None = None
    tag: str | None = None
    blocked: bool | None = None


_CONDITIONS: Final[Mapping[str, str]] = {
    "channel": "list_contains(channel_ids, $channel)",
    "channel_type": "list_contains(channel_types, $channel_type)",
    "status": "status = $status",
    "created_from": "created_at >= $created_from",
    "created_before": "created_at < $created_before",
    "last_seen_from": "last_seen_at >= $last_seen_from",
    "last_seen_before": "last_seen_at < $last_seen_before",
    "source": "source = $source",
    "tag": "list_contains(tags, $tag)",
    "blocked": "blocked = $blocked",
}
_MEANINGS: Final[Mapping[str, Callable[[Customer, Any], bool]]] = {
    "channel": lambda one, channel: any(i.channel_id == channel for i in one.identities),
    "channel_type": lambda one, type_: any(i.channel_type == type_ for i in one.identities),
    "status": lambda one, status: one.status == status,
    "created_from": lambda one, at: one.created_at >= at,
    "created_before": lambda one, at: one.created_at < at,
    "last_seen_from": lambda one, at: one.metadata.last_seen_at >= at,
    "last_seen_before": lambda one, at: one.metadata.last_seen_at < at,
    "source": lambda one, source: one.metadata.source == source,
    "tag": lambda one, tag: tag in one.tags,
    "blocked": lambda one, blocked: one.blocked == blocked,
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """What each row of `raw.customers` must fulfil, and the values that this names."""

    where: list[str]
    given: dict[str, Any]


def conditions(wanted: CustomerFilter, *, now: datetime, time_zone: str) -> Conditions:
    """Return all that is asked of a row, but for what is searched."""
    given: dict[str, Any] = {"tenant_id": wanted.tenant_id}
    where = ["tenant_id = $tenant_id", "merged_into is null"]
    for name, value in _asked(wanted):
        given[name] = value
        where.append(_CONDITIONS[name])
    if wanted.activity is not None:
        given["active_from"] = active_from(now, time_zone)
        is_active = "coalesce(last_inbound_at >= $active_from, false)"
        where.append(is_active if wanted.activity == "active" else f"not {is_active}")
    return Conditions(where, given)


def predicate(
    wanted: CustomerFilter, *, now: datetime, time_zone: str
) -> Callable[[Customer], bool] | None:
    """Return what says whether a customer of the tenant who was not merged is wanted, whatever is
    searched; None where every one is.
    """
    tests = [(_MEANINGS[name], value) for name, value in _asked(wanted)]
    if wanted.activity is not None:
        tests.append((_is_active_since, (active_from(now, time_zone), wanted.activity)))
    if not tests:
        return None
    return lambda one: all(test(one, value) for test, value in tests)


def active_from(now: datetime, time_zone: str) -> datetime:
    """Return since when who wrote is active: the first of thirty of the tenant's days."""
    zone = ZoneInfo(time_zone)
    first: date = now.astimezone(zone).date() - timedelta(days=ACTIVE_DAYS - 1)
    return datetime.combine(first, time.min, zone)


def _asked(wanted: CustomerFilter) -> list[tuple[str, Any]]:
    values = ((name, getattr(wanted, name)) for name in _CONDITIONS)
    return [(name, value) for name, value in values if value is not None]


def _is_active_since(one: Customer, asked: tuple[datetime, Activity]) -> bool:
    since, activity = asked
    is_active = any(i.last_inbound_at and i.last_inbound_at >= since for i in one.identities)
    return is_active == (activity == "active")
