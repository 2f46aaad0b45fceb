"""Twilio's forms and events in detail. Nothing is a fake."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.channels.delivery import Delivery
from streams.channels.twilio import read
from streams.contracts.messages import Message
from streams.contracts.wire import encode
from tests.hard_cases.deployment import Deployment
from tests.unit.channels.samples import RECEIVED_AT_MS, SamplesOf

SAMPLES = SamplesOf("twilio")
reading, only = SAMPLES.reading, SAMPLES.only


def test_a_text_is_its_numbers_by_sms_and_by_whatsapp() -> None:
    sms, whatsapp = only("sms_messaging_service"), only("wa_text")
    assert (sms.channel.type, sms.from_, sms.timestamp) == ("sms", "+12025550161", RECEIVED_AT_MS)
    assert (whatsapp.channel.type, whatsapp.context.profile_name) == ("whatsapp", "Amelia Hart")


def test_the_same_number_by_sms_and_whatsapp_is_one_customer() -> None:
    def form(sid: str, sender: str) -> tuple[Message, ...]:
        body = urlencode({"MessageSid": sid, "From": sender, "To": "+12025550100", "Body": "hi"})
        return read(Delivery("acme", "tw-1", body.encode(), RECEIVED_AT_MS)).messages

    deployment = Deployment()
    deployment.receive_at(RECEIVED_AT_MS, *form("SM1", "+447700900201"))
    deployment.receive_at(RECEIVED_AT_MS, *form("SM2", "whatsapp:+447700900201"))
    assert deployment.customer().phones == ("+447700900201",)


def test_a_user_id_and_a_number_of_one_account_are_one_customer() -> None:
    (bsuid,) = only("wa_bsuid_and_phone").context.identifiers
    assert (bsuid.kind, bsuid.value, bsuid.rule) == (
        "bsuid",
        "GB.10000000000000201",
        "same_account",
    )
    alone = only("wa_bsuid_only")
    assert alone.from_ == "whatsapp:GB.10000000000000205"
    assert alone.context.username == "noor.q"


@pytest.mark.parametrize(
    "name", ["status_sent", "status_failed", "status_with_smsstatus_received_like"]
)
def test_a_status_is_no_contact_even_with_a_body(name: str) -> None:
    found = reading(name)
    (notice,) = found.notices
    assert (found.messages, notice.kind) == ((), "status")
    assert notice.detail


def test_a_message_that_comes_again_counts_once() -> None:
    deployment = Deployment()
    for name in ("sms_duplicate_1", "sms_duplicate_2"):
        deployment.receive_at(RECEIVED_AT_MS, *reading(name).messages)
    assert len(deployment.facts()) == 1


def test_media_are_what_is_there_and_not_what_is_counted() -> None:
    assert only("mms_two_media").content.type == "image"
    assert only("malformed_nummedia_huge").content.type == "text"
    assert only("malformed_nummedia_lies").content.type == "text"


def test_the_same_message_by_event_stream_has_the_id_it_has_by_webhook() -> None:
    message = only("event_stream_inbound")
    assert message.message_id == "SM0000000000000000000000000000012c"
    assert message.timestamp == "2026-09-01T00:05:00.000Z"


def test_an_event_of_the_stream_that_is_no_message_is_a_notice_of_its_own_name() -> None:
    def told(kind: str) -> str:
        event = {"type": kind, "data": {"messageSid": "SM1", "to": "+12025550161"}}
        found = read(Delivery("acme", "tw-1", json.dumps([event]).encode(), RECEIVED_AT_MS))
        (notice,) = found.notices
        assert notice.message_id == "SM1"
        return notice.kind

    assert told("com.twilio.messaging.message.delivered") == "status"
    assert told("com.twilio.something.new") == "unknown"


@given(
    fields=st.dictionaries(
        st.sampled_from(["MessageSid", "From", "To", "Body", "MessageStatus", "WaId", "NumMedia"])
        | st.text(max_size=6),
        st.text(max_size=12),
    )
)
def test_no_form_raises_and_none_goes_without_a_name(fields: dict[str, str]) -> None:
    body = urlencode(fields, errors="replace").encode()
    found = read(Delivery("acme", "tw-1", body, RECEIVED_AT_MS))
    assert found.messages or found.notices or found.unreadable
    for part in (*found.messages, *found.notices):
        encode(part)
