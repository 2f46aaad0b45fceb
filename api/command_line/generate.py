"""`omnichannel generate`: a believable population's traffic, and what must come of it."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import cyclopts
from rich.console import Console
from rich.table import Column, Table

from api.command_line.sending import send_showing_progress, where
from pipelines.settings import AnalyticsSettings
from streams.cluster import ClusterSettings
from streams.topic_admin import ensure_topics
from streams.traffic import Population, Traffic, TrafficPlan, TrafficRun, Truth
from warehouse.time_zones import TimeZones


def generate(
    *,
    people: Annotated[int, cyclopts.Parameter(help="How many people write.")] = 1_000,
    days: Annotated[int, cyclopts.Parameter(help="How far back their traffic goes.")] = 30,
    seed: Annotated[int, cyclopts.Parameter(help="Same seed and end, same bytes.")] = 1,
    tenants: Annotated[int, cyclopts.Parameter(help="How many businesses they write to.")] = 3,
    rate: Annotated[
        float | None,
        cyclopts.Parameter(
            help="Records a second; as fast as possible without.",
            validator=cyclopts.validators.Number(gt=0),
        ),
    ] = None,
    end: Annotated[
        datetime | None, cyclopts.Parameter(help="When the traffic ends, in UTC; now without.")
    ] = None,
) -> None:
    """Send made-up messages, and print how many customers must come of them."""
    moment = end or datetime.now(UTC).replace(microsecond=0)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    plan = TrafficPlan(end=moment, seed=seed, tenants=tenants, people=people, days=days)
    cluster, zones = ClusterSettings(), AnalyticsSettings().time_zones
    ensure_topics(cluster)
    run = TrafficRun(Population(plan))
    pass_through = _Watched(run, plan)
    try:
        sent = send_showing_progress(
            pass_through,
            cluster,
            done_share=lambda _: pass_through.done_share,
            records_per_second=rate,
        )
    except KeyboardInterrupt:
        print("Interrupted; what had been taken was sent, and this is true of it:", file=sys.stderr)
        _print(run.truth(), plan.end, zones)
        raise
    print(f"Sent {sum(sent.values()):,} records: {where(sent)}.")
    _print(run.truth(), plan.end, zones)


class _Watched:
    """Traffic that knows how much of its days has passed."""

    def __init__(self, run: TrafficRun, plan: TrafficPlan) -> None:
        self._run = run
        self._plan = plan
        self._latest = plan.start

    def __iter__(self) -> Iterator[Traffic]:
        for record in self._run:
            self._latest = record.sent_at
            yield record

    @property
    def done_share(self) -> float:
        return (self._latest - self._plan.start) / (self._plan.end - self._plan.start)


def _print(truth: Truth, now: datetime, zones: TimeZones) -> None:
    table = Table(
        Column("Tenant", no_wrap=True),
        *("Customers", "New this month", "Active this week"),
        *("Inbound", "Outbound", "Broken"),
        title="What must come of it",
    )
    for tenant in truth.tenants.values():
        zone = zones.by_tenant.get(tenant.tenant_id, zones.default)
        statistics = tenant.statistics(now=now, zone=ZoneInfo(zone))
        each_way = [
            sum(count for (_, way), count in tenant.messages.items() if way == direction)
            for direction in ("inbound", "outbound")
        ]
        figures = (
            statistics.total_customers,
            statistics.new_customers_this_month,
            statistics.active_customers_this_week,
            *each_way,
            tenant.broken,
        )
        table.add_row(tenant.tenant_id, *(f"{figure:,}" for figure in figures))
    Console().print(table)
    print(
        f"{truth.customers:,} customers and {truth.messages:,} messages of {truth.records:,} "
        f"records: {truth.redelivered:,} repeated others, "
        f"{sum(truth.broken_by_kind.values()):,} must be dead letters."
    )
