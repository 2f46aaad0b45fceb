"""The warehouse as an analyst meets it: a connection to the published copy, and pandas frames.

Owns no figures: each table's meaning is in models/marts and in docs/metrics.md. DuckDB imports
pandas for the first frame: who asks for none, as the API does, does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, get_args

import duckdb

from warehouse.connection import READ_DATABASE, connect_reader
from warehouse.location import published_path

if TYPE_CHECKING:
    import pandas as pd

    from warehouse.plots import Plot

Grain = Literal["day", "week", "month"]
FigureName = Literal[
    "growth",
    "channel_performance",
    "activity",
    "lifecycle",
    "retention",
    "activity_heat_map",
    "identity_health",
]


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

    def growth(self, grain: Grain = "day") -> pd.DataFrame:
        """Return new customers, as reported then and as known now, by channel and period."""
        return self._by_period("growth", grain)

    def channel_performance(self, grain: Grain = "day") -> pd.DataFrame:
        """Return reach, volume and waiting times by channel and period."""
        return self._by_period("channel_performance", grain)

    def activity(self) -> pd.DataFrame:
        """Return who was active by day: in it, and in the seven and thirty days up to it."""
        return self.sql("select * from activity order by tenant_id, day")

    def lifecycle(self) -> pd.DataFrame:
        """Return new, returning, resurrected and dormant customers by ISO week."""
        return self.sql("select * from lifecycle order by tenant_id, week")

    def retention(self) -> pd.DataFrame:
        """Return how many of each week's new customers wrote in each later week."""
        return self.sql("select * from retention order by tenant_id, cohort_week, week")

    def activity_heat_map(self) -> pd.DataFrame:
        """Return messages by channel, day of the week and hour."""
        return self.sql(
            "select * from activity_heat_map order by tenant_id, channel_id, weekday, hour"
        )

    def identity_health(self) -> pd.DataFrame:
        """Return how well each tenant's people are known."""
        return self.sql("select * from identity_health order by tenant_id")

    def plot(
        self, figure: FigureName, *, grain: Grain = "day", tenant_id: str | None = None
    ) -> Plot:
        """Return the figure as a picture, of one tenant or of all together; `grain` is growth's and
        channel_performance's.
        """
        # A second to import, and not everybody draws.
        from warehouse import plots  # noqa: PLC0415

        if figure not in get_args(FigureName):
            raise ValueError(f"the figures are {', '.join(get_args(FigureName))}, not {figure!r}")
        by_period = figure in {"growth", "channel_performance"}
        frame = getattr(self, figure)(grain) if by_period else getattr(self, figure)()
        if tenant_id is not None:
            frame = frame[frame["tenant_id"] == tenant_id]
        if figure == "growth":
            return plots.growth(frame, grain=grain)
        draw: Callable[[pd.DataFrame], Plot] = getattr(plots, figure)
        return draw(frame)

    def _by_period(self, table: str, grain: Grain) -> pd.DataFrame:
        if grain not in get_args(Grain):
            raise ValueError(f"grain is one of {', '.join(get_args(Grain))}, not {grain!r}")
        order = "tenant_id, period_start, channel_id"
        query = f"select * exclude (grain) from {table} where grain = $grain order by {order}"  # noqa: S608 - our table
        return self.sql(query, {"grain": grain})


def open_warehouse(path: Path | str | None = None) -> Warehouse:
    """Open the published copy, read-only; any number of people may, at any time."""
    return Warehouse(connect_reader(Path(path) if path else published_path()))
