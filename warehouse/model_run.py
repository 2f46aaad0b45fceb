"""Runs the models: every mart anew, or of each the rows whose keys were touched.

Owns how a mart's rows are found, compared and replaced; when that is done, and in which
transaction, is `runner`'s.
"""

import atexit
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import duckdb

from warehouse.model_files import Model
from warehouse.unpublished import forget, keep

_PARSED: Final[dict[str, duckdb.Statement]] = {}
# DuckDB complains of what outlives it.
atexit.register(_PARSED.clear)


@dataclass(slots=True)
class ModelRun:
    """The models run once, all of a mart anew or its touched rows; in the caller's transaction."""

    connection: duckdb.DuckDBPyConnection
    models: Sequence[Model]
    given: Mapping[str, date | None]
    is_rebuild: bool
    replaced: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    temporary: list[str] = field(default_factory=list)

    def rows(self) -> dict[str, int]:
        """Run every model; return how many rows each mart has then."""
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
        columns = ", ".join(column for column, _ in model.described)
        differing = self._create_temporary(
            changed,
            f"""
            select {columns}, any_value(replaced) as replaced
            from (
                select *, rowid as replaced from {model.qualified} {self._where_touched(model)}
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
        self._run(f"delete from {model.qualified} {self._where_touched(model)}")  # noqa: S608 - our names
        self._run(f"insert into {model.qualified} by name {model.narrowed}", model)

    def _where_touched(self, model: Model) -> str:
        """Say which of a mart's rows have a touched key.

        They are found by their keys alone and then read by their numbers, which is half the work
        where rows are wide. Rows of other dates DuckDB leaves out while it reads: it does so for
        a single key, and for all but texts.
        """
        if model.touched is None:
            return ""
        keys = self.connection.table(model.touched)
        same = " and ".join(f"t.{key} = m.{key}" for key in keys.columns)
        of_their_dates = " ".join(
            f"semi join (select distinct {key} from {model.touched}) as {key}s "  # noqa: S608
            f"on {key}s.{key} = m.{key}"
            for key, kind in zip(keys.columns, keys.types, strict=True)
            if kind == "DATE"
        )
        return (
            f"where rowid in (select m.rowid from {model.qualified} as m "  # noqa: S608 - our names
            f"semi join {model.touched} as t on {same} {of_their_dates})"
        )

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
        rows = self.connection.execute(_parsed(self.connection, statement), given).fetchall()
        return int(rows[0][0]) if rows else 0


def _parsed(connection: duckdb.DuckDBPyConnection, statement: str) -> duckdb.Statement:
    """Return the statement as DuckDB parsed it, whichever connection that was: it belongs to none.

    They are the same ones at each refresh, and of a small one parsing them would be a sixth.
    """
    if (found := _PARSED.get(statement)) is None:
        (found,) = connection.extract_statements(statement)
        _PARSED[statement] = found
    return found


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    query = f"select count(*) from {table}"  # noqa: S608 - our name
    rows = connection.execute(_parsed(connection, query)).fetchall()
    return int(rows[0][0])
