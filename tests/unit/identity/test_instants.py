"""Points in time: every form that platforms send is the same instant."""

import pytest

from streams.identity.instants import FUTURE_TOLERANCE_MS, credible_ms, parse_ms

INSTANT_MS = 1_730_092_801_000


@pytest.mark.parametrize(
    "timestamp",
    [
        1_730_092_801,
        1_730_092_801.0,
        "1730092801",
        1_730_092_801_000,
        "1730092801000",
        "2024-10-28T05:20:01Z",
        "2024-10-28T02:20:01-03:00",
        "2024-10-28T05:20:01.000000+00:00",
        "2024-10-28 05:20:01",
        1_730_092_801_000_000,
    ],
)
def test_every_form_of_a_timestamp_is_the_same_instant(timestamp: str | float) -> None:
    assert parse_ms(timestamp) == INSTANT_MS


@pytest.mark.parametrize("timestamp", ["", "soon", "2024-13-01T00:00:00Z", -1, 1e30, "1.2.3", "١٢"])
def test_what_is_no_time_is_none(timestamp: str | float) -> None:
    assert parse_ms(timestamp) is None


def test_a_time_far_in_the_future_is_when_the_broker_had_it() -> None:
    assert credible_ms(4_070_908_800_000, INSTANT_MS) == INSTANT_MS


def test_a_small_clock_skew_is_believed() -> None:
    ahead_ms = INSTANT_MS + FUTURE_TOLERANCE_MS
    assert credible_ms(ahead_ms, INSTANT_MS) == ahead_ms


def test_zero_means_that_the_platform_did_not_know() -> None:
    assert credible_ms(0, INSTANT_MS) == INSTANT_MS
