"""What the assets of every layer share: owner, writer's pool, retries, and what a table tells.

Owns no asset.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import dagster as dg
import duckdb

OWNERS: Final = ("team:data",)
# DuckDB has one writer, and no reader beside it in another process; .dagster/dagster.yaml
# limits the pool to one run at a time.
WAREHOUSE_POOL: Final = "duckdb_writer"
# For a busy file or an absent broker: after about 5, 15 and 35 s, each longer or shorter by chance,
# so that runs that failed together do not come back together.
RETRIES: Final = dg.RetryPolicy(
    max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
# What people read: the schedule's two minutes, a run's length, and a run or two that failed.
SERVED_FRESH: Final = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(minutes=15), warn_window=timedelta(minutes=8)
)
# What is made once a night.
NIGHTLY_FRESH: Final = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=50), warn_window=timedelta(hours=26)
)


def schema_of(types: Mapping[str, str], descriptions: Mapping[str, str]) -> dict[str, Any]:
    """Return a table's columns as they will be, for whoever looks before it is made."""
    columns = [
        dg.TableColumn(name=name, type=types.get(name, ""), description=about)
        for name, about in descriptions.items()
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def table_metadata(
    connection: duckdb.DuckDBPyConnection, qualified: str, descriptions: Mapping[str, str]
) -> dict[str, Any]:
    """Return a table's rows and columns, by the names that Dagster's pages look for."""
    table = connection.table(qualified)
    columns = [
        dg.TableColumn(name=name, type=str(kind).lower(), description=descriptions.get(name))
        for name, kind in zip(table.columns, table.types, strict=True)
    ]
    return {
        "dagster/row_count": len(table),
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "dagster/table_name": qualified,
    }
