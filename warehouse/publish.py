"""The copy for people: the marts, described, in a file that is swapped in whole.

Readers of the old file keep it until they close it; nobody ever sees half a copy, or is kept out.
What was touched since the last copy is brought over into a clone of it, which says what edition it
is; where that is not the one we know, all is copied.
"""

import logging
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from warehouse.connection import quoted
from warehouse.disk import sync
from warehouse.model_files import Model, models
from warehouse.unpublished import Edition, begin_anew, edition, tables

logger = logging.getLogger(__name__)

# The newest format that DuckDB 1.2 and later read: analysts need not upgrade with us.
_STORAGE_VERSION: Final = "v1.2.0"
_COPY: Final = "published_copy"
_EDITION: Final = f"{_COPY}.about.edition"
_EDITION_TABLE: Final = (
    f"create schema {_COPY}.about",
    f"create table {_EDITION} (edition varchar)",
    f"comment on table {_EDITION} is 'One row: which publishing this copy is of.'",
    f"comment on column {_EDITION}.edition is 'ours; another one with every publishing'",
)
# Rows that were replaced leave room in the file, which is used again, but not all of it.
_GROWN: Final = 2
_SMALL_BYTES: Final = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What was published: rows by table, the file's size, how long it took, and whether all of it
    was copied.
    """

    path: Path
    rows: Mapping[str, int]
    size_bytes: int
    seconds: float
    is_whole: bool


def publish(connection: duckdb.DuckDBPyConnection, target: Path) -> PublishReport:
    """Put a consistent copy of the marts in the target's place, at once."""
    started = time.perf_counter()
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target)
    building = target.with_name(f"{target.name}.{uuid.uuid4().hex}.building")
    name = uuid.uuid4().hex
    known = edition(connection)
    rows = _brought_over(connection, target, building, known, name)
    is_whole = rows is None
    if rows is None:
        rows = _copied(connection, building, name)
    made = Edition(
        name, building.stat().st_size if known is None or is_whole else known.whole_bytes
    )
    sync(building)
    building.replace(target)
    sync(target.parent)
    begin_anew(connection, made)
    size_bytes = target.stat().st_size
    seconds = time.perf_counter() - started
    logger.info(
        "published %d tables, %d bytes, to %s in %.0f ms%s",
        len(rows),
        size_bytes,
        target,
        seconds * 1000,
        "" if is_whole else ", what was touched alone",
    )
    return PublishReport(target, rows, size_bytes, seconds, is_whole)


def _copied(connection: duckdb.DuckDBPyConnection, building: Path, name: str) -> dict[str, int]:
    """Copy every mart in one transaction, so that all are of the same refresh."""
    with _attached(connection, building, f"storage_version {quoted(_STORAGE_VERSION)}"):
        rows = {}
        for model in _marts():
            count = connection.execute(
                f"create table {_COPY}.{model.name} as from {model.qualified}"
            ).fetchall()
            rows[model.name] = int(count[0][0])
            _describe(connection, model)
        for statement in _EDITION_TABLE:
            connection.execute(statement)
        connection.execute(f"insert into {_EDITION} values (?)", [name]).fetchall()  # noqa: S608 - our name
    return rows


def _brought_over(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    building: Path,
    known: Edition | None,
    name: str,
) -> dict[str, int] | None:
    """Bring what was touched over into a clone of the last copy; None where that is not the one
    that we know, or has grown too far beyond what it holds.
    """
    if known is None or not target.exists():
        return None
    if target.stat().st_size > _GROWN * max(known.whole_bytes, _SMALL_BYTES):
        return None
    _clone(target, building)
    try:
        with _attached(connection, building):
            _check_edition(connection, known.name)
            rows = _replaced(connection)
            connection.execute(f"update {_EDITION} set edition = ?", [name]).fetchall()  # noqa: S608 - our name
    except (_AnotherCopyError, duckdb.IOException, duckdb.SerializationException):
        # Somebody else's file, or none of DuckDB's.
        building.unlink(missing_ok=True)
        return None
    return rows


def _replaced(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Replace the copy's touched rows by those of the marts, and what is small as a whole."""
    rows = {}
    touched = tables(connection)
    for model in _marts():
        copy = f"{_COPY}.{model.name}"
        if model.touched is None:
            connection.execute(f"delete from {copy}").fetchall()  # noqa: S608 - our names
            connection.execute(f"insert into {copy} by name from {model.qualified}").fetchall()
        elif (keys := touched.get(model.touched)) is not None:
            same = " and ".join(f"t.{key} = m.{key}" for key in connection.table(keys).columns)
            connection.execute(f"delete from {copy} as m using {keys} as t where {same}").fetchall()  # noqa: S608
            connection.execute(
                f"insert into {copy} by name from {model.qualified} as m semi join {keys} as t "
                f"on {same}"
            ).fetchall()
        counted = connection.execute(f"select count(*) from {copy}").fetchall()  # noqa: S608
        rows[model.name] = int(counted[0][0])
    return rows


class _AnotherCopyError(Exception):
    """The file is not the copy that was made last."""


def _check_edition(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    try:
        rows = connection.execute(f"select edition from {_EDITION}").fetchall()  # noqa: S608 - our name
    except duckdb.CatalogException as error:
        raise _AnotherCopyError from error
    if rows != [(name,)]:
        raise _AnotherCopyError


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, path: Path, *options: str) -> Iterator[None]:
    """Have the file written in one transaction, and all of it on the disk's side at the end."""
    given = f"({', '.join(options)})" if options else ""
    connection.execute(f"attach {quoted(str(path))} as {_COPY} {given}")
    try:
        connection.begin()
        try:
            yield
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        connection.execute(f"checkpoint {_COPY}")
    finally:
        connection.execute(f"detach {_COPY}")


def _marts() -> list[Model]:
    return [model for model in models() if model.schema == "marts"]


def _clone(source: Path, target: Path) -> None:
    """Copy a file inside the kernel: at once, where the file system shares blocks."""
    with source.open("rb") as reading, target.open("xb") as writing:
        left = os.fstat(reading.fileno()).st_size
        while left > 0:
            left -= os.copy_file_range(reading.fileno(), writing.fileno(), left)


def _describe(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Write purpose and columns' meaning into the catalogue, where tools show them."""
    table = f"{_COPY}.{model.name}"
    about = f"{model.purpose} One row per {', '.join(model.grain)}."
    comments = [f"comment on table {table} is {quoted(about)}"]
    comments += [
        f"comment on column {table}.{column} is {quoted(description)}"
        for column, description in model.described
    ]
    connection.execute(";".join(comments))


def _remove_leftovers(target: Path) -> None:
    """Remove what a run left that was ended while it built."""
    for leftover in target.parent.glob(f"{target.name}.*.building*"):
        leftover.unlink(missing_ok=True)
