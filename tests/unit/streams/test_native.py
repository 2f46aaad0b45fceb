"""Native bodies on `channels.*` through the worker's first step. Nothing is a fake."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import pytest

from streams import topics
from streams.channel_file import ChannelSettings
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.notices import Notice
from streams.identity.addresses import Addresses
from streams.identity.operations import Observe, decode_operation
from streams.identity.policy import Policy
from streams.outbox import TopicNames
from streams.translation import Translate
from tests.unit.channels.samples import RECEIVED_AT_MS, samples

NAMES = TopicNames("t-")
HEADERS = (("tenantId", b"acme"), ("channelId", b"bot-1"))
BODIES = {sample.path: sample.body() for sample in samples("telegram")}


@dataclass
class _Record:
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = HEADERS
    topic: str = NAMES(topics.NATIVE["telegram"])
    partition: int = 0
    offset: int = 0
    timestamp: int = RECEIVED_AT_MS
    key: bytes | None = None


def translated(record: _Record) -> dict[str, bytes]:
    """Return what the step sends, by topic."""
    policy = Policy()
    step = Translate(NAMES, lambda _: policy, Addresses(""), {("acme", "bot-1"): _channel()})
    return {out.topic: out.value or b"" for out in step([record]).records}


def _channel() -> ChannelSettings:
    return ChannelSettings(tenant="acme", id="bot-1", platform="telegram")


def test_a_message_in_its_platforms_own_words_becomes_an_operation() -> None:
    sent = translated(_Record(BODIES["telegram/text_private.json"]))
    operation = decode_operation(sent[NAMES(topics.INTERACTIONS)])
    assert isinstance(operation, Observe)
    assert (operation.tenant_id, operation.channel_id) == ("acme", "bot-1")
    assert operation.identity_key == "telegram:5100000201"


def test_what_is_no_contact_is_kept_on_channel_notices() -> None:
    sent = translated(_Record(BODIES["telegram/my_chat_member_blocked.json"]))
    notice = msgspec.json.decode(sent[NAMES(topics.CHANNEL_NOTICES)], type=Notice)
    assert (notice.kind, notice.channel_id) == ("reachability", "bot-1")
    assert NAMES(topics.INTERACTIONS) not in sent


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (_Record(b"{", HEADERS), "not JSON"),
        (_Record(None, HEADERS), "empty"),
        (_Record(BODIES["telegram/text_private.json"], ()), "tenantId and channelId"),
        (_Record(b"{}", (("tenantId", b"a b"), HEADERS[1])), "tenantId and channelId"),
        (_Record(b"{}", topic=NAMES(topics.NATIVE["zapi"])), "no type"),
    ],
)
def test_what_cannot_be_attributed_is_set_aside_with_its_bytes_and_a_reason(
    record: _Record, said: str
) -> None:
    sent = translated(record)
    letter = msgspec.json.decode(sent[NAMES(topics.DEAD_LETTERS)], type=DeadLetter)
    assert (letter.reason, letter.raw) == ("unreadable", record.value or b"")
    assert said in letter.detail


def test_a_cloud_event_on_a_native_topic_is_read_by_what_it_carries() -> None:
    body = json.loads(BODIES["telegram/text_private.json"])
    event = {"specversion": "1.0", "id": "1", "source": "/bot", "type": "update", "data": body}
    named = {"tenantid": "acme", "channelid": "bot-1"}
    record = _Record(
        json.dumps(event | named).encode(),
        (("content-type", b"application/cloudevents+json; charset=utf-8"),),
    )
    plain = translated(_Record(BODIES["telegram/text_private.json"], HEADERS))
    assert translated(record) == plain
    binary = tuple(
        (f"ce_{name}", str(event[name]).encode())
        for name in ("specversion", "id", "source", "type")
    )
    assert translated(_Record(BODIES["telegram/text_private.json"], (*HEADERS, *binary))) == plain


def test_a_cloud_event_that_lacks_an_attribute_is_set_aside() -> None:
    sent = translated(_Record(b"{}", (*HEADERS, ("ce_id", b"1"))))
    letter = msgspec.json.decode(sent[NAMES(topics.DEAD_LETTERS)], type=DeadLetter)
    assert "needs source" in letter.detail
