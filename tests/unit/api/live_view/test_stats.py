"""The three figures, in the live view and in the warehouse: one definition, two ways to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.live_view.stats import CustomerStats, customer_stats
from tests.examples import examples
from tests.unit.api.live_view.fed import FedView
from tests.unit.pipelines.builders import customer, fact, identity
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

HEALTH = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
ZONES = ("UTC", "America/Sao_Paulo", "Europe/Berlin", "Asia/Kathmandu")
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(0, 365 * 24 * 60).map(lambda minutes: YEAR + timedelta(minutes=minutes))
people = st.lists(st.tuples(moments, st.lists(moments, max_size=3)), max_size=6)


@settings(
    deadline=None,
    max_examples=examples(15),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(people, moments, st.sampled_from(ZONES))
def test_figures_and_windows_are_the_warehouses(
    shared: FedView,
    drawn: list[tuple[datetime, list[datetime]]],
    now: datetime,
    zone: str,
) -> None:
    tenant = shared.new_tenant()
    records: list[Any] = []
    for number, (began, wrote) in enumerate(drawn):
        # What is not yet, the stream has not told: a message is never later than the broker's time.
        wrote = [at for at in wrote if began <= at <= now]  # noqa: PLW2901
        if began > now:
            continue
        one = identity(f"+55119{number:08}", identity_id=f"{tenant} c{number}")
        one = msgspec.structs.replace(one, last_inbound_at=max(wrote, default=None))
        records.append(
            customer(f"{tenant} c{number}", tenant_id=tenant, identities=(one,), created_at=began)
        )
        records += [
            fact(
                f"{number} {place}",
                tenant_id=tenant,
                external_id=one.external_id,
                customer_id=f"{tenant} c{number}",
                sent_at=at,
            )
            for place, at in enumerate(wrote)
        ]
    if records:
        shared.records(*records)
    refresh(shared.warehouse, now=now, time_zones=TimeZones(zone))
    expected = shared.warehouse.execute(
        "select total_customers, new_customers_this_month, active_customers_this_week, "
        "epoch(month_start), epoch(month_end), epoch(week_start), epoch(week_end) "
        "from marts.customer_stats where tenant_id = ?",
        [tenant],
    ).fetchall()
    with shared.store.reader() as reader:
        stats = customer_stats(reader, tenant_id=tenant, now=now, time_zone=zone)

    figures = (
        stats.total_customers,
        stats.new_customers_this_month,
        stats.active_customers_this_week,
    )
    bounds = (stats.month_start, stats.month_end, stats.week_start, stats.week_end)
    assert expected in ([], [(*figures, *(at.timestamp() for at in bounds))])
    assert bool(expected) or figures == (0, 0, 0)


def test_answer_begins_with_the_references_three_figures() -> None:
    names = [field.encode_name for field in msgspec.structs.fields(CustomerStats)]
    assert names[:3] == ["totalCustomers", "newCustomersThisMonth", "activeCustomersThisWeek"]
