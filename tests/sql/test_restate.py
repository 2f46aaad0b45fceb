"""Days made anew are what making everything anew gives, whatever was done to their rows by hand."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.sql.conftest import Given
from tests.sql.test_refresh import IDS, MARTS, ZONES, contents, steps
from tests.unit.pipelines.builders import START, conversation, customer, event, fact
from warehouse.connection import open_memory, open_writer
from warehouse.runner import Days, refresh, restate
from warehouse.time_zones import TimeZones

LATER: Final = START + timedelta(days=100)
# What happens to rows by hand, all of these days as they were and as they are.
OF_THE_DAY: Final = """
    exists (
        from staging.tenant_time_zones as z
        where z.tenant_id = r.tenant_id
            and timezone(z.time_zone, r.{time})::date between $first and $last
    )
"""
BY_HAND: Final = {
    "messages go": (
        f"delete from raw.customer_messages as r where {OF_THE_DAY.format(time='sent_at')}"
    ),
    "messages turn round": (
        "update raw.customer_messages as r set direction = 'outbound', external_id = '+551' "
        f"where {OF_THE_DAY.format(time='sent_at')}"
    ),
    "conversations go": (
        f"delete from raw.conversations as r where {OF_THE_DAY.format(time='started_at')}"
    ),
    "conversations shrink": (
        "update raw.conversations as r set last_message_at = started_at, opened_by = 'inbound' "
        f"where {OF_THE_DAY.format(time='started_at')}"
    ),
    "events are other ones": (
        "update raw.customer_events as r set event_type = 'customer.split' "
        f"where {OF_THE_DAY.format(time='occurred_at')}"
    ),
    "customers have nobody": (
        "update raw.customers as r set identities = [], status = 'contacted' "
        f"where {OF_THE_DAY.format(time='created_at')}"
    ),
}
DAY_COLUMNS: Final = {
    "activity": "day",
    "channel_days": "day",
    "conversations": "started_on",
    "customer_days": "day",
    "customer_events": "occurred_on",
    "growth_days": "day",
    "message_hours": "day",
    "messages": "sent_on",
    "replies": "waiting_on",
}


def days_made_anew(
    connection: duckdb.DuckDBPyConnection, days: Days, statements: list[str]
) -> dict[str, list[Any]]:
    """Do this by hand, make the days anew, and return the marts."""
    between = {"first": days.first, "last": days.last}
    for statement in statements:
        connection.execute(statement, between).fetchall()
    report = restate(connection, now=LATER, time_zones=ZONES, days=days)
    assert not report.is_rebuild
    return contents(connection)


@settings(
    max_examples=examples(6),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    steps,
    st.integers(0, 30),
    st.integers(10, 60),
    st.lists(st.sampled_from(sorted(BY_HAND)), unique=True),
    st.lists(st.sampled_from(sorted(DAY_COLUMNS)), unique=True),
)
def test_days_made_anew_are_what_a_rebuild_makes_them(
    history: list[Any], first: int, more: int, by_hand: list[str], emptied: list[str]
) -> None:
    begin = START.date() + timedelta(days=first)
    days = Days(begin, begin + timedelta(days=more))
    with open_memory() as connection:
        world = Given(connection)
        for step in history:
            world.erased(step) if isinstance(step, str) else world.records(*step)
        refresh(connection, now=LATER, time_zones=ZONES)
        restated = days_made_anew(
            connection,
            days,
            [BY_HAND[name] for name in by_hand]
            + [
                f"delete from marts.{name} where {DAY_COLUMNS[name]} between $first and $last"
                for name in emptied
            ],
        )
        refresh(connection, now=LATER, time_zones=ZONES, rebuild=True)
        rebuilt = contents(connection)
    for name, rows in rebuilt.items():
        assert restated[name] == rows, (name, by_hand, emptied)


@pytest.fixture(scope="module")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Given]:
    path = tmp_path_factory.mktemp("sound") / "w.duckdb"
    with open_writer(path) as connection:
        return path, filled(Given(connection))


@pytest.fixture
def sound(_filled: tuple[Path, Given], tmp_path: Path) -> Iterator[Given]:
    """Give a copy of a warehouse of four customers who wrote on four days."""
    path, given = _filled
    with open_writer(Path(shutil.copy(path, tmp_path))) as connection:
        yield Given(connection, given)


def filled(given: Given) -> Given:
    """Return it with four customers who wrote on four days, and what was told of them."""
    for n, own in enumerate(IDS):
        at = START + timedelta(days=n)
        given.records(
            customer(own, tenant_id="acme", created_at=at),
            event(f"{own} created", customer_id=own, occurred_at=at),
            conversation(
                f"with {own}",
                customer_id=own,
                started_at=at,
                last_message_at=at + timedelta(hours=1),
            ),
            fact(f"{own} wrote", customer_id=own, conversation_id=f"with {own}", sent_at=at),
        )
    refresh(given.connection, now=LATER, time_zones=ZONES)
    return given


@pytest.mark.parametrize("by_hand", sorted(BY_HAND))
def test_each_change_by_hand_is_seen(by_hand: str, sound: Given) -> None:
    before = contents(sound.connection)
    days = Days(START.date(), START.date() + timedelta(days=1))
    restated = days_made_anew(sound.connection, days, [BY_HAND[by_hand]])
    assert restated != before
    refresh(sound.connection, now=LATER, time_zones=ZONES, rebuild=True)
    assert restated == contents(sound.connection)


@pytest.mark.parametrize("name", sorted(DAY_COLUMNS))
def test_each_mart_that_lost_its_rows_has_them_again(name: str, sound: Given) -> None:
    before = contents(sound.connection)
    days = Days(START.date(), START.date() + timedelta(days=1))
    between = f"{DAY_COLUMNS[name]} between $first and $last"
    counted = {"first": days.first, "last": days.last}
    lost = sound.connection.execute(
        f"select count(*) from marts.{name} where {between}", counted
    ).fetchall()
    assert lost[0][0] > 0
    assert (
        days_made_anew(sound.connection, days, [f"delete from marts.{name} where {between}"])
        == before
    )


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("messages", "message_id = message_id || ' twin'"),
        ("conversations", "conversation_id = conversation_id || ' twin'"),
        ("customer_events", "event_id = event_id || ' twin'"),
        ("customers", "customer_id = customer_id || ' twin'"),
        ("customer_days", "customer_id = customer_id || ' twin'"),
        ("replies", "conversation_id = conversation_id || ' twin'"),
    ],
)
def test_rows_that_nothing_tells_of_are_gone(name: str, change: str, sound: Given) -> None:
    before = contents(sound.connection)
    column = DAY_COLUMNS.get(name, "created_on")
    days = Days(START.date(), START.date() + timedelta(days=1))
    changed = f"update marts.{name} set {change} where {column} between $first and $last"
    assert days_made_anew(sound.connection, days, [changed]) == before


def test_a_tenant_of_whom_no_row_is_left_has_no_figures_either(sound: Given) -> None:
    sound.records(fact("alone", tenant_id="bravo", external_id="+559", sent_at=START))
    refresh(sound.connection, now=LATER, time_zones=ZONES)
    assert sound.rows("select count(*) from marts.channel_days where tenant_id = 'bravo'") == [(1,)]
    days = Days(START.date(), START.date() + timedelta(days=1))
    sound.run(["delete from raw.customer_messages where tenant_id = 'bravo'"])
    restated = days_made_anew(sound.connection, days, [])
    refresh(sound.connection, now=LATER, time_zones=ZONES, rebuild=True)
    assert restated == contents(sound.connection)


def test_days_of_a_sound_warehouse_stay_as_they_are_however_often(sound: Given) -> None:
    before = contents(sound.connection)
    days = Days(START.date(), START.date() + timedelta(days=2))
    for _ in range(2):
        assert days_made_anew(sound.connection, days, []) == before


def test_only_the_days_asked_for_are_made_anew(sound: Given) -> None:
    sound.run(["update marts.channel_days set messages_in = 99"])
    days = Days(START.date() + timedelta(days=1), START.date() + timedelta(days=2))
    days_made_anew(sound.connection, days, [])
    assert sound.rows("select day, messages_in from marts.channel_days order by day") == [
        (date(2026, 10, 1) + timedelta(days=n), count) for n, count in enumerate([99, 1, 1, 99])
    ]


def test_a_corrected_time_zone_is_seen_before_any_day_is_asked_for(sound: Given) -> None:
    days = Days(START.date(), START.date())
    zones = TimeZones("Pacific/Auckland")
    report = restate(sound.connection, now=LATER, time_zones=zones, days=days)
    assert report.is_rebuild  # every day of the tenant is another one


def test_every_mart_with_a_day_is_among_those_emptied_above() -> None:
    by_day = {
        model.name
        for model in MARTS
        if model.touched is not None
        and {"day", "sent_on", "started_on", "occurred_on", "waiting_on"}
        & {column for column, _ in model.described}
    }
    assert by_day == set(DAY_COLUMNS)
