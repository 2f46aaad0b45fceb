"""Brings the marts up to date: what has changed since the last time, or everything anew.

Owns when SQL runs against the loader's file; the SQL itself is in models/. What has changed is
told by the offsets: rows loaded since lie behind those of the last refresh. Either way the marts
are the same.
"""

import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import duckdb

from warehouse.migrate import migrations
from warehouse.model_files import Model, models
from warehouse.time_zones import TimeZones
from warehouse.unpublished import forget, keep

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
        refreshing = _Refreshing(connection, all_models, given, is_rebuild)
        _write_tenants(connection, "create or replace temp table restated_tenants as")
        _write_time_zones(connection, time_zones)
        _write_tenants(connection, "insert into restated_tenants")
        refreshing.temporary.append("restated_tenants")
        rows = refreshing.run()
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
        refreshing.replaced,
        refreshing.seconds,
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


@dataclass(slots=True)
class _Refreshing:
    """One refresh, inside its transaction."""

    connection: duckdb.DuckDBPyConnection
    models: Sequence[Model]
    given: Mapping[str, date | None]
    is_rebuild: bool
    replaced: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    temporary: list[str] = field(default_factory=list)

    def run(self) -> dict[str, int]:
        """Run every model; return the marts' rows."""
        compared = {name for model in self.models for name in model.compared}
        for model in self.models:
            started = time.perf_counter()
            if self.is_rebuild:
                self._make(model)
            elif model.schema == "touched":
                self.replaced[model.name] = self._create_temporary(model.name, model.query, model)
            elif model.schema == "marts" and model.name in compared:
                self._compare(model)
            elif model.schema == "marts":
                self._replace(model)
            self.seconds[model.name] = time.perf_counter() - started
        if self.is_rebuild:
            forget(self.connection)
        else:
            narrowing = {model.touched for model in self.models if model.schema == "marts"}
            keep(
                self.connection,
                sorted(name for name, keys in self.replaced.items() if keys and name in narrowing),
            )
        for name in self.temporary:
            self._run(f"drop table {name}")
        marts = [model for model in self.models if model.schema == "marts"]
        return {model.name: _count(self.connection, model.qualified) for model in marts}

    def _make(self, model: Model) -> None:
        """Make a mart or a view anew; sets of touched keys are not needed for that."""
        if model.schema == "touched":
            return
        kind = "view" if model.schema == "staging" else "table"
        self._run(f"create or replace {kind} {model.qualified} as {model.query}", model)

    def _compare(self, model: Model) -> None:
        """Replace those of the mart's touched rows that differ, and keep them: as `changed_…`.

        Rows as they were have the mart's own number in `replaced`, rows as they are have none.
        """
        changed = f"changed_{model.name}"
        if model.touched and not self.replaced[model.touched]:
            self._create_temporary(changed, f"from {model.qualified} limit 0")
            return
        touched = f"semi join {model.touched} as t on {self._same(model)}" if model.touched else ""
        columns = ", ".join(column for column, _ in model.described)
        differing = self._create_temporary(
            changed,
            f"""
            select {columns}, any_value(replaced) as replaced
            from (
                select m.*, m.rowid as replaced from {model.qualified} as m {touched}
                union all by name
                (
                    {model.narrowed if model.touched else model.query}
                )
            )
            group by {columns}
            having count(replaced) in (0, count(*))
            """,  # noqa: S608 - our names
            model,
        )
        if differing:
            self._run(
                f"delete from {model.qualified} where rowid in (select replaced from {changed})"  # noqa: S608
            )
            self._run(
                f"insert into {model.qualified} by name "  # noqa: S608
                f"select {columns} from {changed} where replaced is null"
            )

    def _replace(self, model: Model) -> None:
        """Make the mart's touched rows anew, or all of a small mart."""
        if model.touched is None:
            self._make(model)
            return
        if not self.replaced[model.touched]:
            return
        same = self._same(model)
        self._run(f"delete from {model.qualified} as m using {model.touched} as t where {same}")  # noqa: S608 - our names
        self._run(f"insert into {model.qualified} by name {model.narrowed}", model)

    def _same(self, model: Model) -> str:
        """Say that a mart's row m has the touched key t."""
        keys = self.connection.table(model.touched).columns if model.touched else []
        return " and ".join(f"t.{key} = m.{key}" for key in keys)

    def _create_temporary(self, name: str, query: str, model: Model | None = None) -> int:
        """Return how many rows it has."""
        rows = self._run(f"create or replace temp table {name} as {query}", model)
        self.temporary.append(name)
        return rows

    def _run(self, statement: str, model: Model | None = None) -> int:
        """Return how many rows it wrote. It runs to the end: DuckDB streams, and an unread result
        blocks the connection.
        """
        given = {name: self.given[name] for name in model.given} if model else {}
        rows = self.connection.execute(statement, given).fetchall()
        return int(rows[0][0]) if rows else 0


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
