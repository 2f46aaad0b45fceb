"""The questions that must have no answer: each checks/assert_*.sql returns the offending rows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

FOLDER: Final = Path(__file__).parent / "checks"
_ROWS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Check:
    """A claim about the warehouse, which failure it catches, and the query for what breaks it."""

    name: str
    catches: str
    query: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How many rows break the claim, and the first of them."""

    check: Check
    offending: int
    examples: tuple[dict[str, Any], ...]

    @property
    def holds(self) -> bool:
        """Say whether nothing breaks it."""
        return self.offending == 0


def checks(folder: Path = FOLDER) -> list[Check]:
    """Return every check, by name."""
    found = []
    for path in sorted(folder.glob("assert_*.sql")):
        query = path.read_text(encoding="utf-8")
        header = []
        for line in query.splitlines():
            if not line.startswith("--"):
                break
            header.append(line.removeprefix("--").strip())
        found.append(Check(path.stem.removeprefix("assert_"), " ".join(header), query))
    return found


def run_check(connection: duckdb.DuckDBPyConnection, check: Check) -> CheckResult:
    """Ask one question."""
    cursor = connection.execute(check.query)
    names = [column[0] for column in cursor.description or ()]
    rows = cursor.fetchall()
    examples = tuple(dict(zip(names, row, strict=True)) for row in rows[:_ROWS_SHOWN])
    return CheckResult(check, len(rows), examples)


def run_checks(connection: duckdb.DuckDBPyConnection) -> list[CheckResult]:
    """Ask every question of the loader's file, after a refresh."""
    return [run_check(connection, check) for check in checks()]
