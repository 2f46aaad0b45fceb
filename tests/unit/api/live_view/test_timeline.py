"""Whose a message is, in the live view and in the warehouse: two ways to one answer."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.live_view import timeline
from api.live_view.instants import microseconds_of
from api.live_view.pages import Page
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent, ErasedIdentity
from streams.contracts.messages import MessageFact
from tests.examples import examples
from tests.unit.api.live_view.fed import FedView
from tests.unit.pipelines.builders import (
    START,
    conversation,
    customer,
    erasure,
    event,
    fact,
    identity,
)
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

HEALTH = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
NUMBERS = ("+5511999990001", "+5511999990002", "+5511999990003")


def owner(tenant: str, number: int, holds: list[tuple[str, int]]) -> Customer:
    """Return a customer who has these numbers, each since so many hours."""
    identities = tuple(
        msgspec.structs.replace(
            identity(external_id, identity_id=f"id {tenant} {number} {external_id}"),
            first_seen_at=START + timedelta(hours=since),
            last_seen_at=START + timedelta(hours=since + 1),
        )
        for external_id, since in dict(holds).items()
    )
    return customer(f"{tenant} c{number}", tenant_id=tenant, identities=identities)


histories = st.lists(
    st.lists(st.tuples(st.sampled_from(NUMBERS), st.integers(0, 8)), max_size=3),
    min_size=1,
    max_size=3,
)
said = st.lists(st.tuples(st.sampled_from(NUMBERS), st.integers(0, 9)), max_size=12)


@settings(
    deadline=None,
    max_examples=examples(10),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(histories, said, st.integers(1, 4))
def test_messages_are_whose_the_warehouse_says_they_are(
    shared: FedView,
    holds: list[list[tuple[str, int]]],
    messages: list[tuple[str, int]],
    limit: int,
) -> None:
    tenant = shared.new_tenant()
    people = [owner(tenant, number, held) for number, held in enumerate(holds)]
    facts = [
        fact(
            f"m{number}",
            tenant_id=tenant,
            external_id=external_id,
            customer_id=f"{tenant} c0",
            sent_at=START + timedelta(hours=hours),
        )
        for number, (external_id, hours) in enumerate(messages)
    ]
    talks = [
        conversation(
            f"{tenant} v{one.message_id}",
            tenant_id=tenant,
            external_id=one.external_id,
            started_at=one.sent_at,
        )
        for one in facts
    ]
    shared.records(*people, *facts, *talks)
    refresh(shared.warehouse, now=START + timedelta(days=1), time_zones=TimeZones())
    for person in people:
        for table, id_, ask in (
            ("messages", "message_id", timeline.messages),
            ("conversations", "conversation_id", timeline.conversations),
        ):
            expected = shared.warehouse.execute(
                f"select {id_} from marts.{table} where tenant_id = ? and customer_id = ? and "
                f"exists (from marts.customer_identities as i where i.customer_id = ? "
                f"and i.external_id = {table}.external_id) order by 1",
                [tenant, person.id, person.id],
            ).fetchall()
            assert sorted(ids(shared, ask, person.id, limit, tenant)) == [
                row[0] for row in expected
            ]


def the_customer(fed: FedView, tenant: str, customer_id: str) -> Customer:
    """Return a customer who is there."""
    found = fed.store.lookups.customer(tenant, customer_id)
    assert found is not None
    return found.record


def ids(fed: FedView, ask: Any, customer_id: str, limit: int, tenant: str) -> list[str]:
    """Return the ids of all pages; times never grow."""
    found: list[str] = []
    times = []
    cursor = None
    while True:
        owner = the_customer(fed, tenant, customer_id)
        page: Page = ask(fed.store.lookups, owner=owner, cursor=cursor, limit=limit)
        for document in page.documents:
            if ask is timeline.messages:
                one = msgspec.json.decode(document, type=MessageFact)
                found.append(one.message_id)
                times.append(one.sent_at)
            else:
                other = msgspec.json.decode(document, type=Conversation)
                found.append(other.id)
                times.append(other.started_at)
        if (cursor := page.next) is None:
            assert times == sorted(times, reverse=True)
            return found


def test_of_two_who_claim_one_identity_the_newer_record_is_believed(fed: FedView) -> None:
    def claims(customer_id: str, hours: int) -> Customer:
        own = msgspec.structs.replace(identity(), last_seen_at=START + timedelta(hours=hours))
        return customer(customer_id, identities=(own,))

    def owners() -> list[str]:
        found = [the_customer(fed, "acme", one) for one in ("c1", "c2")]
        return [one.id for one in found if timeline.tenures(one, fed.store.lookups)]

    fed.records(claims("c1", 1), claims("c2", 2), fact("m1"))
    assert owners() == ["c2"]
    newer = msgspec.structs.replace(claims("c1", 3), version=2)
    fed.records(newer)
    assert owners() == ["c1"]


def test_other_tenants_messages_on_the_same_number_are_not_shown(fed: FedView) -> None:
    fed.records(
        customer("c1"),
        customer("c9", tenant_id="umbrella"),
        fact("ours"),
        fact("theirs", tenant_id="umbrella"),
    )
    ours, theirs = (
        timeline.messages(fed.store.lookups, owner=the_customer(fed, *one), cursor=None, limit=9)
        for one in (("acme", "c1"), ("umbrella", "c9"))
    )
    crossed = fed.store.lookups.customer("acme", "c9")
    assert [msgspec.json.decode(one, type=MessageFact).message_id for one in ours.documents] == [
        "ours"
    ]
    assert [msgspec.json.decode(one, type=MessageFact).message_id for one in theirs.documents] == [
        "theirs"
    ]
    assert crossed is None


def test_events_are_of_all_ids_that_a_customer_had(fed: FedView) -> None:
    fed.records(
        customer("c1", merged_ids=("c2",)),
        event("e1", customer_id="c1"),
        event("e2", customer_id="c2", occurred_at=START + timedelta(hours=1)),
        event("e3", customer_id="c3"),
    )
    page = timeline.events(
        fed.store.lookups, owner=the_customer(fed, "acme", "c1"), cursor=None, limit=9
    )
    assert [msgspec.json.decode(one, type=CustomerEvent).id for one in page.documents] == [
        "e2",
        "e1",
    ]


IDENTITIES = ("i1", "i2")
hours = st.integers(0, 4)
moments = hours.map(lambda n: START + timedelta(hours=n))
happened = st.one_of(
    st.builds(
        lambda n, own_id, at: fact(f"m{n}", identity_id=own_id, sent_at=at),
        st.integers(0, 5),
        st.sampled_from(IDENTITIES),
        moments,
    ),
    st.builds(
        lambda n, own_id, at, into, version: conversation(
            f"v{n}", identity_id=own_id, started_at=at, merged_into=into, version=version
        ),
        st.integers(0, 3),
        st.sampled_from(IDENTITIES),
        moments,
        st.sampled_from([None, None, "v9"]),
        st.integers(1, 3),
    ),
    st.builds(
        lambda n, own_id, at, of: event(
            f"e{n}", identity_id=own_id, occurred_at=at, customer_id=of
        ),
        st.integers(0, 3),
        st.sampled_from([None, *IDENTITIES]),
        moments,
        st.sampled_from([None, "c1"]),
    ),
    st.builds(
        lambda own_id, since, until: ErasedIdentity(identity_id=own_id, since=since, until=until),
        st.sampled_from(IDENTITIES),
        st.none() | moments,
        st.none() | moments,
    ),
    st.integers(0, 3).map(lambda n: f"v{n}"),  # a conversation that was removed
)


@settings(deadline=None, max_examples=examples(20), suppress_health_check=HEALTH)
@given(st.lists(st.lists(happened, min_size=1, max_size=5), min_size=1, max_size=5))
def test_what_is_looked_up_of_timelines_is_what_the_warehouse_has(
    shared: FedView, batches: list[list[Any]]
) -> None:
    """Whatever is repeated, replaced, merged, removed or erased, and in whichever batch."""
    tenant = shared.new_tenant()

    def own(value: Any) -> Any:
        """Return it with ids that no other example has."""
        named = {
            name: f"{tenant} {found}"
            for name in ("id", "identity_id")
            if (found := getattr(value, name, None)) is not None
        }
        return msgspec.structs.replace(value, tenant_id=tenant, **named)

    for number, values in enumerate(batches):
        erased = [one for one in values if isinstance(one, ErasedIdentity)]
        said = [own(one) for one in values if not isinstance(one, ErasedIdentity | str)]
        if erased:
            gone = [
                msgspec.structs.replace(one, identity_id=f"{tenant} {one.identity_id}")
                for one in erased
            ]
            told = erasure(*gone, event_id=f"{tenant} erased {number}")
            said.append(msgspec.structs.replace(told, tenant_id=tenant))
        shared.records_and_tombstones(
            said, [("conversations", f"{tenant} {one}") for one in values if isinstance(one, str)]
        )

    expected = shared.warehouse.execute(
        """
        select 'message', message_id, epoch_us(sent_at) from raw.customer_messages
        where tenant_id = $t
        union all
        select 'conversation', conversation_id, version from raw.conversations
        where tenant_id = $t and merged_into is null
        union all
        select 'event', event_id, epoch_us(occurred_at) from raw.customer_events
        where tenant_id = $t
        """,
        {"t": tenant},
    ).fetchall()
    with closing(sqlite3.connect(shared.store.lookups_path)) as lookups:
        rows = lookups.execute(
            "select kind, document from entries where tenant_id = ?", (tenant,)
        ).fetchall()
    found = [(kind, *_told_by(kind, document)) for kind, document in rows]
    assert sorted(found) == sorted(expected)


def _told_by(kind: str, document: str) -> tuple[str, int]:
    """Return a record's id, and what tells which one of them it is."""
    if kind == "message":
        message = msgspec.json.decode(document, type=MessageFact)
        return message.message_id, microseconds_of(message.sent_at)
    if kind == "conversation":
        opened = msgspec.json.decode(document, type=Conversation)
        return opened.id, opened.version
    told = msgspec.json.decode(document, type=CustomerEvent)
    return told.id, microseconds_of(told.occurred_at)
