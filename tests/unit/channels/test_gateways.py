"""Evolution, WAHA and Z-API in detail: chats and crowds, numbers and LIDs, and what is ours."""

import json
from dataclasses import replace
from typing import Any

import pytest

from streams.channels.adapters import ADAPTERS
from streams.channels.delivery import Delivery
from streams.channels.reading import Reading
from streams.contracts.messages import Identifier
from tests.hard_cases.deployment import Deployment
from tests.unit.channels.samples import RECEIVED_AT_MS, SamplesOf

SAMPLES = SamplesOf("evolution", "waha", "zapi")
reading = SAMPLES.reading


def said(platform: str, body: dict[str, Any]) -> Reading:
    encoded = json.dumps(body).encode()
    return ADAPTERS[platform](Delivery("acme", f"{platform}-1", encoded, RECEIVED_AT_MS))


def upsert(message: dict[str, Any], **key: Any) -> Reading:
    """Return what Evolution's message of a person says."""
    chat = {"remoteJid": "447700900201@s.whatsapp.net", "fromMe": False, "id": "E1"}
    data = {"key": chat | key, "message": message, "messageTimestamp": 1788220810}
    return said("evolution", {"event": "messages.upsert", "data": data})


def test_evolution_a_number_and_its_lid_are_one_account_whichever_is_the_chat() -> None:
    (by_number,) = reading("evolution_messages_upsert_text").messages
    (by_lid,) = reading("evolution_messages_upsert_lid").messages
    assert by_number.context.identifiers == (Identifier(kind="lid", value="110000000000201@lid"),)
    assert by_lid.context.identifiers == (
        Identifier(kind="phone", value="447700900202@s.whatsapp.net"),
    )
    deployment = Deployment()
    deployment.receive_at(RECEIVED_AT_MS, by_lid)
    assert deployment.customer().phones == ("+447700900202",)


def test_evolution_a_new_picture_is_the_customers_and_makes_nobody() -> None:
    deployment = Deployment()
    deployment.receive_at(RECEIVED_AT_MS, *reading("evolution_contacts_update_picture").messages)
    assert not deployment.customers()
    deployment.receive_at(RECEIVED_AT_MS, *reading("evolution_messages_upsert_text").messages)
    deployment.receive_at(RECEIVED_AT_MS, *reading("evolution_contacts_update_picture").messages)
    picture_url = deployment.customer().metadata.profile_picture_url
    assert picture_url is not None
    assert picture_url.startswith("https://pps.whatsapp.net/")


def test_evolution_what_the_owner_wrote_names_nobody() -> None:
    (message,) = reading("evolution_messages_upsert_from_me").messages
    assert (message.direction, message.context.profile_name) == ("outbound", None)


def test_evolution_time_is_the_messages_and_never_the_servers_local_one() -> None:
    (message,) = reading("evolution_date_time_is_local").messages
    assert message.timestamp == 1788220930


def test_evolution_a_secret_in_the_body_goes_nowhere() -> None:
    sample = SAMPLES.sample("evolution_messages_upsert_text")
    body = json.loads(sample.body()) | {"apikey": "LIVE-SECRET"}
    for event in ("messages.upsert", "contacts.update", "qrcode.updated", "never.heard.of"):
        encoded = json.dumps(body | {"event": event}).encode()
        read = ADAPTERS["evolution"](replace(sample.delivery(), body=encoded))
        assert "LIVE-SECRET" not in repr(read)


@pytest.mark.parametrize(
    ("message", "kind", "text"),
    [
        ({"conversation": "hi"}, "text", "hi"),
        ({"imageMessage": {"caption": "see"}}, "image", "see"),
        ({"ephemeralMessage": {"message": {"conversation": "gone soon"}}}, "text", "gone soon"),
        ({"reactionMessage": {"text": "👍"}}, "reaction", "👍"),
        ({"hologramMessage": {}}, "hologram", None),
    ],
)
def test_evolution_whatever_a_person_sends_proves_that_they_wrote(
    message: dict[str, Any], kind: str, text: str | None
) -> None:
    (found,) = upsert(message).messages
    assert (found.content.type, found.content.text) == (kind, text)


@pytest.mark.parametrize(
    ("protocol", "kind", "text"),
    [
        ({"type": "REVOKE", "key": {"id": "E0"}}, "deleted", None),
        ({"type": 0, "key": {"id": "E0"}}, "deleted", None),
        (
            {"type": 14, "key": {"id": "E0"}, "editedMessage": {"conversation": "mended"}},
            "edited",
            "mended",
        ),
    ],
)
def test_evolution_what_changes_a_message_names_it(
    protocol: dict[str, Any], kind: str, text: str | None
) -> None:
    (notice,) = upsert({"protocolMessage": protocol}).notices
    assert (notice.kind, notice.message_id, notice.text) == (kind, "E0", text)


@pytest.mark.parametrize("chat", ["1203@g.us", "status@broadcast", "99@newsletter"])
def test_gateways_a_crowd_is_nobody(chat: str) -> None:
    crowds = [
        upsert({"conversation": "hi"}, remoteJid=chat),
        said("waha", {"event": "message", "payload": {"id": "1", "from": chat, "body": "hi"}}),
        said("zapi", {"type": "ReceivedCallback", "phone": chat, "messageId": "1"}),
    ]
    for crowd in crowds:
        assert not crowd.messages
        assert [notice.kind for notice in crowd.notices] == ["crowd"]


def waha(event: str, **payload: Any) -> Reading:
    body = {"event": event, "session": "default", "me": {"id": "447700900100@c.us"}}
    person = {"id": "false_447700900201@c.us_AAA", "from": "447700900201@c.us", "fromMe": False}
    return said("waha", body | {"payload": {"timestamp": 1788220810} | person | payload})


def test_waha_a_message_told_twice_is_one() -> None:
    name = {"_data": {"notifyName": "Amelia", "key": {"remoteJidAlt": "110000000000201@lid"}}}
    (first,) = waha("message", body="hi", **name).messages
    (again,) = waha("message.any", body="hi", **name).messages
    assert first == again
    deployment = Deployment()
    deployment.receive_at(RECEIVED_AT_MS, first, again)
    assert (len(deployment.facts()), deployment.customer().phones) == (1, ("+447700900201",))
    assert deployment.customer().display_name == "Amelia"


def test_waha_what_the_business_sent_is_to_the_person() -> None:
    (message,) = waha("message.any", fromMe=True, to="447700900201@c.us").messages
    assert (message.direction, message.to) == ("outbound", "447700900201@c.us")
    (notice,) = waha("message", **{"from": "447700900100@c.us"}).notices
    assert notice.kind == "not_a_person"


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("message.ack", "status"),
        ("message.reaction", "reaction"),
        ("message.edited", "edited"),
        ("message.revoked", "deleted"),
        ("presence.update", "activity"),
        ("group.v2.join", "crowd"),
        ("session.status", "account"),
        ("brand.new", "unknown"),
    ],
)
def test_waha_other_events_are_noted_by_their_kind(event: str, kind: str) -> None:
    assert [notice.kind for notice in waha(event).notices] == [kind]


def test_zapi_a_message_has_the_persons_name_picture_and_lid() -> None:
    (message,) = reading("zapi_waiting_message").messages
    assert (message.from_, message.content.type) == ("5511980000207", "waiting")
    assert message.context.identifiers == (Identifier(kind="lid", value="110000000000207@lid"),)
    assert message.context.profile_picture_url is not None


def test_zapi_an_edit_is_of_the_message_whose_id_it_has() -> None:
    (notice,) = reading("zapi_edit").notices
    assert (notice.kind, notice.message_id) == ("edited", "Z0000000000000000001")
    assert notice.text == "Olá, quero dois orçamentos"


def test_zapi_what_the_business_sent_is_to_the_phone_and_has_no_name_of_theirs() -> None:
    (message,) = reading("zapi_from_me").messages
    assert (message.direction, message.to) == ("outbound", "5511980000201")
    assert message.context.profile_name is None
