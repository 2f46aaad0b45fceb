"""Rows of the warehouse as charts: labels, series and colours' names, in the reader's language.

Pure. How a chart is drawn is static/charts.js's; its table stands beside it for whoever cannot see
it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

from api.pages.figures import Row
from api.pages.formats import Formats
from api.pages.words import N_
from warehouse.queries import Grain

Say = Callable[[str], str]
_NOBODYS: Final = N_("Without a channel")
_HEAT_STEPS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line, or one colour of the bars."""

    name: str
    values: Sequence[float | None]
    colour: str
    kind: Literal["bar", "line", "area"] = "bar"
    stack: str | None = None
    is_right: bool = False  # on the right axis, where the left one counts something else


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What charts.js draws."""

    labels: Sequence[str]
    series: Sequence[Series]
    is_percent: bool = False
    is_lying: bool = False  # bars from left to right

    def as_json(self) -> dict[str, Any]:
        """Return it for the page's script."""
        return {
            "labels": list(self.labels),
            "percent": self.is_percent,
            "lying": self.is_lying,
            "series": [
                {
                    "name": one.name,
                    "values": list(one.values),
                    "colour": one.colour,
                    "kind": one.kind,
                    "stack": one.stack,
                    "right": one.is_right,
                }
                for one in self.series
            ],
        }


@dataclass(frozen=True, slots=True)
class Cell:
    """A square of a heat map: how strong from 0 to 8, and what it says."""

    heat: int
    text: str
    value: float | None


def colours_of(channels: Sequence[Row]) -> dict[str | None, str]:
    """Return each channel's colour: its type's; a further one of a type gets one of its own."""
    found: dict[str | None, str] = {}
    taken: set[str] = set()
    for number, row in enumerate(channels):
        colour = f"channel-{row['channel_type']}"
        if colour in taken:
            colour = f"series-{number % 6 + 1}"
        taken.add(colour)
        found[row["channel_id"]] = colour
    return found


def growth(
    rows: Sequence[Row], grain: Grain, colours: Mapping[str | None, str], formats: Formats, say: Say
) -> Chart:
    """Return new customers by channel, and how many there were in all."""
    periods = between([row["period_start"] for row in rows], grain)
    channels = list(dict.fromkeys(row["channel_id"] for row in rows))
    at = {(row["channel_id"], row["period_start"]): row for row in rows}
    total: list[float] = []
    known = dict.fromkeys(channels, 0)
    for period in periods:
        for channel in channels:
            if row := at.get((channel, period)):
                known[channel] = row["customers"]
        total.append(sum(known.values()))
    bars = [
        Series(
            name=say(_NOBODYS) if channel is None else channel,
            values=[
                row["new_customers"] if (row := at.get((channel, period))) else 0
                for period in periods
            ],
            colour=colours.get(channel, "series-6"),
            stack="new",
        )
        for channel in channels
    ]
    line = Series(
        name=say(N_("All customers")), values=total, colour="ink", kind="line", is_right=True
    )
    return Chart(labels=[period_name(p, grain, formats) for p in periods], series=[*bars, line])


def activity(rows: Sequence[Row], formats: Formats, say: Say) -> Chart:
    """Return who was active: in the day, the week and the month that ended with it."""
    return Chart(
        labels=[formats.short_day(row["day"]) for row in rows],
        series=[
            Series(
                name=say(name),
                values=[row[column] for row in rows],
                colour=colour,
                kind="line",
            )
            for name, column, colour in (
                (N_("In 30 days"), "monthly_active", "series-3"),
                (N_("In 7 days"), "weekly_active", "series-2"),
                (N_("On the day"), "daily_active", "series-1"),
            )
        ],
    )


def lifecycle(rows: Sequence[Row], formats: Formats, say: Say) -> Chart:
    """Return who came, stayed, came back and fell silent, week by week."""
    kinds = (
        (N_("New"), "new_customers", 1, "series-1"),
        (N_("Came again"), "returning_customers", 1, "series-2"),
        (N_("Came back after a pause"), "resurrected_customers", 1, "series-3"),
        (N_("Fell silent"), "dormant_customers", -1, "series-5"),
    )
    return Chart(
        labels=[formats.short_day(row["week"]) for row in rows],
        series=[
            Series(
                name=say(name),
                values=[sign * row[column] for row in rows],
                colour=colour,
                stack="people",
            )
            for name, column, sign, colour in kinds
        ],
    )


def first_responses(rows: Sequence[Row], say: Say) -> Chart:
    """Return how long people waited for the first answer, as shares, channel by channel."""
    steps = (
        (N_("within an hour"), "first_responses_in_0_to_1_hours", "heat-1"),
        (N_("1 to 4 hours"), "first_responses_in_1_to_4_hours", "heat-2"),
        (N_("4 to 8 hours"), "first_responses_in_4_to_8_hours", "heat-3"),
        (N_("8 to 24 hours"), "first_responses_in_8_to_24_hours", "heat-4"),
        (N_("later"), "first_responses_after_24_hours", "heat-5"),
        (N_("not yet"), "unanswered", "heat-6"),
    )
    answered = [row for row in rows if row["first_responses"] + row["unanswered"]]
    return Chart(
        labels=[row["channel_id"] for row in answered],
        series=[
            Series(
                name=say(name),
                values=[
                    row[column] / (row["first_responses"] + row["unanswered"]) for row in answered
                ],
                colour=colour,
                stack="share",
            )
            for name, column, colour in steps
        ],
        is_percent=True,
        is_lying=True,
    )


def retention(rows: Sequence[Row], formats: Formats) -> tuple[list[int], list[dict[str, Any]]]:
    """Return the weeks later, and a row a cohort: its week, its size and its cells."""
    cohorts: dict[date, dict[int, Row]] = {}
    for row in rows:
        cohorts.setdefault(row["cohort_week"], {})[row["weeks_later"]] = row
    weeks = list(range(1 + max((row["weeks_later"] for row in rows), default=-1)))
    newest = max(cohorts, default=date.min)
    table = []
    for week, by_later in cohorts.items():
        cells = []
        for later in weeks:
            if week + timedelta(weeks=later) > newest:
                break
            share = by_later[later]["retention"] if later in by_later else 0.0
            cells.append(Cell(_heat(share, 1.0), formats.percent(share), share))
        size = next(iter(by_later.values()))["customers"]
        table.append({"week": formats.short_day(week), "size": size, "cells": cells})
    return weeks, table


def heat_map(rows: Sequence[Row], formats: Formats) -> list[tuple[str, list[Cell]]]:
    """Return each day of the week with its 24 hours."""
    at = {(row["weekday"], row["hour"]): row["messages_in"] for row in rows}
    most = max(at.values(), default=0)
    return [
        (
            name,
            [
                Cell(_heat(value, most), formats.number(value), value)
                for hour in range(24)
                for value in [at.get((weekday, hour), 0)]
            ],
        )
        for weekday, name in enumerate(formats.weekday_names(), 1)
    ]


def between(starts: Sequence[date], grain: Grain) -> list[date]:
    """Return all periods from the first to the last: those without a row as well."""
    if not starts:
        return []
    found, last = [min(starts)], max(starts)
    while found[-1] < last:
        found.append(_next(found[-1], grain))
    return found


def period_name(start: date, grain: Grain, formats: Formats) -> str:
    """Return what a period is called under its bar."""
    return formats.month(start) if grain == "month" else formats.short_day(start)


def _next(start: date, grain: Grain) -> date:
    if grain == "month":
        return (start.replace(day=1) + timedelta(days=31)).replace(day=1)
    return start + timedelta(days=7 if grain == "week" else 1)


def _heat(value: float, most: float) -> int:
    """Return how strong a value is; the least of it is seen."""
    if not value or not most:
        return 0
    return max(1, min(_HEAT_STEPS, round(value / most * _HEAT_STEPS)))
