"""Each figure, rows in and rows out: ties, nulls, late and repeated records. DuckDB is real."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streams.contracts.customers import CustomerIdentity
from streams.contracts.messages import Direction
from tests.sql.conftest import Given, Loaded
from tests.unit.pipelines.builders import conversation, customer, event, fact, identity, suggestion
from warehouse.time_zones import TimeZones

MONDAY = datetime(2026, 10, 5, 12, tzinfo=UTC)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


def person(customer_id: str, created_at: datetime = MONDAY, **more: Any) -> Loaded:
    more.setdefault("identities", (identity(customer_id),))
    return customer(customer_id, created_at=created_at, **more)


def created(customer_id: str, at: datetime = MONDAY, channel_id: str = "wa-1") -> Loaded:
    return event(
        f"{customer_id} created", customer_id=customer_id, occurred_at=at, channel_id=channel_id
    )


def said(
    customer_id: str, at: datetime, direction: Direction = "inbound", *, where: str | None = None
) -> Loaded:
    return fact(
        f"{customer_id} {at.isoformat()} {direction}",
        external_id=customer_id,
        customer_id=customer_id,
        conversation_id=where or f"with {customer_id}",
        direction=direction,
        sent_at=at,
    )


def by_sms(external_id: str) -> CustomerIdentity:
    return identity(external_id, channel_id="sms-1", channel_type="sms")


def growth(given: Given, grain: str = "day") -> list[Any]:
    return given.rows(
        "select period_start, new_as_reported, merged_since, split_since, moved_since, "
        f"new_customers, customers from marts.growth where grain = '{grain}' "
        "and channel_id = 'wa-1' order by period_start"
    )


def test_growth_is_as_reported_and_as_known_with_the_bridge_between(given: Given) -> None:
    later = MONDAY + DAY
    given.records(
        person("a", merged_ids=("b",)),
        person("b", later, merged_into="a", version=2),
        person("s", later),  # a split made them: nobody reported them as new
        person("l", MONDAY),  # reported on Tuesday, until an older message was found
        created("a"),
        created("a"),
        created("b", later),
        created("l", later),
    )
    given.refreshed(later)
    assert growth(given) == [
        (date(2026, 10, 5), 1, 0, 0, 1, 2, 2),
        (date(2026, 10, 6), 2, 1, 1, -1, 1, 3),
    ]
    assert growth(given, "week") == [(date(2026, 10, 5), 3, 1, 1, 0, 3, 3)]
    assert growth(given, "month") == [(date(2026, 10, 1), 3, 1, 1, 0, 3, 3)]


def test_what_happened_is_counted_on_its_day_and_contacted_people_apart(given: Given) -> None:
    given.records(
        person("a"),
        person("c", status="contacted"),
        created("a"),
        created("c"),
        event("m", event_type="customer.merged", customer_id="x", occurred_at=MONDAY + DAY),
        event("s", event_type="customer.split", customer_id="y", occurred_at=MONDAY + DAY),
    )
    given.erased("z")
    given.refreshed(MONDAY + DAY)
    assert given.rows(
        "select day, sum(new_customers), sum(contacted), sum(merged), sum(split), sum(erased) "
        "from marts.growth_days group by day order by day"
    ) == [
        (date(2026, 10, 1), 0, 0, 0, 0, 1),
        (date(2026, 10, 5), 2, 1, 0, 0, 0),
        (date(2026, 10, 6), 0, 0, 1, 1, 0),
    ]


def test_an_erased_customer_is_in_neither_column_of_growth(given: Given) -> None:
    own = identity("a", identity_id="a")
    given.records(person("a", identities=(own,)), person("b"), created("a"), created("b"))
    given.refreshed(MONDAY)
    assert growth(given) == [(date(2026, 10, 5), 2, 0, 0, 0, 2, 2)]
    given.erased("a")
    given.refreshed(MONDAY)
    assert growth(given) == [(date(2026, 10, 5), 1, 0, 0, 0, 1, 1)]


def activity(given: Given, now: datetime) -> dict[date, tuple[int, ...]]:
    given.refreshed(now)
    rows = given.rows(
        "select day, daily_active, weekly_active, monthly_active, customers, inactive "
        "from marts.activity order by day"
    )
    return {row[0]: row[1:] for row in rows}


def test_activity_counts_who_wrote_in_a_day_in_seven_and_in_thirty(given: Given) -> None:
    given.records(
        person("a"),
        person("b"),
        said("a", MONDAY),
        said("a", MONDAY + HOUR),
        said("b", MONDAY, "outbound"),
        said("a", MONDAY + 3 * DAY),
        said("b", MONDAY + 9 * DAY),
    )
    days = activity(given, MONDAY + 40 * DAY)
    monday = MONDAY.date()
    assert days[monday] == (1, 1, 1, 2, 1)  # whom we wrote to is not active
    assert days[monday + 6 * DAY] == (0, 1, 1, 2, 1)
    assert days[monday + 9 * DAY] == (1, 2, 2, 2, 0)  # the seventh day counts: from the 8th on
    assert days[monday + 10 * DAY] == (0, 1, 2, 2, 0)
    assert days[monday + 32 * DAY] == (0, 0, 2, 2, 0)
    assert days[monday + 33 * DAY] == (0, 0, 1, 2, 1)  # the thirtieth day has passed
    assert max(days) == (MONDAY + 40 * DAY).date()


def test_a_late_message_changes_the_days_that_look_back_on_it(given: Given) -> None:
    given.records(person("a", MONDAY), person("b", MONDAY), said("a", MONDAY))
    before = activity(given, MONDAY + 10 * DAY)
    given.records(said("b", MONDAY + 2 * DAY))
    after = activity(given, MONDAY + 10 * DAY)
    changed = {day for day in after if after[day] != before[day]}
    assert changed == {(MONDAY + n * DAY).date() for n in range(2, 11)}


def test_a_merge_makes_two_active_customers_one_in_the_past_too(given: Given) -> None:
    given.records(person("a"), person("b"), said("a", MONDAY), said("b", MONDAY))
    assert activity(given, MONDAY)[MONDAY.date()][:3] == (2, 2, 2)
    both = (identity("a"), identity("b"))
    given.records(
        person("a", identities=both, merged_ids=("b",), version=2),
        person("b", merged_into="a", version=2),
    )
    assert activity(given, MONDAY)[MONDAY.date()][:3] == (1, 1, 1)


def test_weeks_know_new_returning_resurrected_and_dormant_customers(given: Given) -> None:
    week = 7 * DAY
    given.records(
        person("a", MONDAY),
        said("a", MONDAY),
        said("a", MONDAY + week),
        said("a", MONDAY + 3 * week),
        person("b", MONDAY + week),
        said("b", MONDAY + week),
    )
    given.refreshed(MONDAY + 3 * week)
    assert given.rows("from marts.lifecycle order by week") == [
        ("acme", date(2026, 10, 5), 1, 1, 0, 0, 0),
        ("acme", date(2026, 10, 12), 2, 1, 1, 0, 0),
        ("acme", date(2026, 10, 19), 0, 0, 0, 0, 2),
        ("acme", date(2026, 10, 26), 1, 0, 0, 1, 0),
        ("acme", date(2026, 11, 2), 0, 0, 0, 0, 1),
    ]
    assert given.rows(
        "select cohort_week, weeks_later, customers, active, retention from marts.retention "
        "order by all"
    ) == [
        (date(2026, 10, 5), 0, 1, 1, 1.0),
        (date(2026, 10, 5), 1, 1, 1, 1.0),
        (date(2026, 10, 5), 3, 1, 1, 1.0),
        (date(2026, 10, 12), 0, 1, 1, 1.0),
    ]


def test_a_wait_begins_with_the_first_unanswered_message_and_ends_with_the_next_answer(
    given: Given,
) -> None:
    given.records(
        person("a"),
        said("a", MONDAY),
        said("a", MONDAY + 60 * SECOND),  # still the same wait
        said("a", MONDAY + 90 * SECOND, "outbound"),
        said("a", MONDAY + 100 * SECOND, "outbound"),  # answers nobody
        said("a", MONDAY + HOUR),
        said("a", MONDAY + HOUR, "outbound"),  # at once: the person spoke first
        said("a", MONDAY + 2 * HOUR),  # nobody has answered
        said("o", MONDAY, "outbound"),
        said("o", MONDAY + 5 * SECOND),
        said("o", MONDAY + 9 * SECOND, "outbound"),
    )
    given.refreshed(MONDAY + DAY)
    assert given.rows(
        "select conversation_id, waiting_since, reply_seconds, is_first_response "
        "from marts.replies order by all"
    ) == [
        ("with a", MONDAY, 90, True),
        ("with a", MONDAY + HOUR, 0, False),
        ("with a", MONDAY + 2 * HOUR, None, False),
        ("with o", MONDAY + 5 * SECOND, 4, False),  # we opened it: no first response
    ]


def test_first_responses_fall_into_buckets_that_include_their_lower_end(given: Given) -> None:
    waits = (3599, 3600, 14399, 14400, 28799, 28800, 86399, 86400)
    for n, seconds in enumerate(waits):
        place = f"v{n}"
        given.records(
            said("a", MONDAY, where=place),
            fact(
                f"answer {n}",
                external_id="a",
                customer_id="a",
                conversation_id=place,
                direction="outbound",
                sent_at=MONDAY + seconds * SECOND,
            ),
        )
    given.records(*(said(f"p{n}", MONDAY, where=f"v{n}") for n in range(len(waits))))
    given.records(said("q", MONDAY, where="unanswered"))
    given.refreshed(MONDAY + 3 * DAY)
    assert given.rows(
        "select first_responses_in_0_to_1_hours, first_responses_in_1_to_4_hours, "
        "first_responses_in_4_to_8_hours, first_responses_in_8_to_24_hours, "
        "first_responses_after_24_hours, first_responses, unanswered, "
        "first_response_median_seconds, replies "
        "from marts.channel_performance where grain = 'week' and period_start = '2026-10-05'"
    ) == [(1, 2, 2, 2, 1, 8, 1, (14400 + 28799) / 2, 8)]


def test_the_most_effective_channel_brought_most_of_those_who_wrote(given: Given) -> None:
    given.records(
        person("a"),
        person("b"),
        person("c", status="contacted"),
        *(person(f"s{n}", identities=(by_sms(f"s{n}"),)) for n in range(3)),
        person("t", identities=(by_sms("s"),), status="contacted"),
    )
    given.refreshed(MONDAY)
    assert given.rows(
        "select channel_id, new_customers, new_customers_who_wrote, share_of_first_contacts, "
        "is_most_effective from marts.channel_performance where grain = 'month' order by all"
    ) == [("sms-1", 4, 3, 4 / 7, True), ("wa-1", 3, 2, 3 / 7, False)]


@pytest.mark.parametrize(
    ("zone", "weekday", "hour"),
    [("UTC", 7, 23), ("Europe/Berlin", 1, 1), ("America/Sao_Paulo", 7, 20)],
)
def test_the_heat_map_is_on_the_tenants_clock(
    given: Given, zone: str, weekday: int, hour: int
) -> None:
    sunday_night = datetime(2026, 10, 4, 23, 30, tzinfo=UTC)
    given.records(person("a"), said("a", sunday_night))
    given.refreshed(MONDAY, TimeZones(zone))
    assert given.rows("select weekday, hour, messages_in from marts.activity_heat_map") == [
        (weekday, hour, 1)
    ]


def test_when_clocks_go_back_both_hours_count_as_one(given: Given) -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    moments = [first.astimezone(UTC), first.replace(fold=1).astimezone(UTC)]
    given.records(person("a"), *(said("a", at) for at in moments))
    given.refreshed(MONDAY + 30 * DAY, TimeZones("Europe/Berlin"))
    assert moments[1] - moments[0] == HOUR
    assert given.rows("select hour, messages_in from marts.message_hours") == [(2, 2)]


def test_identity_health_counts_what_is_not_known_and_not_answered(given: Given) -> None:
    telegram = identity("7", channel_id="tg-1", channel_type="telegram", identity_key="telegram:7")
    given.records(
        person("a"),
        person("b", identities=(telegram, identity("+551"))),
        person("c", identities=(telegram,)),
        suggestion("s1", said_at=MONDAY - HOUR),
        suggestion("s2", rule="phone_variant", said_at=MONDAY - 3 * HOUR),
        suggestion("s3", status="refused"),
        *(event(f"m{n}", event_type="customer.merged", customer_id=f"m{n}") for n in range(4)),
        event("s", event_type="customer.split"),
    )
    given.refreshed(MONDAY)
    assert given.rows("select * exclude (tenant_id) from marts.identity_health") == [
        (3, 4, 1, 1, 3, 1, 2, 1, MONDAY - 3 * HOUR, 7200.0, 4, 1, 0.25)
    ]
    assert given.rows("from marts.customers_by_channel_count order by all") == [
        ("acme", 1, 2),
        ("acme", 2, 1),
    ]


def test_conversations_count_on_the_day_they_began_by_who_began_them(given: Given) -> None:
    given.records(
        person("a"),
        conversation("v1", started_at=MONDAY, last_message_at=MONDAY + 3 * DAY),
        conversation("v2", opened_by="outbound", started_at=MONDAY, last_message_at=MONDAY),
        conversation("v3", started_at=MONDAY, last_message_at=MONDAY, merged_into="v1"),
    )
    given.refreshed(MONDAY + 3 * DAY)
    assert given.rows(
        "select period_start, conversations_opened_by_people, conversations_opened_by_business "
        "from marts.channel_performance where grain = 'day'"
    ) == [(date(2026, 10, 5), 1, 1)]
