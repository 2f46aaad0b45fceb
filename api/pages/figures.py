"""What the dashboard shows: one tenant's rows of the warehouse's published marts.

Owns which rows and columns; what they count, docs/metrics.md says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from warehouse import open_warehouse
from warehouse.queries import Grain, Warehouse

Row = Mapping[str, Any]
# As far back as a chart shows without becoming a carpet.
_PERIODS: Final[Mapping[Grain, int]] = {"day": 60, "week": 26, "month": 24}
_ACTIVITY_DAYS: Final = 90
_LIFECYCLE_WEEKS: Final = 26
_COHORTS: Final = 12


@dataclass(frozen=True, slots=True)
class Figures:
    """All that one tenant's dashboard is made of."""

    as_of: datetime
    time_zone: str
    stats: Row
    channels: Sequence[Row]
    growth: Sequence[Row]
    performance: Sequence[Row]
    performance_period: date | None
    activity: Sequence[Row]
    lifecycle: Sequence[Row]
    retention: Sequence[Row]
    heat_map: Sequence[Row]
    health: Row


def figures(path: Path, tenant_id: str, grain: Grain) -> Figures | None:
    """Return the tenant's figures; None where the warehouse has nothing of them.

    Raises WarehouseMissingError where nothing was published yet.
    """
    with open_warehouse(path) as warehouse:
        found = _Tenant(warehouse, tenant_id)
        stats = found.one("select * from customer_stats where tenant_id = $tenant_id")
        if stats is None:
            return None
        health = found.one("select * from identity_health where tenant_id = $tenant_id")
        performance = found.rows(
            """
            select p.*, c.channel_type from channel_performance as p
            left join channels as c using (tenant_id, channel_id)
            where tenant_id = $tenant_id and grain = $grain and period_start = (
                select max(period_start) from channel_performance
                where tenant_id = $tenant_id and grain = $grain
            )
            order by new_customers_who_wrote desc, messages_in desc, channel_id
            """,
            grain="month",
        )
        return Figures(
            as_of=stats["as_of"],
            time_zone=stats["time_zone"],
            stats=stats,
            channels=found.rows(
                "select * from channels where tenant_id = $tenant_id order by customers desc"
            ),
            growth=found.rows(
                f"""
                select period_start, channel_id, new_customers, customers from growth
                where tenant_id = $tenant_id and grain = $grain
                    and period_start > (
                        select max(period_start) from growth
                        where tenant_id = $tenant_id and grain = $grain
                    ) - $periods * interval 1 {grain}
                order by period_start, channel_id
                """,  # noqa: S608 - one of three words
                grain=grain,
                periods=_PERIODS[grain],
            ),
            performance=performance,
            performance_period=performance[0]["period_start"] if performance else None,
            activity=found.rows(
                "select * from activity where tenant_id = $tenant_id order by day desc limit $days",
                days=_ACTIVITY_DAYS,
            )[::-1],
            lifecycle=found.rows(
                # The week after the last one has a row too: who may fall silent.
                "select * from lifecycle where tenant_id = $tenant_id and week <= $today "
                "order by week desc limit $weeks",
                weeks=_LIFECYCLE_WEEKS,
                today=stats["as_of"].astimezone(ZoneInfo(stats["time_zone"])).date(),
            )[::-1],
            retention=found.rows(
                """
                select cohort_week, weeks_later, customers, active, retention from retention
                where tenant_id = $tenant_id and weeks_later < $cohorts and cohort_week > (
                    select max(cohort_week) from retention where tenant_id = $tenant_id
                ) - $cohorts * interval 7 days
                order by cohort_week desc, weeks_later
                """,
                cohorts=_COHORTS,
            ),
            heat_map=found.rows(
                """
                select weekday, hour, sum(messages_in)::bigint as messages_in
                from activity_heat_map where tenant_id = $tenant_id
                group by weekday, hour order by weekday, hour
                """
            ),
            health=health or {},
        )


@dataclass(frozen=True, slots=True)
class _Tenant:
    """The warehouse as one tenant may see it: the tenant is bound in every query."""

    warehouse: Warehouse
    tenant_id: str

    def rows(self, query: str, **given: Any) -> list[Row]:
        cursor = self.warehouse.connection.execute(query, {"tenant_id": self.tenant_id, **given})
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def one(self, query: str) -> Row | None:
        found = self.rows(query)
        return found[0] if found else None
