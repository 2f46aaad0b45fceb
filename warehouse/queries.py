"""The warehouse as an analyst meets it: a connection to the published copy, and pandas frames.

Owns no figures: each table's meaning is in models/marts and in docs/metrics.md.
"""

from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pandas as pd

from warehouse.connection import READ_DATABASE, connect_reader
from warehouse.location import published_path


class Warehouse:
    """The published copy as it was when opened: open again to see a newer one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def __enter__(self) -> Self:
        """Return itself; leaving closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection of one's own for another thread; the caller closes it."""
        cursor = self.connection.cursor()
        cursor.execute(f"use {READ_DATABASE}")
        return cursor

    def close(self) -> None:
        """Close the file; frames taken from it stay."""
        self.connection.close()

    def sql(self, query: str, given: dict[str, object] | None = None) -> pd.DataFrame:
        """Return a query's rows as a frame; values are bound by name ($name), never formatted."""
        return self.connection.execute(query, given or {}).df()

    def customers(self) -> pd.DataFrame:
        """Return one row per customer that lives now."""
        return self.sql("select * from customers order by tenant_id, created_at, customer_id")

    def channels(self) -> pd.DataFrame:
        """Return one row per channel of a tenant."""
        return self.sql("select * from channels order by tenant_id, channel_id")

    def customer_stats(self) -> pd.DataFrame:
        """Return each tenant's three figures with their windows."""
        return self.sql("select * from customer_stats order by tenant_id")


def open_warehouse(path: Path | str | None = None) -> Warehouse:
    """Open the published copy, read-only; any number of people may, at any time."""
    return Warehouse(connect_reader(Path(path) if path else published_path()))
