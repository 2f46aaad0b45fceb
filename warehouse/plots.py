"""The figures as pictures: frames from `Warehouse` in, plots out (`warehouse.plot("growth")`).

Owns how they look, and no figure: what is drawn is what the frame says, its tenants together.
No window, no state of matplotlib's: a plot is a value, shown by a notebook or saved as a file.
"""

import io
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from warehouse.queries import Grain

# Okabe and Ito's colours, which people who see fewer colours tell apart too.
_COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999")
_INK: Final = "#333333"
_SIZE: Final = (8.0, 3.6)  # inches: what a page of text is wide
_DPI: Final = 110
_PERIODS: Final[dict[Grain, str]] = {"day": "D", "week": "W-MON", "month": "MS"}
_DAYS: Final[dict[Grain, float]] = {"day": 0.85, "week": 6.0, "month": 26.0}
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WAITS: Final = {
    "first_responses_in_0_to_1_hours": "under 1 h",
    "first_responses_in_1_to_4_hours": "1 to 4 h",
    "first_responses_in_4_to_8_hours": "4 to 8 h",
    "first_responses_in_8_to_24_hours": "8 to 24 h",
    "first_responses_after_24_hours": "24 h and more",
    "unanswered": "no answer yet",
}
_COHORTS_SHOWN: Final = 26
_STICKY_FROM: Final = 30  # customers in thirty days: of fewer, a share says nothing


class Plot(Figure):
    """A picture that notebooks show and `save` writes."""

    def png(self) -> bytes:
        """Return it as a PNG, the same bytes for the same figures."""
        written = io.BytesIO()
        self.savefig(written, format="png", metadata={"Software": None})
        return written.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png()


def growth(frame: pd.DataFrame, *, grain: Grain = "day") -> Plot:
    """Return new customers by channel and period, and how many there are by its end."""
    plot, axes = _plot("New customers, and customers in all")
    frame = frame.assign(channel_id=frame["channel_id"].fillna("no channel"))
    new = _by(frame, "channel_id", "new_customers", grain)
    _stack(axes, new, _DAYS[grain])
    total = new.sum(axis="columns").cumsum()
    beside = axes.twinx()
    beside.plot(new.index, total, color=_INK, linewidth=1.5, label="customers in all")
    _style(beside, is_second=True)
    beside.set_ylim(bottom=0)
    _legend(axes, beside)
    return plot


def channel_performance(frame: pd.DataFrame) -> Plot:
    """Return how long people waited for a first answer, by channel."""
    plot, axes = _plot("First answers, by channel")
    waits = frame.groupby("channel_id")[list(_WAITS)].sum()
    shares = waits.div(waits.sum(axis="columns").replace(0, 1), axis="index")
    places, begun = np.arange(len(shares)), np.zeros(len(shares))
    for (column, name), colour in zip(_WAITS.items(), (*_COLOURS[:5], "#BBBBBB"), strict=True):
        axes.barh(places, shares[column], left=begun, color=colour, label=name)
        begun += shares[column].to_numpy()
    axes.set_yticks(places, list(shares.index))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.grid(visible=False)
    _legend(axes)
    return plot


def activity(frame: pd.DataFrame) -> Plot:
    """Return who wrote in a day, in seven and in thirty, and what share of them a day has."""
    plot, axes = _plot("Active customers")
    days = frame.groupby("day")[["daily_active", "weekly_active", "monthly_active"]].sum()
    named = {"monthly_active": "30 days", "weekly_active": "7 days", "daily_active": "1 day"}
    for (column, name), colour in zip(named.items(), _COLOURS, strict=False):
        axes.plot(days.index, days[column], color=colour, label=name, linewidth=1.5)
    axes.set_ylim(bottom=0)
    _dates(axes)
    beside = axes.twinx()
    stickiness = days["daily_active"] / days["monthly_active"].where(
        days["monthly_active"] >= _STICKY_FROM
    )
    beside.plot(days.index, stickiness, color=_COLOURS[-1], linewidth=1, label="stickiness")
    _style(beside, is_second=True)
    beside.yaxis.set_major_formatter(PercentFormatter(1.0))
    beside.set_ylim(bottom=0)
    _legend(axes, beside)
    return plot


def lifecycle(frame: pd.DataFrame) -> Plot:
    """Return each week's active customers by where they come from; who fell silent, below zero."""
    plot, axes = _plot("Active customers by week, and who fell silent")
    weeks = frame.groupby("week").sum(numeric_only=True)
    weeks.index = pd.to_datetime(weeks.index)
    if len(weeks) and weeks["active_customers"].iloc[-1] == 0:
        weeks = weeks.iloc[:-1]  # a week that has not begun: of course all are silent
    names = {
        "new_customers": "new",
        "returning_customers": "returning",
        "resurrected_customers": "resurrected",
    }
    _stack(axes, weeks[list(names)].rename(columns=names), _DAYS["week"])
    gone = -weeks["dormant_customers"]
    axes.bar(weeks.index, gone, width=_DAYS["week"], color=_COLOURS[-1], label="dormant")
    axes.axhline(0, color=_INK, linewidth=0.8)
    _legend(axes)
    return plot


def retention(frame: pd.DataFrame) -> Plot:
    """Return which share of each week's new customers wrote so many weeks later."""
    shares = _shares(frame).tail(_COHORTS_SHOWN)
    plot, axes = _plot("Who wrote again, by the week they began in", height=4.6)
    weeks = [pd.Timestamp(week).strftime("%d %b %Y") for week in shares.index]
    _heat(plot, axes, shares, rows=weeks, share=True)
    axes.set_xlabel("weeks later")
    return plot


def activity_heat_map(frame: pd.DataFrame) -> Plot:
    """Return when people write: messages by day of the week and hour."""
    hours = frame.pivot_table(
        index="weekday", columns="hour", values="messages_in", aggfunc="sum", fill_value=0
    ).reindex(index=range(1, 8), columns=range(24), fill_value=0)
    plot, axes = _plot("When people write")
    _heat(plot, axes, hours, rows=_WEEKDAYS, share=False)
    axes.set_xlabel("hour, on the tenant's clock")
    return plot


def identity_health(frame: pd.DataFrame) -> Plot:
    """Return what share of each tenant's customers has what we know people by."""
    plot, axes = _plot("How well people are known")
    tenants = frame.groupby("tenant_id").sum(numeric_only=True)
    customers = tenants["customers"].replace(0, 1)
    shares = pd.DataFrame(
        {
            "with a phone": 1 - tenants["without_phone"] / customers,
            "with an e-mail": 1 - tenants["without_email"] / customers,
            "on several channels": tenants["on_several_channels"] / customers,
        }
    )
    height = 0.8 / len(shares.columns)
    places = np.arange(len(shares))
    for n, name in enumerate(shares.columns):
        axes.barh(places + n * height, shares[name], height, color=_COLOURS[n], label=name)
    axes.set_yticks(places + height, list(shares.index))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    _legend(axes)
    return plot


def _shares(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each cohort and a column for each week later; weeks to come are empty."""
    counted = frame.groupby(["cohort_week", "weeks_later"], as_index=False)[
        ["active", "customers"]
    ].sum()
    counted["share"] = counted["active"] / counted["customers"]
    shares = counted.pivot_table(index="cohort_week", columns="weeks_later", values="share")
    if shares.empty:
        return shares
    shares = shares.reindex(columns=range(int(shares.columns.max()) + 1))
    begun, last = pd.to_datetime(shares.index), pd.to_datetime(frame["week"]).max()
    for weeks_later in range(len(shares.columns)):
        # A week in which none wrote has no row.
        is_begun = begun + pd.Timedelta(weeks=weeks_later) <= last
        shares[weeks_later] = shares[weeks_later].where(~is_begun, shares[weeks_later].fillna(0))
    return shares


def _plot(title: str, height: float = _SIZE[1]) -> tuple[Plot, Axes]:
    plot = Plot(figsize=(_SIZE[0], height), dpi=_DPI, layout="constrained")
    axes = plot.add_subplot()
    axes.set_title(title, loc="left", fontsize=11, color=_INK)
    _style(axes)
    return plot, axes


def _style(axes: Axes, *, is_second: bool = False) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=_INK, labelsize=8, length=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_axisbelow(True)
    if not is_second:
        axes.grid(axis="y", color="#E5E5E5", linewidth=0.8)


def _by(frame: pd.DataFrame, column: str, value: str, grain: Grain) -> pd.DataFrame:
    """Return a column for each name, the largest first, and a row for each period, empty or not."""
    table = frame.pivot_table(
        index="period_start", columns=column, values=value, aggfunc="sum", fill_value=0
    )
    table.index = pd.to_datetime(table.index)
    totals = table.sum()
    order = totals[totals > 0].sort_values(ascending=False, kind="stable").index
    if len(table):
        periods = pd.date_range(table.index.min(), table.index.max(), freq=_PERIODS[grain])
        table = table.reindex(periods, fill_value=0)
    return table[order]


def _stack(axes: Axes, table: pd.DataFrame, width: float) -> None:
    """Draw columns on top of each other; what has no colour of its own shares the last one."""
    begun = np.zeros(len(table))
    kept = len(_COLOURS) - 1
    if len(table.columns) > kept:
        rest = table.iloc[:, kept - 1 :].sum(axis="columns").rename("others")
        table = pd.concat([table.iloc[:, : kept - 1], rest], axis="columns")
    for name, colour in zip(table.columns, _COLOURS, strict=False):
        values = table[name].to_numpy()
        axes.bar(table.index, values, bottom=begun, width=width, color=colour, label=str(name))
        begun += values
    _dates(axes)


def _dates(axes: Axes) -> None:
    locator = AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _heat(plot: Plot, axes: Axes, table: pd.DataFrame, *, rows: Any, share: bool) -> None:
    axes.grid(visible=False)
    if table.empty:
        axes.text(0.5, 0.5, "nothing yet", ha="center", transform=axes.transAxes, color=_INK)
        return
    shown = axes.imshow(table.to_numpy(dtype=float), aspect="auto", cmap="Blues", vmin=0)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(range(len(table.columns)), [str(name) for name in table.columns])
    as_text = PercentFormatter(1.0) if share else FuncFormatter(lambda value, _: f"{value:,.0f}")
    scale = plot.colorbar(shown, ax=axes, format=as_text)
    scale.ax.tick_params(colors=_INK, labelsize=8, length=0)
    scale.outline.set_visible(False)


def _legend(*all_axes: Axes) -> None:
    """Explain the colours of all axes once, below."""
    found = [axes.get_legend_handles_labels() for axes in all_axes]
    handles = [handle for handles, _ in found for handle in handles]
    labels = [label for _, labels in found for label in labels]
    figure = all_axes[0].figure
    figure.legend(handles, labels, loc="outside lower left", ncols=4, fontsize=8, frameon=False)
