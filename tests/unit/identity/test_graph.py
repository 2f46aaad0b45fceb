"""One node: any order, duplication and batching of its messages, the same customer. Pure."""

import random
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.identity.graph import fold
from streams.identity.instants import to_datetime
from streams.identity.joins import join_roots
from streams.identity.observations import join_observation
from streams.identity.operations import Observe
from streams.identity.policy import Policy
from streams.identity.state import Node, Root, decode_node, encode_node
from tests.examples import examples
from tests.unit.identity.builders import (
    ADDRESSES,
    DAY_MS,
    HOUR_MS,
    START_MS,
    address,
    customer_of,
    observe,
)

KEY = address("phone:+5511999998888")
POLICY = Policy()


def comparable(root: Root) -> dict[str, Any]:
    """Return what any order must agree on: a root's age and version tell how it came about."""
    fields: dict[str, Any] = msgspec.to_builtins(root)
    del fields["version"], fields["rankAtMs"], fields["seeds"]
    return fields


def test_a_first_message_makes_one_customer_with_its_conversation_and_fact() -> None:
    folded = fold(KEY, None, [observe(name="Maria")], POLICY, ADDRESSES)

    customer = customer_of(folded)
    assert customer.display_name == "Maria"
    assert customer.status == "active"
    assert customer.metadata.source == "auto_created"
    assert customer.metadata.original_external_id == "5511999998888"
    assert customer.phones == ("+5511999998888",)
    assert customer.created_at == to_datetime(START_MS)
    kinds = [type(record).__name__ for record in folded.records]
    assert kinds == ["Customer", "CustomerEvent", "Conversation"]
    assert [fact.customer_id for fact in folded.facts] == [customer.id]


def test_many_messages_of_a_batch_are_one_customer_record() -> None:
    messages = [observe(f"m{n}", at_ms=START_MS + n * 1000) for n in range(50)]
    folded = fold(KEY, None, messages, POLICY, ADDRESSES)

    assert customer_of(folded).metadata.last_seen_at == to_datetime(START_MS + 49_000)
    assert sum(isinstance(record, Customer) for record in folded.records) == 1
    assert len(folded.facts) == 50
    assert sum(isinstance(record, Conversation) for record in folded.records) == 1


def test_a_person_we_wrote_to_is_contacted_until_they_write() -> None:
    contacted = fold(KEY, None, [observe("m1", direction="outbound")], POLICY, ADDRESSES)
    assert customer_of(contacted).status == "contacted"

    reply = observe("m2", at_ms=START_MS + HOUR_MS)
    answered = fold(KEY, contacted.node, [reply], POLICY, ADDRESSES)
    assert customer_of(answered).status == "active"
    (activated,) = (r for r in answered.records if isinstance(r, CustomerEvent))
    assert activated.type == "customer.activated"


def test_without_auto_creation_nobody_new_becomes_a_customer_and_the_message_is_kept() -> None:
    closed = Policy(auto_creation=False)
    folded = fold(KEY, None, [observe()], closed, ADDRESSES)
    assert folded.node is None
    assert folded.records == []
    assert [fact.customer_id for fact in folded.facts] == [None]

    known = fold(KEY, None, [observe()], POLICY, ADDRESSES).node
    later = fold(KEY, known, [observe("m2", at_ms=START_MS + 1)], closed, ADDRESSES)
    assert customer_of(later).metadata.last_seen_at == to_datetime(START_MS + 1)


def test_a_redelivered_message_changes_nothing_but_repeats_its_fact() -> None:
    node = fold(KEY, None, [observe()], POLICY, ADDRESSES).node
    again = fold(KEY, node, [observe()], POLICY, ADDRESSES)
    assert again.node is node
    assert again.records == []
    assert [fact.message_id for fact in again.facts] == ["m1"]


def test_a_blank_name_never_blanks_a_known_one_and_the_newest_name_wins() -> None:
    messages = [
        observe("m2", at_ms=START_MS + 2, name="Maria B"),
        observe("m1", at_ms=START_MS + 1, name="Maria A"),
        observe("m3", at_ms=START_MS + 3, name=None),
        observe("m4", at_ms=START_MS + 4, name="5511999998888"),
    ]
    assert customer_of(fold(KEY, None, messages, POLICY, ADDRESSES)).display_name == "Maria B"


def test_a_burst_is_one_conversation_and_a_day_of_silence_ends_it() -> None:
    album = [observe(f"m{n}", at_ms=START_MS + n * 50) for n in range(4)]
    folded = fold(
        KEY, None, [*album, observe("m9", at_ms=START_MS + 2 * DAY_MS)], POLICY, ADDRESSES
    )
    conversations = [r for r in folded.records if isinstance(r, Conversation)]
    assert len(conversations) == 2
    assert len({fact.conversation_id for fact in folded.facts[:4]}) == 1
    assert folded.facts[4].conversation_id == conversations[1].id


def test_a_message_exactly_at_the_gap_stays_in_the_conversation() -> None:
    messages = [observe("m1"), observe("m2", at_ms=START_MS + POLICY.conversation_gap_ms)]
    folded = fold(KEY, None, messages, POLICY, ADDRESSES)
    assert sum(isinstance(r, Conversation) for r in folded.records) == 1


def test_a_late_message_between_two_conversations_makes_them_one() -> None:
    gap = POLICY.conversation_gap_ms
    node = fold(
        KEY, None, [observe("m1"), observe("m3", at_ms=START_MS + 2 * gap)], POLICY, ADDRESSES
    ).node
    folded = fold(KEY, node, [observe("m2", at_ms=START_MS + gap)], POLICY, ADDRESSES)
    merged = [r for r in folded.records if isinstance(r, Conversation) and r.merged_into]
    living = [r for r in folded.records if isinstance(r, Conversation) and not r.merged_into]
    assert len(merged) == len(living) == 1
    assert merged[0].merged_into == living[0].id
    assert living[0].last_message_at - living[0].started_at == timedelta(milliseconds=2 * gap)


def test_the_platforms_own_conversation_wins_over_the_gap() -> None:
    messages = [
        observe("m1", platform_conversation_id="c-1"),
        observe("m2", at_ms=START_MS + 5 * DAY_MS, platform_conversation_id="c-1"),
        observe("m3", at_ms=START_MS + 1000, platform_conversation_id="c-2"),
    ]
    folded = fold(KEY, None, messages, POLICY, ADDRESSES)
    conversations = [r for r in folded.records if isinstance(r, Conversation)]
    assert {c.platform_conversation_id for c in conversations} == {"c-1", "c-2"}


messages = st.builds(
    observe,
    message_id=st.integers(0, 30).map(lambda n: f"m{n}"),
    at_ms=st.integers(0, 40).map(lambda n: START_MS + n * 7 * HOUR_MS),
    direction=st.sampled_from(["inbound", "outbound"]),
    channel_id=st.sampled_from(["wa-1", "sms-1"]),
    name=st.sampled_from([None, "Ana", "Bia", "5511999998888"]),
    platform_conversation_id=st.sampled_from(["", "", "", "c-1"]),
)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(messages, min_size=1, max_size=25), st.integers(0, 2**32).map(random.Random))
def test_any_order_duplication_and_batching_gives_the_same_customer(
    log: list[Observe], rng: random.Random
) -> None:
    expected = fold(KEY, None, log, POLICY, ADDRESSES).node
    assert isinstance(expected, Root)

    disturbed = [*log, *rng.choices(log, k=rng.randint(0, len(log)))]
    rng.shuffle(disturbed)
    node: Node | None = None
    while disturbed:
        size = rng.randint(1, len(disturbed))
        folded = fold(KEY, node, disturbed[:size], POLICY, ADDRESSES)
        node = decode_node(encode_node(folded.node)) if folded.node else None
        disturbed = disturbed[size:]
    assert isinstance(node, Root)
    assert comparable(node) == comparable(expected)


@settings(max_examples=examples(65), deadline=None)
@given(st.lists(messages, min_size=1, max_size=20), st.data())
def test_replaying_any_suffix_over_the_state_it_made_changes_nothing(
    log: list[Observe], data: st.DataObject
) -> None:
    node = fold(KEY, None, log, POLICY, ADDRESSES).node
    suffix = log[data.draw(st.integers(0, len(log) - 1)) :]
    assert fold(KEY, node, suffix, POLICY, ADDRESSES).node == node


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(messages, min_size=1, max_size=12), messages)
def test_joining_a_message_is_joining_the_state_it_alone_would_make(
    log: list[Observe], message: Observe
) -> None:
    root = fold(KEY, None, log, POLICY, ADDRESSES).node
    alone = fold(KEY, None, [message], POLICY, ADDRESSES).node
    assert isinstance(root, Root)
    assert isinstance(alone, Root)
    expected = join_roots(root, alone, POLICY.gaps, ADDRESSES)
    assert join_observation(root, message, POLICY.gaps, ADDRESSES).identities == expected.identities
