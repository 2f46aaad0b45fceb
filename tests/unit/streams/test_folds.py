"""The worker's two steps, from bytes to bytes: nothing raises, nothing vanishes. Pure."""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import folds, topics
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.wire import encode
from streams.engine.batches import OutRecord
from streams.folds import IdentityFold, TopicNames, Translate
from streams.identity.policy import Policy
from tests.builders import message

NAMES = TopicNames("p-")


@dataclass
class Record:
    value: bytes | None
    key: bytes | None = b"k"
    topic: str = "p-messages.inbound"
    partition: int = 3
    offset: int = 7
    timestamp: int = 1_790_000_000_000


def translated(value: bytes | None) -> OutRecord:
    (out,) = Translate(NAMES)([Record(value)]).records
    return out


def letter(out: OutRecord) -> DeadLetter:
    assert out.topic == "p-dead-letters"
    return msgspec.json.decode(out.value or b"", type=DeadLetter)


def test_a_message_becomes_an_operation_on_the_node_of_its_person() -> None:
    out = translated(encode(message()))
    assert (out.topic, out.key) == ("p-interactions", b"acme/phone:+5511999998888")


def test_a_dead_letter_says_where_why_and_keeps_the_bytes() -> None:
    set_aside = letter(translated(b'{"tenantId": 5}'))
    assert (set_aside.id, set_aside.reason, set_aside.raw) == (
        "p-messages.inbound/3/7",
        "unreadable",
        b'{"tenantId": 5}',
    )
    assert "tenantId" in set_aside.detail


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("tenantId", "a/b", "tenantId"),
        ("messageId", "", "messageId"),
        ("from", " ", "from"),
        ("timestamp", "soon", "timestamp"),
        ("timestamp", "9" * 5000, "timestamp"),
        ("channel", {"id": "has space", "type": "sms"}, "channel.id"),
    ],
)
def test_an_unusable_value_is_named_in_the_dead_letter(field: str, value: Any, word: str) -> None:
    fields = msgspec.json.decode(encode(message()))
    set_aside = letter(translated(msgspec.json.encode({**fields, field: value})))
    assert set_aside.reason == "invalid"
    assert word in set_aside.detail


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
odd_messages = st.fixed_dictionaries(
    {
        "tenantId": st.just("acme") | json_values,
        "channel": st.fixed_dictionaries(
            {"id": st.just("c") | json_values, "type": st.sampled_from(["sms", "webchat", "x"])}
        )
        | json_values,
        "messageId": st.text() | json_values,
        "direction": st.sampled_from(["inbound", "outbound", "sideways"]),
        "from": st.text() | json_values,
        "to": st.text(),
        "timestamp": st.text() | st.integers() | st.floats(),
    }
)


@settings(max_examples=400, deadline=None)
@given(st.binary() | (json_values | odd_messages).map(msgspec.json.encode))
def test_any_bytes_become_one_operation_or_one_dead_letter(value: bytes) -> None:
    out = translated(value)
    if out.topic == "p-interactions":
        fold = IdentityFold(NAMES, Policy())
        gathered, keys = fold.gather([Record(out.value, out.key)])
        effects = fold.decide(gathered, [None] * len(keys))
        assert {r.topic for r in effects.records} >= {"p-customers", "p-customer-messages"}
    else:
        letter(out)


def test_deep_nesting_is_unreadable_and_stops_nobody() -> None:
    assert letter(translated(b'{"a":' * 100_000)).reason == "unreadable"


def test_a_state_that_would_outgrow_the_broker_is_refused_and_its_messages_set_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = translated(encode(message()))
    monkeypatch.setattr(folds, "STATE_BYTES_LIMIT", 200)
    fold = IdentityFold(NAMES, Policy())
    gathered, keys = fold.gather([Record(out.value, out.key)])
    effects = fold.decide(gathered, [None] * len(keys))
    assert effects.changes == {}
    assert letter(effects.records[0]).reason == "too_large"


def test_topics_of_all_outputs_carry_the_prefix() -> None:
    assert NAMES(topics.CUSTOMERS) == "p-customers"


@pytest.mark.parametrize("key", [None, b"", b"acme/phone:+4915112345678", b"\xff"])
def test_an_operation_under_a_key_that_is_not_its_nodes_is_set_aside(key: bytes | None) -> None:
    out = translated(encode(message()))
    gathered, keys = IdentityFold(NAMES, Policy()).gather([Record(out.value, key)])
    assert keys == []
    assert letter(gathered.set_aside[0]).reason == "unreadable"


def test_deciding_twice_says_the_same() -> None:
    out = translated(encode(message()))
    fold = IdentityFold(NAMES, Policy())
    gathered, keys = fold.gather([Record(out.value, out.key), Record(b"poison")])
    assert fold.decide(gathered, [None] * len(keys)) == fold.decide(gathered, [None] * len(keys))
