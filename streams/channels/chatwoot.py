"""Chatwoot: an event a call, of its own widget and API inboxes and of channels that it relays.

A customer comes of an incoming message; the key is the contact inbox's `source_id`, in the medium
of the conversation's channel. Contact events name the contact's number in Chatwoot alone, which a
visitor can be merged into by typing somebody's e-mail: it is the visitor's only while nothing was
typed, or where the business signed for them (`hmac_verified`). `pubsub_token` is a secret and is
not read.
Source: https://www.chatwoot.com/docs/product/features/webhooks (4.x).
"""

import re
from typing import Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, event_of
from streams.channels.inbox import Inbox, id_of
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.channels.webchat import typed_by_visitor
from streams.contracts.messages import Content, Context, Identifier, IdentifierRule
from streams.contracts.notices import NoticeKind

_MEDIA: Final = {
    "webwidget": "webchat",
    "api": "webchat",
    "whatsapp": "whatsapp",
    "sms": "sms",
    "twiliosms": "sms",
    "email": "email",
    "telegram": "telegram",
    "facebookpage": "messenger",
    "instagram": "instagram",
}
_NOTICES: Final[dict[str, NoticeKind]] = {
    "conversation_typing_on": "activity",
    "conversation_typing_off": "activity",
    "conversation_created": "activity",
    "conversation_updated": "activity",
    "conversation_status_changed": "activity",
    "conversation_resolved": "activity",
    "conversation_opened": "activity",
    "webwidget_triggered": "activity",
    "contact_created": "profile",
    "inbox_created": "account",
    "inbox_updated": "account",
}
# Whose messages, by Chatwoot's words and by the numbers that it uses inside conversations.
_INCOMING: Final = frozenset({"incoming", "0"})
_OUTGOING: Final = frozenset({"outgoing", "1", "template", "3"})
_MADE_UP_NAME: Final = re.compile(r"[a-z]+-[a-z]+-\d+")


def read(delivery: Delivery) -> Reading:
    """Return what the event says."""
    found = event_of(delivery.body)
    if isinstance(found, Unreadable):
        return reading_of([found])
    event, body = found
    return reading_of([_part(event, body, delivery)])


def _part(event: str, body: Document, delivery: Delivery) -> Part:
    conversation = body.child("conversation") or body.child("current_conversation")
    channel = (conversation.text("channel") or "").rpartition(":")[2].lower()
    inbox = Inbox(delivery, "chatwoot", _MEDIA.get(channel, "webchat"))
    if event == "message_created":
        return _message(body, conversation, inbox)
    if event == "message_updated":
        return inbox.notice(
            "edited",
            event,
            message_id=_message_id(body),
            person=conversation.text("contact_inbox", "source_id"),
            text=body.text("content"),
        )
    if event == "contact_updated":
        return _contact(event, body, inbox)
    kind = _NOTICES.get(event, "unknown")
    person = conversation.text("contact_inbox", "source_id") or body.text("source_id")
    return inbox.notice(kind, event, person=person)


def _message(body: Document, conversation: Document, inbox: Inbox) -> Part:
    person = conversation.text("contact_inbox", "source_id")
    direction, sender = body.text("message_type"), body.child("sender")
    is_bot = sender.text("type") == "agent_bot"
    if body.is_true("private") or is_bot or direction not in _INCOMING | _OUTGOING:
        return inbox.notice(
            "not_a_person", "message_created", message_id=_message_id(body), person=person
        )
    if person is None:
        return Unreadable("a message without conversation.contact_inbox.source_id: it is nobody's")
    message_id, conversation_id = _message_id(body), conversation.text("id")
    at = body.time("created_at")
    content = Content(type=body.text("content_type") or "text", text=body.text("content"))
    if direction in _OUTGOING:
        return inbox.answered(
            person,
            message_id=message_id,
            at=at,
            content=content,
            conversation_id=conversation_id,
            agent_id=sender.text("id"),
        )
    is_signed = conversation.is_true("contact_inbox", "hmac_verified")
    return inbox.wrote(
        person,
        message_id=message_id,
        at=at,
        content=content,
        context=_context(sender, is_signed=is_signed),
        conversation_id=conversation_id,
    )


def _contact(event: str, contact: Document, inbox: Inbox) -> Part:
    contact_id = contact.text("id")
    if contact_id is None:
        return inbox.notice("profile", event)
    context = _context(contact, is_signed=False)
    return inbox.learned(
        _contact_name(contact_id),
        message_id=id_of(contact),
        at=inbox.delivery.received_at_ms,
        event=event,
        context=Context(
            profile_name=context.profile_name,
            profile_picture_url=context.profile_picture_url,
            identifiers=typed_by_visitor(_typed(contact)),
        ),
    )


def _context(contact: Document, *, is_signed: bool) -> Context:
    contact_id, reference = contact.text("id"), contact.text("identifier")
    typed = typed_by_visitor(_typed(contact))
    is_anonymous = not typed and reference is None
    identifiers: list[Identifier] = []
    if contact_id is not None:
        rule: IdentifierRule = "same_account" if is_anonymous or is_signed else "self_declared"
        identifiers.append(Identifier(kind="identity", value=_contact_name(contact_id), rule=rule))
    if reference is not None:
        rule = "signed_reference" if is_signed else "self_declared"
        identifiers.append(Identifier(kind="reference", value=reference, rule=rule))
    name = contact.text("name")
    return Context(
        profile_name=None if name and _MADE_UP_NAME.fullmatch(name) else name,
        profile_picture_url=contact.text("thumbnail"),
        identifiers=(*identifiers, *typed),
    )


def _typed(contact: Document) -> Document:
    return Document({"email": contact.text("email"), "phone": contact.text("phone_number")})


def _contact_name(contact_id: str) -> str:
    return f"contact:{contact_id}"


def _message_id(body: Document) -> str:
    """Return the platform's own id of a message that Chatwoot relays, so that another feed of the
    same channel tells it under the same one; else Chatwoot's.
    """
    return body.text("source_id") or body.text("id") or id_of(body)
