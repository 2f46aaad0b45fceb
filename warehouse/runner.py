"""Brings the marts up to date: every model in its order, in one transaction.

Owns when SQL runs against the loader's file; the SQL itself is in models/.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from warehouse.model_files import Model, models
from warehouse.time_zones import TimeZones

logger = logging.getLogger(__name__)
# The reference's name for these lines, which people search their logs for.
customers_logger = logging.getLogger("customers")


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh made: rows by mart, and how long it took."""

    rows: Mapping[str, int]
    seconds: float
    as_of: datetime


def refresh(
    connection: duckdb.DuckDBPyConnection, *, now: datetime, time_zones: TimeZones
) -> RefreshReport:
    """Rebuild staging and marts as of `now`; readers in this process see all of it or nothing."""
    started = time.perf_counter()
    rows: dict[str, int] = {}
    connection.begin()
    try:
        staged = False
        for model in models():
            if model.schema == "marts" and not staged:
                _write_time_zones(connection, time_zones)
                staged = True
            _build(connection, model, now)
            if model.schema == "marts":
                rows[model.name] = _count(connection, model.qualified)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    report = RefreshReport(rows, time.perf_counter() - started, now)
    logger.info(
        "refreshed %d marts as of %s in %.0f ms", len(rows), now.isoformat(), report.seconds * 1000
    )
    _log_stats(connection)
    return report


def _build(connection: duckdb.DuckDBPyConnection, model: Model, now: datetime) -> None:
    if model.schema == "staging":
        connection.execute(f"create or replace view {model.qualified} as {model.query}")
        return
    given = {"now": now}
    connection.execute(
        f"create or replace table {model.qualified} as {model.query}",
        {name: given[name] for name in model.given},
    )


def _write_time_zones(connection: duckdb.DuckDBPyConnection, time_zones: TimeZones) -> None:
    """Give every tenant that has customers or messages its zone."""
    connection.execute(
        """
        create or replace table staging.tenant_time_zones as
        select
            tenant_id,
            coalesce(map($tenants::varchar[], $zones::varchar[])[tenant_id], $zone) as time_zone
        from (
            select tenant_id from staging.stg_streams__customers
            union
            select tenant_id from staging.stg_streams__customer_messages
        )
        """,
        {
            "tenants": list(time_zones.by_tenant.keys()),
            "zones": list(time_zones.by_tenant.values()),
            "zone": time_zones.default,
        },
    )


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    rows = connection.execute(f"select count(*) from {table}").fetchall()  # noqa: S608 - our name
    return int(rows[0][0])


def _log_stats(connection: duckdb.DuckDBPyConnection) -> None:
    for tenant, total, new, active in connection.execute(
        "select tenant_id, total_customers, new_customers_this_month, active_customers_this_week "
        "from marts.customer_stats order by tenant_id"
    ).fetchall():
        customers_logger.info(
            "[CustomersService] Customer stats: total=%d, new_this_month=%d, active_this_week=%d, "
            "tenantId=%s",
            total,
            new,
            active,
            tenant,
        )
