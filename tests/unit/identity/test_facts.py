"""A fact put together from parts is, byte for byte, its record's encoding. Nothing is a fake."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contracts.wire import encode
from streams.identity.facts import Messages, facts_of, key_of, written
from streams.identity.instants import epoch_seconds, rfc3339, to_datetime
from streams.identity.operations import Observe
from streams.identity.windows import window_of
from tests.examples import examples

START_MS = 1_770_000_000_000
YEAR_MS = 365 * 24 * 60 * 60 * 1000
# Whatever JSON can say, so no lone surrogates; quotes, control characters and emoji included.
texts = st.text(st.characters(exclude_categories=["Cs"]))
instants = st.integers(0, 10**14) | st.integers(START_MS - YEAR_MS, START_MS + YEAR_MS)
seconds = st.integers(0, 4 * 10**9).map(lambda second: second * 1000)


@st.composite
def messages(draw: st.DrawFn) -> Messages:
    """Draw messages of one sender, some of them in a conversation."""
    sender = {
        "tenant_id": draw(texts),
        "channel_id": draw(texts),
        "channel_type": draw(texts),
        "external_id": draw(texts),
        "identity_key": draw(texts | st.sampled_from(["phone:+1", "phone:+1~5", "email:a@b"])),
    }
    observed = draw(
        st.lists(
            st.builds(
                Observe,
                **{name: st.just(value) for name, value in sender.items()},
                message_id=texts,
                direction=st.sampled_from(["inbound", "outbound"]),
                at_ms=instants | seconds,
                received_at_ms=instants | seconds,
                content_type=texts,
                is_clock_wrong=st.booleans(),
                text=st.none() | texts,
                agent_id=st.none() | texts,
                platform_conversation_id=st.sampled_from(["", "", "p"]),
            ),
            min_size=1,
            max_size=5,
        )
    )
    windows = tuple(
        msgspec.structs.replace(
            window_of(
                "someone",
                message_id=one.message_id,
                at_ms=one.at_ms,
                direction=one.direction,
                platform_id=one.platform_conversation_id,
            ),
            last_at_ms=one.at_ms + 1000,
        )
        for one in draw(st.lists(st.sampled_from(observed)))
    )
    return Messages(observed, windows, draw(st.none() | texts), draw(texts))


@given(messages())
@settings(max_examples=examples(100), deadline=None)
def test_a_fact_written_from_parts_is_its_record_encoded(said: Messages) -> None:
    facts = list(facts_of(said))
    assert [value for _, value in written([said])] == [encode(fact) for fact in facts]


@given(st.lists(messages()))
@settings(max_examples=examples(35), deadline=None)
def test_facts_of_several_senders_are_written_as_each_alone(runs: list[Messages]) -> None:
    assert written(runs) == [fact for said in runs for fact in written([said])]


@given(messages())
@settings(max_examples=examples(35), deadline=None)
def test_a_fact_written_from_parts_has_its_records_key(said: Messages) -> None:
    assert [key for key, _ in written([said])] == [key_of(fact) for fact in facts_of(said)]


@given(st.integers(-(10**13), 2 * 10**14) | seconds)
@settings(max_examples=examples(165))
def test_an_instant_is_written_as_its_datetime_is(at_ms: int) -> None:
    assert msgspec.json.encode(rfc3339(at_ms)) == msgspec.json.encode(to_datetime(at_ms))


@given(st.integers(-(10**13), 2 * 10**14) | seconds)
@settings(max_examples=examples(165))
def test_an_instant_in_seconds_is_written_as_its_number_is(at_ms: int) -> None:
    assert epoch_seconds(at_ms) == repr(at_ms / 1000)
