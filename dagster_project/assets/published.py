"""The copy that people read: swapped in whole after every good refresh.

Owns when; how is warehouse.publish's.
"""

from typing import Any

import dagster as dg

from dagster_project.assets.layers import OWNERS, RETRIES, SERVED_FRESH, WAREHOUSE_POOL
from dagster_project.assets.marts import MARTS, mart_key
from dagster_project.assets.restated import restated_days
from dagster_project.resources import WarehouseFile
from warehouse.publish import publish


@dg.asset(
    deps=[*(mart_key(model.name) for model in MARTS), restated_days],
    group_name="published",
    owners=OWNERS,
    kinds={"duckdb"},
    pool=WAREHOUSE_POOL,
    retry_policy=RETRIES,
    freshness_policy=SERVED_FRESH,
)
def analytics(warehouse: WarehouseFile) -> dg.MaterializeResult[Any]:
    """The marts in a read-only file of their own; anybody may open it at any time."""
    with warehouse.connection() as connection:
        report = publish(connection, warehouse.settings.published_path)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(report.rows.values()),
            "rows": dict(report.rows),
            "file": dg.MetadataValue.path(report.path.resolve()),
            "size_bytes": report.size_bytes,
            "publish_seconds": round(report.seconds, 3),
            "is_whole": report.is_whole,
        }
    )
