"""Messenger's and Instagram's events in detail."""

import json
from typing import Any

import pytest

from streams.channels.adapters import ADAPTERS
from streams.channels.delivery import Delivery
from streams.channels.reading import Reading
from tests.hard_cases.deployment import Deployment
from tests.unit.channels.samples import RECEIVED_AT_MS, samples

SAMPLES = {s.path: s for p in ("messenger", "instagram") for s in samples(p)}
PAGE, PERSON = "300000000000777", "7400000000000201"


def reading(path: str) -> Reading:
    sample = SAMPLES[f"{path}.json"]
    return ADAPTERS[sample.platform](sample.delivery())


def event(**event: Any) -> Reading:
    envelope = {"sender": {"id": PERSON}, "recipient": {"id": PAGE}, "timestamp": 1788220807000}
    body = {"object": "page", "entry": [{"id": PAGE, "messaging": [envelope | event]}]}
    encoded = json.dumps(body).encode()
    return ADAPTERS["messenger"](Delivery("acme", "fb-1", encoded, RECEIVED_AT_MS))


def test_a_person_is_their_id_within_the_page() -> None:
    messages = reading("meta_messenger/batch_two_people").messages
    assert [m.from_ for m in messages] == ["7400000000000201", "7400000000000202"]
    assert {m.channel.account for m in messages} == {PAGE}
    deployment = Deployment()
    deployment.receive_at(RECEIVED_AT_MS, *messages)
    assert len(deployment.customers()) == 2


@pytest.mark.parametrize("path", ["meta_messenger/echo_from_agent", "instagram/echo"])
def test_an_echo_is_to_the_person_and_the_business_is_nobody(path: str) -> None:
    (message,) = reading(path).messages
    assert message.direction == "outbound"
    assert message.to in {PERSON, "1200000000000201"}


def test_a_pressed_button_is_a_first_contact_with_its_title() -> None:
    (message,) = reading("meta_messenger/postback_get_started").messages
    assert (message.message_id, message.content.text) == ("m_EXAMPLE0006", "Get Started")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("instagram/deleted", "deleted"),
        ("instagram/seen", "status"),
        ("meta_messenger/delivery", "status"),
        ("meta_messenger/reaction", "reaction"),
        ("meta_messenger/standby", "backlog"),
    ],
)
def test_what_is_no_message_is_noted_by_its_kind(path: str, kind: str) -> None:
    assert [notice.kind for notice in reading(path).notices] == [kind]


def test_an_attachment_and_what_the_api_cannot_show_prove_that_a_person_wrote() -> None:
    assert reading("meta_messenger/attachment_image").messages[0].content.type == "image"
    assert reading("instagram/unsupported").messages[0].content.type == "unsupported"


def test_an_event_of_two_kinds_is_two_parts() -> None:
    parts = event(postback={"title": "Go", "mid": "m_1"}, referral={"ref": "ad"})
    assert [m.content.type for m in parts.messages] == ["postback"]
    assert [n.event for n in parts.notices] == ["referral"]


def test_instagrams_wrapped_messages_are_read_and_comments_are_a_crowds() -> None:
    value = {
        "sender": {"id": "12"},
        "recipient": {"id": "17"},
        "timestamp": "1788220801",
        "message": {"mid": "m", "text": "hi"},
    }
    changes = [{"field": "messages", "value": value}, {"field": "comments", "value": {"id": "c"}}]
    body = json.dumps({"object": "instagram", "entry": [{"id": "17", "changes": changes}]}).encode()
    found = ADAPTERS["instagram"](Delivery("acme", "ig-1", body, RECEIVED_AT_MS))
    assert [m.from_ for m in found.messages] == ["12"]
    assert [n.kind for n in found.notices] == ["crowd"]


def test_a_message_of_nobody_is_set_aside_with_what_is_missing() -> None:
    (unreadable,) = event(sender={}, message={"mid": "m", "text": "x"}).unreadable
    assert "sender.id" in unreadable.detail
