"""Why customers are one person, and what is still a question. DuckDB is real."""

from datetime import timedelta

from streams.contracts.customers import ErasedIdentity
from tests.sql.conftest import Given
from tests.unit.pipelines.builders import (
    START,
    customer,
    erasure,
    fact,
    identity,
    link,
    suggestion,
)

PHONE, EMAIL = "phone:+5511999998888", "email:ana@example.org"
TELEGRAM = identity("42", channel_id="tg-1", channel_type="telegram", identity_key="telegram:42")
SUGGESTIONS = (
    "select suggestion_id, status, customer_id, other_customer_id "
    "from marts.link_suggestions order by 1"
)


def test_each_link_of_a_living_customer_is_a_row_with_its_evidence(given: Given) -> None:
    shared = link(PHONE, "telegram:42")
    merged = link(
        PHONE, "telegram:42", rule="agent_merge", message_id="k1", channel_id=None, said_by="ines"
    )
    given.records(
        customer("a", identities=(identity(), TELEGRAM), links=(shared, merged)),
        customer("b", identities=(TELEGRAM,), links=(shared,), merged_into="a"),
        customer("c", identities=(identity("+552"),)),
    )
    given.refreshed()
    assert given.rows("from marts.customer_links order by rule") == [
        ("a", "acme", PHONE, "telegram:42", "agent_merge", "attested", START, "k1", None, "ines"),
        (
            *("a", "acme", PHONE, "telegram:42", "contact_shared", "attested", START),
            *("m1", "tg-1", None),
        ),
    ]
    assert given.failed_checks() == []


def test_after_a_split_each_keeps_the_links_of_their_newest_record(given: Given) -> None:
    shared = link(PHONE, "telegram:42")
    given.records(
        customer("a", identities=(identity(), TELEGRAM), links=(shared,), merged_ids=("b",)),
        customer("b", identities=(TELEGRAM,), links=(shared,), merged_into="a"),
    )
    given.records(
        customer("a", identities=(identity(),), version=2),
        customer("b", identities=(TELEGRAM,), version=2, links=(link("telegram:42", "lid:7"),)),
    )
    given.refreshed()
    assert given.rows("select customer_id, other_identity_key from marts.customer_links") == [
        ("b", "lid:7")
    ]
    assert given.failed_checks() == []


def test_customers_say_whether_they_are_blocked_or_may_have_a_new_owner(given: Given) -> None:
    given.records(
        customer("a", blocked=True, possible_new_owner_since=START),
        customer("b", identities=(identity("+552"),)),
    )
    given.refreshed()
    assert given.rows(
        "select customer_id, blocked, possible_new_owner_since from marts.customers order by 1"
    ) == [("a", True, START), ("b", False, None)]


def test_a_suggestion_is_one_row_with_its_newest_status_between_those_who_live_now(
    given: Given,
) -> None:
    later = START + timedelta(hours=1)
    given.records(
        customer("a", identities=(identity(),)),
        customer("b", identities=(identity("+552"),), merged_into="a"),
        customer("c", identities=(identity("+553"),)),
        fact("m1", customer_id="a", sent_at=later),
        suggestion("s1", customer_id="c", other_customer_id="b"),
        suggestion("s2", customer_id="a", other_customer_id="c"),
        suggestion("s3", customer_id="a", other_customer_id=None),
        suggestion("s4", customer_id="b", other_customer_id="c", status="settled"),
    )
    given.records(suggestion("s2", customer_id="a", other_customer_id="c", status="refused"))
    given.refreshed()
    assert given.rows(SUGGESTIONS) == [
        ("s1", "open", "c", "a"),
        ("s2", "refused", "a", "c"),
        ("s3", "open", "a", None),
        ("s4", "settled", "a", "c"),
    ]
    assert given.failed_checks() == []


def test_a_merge_undone_leads_an_open_suggestion_back(given: Given) -> None:
    given.records(
        customer("a", merged_ids=("b",)),
        customer("b", identities=(identity("+552"),), merged_into="a"),
        customer("c", identities=(identity("+553"),)),
        suggestion("s1", customer_id="c", other_customer_id="b"),
    )
    given.refreshed()
    assert given.rows(SUGGESTIONS) == [("s1", "open", "c", "a")]
    given.records(
        customer("a", version=2),
        customer("b", identities=(identity("+552"),), version=2),
    )
    given.refreshed()
    assert given.rows(SUGGESTIONS) == [("s1", "open", "c", "b")]


def test_every_id_of_an_erased_customer_is_dated_by_the_erasure(given: Given) -> None:
    given.erased("a", "key of a")
    of_then = ErasedIdentity(identity_id="owner before", since=START)
    given.records(erasure("b", of_then, event_id="b was erased", at=START))
    given.refreshed()
    assert given.rows("from marts.erased_customers order by 1") == [
        ("a", "acme", START),
        ("b", "acme", START),
        ("key of a", "acme", START),
    ]
