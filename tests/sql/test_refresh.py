"""A refresh of what changed gives what making everything anew gives, after any history."""

from datetime import datetime, timedelta
from typing import Any

import duckdb
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from streams.contracts.customers import Customer, CustomerIdentity
from tests.examples import examples
from tests.sql.conftest import Given, Loaded
from tests.unit.pipelines import builders
from tests.unit.pipelines.builders import START
from warehouse.connection import open_memory
from warehouse.model_files import models
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

MARTS = [model for model in models() if model.schema == "marts"]
# A zone whose clocks change within the histories' weeks, and one far ahead of the default.
ZONES = TimeZones("America/New_York", {"bravo": "Pacific/Auckland"})
NUMBERS = ("+551", "+552", "+553", "+554")
CHANNELS = (("wa-1", "whatsapp"), ("sms-1", "sms"))
IDS = ("a", "b", "c", "d")

tenants = st.sampled_from(["acme", "bravo"])
moments = st.integers(0, 70 * 24 * 2).map(
    lambda half_hours: START + timedelta(minutes=30) * half_hours
)
versions = st.integers(1, 6)


@st.composite
def identities(draw: st.DrawFn) -> CustomerIdentity:
    number = draw(st.sampled_from(NUMBERS))
    channel_id, channel_type = draw(st.sampled_from(CHANNELS))
    return builders.identity(
        number,
        channel_id=channel_id,
        channel_type=channel_type,
        identity_id=draw(st.sampled_from(IDS)),
        last_seen_at=draw(moments),
    )


@st.composite
def customers(draw: st.DrawFn) -> Loaded:
    own = draw(st.sampled_from(IDS))
    others = [one for one in IDS if one != own]
    held = draw(
        st.lists(identities(), max_size=3, unique_by=lambda i: (i.channel_id, i.external_id))
    )
    return builders.customer(
        own,
        version=draw(versions),
        tenant_id=draw(tenants),
        identities=tuple(held),
        status=draw(st.sampled_from(["active", "contacted"])),
        merged_into=draw(st.one_of(st.none(), st.none(), st.sampled_from(others))),
        merged_ids=tuple(draw(st.lists(st.sampled_from(others), max_size=2, unique=True))),
        created_at=draw(moments),
        links=draw(st.sampled_from([(), (builders.link(),)])),
    )


@st.composite
def facts(draw: st.DrawFn) -> Loaded:
    channel_id, channel_type = draw(st.sampled_from(CHANNELS))
    return builders.fact(
        draw(st.sampled_from([f"m{n}" for n in range(30)])),
        tenant_id=draw(tenants),
        channel_id=channel_id,
        channel_type=channel_type,
        external_id=draw(st.sampled_from(NUMBERS)),
        identity_id=draw(st.sampled_from(IDS)),
        customer_id=draw(st.one_of(st.none(), st.sampled_from(IDS))),
        conversation_id=draw(st.sampled_from(["v1", "v2", "v3", None])),
        direction=draw(st.sampled_from(["inbound", "outbound"])),
        sent_at=draw(moments),
    )


@st.composite
def conversations(draw: st.DrawFn) -> Loaded:
    started_at = draw(moments)
    return builders.conversation(
        draw(st.sampled_from(["v1", "v2", "v3", "v4"])),
        version=draw(versions),
        tenant_id=draw(tenants),
        external_id=draw(st.sampled_from(NUMBERS)),
        identity_id=draw(st.sampled_from(IDS)),
        customer_id=draw(st.sampled_from(IDS)),
        started_at=started_at,
        last_message_at=started_at + timedelta(hours=draw(st.integers(0, 500))),
        opened_by=draw(st.sampled_from(["inbound", "outbound"])),
        merged_into=draw(st.one_of(st.none(), st.none(), st.just("v1"))),
    )


@st.composite
def events(draw: st.DrawFn) -> Loaded:
    return builders.event(
        f"e{draw(st.integers(0, 20))}",
        event_type=draw(
            st.sampled_from(
                ["customer.created", "customer.merged", "customer.split", "customer.linked"]
            )
        ),
        tenant_id=draw(tenants),
        customer_id=draw(st.sampled_from(IDS)),
        identity_id=draw(st.sampled_from(IDS)),
        channel_id=draw(st.sampled_from(["wa-1", None])),
        occurred_at=draw(moments),
    )


@st.composite
def suggestions(draw: st.DrawFn) -> Loaded:
    return builders.suggestion(
        draw(st.sampled_from(["s1", "s2"])),
        customer_id=draw(st.sampled_from(IDS)),
        other_customer_id=draw(st.one_of(st.none(), st.sampled_from(IDS))),
        status=draw(st.sampled_from(["open", "refused"])),
        version=draw(versions),
        said_at=draw(moments),
    )


# A history is batches of records, erasures among them, with refreshes in between.
steps = st.lists(
    st.one_of(
        st.lists(
            st.one_of(customers(), facts(), facts(), conversations(), events(), suggestions()),
            min_size=1,
            max_size=8,
        ),
        st.sampled_from(IDS),
    ),
    min_size=1,
    max_size=10,
)


def contents(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
    """Return every mart's rows, in an order of their own."""
    return {
        model.name: sorted(connection.execute(f"from {model.qualified}").fetchall(), key=repr)
        for model in MARTS
    }


def heard_from(own: str, *, version: int, days: int) -> Customer:
    """Return a customer who last wrote so many days after the start, from a number all share."""
    at = START + timedelta(days=days)
    held = builders.identity("+551", identity_id="a", last_seen_at=at)
    return builders.customer(own, version=version, identities=(held,))


def test_a_customer_who_only_wrote_again_changes_no_owner(given: Given) -> None:
    given.records(heard_from("a", version=1, days=0))
    given.refreshed()
    given.records(heard_from("a", version=2, days=1))
    report = refresh(given.connection, now=START, time_zones=TimeZones())
    assert report.replaced["touched_customers"] == 1
    assert report.replaced["touched_identities"] == 0


def test_of_two_who_claim_an_identity_the_one_heard_from_last_owns_it_after_a_refresh(
    given: Given,
) -> None:
    given.records(heard_from("a", version=1, days=0), heard_from("b", version=1, days=1))
    given.refreshed()
    owner = "select customer_id from marts.identity_owners"
    assert given.rows(owner) == [("b",)]
    given.records(heard_from("a", version=2, days=2))
    given.refreshed()
    assert given.rows(owner) == [("a",)]


def test_rows_that_are_as_they_were_are_not_written_again(given: Given) -> None:
    given.records(builders.customer("a"), builders.customer("b"))
    given.refreshed()
    places = "select customer_id, rowid from marts.customers order by all"
    before = dict(given.rows(places))
    given.records(builders.customer("a"), builders.customer("b", version=2))
    report = refresh(given.connection, now=START, time_zones=TimeZones())
    assert report.replaced["touched_customers"] == 2
    after = dict(given.rows(places))
    assert after["a"] == before["a"]
    assert after["b"] != before["b"]


def compare(history: list[Any], pauses: list[int]) -> None:
    with open_memory() as connection:
        world = Given(connection)
        now: datetime = START
        for n, (step, pause) in enumerate(zip(history, pauses, strict=False)):
            if isinstance(step, str):
                world.erased(step)
            else:
                world.records(*step)
            now += timedelta(hours=pause)
            is_rebuild = refresh(connection, now=now, time_zones=ZONES).is_rebuild
            assert is_rebuild == (n == 0)
        refreshed = contents(connection)
        assert refresh(connection, now=now, time_zones=ZONES, rebuild=True).is_rebuild
        rebuilt = contents(connection)
    for name, rows in rebuilt.items():
        assert refreshed[name] == rows, name


@settings(
    max_examples=examples(6),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a history takes too long to shrink
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(steps, st.lists(st.integers(0, 400), min_size=10, max_size=10))
def test_refreshing_what_changed_equals_a_rebuild_after_any_history(
    history: list[Any], pauses: list[int]
) -> None:
    compare(history, pauses)
