"""Whose messages and conversations they are: merges and splits restate history. DuckDB is real."""

from datetime import timedelta

import msgspec
import pytest

from streams.contracts.customers import CustomerIdentity
from tests.sql.conftest import Given
from tests.unit.pipelines.builders import (
    START,
    conversation,
    customer,
    event,
    fact,
    identity,
)

ANA, SMS = identity("+551"), identity("+551", channel_id="sms-1", channel_type="sms")
BIA = identity("+552")
ANA_OWN, BIA_OWN = identity("+551", identity_id="a"), identity("+552", identity_id="b")
HOUR = timedelta(hours=1)

OWNERS = "select message_id, customer_id from marts.messages order by message_id"


def test_messages_of_a_merged_customer_belong_to_the_survivor(given: Given) -> None:
    given.records(
        customer("a", identities=(ANA, BIA), merged_ids=("b",), version=2),
        customer("b", identities=(BIA,), merged_into="a", version=2),
        fact("m1", external_id="+551", customer_id="a"),
        fact("m2", external_id="+552", customer_id="b"),
    )
    given.refreshed()
    assert given.rows(OWNERS) == [("m1", "a"), ("m2", "a")]
    assert given.rows("select customer_id, merged_ids from marts.customers") == [("a", ["b"])]
    assert given.rows("select merged_id, customer_id from marts.merged_customers") == [("b", "a")]


def test_after_a_split_messages_follow_their_identity(given: Given) -> None:
    given.records(
        customer("a", identities=(ANA, SMS)),
        fact("m1", external_id="+551", customer_id="a"),
        fact("m2", channel_id="sms-1", channel_type="sms", external_id="+551", customer_id="a"),
    )
    given.refreshed()
    assert given.rows(OWNERS) == [("m1", "a"), ("m2", "a")]
    given.records(customer("a", identities=(ANA,), version=2), customer("z", identities=(SMS,)))
    given.refreshed()
    assert given.rows(OWNERS) == [("m1", "a"), ("m2", "z")]


def test_a_split_gives_back_what_a_merge_had_brought_together(given: Given) -> None:
    """B went into A, and both go on writing; then they are split: B's id lives again."""
    given.records(
        customer("a", identities=(ANA, BIA), merged_ids=("b",), version=2),
        customer("b", identities=(BIA,), merged_into="a", version=2),
        conversation("v1", external_id="+551", customer_id="a"),
        conversation("v2", external_id="+552", customer_id="a", identity_id="b"),
        fact("a1", external_id="+551", customer_id="a"),
        fact("b1", external_id="+552", customer_id="b"),  # before the merge
        fact("b2", external_id="+552", customer_id="a", identity_id="b"),  # after it
    )
    given.refreshed()
    assert given.rows(OWNERS) == [("a1", "a"), ("b1", "a"), ("b2", "a")]
    given.records(
        customer("a", identities=(ANA,), version=3),
        customer("b", identities=(BIA,), version=3),
        conversation("v2", external_id="+552", customer_id="b", version=3),
        fact("b3", external_id="+552", customer_id="b"),
    )
    given.refreshed()
    assert given.rows(OWNERS) == [("a1", "a"), ("b1", "b"), ("b2", "b"), ("b3", "b")]
    assert given.rows(
        "select conversation_id, customer_id from marts.conversations order by 1"
    ) == [
        ("v1", "a"),
        ("v2", "b"),
    ]
    assert given.rows("select customer_id, status from marts.customers order by 1") == [
        ("a", "active"),
        ("b", "active"),
    ]
    assert given.rows("from marts.merged_customers") == []
    assert given.failed_checks() == []


@pytest.mark.parametrize("first", ["a", "b"])
def test_while_only_half_of_a_split_is_loaded_the_newer_record_is_believed(
    given: Given, first: str
) -> None:
    given.records(
        customer("a", identities=(ANA, BIA), merged_ids=("b",), version=2),
        customer("b", identities=(BIA,), merged_into="a", version=2),
        fact("a1", external_id="+551", customer_id="a"),
        fact("b1", external_id="+552", customer_id="b"),
        conversation("v1", external_id="+552", customer_id="a", identity_id="b"),
    )
    halves = {
        "a": customer("a", identities=(ANA,), version=3),
        "b": customer("b", identities=(BIA,), version=3),
    }
    given.records(halves.pop(first))
    given.refreshed()
    # Of A's half alone nobody owns what was B's, and B still leads to A.
    owner = "a" if first == "a" else "b"
    assert given.rows(OWNERS) == [("a1", "a"), ("b1", owner)]
    assert given.rows("select customer_id from marts.conversations") == [(owner,)]
    leads = given.rows("select merged_id, customer_id from marts.merged_customers")
    assert leads == ([("b", "a")] if first == "a" else [])
    given.records(*halves.values())
    given.refreshed()
    assert given.rows(OWNERS) == [("a1", "a"), ("b1", "b")]
    assert given.failed_checks() == []


def test_an_id_that_a_split_moved_leads_to_whoever_names_it_last(given: Given) -> None:
    """C went into B, and B into A; then B was split off, and C stayed with A."""
    sms = identity("+553")
    given.records(
        customer("c", identities=(sms,), merged_into="b", version=2),
        customer("b", identities=(BIA, sms), merged_into="a", version=3),
        customer("a", identities=(ANA, BIA, sms), merged_ids=("b", "c"), version=3),
    )
    given.refreshed()
    leads = "select merged_id, customer_id from marts.merged_customers order by 1"
    assert given.rows(leads) == [("b", "a"), ("c", "a")]
    given.records(
        customer("b", identities=(BIA,), version=4),
        customer("a", identities=(ANA, sms), merged_ids=("c",), version=4),
    )
    given.refreshed()
    assert given.rows(leads) == [("c", "a")]
    assert given.failed_checks() == []


def test_an_erasure_after_a_split_takes_one_of_the_two_wherever_they_were_named(
    given: Given,
) -> None:
    given.records(
        customer("a", identities=(ANA_OWN,), version=3),
        customer("b", identities=(BIA_OWN,), version=3),
        event("a was made", customer_id="a"),
        event("b was found under a", customer_id="a", identity_id="b"),
        conversation("v1", external_id="+551", customer_id="b", identity_id="a"),
        conversation("v2", external_id="+552", customer_id="a", identity_id="b"),
        fact("a1", external_id="+551", customer_id="a"),
        fact("a2", external_id="+551", customer_id="b", identity_id="a"),
        fact("b1", external_id="+552", customer_id="a", identity_id="b"),
        fact("b2", external_id="+552", customer_id="b"),
    )
    given.erased("a")
    given.records(
        fact("a2", external_id="+551", customer_id="b", identity_id="a"),  # delivered again
        fact("a3", external_id="+551", customer_id="a"),
    )
    given.refreshed()
    assert given.rows(OWNERS) == [("b1", "b"), ("b2", "b")]
    assert given.rows("select conversation_id, customer_id from marts.conversations") == [
        ("v2", "b")
    ]
    assert given.rows("select event_id from raw.customer_events order by 1") == [
        ("a was erased",),
        ("b was found under a",),
    ]
    assert given.rows("from marts.erased_customers") == [("a", "acme", START)]
    assert given.failed_checks() == []


def test_an_erased_customer_leaves_no_trace_under_any_of_their_ids(given: Given) -> None:
    given.records(
        customer("a", identities=(ANA_OWN, BIA_OWN), merged_ids=("b",), version=2),
        customer("b", identities=(BIA_OWN,), merged_into="a", version=2),
        fact("a1", external_id="+551", customer_id="a"),
        fact("b1", external_id="+552", customer_id="b"),
        fact("b2", external_id="+552", customer_id="a", identity_id="b"),
    )
    given.erased("a", "b")
    given.refreshed()
    for table in ("customers", "customer_identities", "messages", "merged_customers", "channels"):
        assert given.rows(f"from marts.{table}") == []
    assert given.failed_checks() == []


def test_an_identity_that_nobody_owns_leaves_the_customer_of_the_fact_or_their_survivor(
    given: Given,
) -> None:
    given.records(
        customer("a", identities=(ANA,)),
        customer("b", merged_into="c", identities=(BIA,)),
        customer("c", merged_into="a", identities=(BIA,)),
        fact("m1", external_id="+559", customer_id="a"),
        fact("m2", external_id="+559", customer_id="b"),
        fact("m3", external_id="+559", customer_id=None),
        fact("m4", external_id="+559", customer_id="unknown"),
    )
    given.refreshed()
    assert given.rows(OWNERS) == [("m1", "a"), ("m2", "a"), ("m3", None), ("m4", "unknown")]


def test_the_same_number_in_two_tenants_is_two_people(given: Given) -> None:
    given.records(
        customer("a", tenant_id="acme", identities=(ANA,)),
        customer("b", tenant_id="bistro", identities=(ANA,)),
        fact("m1", tenant_id="acme", external_id="+551", customer_id=None),
        fact("m1", tenant_id="bistro", external_id="+551", customer_id=None),
    )
    given.refreshed()
    assert given.rows("select tenant_id, customer_id from marts.messages order by 1") == [
        ("acme", "a"),
        ("bistro", "b"),
    ]


def test_an_identity_held_by_two_counts_each_message_once(given: Given) -> None:
    later = identity("+551", last_seen_at=START + HOUR)
    given.records(
        customer("a", identities=(ANA,)),
        customer("b", identities=(later,)),
        fact("m1", external_id="+551", customer_id="a"),
    )
    given.refreshed()
    assert given.rows(OWNERS) == [("m1", "b")]


def test_merges_in_a_circle_end_and_resolve_to_nobody(given: Given) -> None:
    given.records(
        customer("a", merged_into="b", identities=(ANA,)),
        customer("b", merged_into="a", identities=(BIA,)),
    )
    given.refreshed()
    assert given.rows("from marts.merged_customers") == []
    assert given.rows("from marts.customers") == []


def test_a_message_falls_into_the_conversation_around_it_bounds_included(given: Given) -> None:
    given.records(
        customer("a", identities=(ANA,)),
        conversation(
            "v1",
            external_id="+551",
            customer_id="a",
            started_at=START,
            last_message_at=START + HOUR,
        ),
        conversation(
            "v2",
            external_id="+551",
            customer_id="a",
            started_at=START + 30 * HOUR,
            last_message_at=START + 31 * HOUR,
        ),
        *(
            fact(
                f"m{n}",
                external_id="+551",
                customer_id="a",
                conversation_id="said",
                sent_at=START + hours * HOUR,
            )
            for n, hours in enumerate((0, 1, 2, 30, 31))
        ),
    )
    given.refreshed()
    assert given.rows(
        "select message_id, conversation_id from marts.messages order by message_id"
    ) == [("m0", "v1"), ("m1", "v1"), ("m2", "said"), ("m3", "v2"), ("m4", "v2")]


def test_a_conversation_that_went_into_another_gives_it_its_messages(given: Given) -> None:
    given.records(
        customer("a", identities=(ANA,)),
        conversation("v1", external_id="+551", customer_id="a", merged_into="v2", version=2),
        conversation("v2", external_id="+551", customer_id="a", last_message_at=START + 9 * HOUR),
        fact("m1", external_id="+551", customer_id="a", conversation_id="v1"),
    )
    given.refreshed()
    assert given.rows("select conversation_id from marts.messages") == [("v2",)]
    assert given.rows("select conversation_id from marts.conversations") == [("v2",)]


def test_of_overlapping_conversations_the_message_keeps_its_own(given: Given) -> None:
    given.records(
        customer("a", identities=(ANA,)),
        conversation("v1", external_id="+551", customer_id="a"),
        conversation("v2", external_id="+551", customer_id="a", started_at=START - HOUR),
        fact("m1", external_id="+551", customer_id="a", conversation_id="v2"),
        fact("m2", external_id="+551", customer_id="a", conversation_id=None),
    )
    given.refreshed()
    assert given.rows(
        "select message_id, conversation_id from marts.messages order by message_id"
    ) == [("m1", "v2"), ("m2", "v1")]


def test_a_conversation_belongs_to_whoever_owns_its_identity_now(given: Given) -> None:
    given.records(
        customer("a", identities=(ANA,)),
        conversation("v1", external_id="+551", customer_id="old"),
        conversation("v2", external_id="+559", customer_id="old"),
    )
    given.refreshed()
    assert given.rows(
        "select conversation_id, customer_id from marts.conversations order by 1"
    ) == [
        ("v1", "a"),
        ("v2", "old"),
    ]


def test_channels_count_people_and_messages_each_way(given: Given) -> None:
    given.records(
        customer("a", identities=(ANA, SMS)),
        customer("b", identities=(BIA,)),
        fact("m1", external_id="+551", customer_id="a"),
        fact("m2", external_id="+552", customer_id="b", sent_at=START + HOUR),
        fact("m3", external_id="+552", customer_id="b", direction="outbound", sent_at=START - HOUR),
    )
    given.refreshed()
    assert given.rows(
        "select channel_id, channel_type, first_message_at, last_message_at, customers, "
        "messages_in, messages_out from marts.channels order by 1"
    ) == [
        ("sms-1", "sms", None, None, 1, 0, 0),
        ("wa-1", "whatsapp", START - HOUR, START + HOUR, 2, 2, 1),
    ]


def test_a_number_that_changed_hands_is_each_owners_for_their_time(given: Given) -> None:
    def spoke(from_hours: int, to_hours: int, identity_id: str) -> CustomerIdentity:
        return msgspec.structs.replace(
            identity("+551", identity_id=identity_id),
            first_seen_at=START + from_hours * HOUR,
            last_seen_at=START + to_hours * HOUR,
        )

    given.records(
        customer("a", identities=(spoke(0, 9, "a"),)),
        customer("z", identities=(spoke(5, 8, "z"),)),
        conversation("v1", external_id="+551", customer_id="a", started_at=START),
        conversation("v2", external_id="+551", customer_id="a", started_at=START + 5 * HOUR),
        fact("m0", external_id="+551", customer_id="a", sent_at=START - HOUR),
        fact("m1", external_id="+551", customer_id="a", sent_at=START + 4 * HOUR),
        fact("m2", external_id="+551", customer_id="a", sent_at=START + 5 * HOUR),
        fact("m3", external_id="+551", customer_id="a", sent_at=START + 99 * HOUR),
    )
    given.refreshed()
    assert given.rows(OWNERS) == [("m0", "a"), ("m1", "a"), ("m2", "z"), ("m3", "z")]
    assert given.rows(
        "select conversation_id, customer_id from marts.conversations order by 1"
    ) == [("v1", "a"), ("v2", "z")]
