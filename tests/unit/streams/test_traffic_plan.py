"""A plan says at once what is wrong with it."""

from datetime import UTC, datetime

import pytest

from streams.traffic import InvalidPlan, TrafficPlan

END = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "change",
    [{"people": 0}, {"days": 0}, {"tenants": 0}, {"late_share": 1.5}],
    ids=lambda change: next(iter(change)),
)
def test_a_plan_that_cannot_be_carried_out_names_what_to_change(change: dict[str, int]) -> None:
    with pytest.raises(InvalidPlan, match=next(iter(change))):
        TrafficPlan(end=END, **change)


def test_an_end_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidPlan, match="time zone"):
        TrafficPlan(end=END.replace(tzinfo=None))
