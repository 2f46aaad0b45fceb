"""Vonage's calls in detail: three forms, parts of long messages, receipts."""

import json
from urllib.parse import urlencode

import pytest

from streams.channels.delivery import Delivery
from streams.channels.reading import Reading
from streams.channels.vonage import read
from tests.hard_cases.deployment import Deployment
from tests.unit.channels.samples import RECEIVED_AT_MS, samples

SAMPLES = {sample.path.partition("/")[2]: sample for sample in samples("vonage")}
CALL = {
    "msisdn": "447700900201",
    "to": "447700900100",
    "messageId": "17A",
    "text": "Olá & bom dia",
    "type": "unicode",
    "message-timestamp": "2026-09-01 00:00:13",
}


def said(body: bytes = b"", query: str = "", own_ids: frozenset[str] = frozenset()) -> Reading:
    return read(Delivery("acme", "sms-1", body, RECEIVED_AT_MS, query=query, own_ids=own_ids))


def part(name: str) -> Reading:
    return read(SAMPLES[f"{name}.json"].delivery())


def test_a_query_a_form_and_json_say_the_same() -> None:
    form = urlencode(CALL)
    readings = [said(json.dumps(CALL).encode()), said(form.encode()), said(query=form)]
    assert readings[0] == readings[1] == readings[2]
    (message,) = readings[0].messages
    assert (message.from_, message.message_id) == ("447700900201", "17A")
    assert (message.content.type, message.content.text) == ("text", "Olá & bom dia")
    assert message.timestamp == "2026-09-01T00:00:13Z"


@pytest.mark.parametrize("order", [(1, 2), (2, 1), (1, 2, 2, 1)])
def test_the_parts_of_a_long_message_are_one_whatever_comes_first(order: tuple[int, ...]) -> None:
    deployment = Deployment()
    for number in order:
        deployment.receive_at(RECEIVED_AT_MS, *part(f"sms_concat_{number}_of_2").messages)
    assert len(deployment.facts()) == 1
    assert deployment.customer().phones == ("+447700900201",)


def test_another_long_message_of_the_day_is_another_one() -> None:
    deployment = Deployment()
    for name in ("sms_concat_1_of_2", "sms_concat_part_2_first"):
        deployment.receive_at(RECEIVED_AT_MS, *part(name).messages)
    assert len(deployment.facts()) == 2


def test_a_receipt_is_noted_and_contacts_nobody() -> None:
    receipt = CALL | {"status": "delivered", "err-code": "0", "scts": "2609010000"}
    reading = said(urlencode(receipt).encode())
    assert not reading.messages
    assert [(n.kind, n.detail) for n in reading.notices] == [("status", "delivered")]


def test_the_business_s_own_number_is_nobody() -> None:
    reading = said(urlencode(CALL).encode(), own_ids=frozenset({"+447700900201"}))
    assert [n.kind for n in reading.notices] == ["not_a_person"]


def test_an_empty_call_says_what_is_missing() -> None:
    assert "msisdn" in said().unreadable[0].detail
