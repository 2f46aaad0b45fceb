"""Statements that are run again and again, parsed once."""

from collections.abc import Mapping
from typing import Final

import duckdb

_MOST: Final = 500


class Parsed:
    """Runs statements through a connection that one thread at a time uses, each parsed when it is
    run for the first time: to parse one takes DuckDB as long as to find fifty rows. Planned they
    are each time, by what the tables hold then.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._known: dict[str, duckdb.Statement] = {}

    def execute(
        self, statement: str, given: Mapping[str, object] | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Run the statement with the values given; its rows are to be fetched."""
        if (parsed := self._known.get(statement)) is None:
            (parsed,) = self.connection.extract_statements(statement)
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[statement] = parsed
        return self.connection.execute(parsed, dict(given or {}))
