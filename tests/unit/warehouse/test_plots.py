"""Pictures of real frames: what is drawn is what the frame says. Looked at by nobody here."""

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from matplotlib.patches import Rectangle

from pipelines.duckdb_sink import DuckDbSink
from pipelines.raw_tables import tables_by_topic
from tests.unit.pipelines.builders import (
    START,
    batch,
    chunk,
    customer,
    event,
    fact,
    identity,
    record,
)
from warehouse import Warehouse, open_warehouse, plots
from warehouse.connection import open_writer
from warehouse.publish import publish
from warehouse.queries import FigureName
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

FIGURES: tuple[FigureName, ...] = get_args(FigureName)
WEEK = timedelta(weeks=1)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Customers of two tenants who began in weeks one and three, and wrote in both."""
    folder = tmp_path_factory.mktemp("figures")
    people = [("a", "acme", 0), ("b", "acme", 2), ("c", "bravo", 2)]
    rows: dict[str, list[Any]] = {"customers": [], "customer-events": [], "customer-messages": []}
    for own, tenant, weeks in people:
        at = START + weeks * WEEK
        rows["customers"].append(
            customer(own, tenant_id=tenant, created_at=at, identities=(identity(own),))
        )
        rows["customer-events"].append(
            event(own, tenant_id=tenant, customer_id=own, occurred_at=at)
        )
        rows["customer-messages"] += [
            fact(
                f"{own}{n}",
                tenant_id=tenant,
                customer_id=own,
                external_id=own,
                sent_at=at + n * 2 * WEEK,
            )
            for n in (0, 1)
        ]
    with open_writer(folder / "w.duckdb") as connection:
        DuckDbSink(connection, tables_by_topic("")).write(
            batch(
                *(
                    chunk(topic, [record(n, value) for n, value in enumerate(values)])
                    for topic, values in rows.items()
                )
            )
        )
        refresh(connection, now=START + 5 * WEEK, time_zones=TimeZones())
        publish(connection, folder / "analytics.duckdb")
    with open_warehouse(folder / "analytics.duckdb") as opened:
        yield opened


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    folder = tmp_path_factory.mktemp("empty")
    with open_writer(folder / "e.duckdb") as connection:
        refresh(connection, now=START, time_zones=TimeZones())
        publish(connection, folder / "empty.duckdb")
    with open_warehouse(folder / "empty.duckdb") as opened:
        yield opened


def heights(plot: plots.Plot) -> list[float]:
    bars = [one for one in plot.axes[0].patches if isinstance(one, Rectangle)]
    return [bar.get_height() for bar in bars]


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_is_a_picture_with_something_on_it(
    figure: FigureName, warehouse: Warehouse
) -> None:
    png = warehouse.plot(figure, grain="week").png()
    assert png.startswith(b"\x89PNG")
    pixels = imread(io.BytesIO(png), format="png")
    assert pixels.shape[1] == 880
    assert len(pd.unique(pixels.reshape(-1))) > 10
    assert png == warehouse.plot(figure, grain="week").png()


@pytest.mark.parametrize("figure", FIGURES)
def test_nothing_loaded_yet_is_a_picture_too(figure: FigureName, empty: Warehouse) -> None:
    assert empty.plot(figure).png()


def test_growth_has_a_bar_for_each_period_also_of_nobody(warehouse: Warehouse) -> None:
    assert heights(warehouse.plot("growth", grain="week")) == [1, 0, 2]
    assert sum(heights(warehouse.plot("growth", grain="day"))) == 3
    assert heights(warehouse.plot("growth", grain="week", tenant_id="bravo")) == [1]
    (total,) = warehouse.plot("growth", grain="week").axes[1].lines
    assert np.asarray(total.get_ydata()).tolist() == [1, 1, 3]


def test_who_fell_silent_is_below_zero(warehouse: Warehouse) -> None:
    drawn = heights(warehouse.plot("lifecycle"))
    frame = warehouse.lifecycle()
    assert sum(height for height in drawn if height > 0) == frame["active_customers"].sum()
    assert min(drawn) == -3


def test_retention_of_a_week_in_which_none_wrote_is_zero_and_of_one_to_come_empty(
    warehouse: Warehouse,
) -> None:
    image = warehouse.plot("retention").axes[0].images[0].get_array()
    first, second = np.ma.filled(np.ma.asarray(image), -1).tolist()
    assert first == [1, 0, 1]
    assert second == [1, 0, 1]


def test_more_channels_than_colours_share_the_last_one(warehouse: Warehouse) -> None:
    channel = [f"c{n}" for n in range(12)]
    frame = pd.DataFrame(
        {
            "period_start": [pd.Timestamp("2026-10-01")] * 12,
            "channel_id": channel,
            "new_customers": range(1, 13),
        }
    )
    plot = plots.growth(frame)
    assert len(heights(plot)) == 6
    assert sum(heights(plot)) == sum(range(1, 13))
    names = [text.get_text() for text in plot.legends[0].get_texts()]
    assert names == ["c11", "c10", "c9", "c8", "c7", "others", "customers in all"]
    assert warehouse.plot("growth").legends


def test_a_figure_that_is_none_is_refused_with_those_that_are(warehouse: Warehouse) -> None:
    with pytest.raises(ValueError, match=r"the figures are growth, .*, not 'sales'"):
        warehouse.plot("sales")  # type: ignore[arg-type]
