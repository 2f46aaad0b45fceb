"""Brings the marts up to date: what has changed since the last time, or everything anew.

Owns when the models run against the loader's file; how they do is `model_run`'s. What has changed
is told by the offsets: rows loaded since lie behind those of the last refresh. Either way the marts
are the same.
"""

import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from warehouse.migrate import migrations
from warehouse.model_files import Model, models
from warehouse.model_run import ModelRun
from warehouse.time_zones import TimeZones

logger = logging.getLogger(__name__)
# The reference's name for these lines, which people search their logs for.
customers_logger = logging.getLogger("customers")


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh made: rows by mart, how long it took, and by model.

    `replaced` counts the keys whose rows were made anew, by set; it is empty after a rebuild.
    """

    rows: Mapping[str, int]
    seconds: float
    as_of: datetime
    is_rebuild: bool
    replaced: Mapping[str, int]
    seconds_by_model: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Days:
    """Days from the first to the last, both included, each in its tenant's calendar."""

    first: date
    last: date


def refresh(
    connection: duckdb.DuckDBPyConnection,
    *,
    now: datetime,
    time_zones: TimeZones,
    rebuild: bool = False,
) -> RefreshReport:
    """Bring the marts to what was loaded, as of `now`; readers in this process see all of it or
    nothing. Models, time zones or migrations that changed, or a clock that went back, make all
    anew, and so does `rebuild`.
    """
    return _refresh(connection, now, time_zones, rebuild=rebuild)


def restate(
    connection: duckdb.DuckDBPyConnection, *, now: datetime, time_zones: TimeZones, days: Days
) -> RefreshReport:
    """Refresh, and make everything dated on these days anew from the raw tables, with whatever
    follows from it. Where rows were changed by hand and are of these days, as they were and as they
    are, the marts are then what a rebuild makes them.
    """
    return _refresh(connection, now, time_zones, days=days)


def _refresh(
    connection: duckdb.DuckDBPyConnection,
    now: datetime,
    time_zones: TimeZones,
    *,
    rebuild: bool = False,
    days: Days | None = None,
) -> RefreshReport:
    started = time.perf_counter()
    all_models = models()
    fingerprint = _fingerprint(all_models, time_zones)
    connection.begin()
    try:
        is_rebuild = rebuild or not _is_known(connection, fingerprint, now)
        given = {
            "now": now,
            "first_day": days.first if days else None,
            "last_day": days.last if days else None,
        }
        run = ModelRun(connection, all_models, given, is_rebuild)
        _write_tenants(connection, "create or replace temp table restated_tenants as")
        _write_time_zones(connection, time_zones)
        _write_tenants(connection, "insert into restated_tenants")
        run.temporary.append("restated_tenants")
        rows = run.rows()
        _remember(connection, fingerprint, now)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    report = RefreshReport(
        rows,
        time.perf_counter() - started,
        now,
        is_rebuild,
        run.replaced,
        run.seconds,
    )
    logger.info(
        "%s %d marts as of %s in %.0f ms",
        "rebuilt" if is_rebuild else "refreshed",
        len(rows),
        now.isoformat(),
        report.seconds * 1000,
    )
    _log_stats(connection)
    return report


def _fingerprint(all_models: Sequence[Model], time_zones: TimeZones) -> str:
    """Return what the marts depend on, beside the data and the time."""
    said = [
        duckdb.__version__,
        [migration.checksum for migration in migrations()],
        [[model.qualified, model.query] for model in all_models],
        [time_zones.default, sorted(time_zones.by_tenant.items())],
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _is_known(connection: duckdb.DuckDBPyConnection, fingerprint: str, now: datetime) -> bool:
    """Say whether the marts are of an earlier time, made as they would be made now."""
    rows = connection.execute("select fingerprint, as_of from refresh.state").fetchall()
    return len(rows) == 1 and rows[0][0] == fingerprint and rows[0][1] <= now


def _remember(connection: duckdb.DuckDBPyConnection, fingerprint: str, now: datetime) -> None:
    connection.execute("delete from refresh.state").fetchall()
    connection.execute("insert into refresh.state values (?, ?)", [fingerprint, now]).fetchall()
    connection.execute("delete from refresh.offsets").fetchall()
    connection.execute(
        'insert into refresh.offsets select topic, "partition", next_offset from raw.ingest_offsets'
    ).fetchall()


def _write_tenants(connection: duckdb.DuckDBPyConnection, where: str) -> None:
    """Note the tenants there are: before and after their zones are written, since one of whom every
    row was deleted by hand has figures still.
    """
    connection.execute(f"{where} select tenant_id from staging.tenant_time_zones").fetchall()  # noqa: S608 - ours


def _write_time_zones(connection: duckdb.DuckDBPyConnection, time_zones: TimeZones) -> None:
    """Give every tenant of whom anything was loaded its zone."""
    connection.execute(
        """
        create or replace table staging.tenant_time_zones as
        select
            tenant_id,
            coalesce(map($tenants::varchar[], $zones::varchar[])[tenant_id], $zone) as time_zone
        from (
            select tenant_id from raw.customers
            union
            select tenant_id from raw.customer_messages
            union
            select tenant_id from raw.conversations
            union
            select tenant_id from raw.customer_events
        )
        """,
        {
            "tenants": list(time_zones.by_tenant.keys()),
            "zones": list(time_zones.by_tenant.values()),
            "zone": time_zones.default,
        },
    )


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
