"""What the published copy lacks: the keys that refreshes touched since it was made.

Owns the tables that hold them, from the refresh that touched them to the publishing that brings
them over. Without an edition nothing is kept: then the next copy is made whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import duckdb

_PREFIX: Final = "unpublished_"


@dataclass(frozen=True, slots=True)
class Edition:
    """The copy that was made last, and how large it was when it was last made whole."""

    name: str
    whole_bytes: int


def edition(connection: duckdb.DuckDBPyConnection) -> Edition | None:
    """Return the copy that these marts' changes are kept for; None if it has to be made whole."""
    rows = connection.execute("select edition, whole_bytes from refresh.published").fetchall()
    return Edition(*rows[0]) if len(rows) == 1 else None


def keep(connection: duckdb.DuckDBPyConnection, touched: Iterable[str]) -> None:
    """Keep what these sets hold, in the refresh's own transaction."""
    if edition(connection) is None:
        return
    for name in touched:
        table = f"refresh.{_PREFIX}{name}"
        connection.execute(f"create table if not exists {table} as from {name} limit 0").fetchall()
        connection.execute(f"insert into {table} from {name}").fetchall()


def tables(connection: duckdb.DuckDBPyConnection) -> Mapping[str, str]:
    """Return the table that holds what was touched, by the set's name."""
    rows = connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'refresh' "
        "and starts_with(table_name, ?) and database_name = current_database()",
        [_PREFIX],
    ).fetchall()
    return {name.removeprefix(_PREFIX): f"refresh.{name}" for (name,) in rows}


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Have the next copy made whole, in the caller's transaction."""
    connection.execute("delete from refresh.published").fetchall()
    for table in tables(connection).values():
        connection.execute(f"drop table {table}").fetchall()


def begin_anew(connection: duckdb.DuckDBPyConnection, made: Edition) -> None:
    """Note that this copy lacks nothing, in a transaction of its own."""
    connection.begin()
    try:
        forget(connection)
        connection.execute(
            "insert into refresh.published values (?, ?)", [made.name, made.whole_bytes]
        ).fetchall()
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
