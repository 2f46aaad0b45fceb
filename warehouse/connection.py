"""The only place that opens DuckDB: one writer a file, or any number of readers of a copy.

Owns locks, settings and closing; what is read or written is decided elsewhere.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from warehouse.errors import WarehouseBusyError, WarehouseMissingError
from warehouse.migrate import migrate

# Times are stored as instants; a session in another zone would cast and truncate them differently.
# Replacement scans off: a missing table must be an error, not a Python variable of that name.
_SETTINGS: Final = ("set TimeZone = 'UTC'", "set python_enable_replacements = false")
# DuckDB's 16 MB means a checkpoint, and all written twice, after every other batch of a load. More
# than this is slow to replay after a crash.
_CHECKPOINT_THRESHOLD: Final = "set checkpoint_threshold = '256MB'"

# Without its type DuckDB looks into a file first and opens it again by name: a copy swapped in
# between is read by the other's header.
_OPENED_ONCE: Final = "(read_only, type duckdb)"

# The name under which a reader has the file; its tables need no prefix.
READ_DATABASE: Final = "warehouse"
_WRITE_DATABASE: Final = "written"

# Inside a process DuckDB hands out the same database twice without a word, so we keep count.
_written: set[Path] = set()
_written_lock: Final = threading.Lock()


@contextmanager
def open_writer(
    path: Path, *, rows_a_group: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the file for writing, migrated to the present shape; it is closed whatever happens.

    `rows_a_group` is how many rows are compressed, skipped and tidied up at once, a multiple of
    2,048; None: as many as DuckDB takes by itself, 122,880.
    """
    path = path.resolve()
    with _written_lock:
        if path in _written:
            raise WarehouseBusyError(_busy(path, "this process"))
        _written.add(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _translated(path):
            connection = _connect_writer(path, rows_a_group)
        try:
            _configure(connection)
            connection.execute(_CHECKPOINT_THRESHOLD)
            migrate(connection)
            yield connection
        finally:
            connection.close()
    finally:
        with _written_lock:
            _written.discard(path)


@contextmanager
def open_reader(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a file that nobody writes, such as the published copy; nothing can change through it."""
    connection = connect_reader(path)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def open_memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty, migrated warehouse that is gone when closed: live views and tests."""
    connection = duckdb.connect(":memory:")
    try:
        _configure(connection)
        migrate(connection)
        yield connection
    finally:
        connection.close()


def connect_reader(path: Path) -> duckdb.DuckDBPyConnection:
    """Return a read-only connection to the file as it is now, which the caller closes.

    Attached to a database of its own: DuckDB keeps one per path and process, so a second plain
    connection would go on reading a copy that has been replaced meanwhile.
    """
    path = path.resolve()
    if not path.exists():
        raise WarehouseMissingError(
            f"there is no {path}: run `omnichannel load --until-caught-up` first, or set "
            "WAREHOUSE_FOLDER to the folder that has it"
        )
    with _written_lock:
        if path in _written:  # the lock is the process's: closing a reader would let go of it
            raise WarehouseBusyError(_busy(path, "this process"))
    connection = duckdb.connect(":memory:")
    try:
        _configure(connection)
        with _translated(path):
            connection.execute(f"attach {quoted(str(path))} as {READ_DATABASE} {_OPENED_ONCE}")
        connection.execute(f"use {READ_DATABASE}")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_again(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return one more connection to the same database, for another thread; the caller closes it."""
    another = connection.cursor()
    _configure(another)
    ((database,),) = connection.execute("select current_database()").fetchall()
    another.execute(f'use "{database}"')
    return another


def quoted(text: str) -> str:
    """Return an SQL literal, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def _connect_writer(path: Path, rows_a_group: int | None) -> duckdb.DuckDBPyConnection:
    if rows_a_group is None:
        return duckdb.connect(str(path))
    # Of a file that is opened plainly it cannot be said.
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"set temp_directory = {quoted(f'{path}.tmp')}")
        connection.execute(
            f"attach {quoted(str(path))} as {_WRITE_DATABASE} "
            f"(type duckdb, row_group_size {rows_a_group:d})"
        )
        connection.execute(f"use {_WRITE_DATABASE}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.IOException as error:
        if "lock" not in str(error).lower():
            raise
        raise WarehouseBusyError(_busy(path, "another process")) from error


def _configure(connection: duckdb.DuckDBPyConnection) -> None:
    for statement in _SETTINGS:
        connection.execute(statement)


def _busy(path: Path, owner: str) -> str:
    return (
        f"{path} is being written by {owner}: wait until it ends, or stop it, and run again; "
        "to read, open the published copy (`from warehouse import open_warehouse`)"
    )
