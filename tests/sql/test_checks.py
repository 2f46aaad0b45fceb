"""Each check finds the row that breaks it, and nothing in a warehouse that is right."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.sql.conftest import Given
from tests.unit.pipelines.builders import START, conversation, customer, fact
from warehouse.checks import checks, run_check, run_checks
from warehouse.connection import open_memory

RAW_OFFSETS = "update raw.ingest_offsets set next_offset = 0 where topic = 'customers'"
REJECTED = (
    "insert into raw.rejected_rows values ('customers', 0, 0, 'why', now(), null, null, '', now())"
)
EVENT = (
    "insert into raw.customer_events by name select 'e' as event_id, 'customer.created' as "
    "event_type, 'acme' as tenant_id, 'c1' as customer_id, now() as occurred_at, "
    '\'customer-events\' as topic, 0 as "partition", 0 as "offset", now() as loaded_at'
)
DEAD_LETTER = (
    "insert into raw.dead_letters by name select 'd' as dead_letter_id, 't' as source_topic, "
    "0 as source_partition, 0 as source_offset, 'invalid' as reason, now() as received_at, "
    '\'dead-letters\' as topic, 0 as "partition", 0 as "offset", now() as loaded_at'
)
EVIDENCE = (
    "insert into marts.customer_evidence "
    "select '{}' as customer_id, 'acme' as tenant_id, '{{}}'::json as evidence"
)
LINK = (
    "insert into marts.customer_links by name select 'c1' as customer_id, 'acme' as tenant_id, "
    "{!r} as identity_key, {!r} as other_identity_key, 'same_account' as rule, now() as said_at"
)
SUGGESTION = (
    "insert into marts.link_suggestions by name select 's' as suggestion_id, 'acme' as tenant_id, "
    "'{}' as status, 'c1' as customer_id, {} as other_customer_id, "
    "timestamptz '2026-01-01' as said_at"
)
POLICY = (
    "insert into raw.policies by name select 'acme' as tenant_id, '{}' as policy, now() as set_at, "
    "'ines' as set_by, 'p' as command_id, 'policies' as topic, 0 as \"partition\", "
    '0 as "offset", now() as loaded_at'
)
ERASED = "insert into marts.erased_customers values ('x', null, now())"
TRACE = "insert into raw.erased_customers (identity_id, loaded_at) values ('{}', now())"
PHONE = "phone:+5511999998888"  # c1's
OFFSETS = "insert into raw.ingest_offsets values ('{}', 0, 1, null, '', now())"

# What breaks each check: statements after the refresh.
BREAKS: dict[str, tuple[str, ...]] = {
    "activity_windows_nest": ("update marts.activity set weekly_active = 0",),
    "channel_days_hold_every_message": ("delete from marts.messages where message_id = 'm1'",),
    "channel_performance_adds_up": (
        "delete from marts.channel_performance where grain = 'week'",
        "update marts.channel_performance set messages_in = 0 where grain = 'day'",
    ),
    "customer_days_hold_every_message": ("update marts.customer_days set messages_in = 7",),
    "customer_weeks_hold_every_day": ("delete from marts.customer_weeks",),
    "events_are_all_there": (EVENT, OFFSETS.format("customer-events")),
    "growth_counts_every_customer": ("delete from marts.growth_days",),
    "growth_periods_add_up": ("update marts.growth set new_customers = 9 where grain = 'week'",),
    "heat_map_holds_every_message": ("delete from marts.activity_heat_map",),
    "hours_hold_every_message": ("update marts.message_hours set messages_out = 1",),
    "identity_health_covers_every_customer": ("delete from marts.identity_health",),
    "lifecycle_adds_up": ("update marts.lifecycle set active_customers = active_customers + 1",),
    "links_by_rule_hold_every_link": (LINK.format(PHONE, "lid:1"),),
    "numbers_of_channels_hold_every_customer": ("delete from marts.customers_by_channel_count",),
    "replies_are_unique": ("insert into marts.replies from marts.replies",),
    "retention_is_of_its_cohort": ("update marts.retention set active = customers + 1",),
    "channels_are_unique": ("insert into marts.channels from marts.channels",),
    "conversations_are_unique": ("insert into raw.conversations from raw.conversations",),
    "conversations_have_a_customer": (
        "update marts.conversations set customer_id = 'x' where conversation_id = 'v1'",
    ),
    "customers_are_unique": ("insert into raw.customers from raw.customers",),
    "customers_have_an_identity": ("delete from marts.customer_identities",),
    "dead_letters_are_unique": (DEAD_LETTER, DEAD_LETTER, OFFSETS.format("dead-letters")),
    "erased_customers_are_gone": (TRACE.format("c1"),),
    "erased_ids_are_unique": (ERASED, ERASED),
    "events_are_unique": (EVENT, EVENT, OFFSETS.format("customer-events")),
    "every_record_was_readable": (REJECTED,),
    "evidence_is_of_living_customers": (EVIDENCE.format("x"),),
    "identities_are_unique": (
        "insert into marts.customer_identities from marts.customer_identities",
    ),
    "identities_have_a_customer": ("update marts.customer_identities set customer_id = 'x'",),
    "identities_have_one_owner": (
        (
            "insert into marts.customer_identities by name "
            "select * replace ('c2' as customer_id) from marts.customer_identities"
        ),
    ),
    "identity_owners_are_unique": ("insert into marts.identity_owners from marts.identity_owners",),
    "links_are_unique": (LINK.format(PHONE, "lid:1"), LINK.format(PHONE, "lid:1")),
    "links_lead_to_their_customer": (LINK.format("telegram:1", "lid:1"),),
    "merged_customers_lead_somewhere": ("update raw.customers set merged_into = 'nobody'",),
    "messages_are_all_there": ("delete from marts.messages where message_id = 'm1'",),
    "messages_are_unique": ("insert into marts.messages from marts.messages",),
    "messages_have_a_customer": (
        "update marts.messages set customer_id = 'x' where message_id = 'm1'",
    ),
    "open_suggestions_have_customers": (SUGGESTION.format("open", "'x'"),),
    "policies_are_unique": (POLICY, POLICY, OFFSETS.format("policies")),
    "rows_lie_below_the_offsets": (RAW_OFFSETS,),
    "stats_cover_every_tenant": ("delete from marts.customer_stats",),
    "suggestions_are_unique": (SUGGESTION.format("open", "null"),) * 2,
}
# Further ways to break some of them.
BREAKS_TOO: list[tuple[str, tuple[str, ...]]] = [
    ("erased_customers_are_gone", (TRACE.format("id of +5511999998888"),)),  # a customer's identity
    *(
        (
            "erased_customers_are_gone",
            (f"update raw.{table} set {column} = 'x'", TRACE.format("x")),
        )
        for table, column in (
            ("customers", "customer_id"),
            ("conversations", "identity_id"),
            ("customer_messages", "identity_id"),
        )
    ),
    (
        "erased_customers_are_gone",
        (EVENT, "update raw.customer_events set identity_id = 'x'", TRACE.format("x")),
    ),
    ("evidence_is_of_living_customers", (EVIDENCE.format("c1"),) * 2),
    ("links_lead_to_their_customer", (LINK.format(PHONE, "phone:+551"),)),
    ("links_lead_to_their_customer", (LINK.format("email:not@c1.example", PHONE),)),
    (
        "open_suggestions_have_customers",
        (SUGGESTION.format("open", "null").replace("'c1'", "'x'"),),
    ),
]
# What looks much like it, and is right.
RIGHT: dict[str, str] = {
    "a link to a key that nobody wrote from": LINK.format(PHONE, "reference:crm-7"),
    "a link to an address that nobody wrote from": LINK.format(PHONE, "email:ana@example.org"),
    "a question about a key that is nobody's yet": SUGGESTION.format("open", "null"),
    "an answered question about somebody gone": SUGGESTION.format("refused", "'x'"),
    "a fact that names an erased customer, of another identity": (
        "update raw.customer_messages set customer_id = 'gone' where message_id = 'm1'"
    ),
}


@pytest.fixture(scope="module")
def _loaded() -> Iterator[Given]:
    with open_memory() as connection:
        yield filled(Given(connection))


@pytest.fixture
def right(_loaded: Given) -> Iterator[Given]:
    """Give a warehouse in which every claim holds; what is done to it is undone."""
    _loaded.connection.begin()
    yield _loaded
    _loaded.connection.rollback()


def filled(given: Given) -> Given:
    """Return the warehouse with all that claims are about."""
    later = START + timedelta(hours=3)
    given.records(
        customer("c1"),
        conversation("v1"),
        conversation("v2", started_at=later, last_message_at=later),
        fact("m1"),
        fact("m2", sent_at=later),
    )
    given.refreshed(later)
    return given


def test_a_right_warehouse_passes_every_check(right: Given) -> None:
    results = run_checks(right.connection)
    assert len(results) == len(checks())
    assert [(one.check.name, one.examples) for one in results if not one.holds] == []


def test_an_empty_warehouse_passes_every_check(given: Given) -> None:
    given.refreshed()
    assert all(one.holds for one in run_checks(given.connection))


def test_every_check_has_a_row_here_that_breaks_it() -> None:
    assert {one.name for one in checks()} == set(BREAKS)


@pytest.mark.parametrize("name", BREAKS)
def test_the_check_finds_the_row_that_breaks_it(right: Given, name: str) -> None:
    right.run(BREAKS[name])
    _require_broken(right, name)


@pytest.mark.parametrize(("name", "statements"), BREAKS_TOO)
def test_the_check_finds_each_kind_of_row_that_breaks_it(
    right: Given, name: str, statements: tuple[str, ...]
) -> None:
    right.run(statements)
    _require_broken(right, name)


@pytest.mark.parametrize("what", RIGHT)
def test_what_only_looks_wrong_breaks_no_check(right: Given, what: str) -> None:
    right.run(
        (
            "update marts.customers set emails = ['ana@example.org']",
            TRACE.format("gone"),
            RIGHT[what],
        )
    )
    # A link that is only in its mart is not counted elsewhere.
    assert set(right.failed_checks()) <= {"links_by_rule_hold_every_link"}


def _require_broken(right: Given, name: str) -> None:
    (check,) = (one for one in checks() if one.name == name)
    found = run_check(right.connection, check)
    assert not found.holds
    assert found.offending >= 1
    assert found.examples
    assert found.check.catches.endswith(".")
