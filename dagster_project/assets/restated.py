"""Days made anew: what somebody asks for after rows of these days were changed by hand.

Owns which days a run is about; how they are made anew is warehouse.runner's. Refreshes need none of
it: late messages, merges and erasures restate their days by themselves, and a corrected time zone
makes everything anew.
"""

from datetime import UTC, date, datetime
from typing import Any, Final

import dagster as dg

from dagster_project.assets.layers import OWNERS, RETRIES, WAREHOUSE_POOL
from dagster_project.assets.marts import MARTS, sources_of
from dagster_project.partitions import DAYS
from dagster_project.resources import WarehouseFile
from warehouse.runner import Days, restate

_RAW: Final = sorted({key for model in MARTS for key in sources_of(model) if key.path[0] == "raw"})


@dg.asset(
    deps=_RAW,
    group_name="marts",
    owners=OWNERS,
    kinds={"duckdb", "sql"},
    pool=WAREHOUSE_POOL,
    retry_policy=RETRIES,
    partitions_def=DAYS,
    # One refresh for all days of a range: each alone would look at the whole warehouse again.
    backfill_policy=dg.BackfillPolicy.single_run(),
    description="Days of which every row was made anew from the raw tables, as a rebuild would: "
    "a partition is a day of each tenant's own calendar. A day that is missing here was only ever "
    "refreshed. Running it again changes nothing.",
)
def restated_days(
    context: dg.AssetExecutionContext, warehouse: WarehouseFile
) -> dg.MaterializeResult[Any]:
    """Make the days anew in all marts, in one transaction."""
    first, last = context.partition_key_range
    days = Days(date.fromisoformat(first), date.fromisoformat(last))
    with warehouse.connection() as connection:
        report = restate(
            connection, now=datetime.now(UTC), time_zones=warehouse.settings.time_zones, days=days
        )
    return dg.MaterializeResult(
        metadata={
            "first_day": first,
            "last_day": last,
            "days": (days.last - days.first).days + 1,
            "as_of": dg.MetadataValue.timestamp(report.as_of),
            "refresh_seconds": round(report.seconds, 3),
            "is_rebuild": report.is_rebuild,
            "replaced_keys": dict(report.replaced),
        }
    )
