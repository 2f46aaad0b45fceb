"""Chatwoot, Crisp, Intercom, tawk.to, Rocket.Chat and our own web chat in detail: whose word it is,
and what ties nobody to anybody because a visitor typed it.
"""

import json
from typing import Any

import pytest

from streams.channels.adapters import ADAPTERS
from streams.channels.delivery import Delivery
from streams.channels.reading import Reading
from streams.contracts.commands import EraseCustomer
from streams.contracts.messages import Identifier
from tests.hard_cases.deployment import Deployment
from tests.unit.channels.samples import RECEIVED_AT_MS, SamplesOf

PLATFORMS = ("chatwoot", "crisp", "intercom", "tawk", "rocketchat", "webchat")
SAMPLES = SamplesOf(*PLATFORMS)
reading = SAMPLES.reading


def said(platform: str, **body: Any) -> Reading:
    encoded = json.dumps(body).encode()
    return ADAPTERS[platform](Delivery("acme", f"{platform}-1", encoded, RECEIVED_AT_MS))


def after(*readings: Reading) -> Deployment:
    deployment = Deployment()
    for one in readings:
        deployment.receive_at(RECEIVED_AT_MS, *one.messages)
    return deployment


def kinds(one: Reading) -> list[str]:
    assert not one.messages
    return [notice.kind for notice in one.notices]


# Chatwoot


def chatwoot(
    message_type: str | int = "incoming",
    *,
    sender: dict[str, Any] | None = None,
    channel: str = "Channel::WebWidget",
    source_id: str = "visitor-a",
    is_signed: bool = False,
    **fields: Any,
) -> Reading:
    contact = {"id": 501, "name": "damp-river-42", "email": None, "identifier": None}
    inbox = {"source_id": source_id, "hmac_verified": is_signed, "pubsub_token": "PUBSUB-SECRET"}
    return said(
        "chatwoot",
        **{
            "event": "message_created",
            "id": 7001,
            "content": "Hello",
            "content_type": "text",
            "created_at": "2026-09-01T00:00:10.000Z",
            "message_type": message_type,
            "private": False,
            "source_id": None,
            "sender": contact | (sender or {}),
            "conversation": {"id": 31, "channel": channel, "contact_inbox": inbox},
        }
        | fields,
    )


def test_chatwoot_a_visitor_is_their_contact_inbox_and_a_made_up_name_is_none() -> None:
    (message,) = chatwoot().messages
    assert (message.from_, message.conversation_id) == ("visitor-a", "31")
    assert message.context.profile_name is None
    assert "PUBSUB-SECRET" not in repr(message)


def test_chatwoot_an_agent_answers_and_a_bot_or_a_private_note_is_nobody() -> None:
    (answer,) = chatwoot("outgoing", sender={"id": 9, "type": "user"}).messages
    assert (answer.direction, answer.to, answer.agent_id) == ("outbound", "visitor-a", "9")
    assert kinds(chatwoot("outgoing", sender={"type": "agent_bot"})) == ["not_a_person"]
    assert kinds(chatwoot(private=True)) == ["not_a_person"]
    assert kinds(chatwoot("activity")) == ["not_a_person"]


def test_chatwoot_what_a_contact_becomes_later_is_the_anonymous_visitors() -> None:
    deployment = after(chatwoot(), reading("chatwoot_contact_updated_email_added"))
    assert deployment.customer().display_name == "Visitor Vera"


def test_chatwoot_typing_somebody_s_address_takes_nobody_over() -> None:
    """Chatwoot itself merges the second visitor into the first one's contact."""
    vera = {"name": "Vera", "email": "vera@example.net"}
    deployment = after(chatwoot(), chatwoot(sender=vera, source_id="visitor-b", id=7002))
    assert len(deployment.customers()) == 2
    signed = chatwoot(sender=vera | {"identifier": "crm-7"}, is_signed=True, id=7003)
    assert Identifier(kind="reference", value="crm-7", rule="signed_reference") in (
        signed.messages[0].context.identifiers
    )


def test_chatwoot_relayed_whatsapp_is_whatsapps_message_of_the_number() -> None:
    (message,) = reading("chatwoot_whatsapp_inbox_message").messages
    assert (message.channel.type, message.from_) == ("whatsapp", "12025550161")
    assert message.message_id.startswith("wamid.")


# Crisp


def crisp(event: str, **data: Any) -> Reading:
    message = {"session_id": "session_1", "fingerprint": 17, "type": "text", "content": "hi"}
    user = {"user": {"nickname": "visitor12", "user_id": "u1"}}
    return said("crisp", event=event, data=message | user | data, timestamp=1788220805000)


def test_crisp_sent_is_the_visitors_word_and_received_the_operators() -> None:
    (question,) = crisp("message:send").messages
    assert (question.from_, question.message_id) == ("session_1", "session_1:17")
    assert question.context.profile_name is None
    (answer,) = crisp("message:received", fingerprint=18).messages
    assert (answer.direction, answer.to, answer.agent_id) == ("outbound", "session_1", "u1")
    assert kinds(crisp("message:received", type="note")) == ["not_a_person"]
    assert kinds(crisp("message:received", automated=True)) == ["not_a_person"]


def test_crisp_a_file_proves_that_somebody_wrote() -> None:
    (message,) = crisp("message:send", type="file", content={"name": "label.png"}).messages
    assert (message.content.type, message.content.text) == ("file", "label.png")


def test_crisp_what_a_visitor_typed_is_shown_and_ties_nobody() -> None:
    deployment = after(
        crisp("message:send"),
        said(
            "crisp",
            event="session:set_nickname",
            data={"session_id": "session_1", "nickname": "Vera"},
        ),
        said(
            "crisp",
            event="session:set_phone",
            data={"session_id": "session_1", "phone": "+12025550161"},
        ),
    )
    assert deployment.customer().display_name == "Vera"
    assert {link.rule for link in deployment.customer().links} <= {"self_declared"}


# Intercom


def test_intercom_html_becomes_words() -> None:
    (message,) = reading("intercom_conversation_created_by_lead").messages
    assert message.content.text == "Hi & hello"
    assert (message.from_, message.message_id) == ("66d000000000000000000201", "4030901")


def test_intercom_a_reply_is_its_parts_and_what_a_bot_adds_is_nobodys() -> None:
    parts = [
        {"id": "5501", "body": "<p>more</p>", "created_at": 1788220803, "author": author}
        for author in ({"type": "lead", "id": "L1"}, {"type": "bot", "id": "B1"})
    ]
    item = {
        "id": "901",
        "contacts": {"contacts": [{"id": "L1"}]},
        "conversation_parts": {"conversation_parts": parts},
    }
    found = said("intercom", topic="conversation.user.replied", data={"item": item})
    assert [(m.from_, m.content.text) for m in found.messages] == [("L1", "more")]
    assert [n.kind for n in found.notices] == ["not_a_person"]


def test_intercom_an_address_given_later_is_the_leads() -> None:
    deployment = after(
        reading("intercom_conversation_created_by_lead"), reading("intercom_contact_email_updated")
    )
    assert deployment.customer().display_name == "Vera"


def test_intercom_a_conversation_that_an_admin_starts_contacts_somebody() -> None:
    item = {
        "id": "902",
        "created_at": 1788220803,
        "source": {"id": "s", "body": "<p>Hi</p>", "author": {"type": "admin", "id": "8"}},
        "contacts": {"contacts": [{"id": "U9"}]},
    }
    (message,) = said(
        "intercom", topic="conversation.admin.single.created", data={"item": item}
    ).messages
    assert (message.direction, message.to, message.agent_id) == ("outbound", "U9", "8")


def intercom_talk(*parts: dict[str, Any], contacts: tuple[str, ...] = ("U9",)) -> Reading:
    """Return what an admin's answer says, in a conversation that the contact U9 began."""
    item = {
        "id": "901",
        "created_at": 1788220802,
        "source": {"id": "s1", "body": "<p>Hi</p>", "author": {"type": "user", "id": "U9"}},
        "contacts": {"contacts": [{"id": contact} for contact in contacts]},
        "conversation_parts": {"conversation_parts": list(parts)},
    }
    topic = "conversation.admin.replied" if parts else "conversation.user.created"
    return said("intercom", topic=topic, data={"item": item})


def part(author: str = "admin", **fields: Any) -> dict[str, Any]:
    return {
        "id": "5502",
        "part_type": "comment",
        "body": "<p>soon</p>",
        "created_at": 1788220804,
        "author": {"type": author, "id": "814860"},
        **fields,
    }


def test_intercom_an_answer_is_a_message_of_whom_it_answers_in_their_conversation() -> None:
    deployment = after(intercom_talk(), intercom_talk(part()))
    customer = deployment.customer()
    question, answer = deployment.fact("s1"), deployment.fact("5502")
    assert (answer.direction, answer.text, answer.agent_id) == ("outbound", "soon", "814860")
    assert answer.customer_id == question.customer_id == customer.id
    assert answer.conversation_id == question.conversation_id is not None
    assert (answer.sent_at - question.sent_at).total_seconds() == 2


def test_intercom_an_answer_makes_nobody_a_customer_and_comes_in_any_order() -> None:
    alone = after(intercom_talk(part()))
    assert alone.customers() == []
    assert alone.fact("5502").customer_id is None
    late, early = (
        after(intercom_talk(), intercom_talk(part())),
        after(intercom_talk(part()), intercom_talk(), intercom_talk(part())),
    )
    assert late.customers() == early.customers()
    assert late.conversations() == early.conversations()


def test_intercom_an_answer_after_an_erasure_brings_nobody_back() -> None:
    deployment = after(intercom_talk(), intercom_talk(part()))
    deployment.ask(EraseCustomer, deployment.customer())
    deployment.receive_at(RECEIVED_AT_MS, *intercom_talk(part(id="5503")).messages)
    assert deployment.customers() == []
    assert deployment.facts() == {}


def test_intercom_who_is_answered_among_several_is_who_began() -> None:
    (message,) = intercom_talk(part(), contacts=("U7", "U9")).messages
    assert message.to == "U9"
    assert kinds(intercom_talk(part(), contacts=("U7", "U8"))) == ["not_a_person"]


@pytest.mark.parametrize("fields", [{"author": "bot"}, {"part_type": "note"}])
def test_intercom_what_a_bot_or_a_note_says_is_no_answer(fields: dict[str, Any]) -> None:
    assert kinds(intercom_talk(part(**fields))) == ["not_a_person"]


# tawk.to and Rocket.Chat


def test_tawk_a_generated_name_is_none_and_an_agents_chat_is_nobodys() -> None:
    (message,) = reading("tawk_chat_start_anonymous").messages
    assert message.context.profile_name is None
    assert kinds(reading("tawk_chat_start_by_agent")) == ["not_a_person"]


def test_tawk_what_the_end_of_a_chat_tells_is_its_visitors() -> None:
    deployment = after(reading("tawk_chat_start_anonymous"), reading("tawk_chat_end"))
    assert deployment.customer().display_name == "Vera"


def test_rocketchat_the_agents_line_is_an_answer() -> None:
    visitor = {"_id": "v", "token": "tok", "username": "guest-3", "name": "guest-3"}
    lines = [
        {"_id": "1", "msg": "hello?", "ts": "2026-09-01T00:00:11.000Z", "u": {"_id": "v"}},
        {"_id": "2", "msg": "Hi", "ts": "2026-09-01T00:00:12.000Z", "u": {"_id": "rita"}},
    ]
    found = said("rocketchat", type="Message", _id="room", visitor=visitor, messages=lines)
    assert [(m.direction, m.content.text) for m in found.messages] == [
        ("inbound", "hello?"),
        ("outbound", "Hi"),
    ]
    assert found.messages[0].context.profile_name is None


def test_rocketchat_a_transcript_counts_nothing_again_and_adds_what_was_typed() -> None:
    deployment = after(reading("rocketchat_message_anonymous"), reading("rocketchat_session_close"))
    assert len(deployment.facts()) == 1
    assert deployment.customer().display_name == "Vera"


# Ours


def test_webchat_whom_the_business_vouches_for_is_linked_and_what_was_typed_is_not() -> None:
    typed = {"name": "Vera", "email": "vera@example.net"}
    first = said("webchat", visitorId="v1", messageId="m1", text="hi", typed=typed)
    assert {i.rule for i in first.messages[0].context.identifiers} == {"self_declared"}
    signed_in = {"reference": "crm-7", "email": "vera@example.net"}
    elsewhere = [
        said("webchat", visitorId=v, messageId=f"m-{v}", text="hi", signedIn=signed_in)
        for v in ("v2", "v3")
    ]
    deployment = after(first, *elsewhere)
    assert sorted(len(c.identities) for c in deployment.customers()) == [1, 2]


def test_webchat_a_reply_a_profile_and_an_opened_widget_make_nobody_active() -> None:
    reply = said("webchat", event="reply", visitorId="v1", messageId="r", text="Hi", agentId="9")
    assert [c.status for c in after(reply).customers()] == ["contacted"]
    profile = said("webchat", event="profile", visitorId="v1", typed={"name": "Vera"})
    assert not after(profile).customers()
    assert kinds(said("webchat", event="opened", visitorId="v1")) == ["activity"]


@pytest.mark.parametrize("body", [{}, {"visitorId": " "}, {"text": "hi"}])
def test_webchat_an_event_of_nobody_says_what_is_missing(body: dict[str, Any]) -> None:
    assert "visitorId" in said("webchat", **body).unreadable[0].detail
