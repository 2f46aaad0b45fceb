"""What questions are answered from: the view's DuckDB file, and what stands beside it."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from api.live_view.lookups import Lookups
from api.live_view.windows import Windows
from warehouse.parsed import Parsed


@dataclass(frozen=True, slots=True)
class Reader:
    """A connection for as long as one question takes, and what all questions share."""

    parsed: Parsed
    lookups: Lookups
    windows: Windows

    def execute(
        self, statement: str, given: Mapping[str, object] | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Run the statement, which sees one state of the view; the rows are to be fetched."""
        return self.parsed.execute(statement, given)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return the connection, for what is no single statement with rows to fetch."""
        return self.parsed.connection
