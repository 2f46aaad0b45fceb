"""The shape of the warehouse's own tables: numbered SQL files, each applied once, never edited."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from warehouse.errors import MigrationChangedError

FOLDER: Final = Path(__file__).parent / "migrations"
_NAME: Final = re.compile(r"(\d{4})_\w+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from an empty file to the present shape."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Return what tells an edited file from the one that ran."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """Return the migrations of a folder in their order."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        if (match := _NAME.fullmatch(path.name)) is None:
            raise MigrationChangedError(f"{path.name}: name it like 0002_what_it_does.sql")
        found.append(Migration(int(match[1]), path.name, path.read_text(encoding="utf-8")))
    return found


def migrate(connection: duckdb.DuckDBPyConnection, folder: Path = FOLDER) -> None:
    """Apply what has not run yet, each in a transaction with the note that it ran."""
    connection.execute(
        "create table if not exists migrations (number integer primary key, name varchar not null, "
        "checksum varchar not null, applied_at timestamptz not null)"
    )
    rows = connection.execute("select number, name, checksum from migrations").fetchall()
    known = migrations(folder)
    newest = max((migration.number for migration in known), default=0)
    applied: dict[int, str] = {}
    for number, name, checksum in rows:
        if number > newest:
            raise MigrationChangedError(
                f"this file has migration {name}, which this version does not know: "
                "open it with the newer version"
            )
        applied[number] = checksum
    for migration in known:
        if migration.number not in applied:
            _apply(connection, migration)
        elif applied[migration.number] != migration.checksum:
            raise MigrationChangedError(
                f"{migration.name} was edited after it ran: put it back, and write the change as "
                f"{newest + 1:04}_….sql"
            )


def _apply(connection: duckdb.DuckDBPyConnection, migration: Migration) -> None:
    connection.begin()
    try:
        connection.execute(migration.sql)
        connection.execute(
            "insert into migrations values (?, ?, ?, now())",
            [migration.number, migration.name, migration.checksum],
        )
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
