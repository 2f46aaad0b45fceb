"""The worker's two steps, from bytes to bytes: nothing raises, nothing vanishes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import folds, topics
from streams.contracts.customers import CustomerEvent
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.wire import encode
from streams.engine.batches import OutRecord
from streams.folds import IdentityFold
from streams.identity.operations import decode_operation, encode_operation
from streams.identity.policy import Policy
from streams.outbox import TopicNames
from streams.translation import Translate
from tests.builders import message
from tests.examples import examples
from tests.unit.identity.builders import ADDRESSES

NAMES = TopicNames("p-")
TRANSLATE = Translate(NAMES, lambda _: Policy(), ADDRESSES)
FOLD = IdentityFold(NAMES, lambda _: Policy(), ADDRESSES)


@dataclass
class Record:
    value: bytes | None
    key: bytes | None = b"k"
    topic: str = "p-messages.inbound"
    partition: int = 3
    offset: int = 7
    timestamp: int = 1_790_000_000_000
    headers: Sequence[tuple[str, bytes]] = ()


def translated(value: bytes | None) -> OutRecord:
    (out,) = TRANSLATE([Record(value)]).records
    return out


def letter(out: OutRecord) -> DeadLetter:
    assert out.topic == "p-dead-letters"
    return msgspec.json.decode(out.value or b"", type=DeadLetter)


def test_a_message_becomes_an_operation_on_the_node_of_its_person() -> None:
    out = translated(encode(message()))
    assert (out.topic, out.key) == (
        "p-interactions",
        ADDRESSES.node("acme", "phone:+5511999998888").encode(),
    )


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


@settings(max_examples=examples(135), deadline=None)
@given(st.binary() | (json_values | odd_messages).map(msgspec.json.encode))
def test_any_bytes_become_one_operation_or_one_dead_letter(value: bytes) -> None:
    out = translated(value)
    if out.topic == "p-interactions":
        gathered, keys = FOLD.gather([Record(out.value, out.key)])
        effects = FOLD.decide(gathered, [None] * len(keys))
        assert {r.topic for r in effects.every_record()} >= {"p-customers", "p-customer-messages"}
    else:
        letter(out)


def test_deep_nesting_is_unreadable_and_stops_nobody() -> None:
    assert letter(translated(b'{"a":' * 100_000)).reason == "unreadable"


def test_a_state_that_would_outgrow_the_broker_is_refused_and_its_messages_set_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = translated(encode(message()))
    monkeypatch.setattr(folds, "STATE_BYTES_LIMIT", 200)
    gathered, keys = FOLD.gather([Record(out.value, out.key)])
    effects = FOLD.decide(gathered, [None] * len(keys))
    assert effects.changes == {}
    assert letter(effects.records[0]).reason == "too_large"


def test_topics_of_all_outputs_carry_the_prefix() -> None:
    assert NAMES(topics.CUSTOMERS) == "p-customers"


@pytest.mark.parametrize("key", [None, b"", b"other/0123456789abcdef", b"\xff"])
def test_an_operation_under_a_key_of_another_tenant_or_of_none_is_set_aside(
    key: bytes | None,
) -> None:
    out = translated(encode(message()))
    gathered, keys = FOLD.gather([Record(out.value, key)])
    effects = FOLD.decide(gathered, [None] * len(keys))
    (set_aside,) = effects.records
    assert letter(set_aside).reason == "unreadable"
    assert effects.changes == {}


def test_what_is_no_operation_is_set_aside_and_holds_up_no_other_of_its_node() -> None:
    out = translated(encode(message()))
    poison = Record(b"poison", out.key, offset=8)
    gathered, keys = FOLD.gather([poison, Record(out.value, out.key), poison])
    assert keys == [out.key]
    records = FOLD.decide(gathered, [None]).records
    assert [letter(r).offset for r in records if r.topic == "p-dead-letters"] == [8, 8]
    assert sum(r.topic == "p-customer-messages" for r in records) == 1


def test_what_is_too_large_or_no_operation_holds_up_no_usual_customer_beside_it() -> None:
    said = [translated(encode(message(person=f"55119999977{n:02d}"))) for n in range(3)]
    gathered, keys = FOLD.gather([Record(out.value, out.key) for out in said])
    nodes = FOLD.decide(gathered, [None] * len(keys)).changes
    large = msgspec.structs.replace(
        decode_operation(said[1].value or b""), message_id="m2", text="x" * 900_000
    )
    again = [said[0].value, encode_operation(large), b"poison"]
    gathered, keys = FOLD.gather(
        [Record(v, out.key, offset=n) for n, (v, out) in enumerate(zip(again, said, strict=True))]
    )
    effects = FOLD.decide(gathered, [nodes[key] for key in keys])
    out = list(effects.every_record())
    letters = {letter(r).offset: letter(r).reason for r in out if r.topic == "p-dead-letters"}
    assert letters == {1: "too_large", 2: "unreadable"}
    assert sum(r.topic == "p-customer-messages" for r in out) == 1


def test_deciding_twice_says_the_same() -> None:
    out = translated(encode(message()))
    gathered, keys = FOLD.gather([Record(out.value, out.key), Record(b"poison")])
    assert FOLD.decide(gathered, [None] * len(keys)) == FOLD.decide(gathered, [None] * len(keys))


def commanded(value: bytes) -> list[OutRecord]:
    return list(TRANSLATE([Record(value, topic="p-customer-commands")]).records)


def command(**fields: Any) -> bytes:
    return msgspec.json.encode(
        {
            "type": "customer.erase",
            "id": "c-1",
            "tenantId": "acme",
            "issuedAt": "2026-01-01T00:00:00Z",
            "issuedBy": "alice",
            "customerId": "some-id",
            **fields,
        }
    )


def test_a_command_goes_to_the_index_node_of_its_customer() -> None:
    (out,) = commanded(command())
    assert (out.topic, out.key) == ("p-interactions", b"acme/customer/some-id")


def test_a_command_that_cannot_be_read_is_set_aside_and_refused_by_name() -> None:
    set_aside, refusal = commanded(command(type="customer.frobnicate"))
    assert letter(set_aside).reason == "unreadable"
    event = msgspec.json.decode(refusal.value or b"", type=CustomerEvent)
    assert (event.type, event.command_id) == ("command.refused", "c-1")
    assert "frobnicate" in (event.detail or "")


def test_a_policy_that_is_set_goes_to_its_topic_and_is_answered() -> None:
    record, answer = commanded(command(type="policy.set", policy={"sharedAfter": 2}))
    assert (record.topic, record.key) == ("p-policies", b"acme")
    event = msgspec.json.decode(answer.value or b"", type=CustomerEvent)
    assert (event.type, event.command_id) == ("policy.changed", "c-1")


def test_a_policy_with_an_unknown_rule_is_refused() -> None:
    _, refusal = commanded(command(type="policy.set", policy={"rules": {"magic": "link"}}))
    assert msgspec.json.decode(refusal.value or b"", type=CustomerEvent).type == "command.refused"


def test_an_erased_customer_leaves_a_record_without_a_value() -> None:
    nodes: dict[bytes, bytes | None] = {}
    out: list[OutRecord] = []

    def run(records: list[OutRecord]) -> None:
        waiting = records
        while waiting:
            out.extend(waiting)
            gathered, keys = FOLD.gather([Record(r.value, r.key) for r in waiting])
            effects = FOLD.decide(gathered, [nodes.get(key) for key in keys])
            nodes.update(effects.changes)
            out.extend(r for r in effects.every_record() if r.topic != "p-interactions")
            waiting = [r for r in effects.records if r.topic == "p-interactions"]

    run([translated(encode(message()))])
    (customer,) = (r for r in out if r.topic == "p-customers")
    assert customer.value is not None
    run(commanded(command(customerId=customer.key.decode())))
    assert [r.value for r in out if r.topic == "p-customers"][1:] == [None]
    assert [r.value for r in out if r.topic == "p-conversations"][1:] == [None]


def test_facts_and_events_have_keys_of_their_own_and_stay_with_their_customer() -> None:
    """Compaction removes what has a newer record of its key: an erasure's alone."""
    out: list[OutRecord] = []
    waiting = [translated(encode(message(message_id=f"m{n}"))) for n in range(2)]
    waiting += [translated(encode(message(channel_id="sms-1", channel_type="sms")))]
    nodes: dict[bytes, bytes | None] = {}
    while waiting:
        gathered, keys = FOLD.gather([Record(r.value, r.key) for r in waiting])
        effects = FOLD.decide(gathered, [nodes.get(key) for key in keys])
        nodes.update(effects.changes)
        out += effects.every_record()
        waiting = [r for r in effects.records if r.topic == "p-interactions"]
    facts = [r for r in out if r.topic == "p-customer-messages"]
    events = [r for r in out if r.topic == "p-customer-events"]
    (customer_id,) = {r.key for r in out if r.topic == "p-customers"}
    assert len({fact.key for fact in facts}) == len(facts) == 3
    assert len({event.key for event in events}) == len(events) == 2
    assert {r.partition_key for r in (*facts, *events)} == {customer_id}


def test_answers_to_commands_have_keys_of_their_own_on_a_compacted_topic() -> None:
    first = commanded(command(type="policy.set", policy={}))
    again = commanded(command(type="policy.set", policy={}, id="another"))
    refused = commanded(command(type="policy.set", policy={"rules": {"magic": "link"}}, id="third"))
    events = [r for r in (*first, *again, *refused) if r.topic == "p-customer-events"]
    assert len({event.key for event in events}) == len(events) == 3
    assert all(event.partition_key for event in events)
