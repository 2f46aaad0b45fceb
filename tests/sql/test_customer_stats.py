"""The three figures at the edges of months, weeks, zones and clock changes. DuckDB is real."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.sql.conftest import Given
from tests.unit.pipelines.builders import START, customer, fact, identity
from warehouse.time_zones import TimeZones

SECOND = timedelta(seconds=1)
STATS = (
    "select total_customers, new_customers_this_month, active_customers_this_week "
    "from marts.customer_stats"
)
WINDOWS = "select month_start, month_end, week_start, week_end from marts.customer_stats"


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def stats(given: Given, now: datetime, zone: str = "UTC") -> Any:
    given.refreshed(now, TimeZones(zone))
    (row,) = given.rows(STATS)
    return row


def person(customer_id: str, created_at: datetime) -> Any:
    return customer(customer_id, identities=(identity(customer_id),), created_at=created_at)


def wrote(customer_id: str, message_id: str, sent_at: datetime) -> Any:
    return fact(message_id, external_id=customer_id, customer_id=customer_id, sent_at=sent_at)


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo", "Pacific/Kiritimati", "Asia/Kolkata"])
def test_the_month_begins_at_the_tenants_midnight(given: Given, zone: str) -> None:
    first = at("2026-10-01T00:00:00", zone)
    given.records(person("before", first - SECOND), person("after", first))
    assert stats(given, first + SECOND, zone)[:2] == (2, 1)
    assert stats(given, first - SECOND, zone)[:2] == (1, 1)


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo", "Pacific/Kiritimati"])
def test_the_week_begins_on_the_tenants_monday(given: Given, zone: str) -> None:
    monday = at("2026-10-05T00:00:00", zone)
    given.records(
        person("a", monday - timedelta(days=30)),
        person("b", monday - timedelta(days=30)),
        wrote("a", "m1", monday - SECOND),
        wrote("b", "m2", monday),
    )
    assert stats(given, monday + timedelta(days=6), zone)[2] == 1
    assert stats(given, monday - SECOND, zone)[2] == 1


def test_a_tenants_own_zone_wins_over_the_default(given: Given) -> None:
    given.records(person("a", START), customer("b", tenant_id="bistro"))
    given.refreshed(START, TimeZones("Europe/Berlin", {"bistro": "Asia/Tokyo"}))
    assert given.rows(
        "select tenant_id, time_zone, month_start from marts.customer_stats order by 1"
    ) == [
        ("acme", "Europe/Berlin", at("2026-10-01T00:00:00", "Europe/Berlin")),
        ("bistro", "Asia/Tokyo", at("2026-10-01T00:00:00", "Asia/Tokyo")),
    ]


@pytest.mark.parametrize(
    ("now", "zone", "expected"),
    [
        (  # clocks go back on 25 October: the month is an hour longer, the week too
            at("2026-10-25T12:00:00", "Europe/Berlin"),
            "Europe/Berlin",
            (
                "2026-09-30T22:00:00",
                "2026-10-31T23:00:00",
                "2026-10-18T22:00:00",
                "2026-10-25T23:00:00",
            ),
        ),
        (  # clocks go forward on 29 March
            at("2026-03-29T12:00:00", "Europe/Berlin"),
            "Europe/Berlin",
            (
                "2026-02-28T23:00:00",
                "2026-03-31T22:00:00",
                "2026-03-22T23:00:00",
                "2026-03-29T22:00:00",
            ),
        ),
        (  # the year's edge: ISO week 53 of 2026 begins on 28 December
            at("2027-01-01T00:00:00"),
            "UTC",
            (
                "2027-01-01T00:00:00",
                "2027-02-01T00:00:00",
                "2026-12-28T00:00:00",
                "2027-01-04T00:00:00",
            ),
        ),
        (  # leap day
            at("2028-02-29T23:59:59"),
            "UTC",
            (
                "2028-02-01T00:00:00",
                "2028-03-01T00:00:00",
                "2028-02-28T00:00:00",
                "2028-03-06T00:00:00",
            ),
        ),
    ],
)
def test_windows_follow_the_calendar_through_clock_changes(
    given: Given, now: datetime, zone: str, expected: tuple[str, ...]
) -> None:
    given.records(person("a", now))
    given.refreshed(now, TimeZones(zone))
    assert given.rows(WINDOWS) == [tuple(at(text) for text in expected)]


def test_what_lies_beyond_now_does_not_count_yet(given: Given) -> None:
    given.records(
        person("a", START - timedelta(days=90)),
        person("future", START + SECOND),
        wrote("a", "m1", START + SECOND),
    )
    assert stats(given, START) == (1, 0, 0)
    assert stats(given, START + SECOND) == (2, 1, 1)


def test_only_messages_from_people_make_them_active_and_each_person_once(given: Given) -> None:
    given.records(
        person("a", START - timedelta(days=90)),
        person("b", START - timedelta(days=90)),
        wrote("a", "m1", START),
        wrote("a", "m2", START),
        fact("m3", direction="outbound", external_id="b", customer_id="b"),
        fact("m4", external_id="stranger", customer_id=None),
    )
    assert stats(given, START) == (2, 0, 1)


def test_a_late_message_restates_the_week(given: Given) -> None:
    given.records(person("a", START - timedelta(days=90)))
    assert stats(given, START + timedelta(hours=3))[2] == 0
    given.records(wrote("a", "late", START))
    assert stats(given, START + timedelta(hours=3))[2] == 1


def test_a_merge_makes_two_new_customers_one(given: Given) -> None:
    given.records(person("a", START), person("b", START), wrote("a", "m1", START))
    given.records(wrote("b", "m2", START))
    assert stats(given, START) == (2, 2, 2)
    both = (identity("a"), identity("b"))
    given.records(
        customer("a", identities=both, merged_ids=("b",), version=2),
        customer("b", identities=(identity("b"),), merged_into="a", version=2),
    )
    assert stats(given, START) == (1, 1, 1)


def test_contacted_customers_count_and_tenants_do_not_mix(given: Given) -> None:
    given.records(
        customer("a", status="contacted"),
        customer("b", tenant_id="bistro"),
        fact("m1", tenant_id="bistro", customer_id="b"),
    )
    given.refreshed(START)
    assert given.rows(
        "select tenant_id, total_customers, active_customers_this_week "
        "from marts.customer_stats order by 1"
    ) == [("acme", 1, 0), ("bistro", 1, 1)]


def test_a_refresh_says_the_references_line(given: Given, caplog: pytest.LogCaptureFixture) -> None:
    given.records(person("a", START), wrote("a", "m1", START))
    with caplog.at_level(logging.INFO, logger="customers"):
        given.refreshed(START)
    lines = [one.getMessage() for one in caplog.records if one.name == "customers"]
    assert lines == [
        (
            "[CustomersService] Customer stats: total=1, new_this_month=1, active_this_week=1, "
            "tenantId=acme"
        )
    ]


def test_refreshing_twice_changes_nothing(given: Given) -> None:
    given.records(person("a", START), wrote("a", "m1", START))
    given.refreshed(START)
    before = given.rows("from marts.messages")
    given.refreshed(START)
    assert given.rows("from marts.messages") == before


def test_a_refresh_that_fails_leaves_the_old_marts(
    given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    given.records(person("a", START))
    given.refreshed(START)
    given.records(person("b", START))
    with monkeypatch.context() as patch:
        patch.setattr("warehouse.model_run._count", _fail)
        with pytest.raises(OSError, match="disk full"):
            given.refreshed(START)
    assert given.rows("select count(*) from marts.customers") == [(1,)]
    given.refreshed(START)
    assert given.rows("select count(*) from marts.customers") == [(2,)]


def _fail(*_given: object) -> int:
    raise OSError("disk full")
