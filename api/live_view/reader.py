"""What questions are answered from: the view's DuckDB file, and what stands beside it."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from api.live_view.lookups import Lookups
from api.live_view.windows import Windows


@dataclass(frozen=True, slots=True)
class Reader:
    """A connection for as long as one question takes, and what all questions share."""

    connection: duckdb.DuckDBPyConnection
    lookups: Lookups
    windows: Windows

    def execute(
        self, statement: str, given: Mapping[str, object] | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Run the statement, which sees one state of the view; the rows are to be fetched."""
        return self.connection.execute(statement, dict(given or {}))
