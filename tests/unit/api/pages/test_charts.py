"""Rows of the warehouse as charts: every period has its place, and sums are what the rows say."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from api.pages import charts
from api.pages.formats import Formats
from api.pages.languages import ENGLISH
from warehouse.queries import Grain

FORMATS = Formats(ENGLISH, ZoneInfo("UTC"), datetime(2026, 11, 26, tzinfo=UTC))


def grown(day: int, channel: str | None, new: int, customers: int) -> dict[str, object]:
    """Return a row of `growth`."""
    return {
        "period_start": date(2026, 11, day),
        "channel_id": channel,
        "new_customers": new,
        "customers": customers,
    }


def test_growth_has_every_period_and_all_customers_of_all_channels() -> None:
    rows = [grown(2, "wa", 3, 3), grown(4, "wa", 1, 4), grown(4, None, 2, 2)]
    chart = charts.growth(rows, "day", {"wa": "channel-whatsapp"}, FORMATS, str)
    assert list(chart.labels) == ["Nov 2", "Nov 3", "Nov 4"]
    by_name = {one.name: list(one.values) for one in chart.series}
    assert by_name == {"wa": [3, 0, 1], "Without a channel": [0, 0, 2], "All customers": [3, 3, 6]}


@pytest.mark.parametrize(
    ("grain", "starts"),
    [
        ("day", [date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1)]),
        ("week", [date(2026, 1, 26), date(2026, 2, 2), date(2026, 2, 9)]),
        ("month", [date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)]),
    ],
)
def test_periods_between_the_first_and_the_last_are_all_there(
    grain: Grain, starts: list[date]
) -> None:
    assert charts.between([starts[0], starts[-1]], grain) == starts
    assert charts.between([], grain) == []


def test_retention_leaves_weeks_empty_that_have_not_been_yet() -> None:
    rows = [
        {"cohort_week": week, "weeks_later": later, "customers": 4, "retention": share}
        for week, later, share in (
            (date(2026, 11, 9), 0, 1.0),
            (date(2026, 11, 9), 2, 0.25),
            (date(2026, 11, 23), 0, 0.75),
        )
    ]
    weeks, table = charts.retention(rows, FORMATS)
    assert weeks == [0, 1, 2]
    assert [[cell.text for cell in row["cells"]] for row in table] == [
        ["100%", "0%", "25%"],
        ["75%"],
    ]


def test_the_heat_of_a_week_has_all_hours_and_nothing_is_cold_where_somebody_wrote() -> None:
    rows = [
        {"weekday": 1, "hour": 9, "messages_in": 1},
        {"weekday": 7, "hour": 23, "messages_in": 500},
    ]
    days = charts.heat_map(rows, FORMATS)
    assert [name for name, _ in days] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert {len(cells) for _, cells in days} == {24}
    assert (days[0][1][9].heat, days[0][1][10].heat, days[6][1][23].heat) == (1, 0, 8)
    assert {cell.heat for _, cells in charts.heat_map([], FORMATS) for cell in cells} == {0}


def test_two_channels_of_one_type_have_two_colours() -> None:
    rows = [{"channel_id": f"wa-{n}", "channel_type": "whatsapp"} for n in range(3)]
    assert len(set(charts.colours_of(rows).values())) == 3
