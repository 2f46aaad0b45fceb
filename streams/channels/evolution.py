"""Evolution API, a WhatsApp gateway: one event a webhook call, or a record that it writes to Kafka.

A customer comes of a message in a private chat; the identity is the chat's number, or its LID where
the number is hidden, and both where both are shown. Groups, stories and channels are notices: who
writes there did not write to the business. `date_time` is local time that claims to be UTC, and
`apikey` may be a live secret: neither is read.
Source: https://doc.evolution-api.com/v2 (2.3.6).
"""

from collections.abc import Iterator
from typing import Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, object_of
from streams.channels.inbox import Inbox, id_of, kind_of
from streams.channels.jids import is_crowd, is_own, same_account
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.contracts.messages import Content, Context
from streams.contracts.notices import NoticeKind

_MESSAGES: Final = frozenset({"messages.upsert", "send.message"})
_CONTACTS: Final = frozenset({"contacts.update", "contacts.upsert"})
_NOTICES: Final[dict[str, NoticeKind]] = {
    "messages.update": "status",
    "send.message.update": "status",
    "messages.delete": "deleted",
    "messages.edited": "edited",
    "messages.set": "backlog",
    "contacts.set": "profile",
    "presence.update": "activity",
    "call": "activity",
    "group": "crowd",
    "chats": "activity",
    "labels": "account",
    "connection": "account",
    "qrcode": "account",
    "application": "account",
    "logout": "account",
    "remove": "account",
    "instance": "account",
    "status": "account",
    "typebot": "account",
}
# What holds the message that was meant.
_WRAPPERS: Final = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
)
_TEXTS: Final = (
    ("conversation",),
    ("extendedTextMessage", "text"),
    ("buttonsResponseMessage", "selectedDisplayText"),
    ("listResponseMessage", "title"),
    ("templateButtonReplyMessage", "selectedDisplayText"),
    ("interactiveResponseMessage", "body", "text"),
    ("reactionMessage", "text"),
    ("locationMessage", "name"),
    ("contactMessage", "displayName"),
    ("pollCreationMessage", "name"),
    ("protocolMessage", "editedMessage", "conversation"),
    ("protocolMessage", "editedMessage", "extendedTextMessage", "text"),
)
_SUFFIX: Final = "Message"
_NOTHING_SAID: Final = Document({})
_REVOKES: Final = frozenset({"REVOKE", "0"})
_EDITS: Final = frozenset({"MESSAGE_EDIT", "14"})


def read(delivery: Delivery) -> Reading:
    """Return what the event says, of each message or contact in it."""
    body = object_of(delivery.body)
    if isinstance(body, Unreadable):
        return reading_of([body])
    if "event" not in body and "value" in body:  # a record of its own Kafka output, whole
        body = body.child("value")
    event = body.text("event")
    if event is None:
        return reading_of([Unreadable("the body is no event: it has no event name")])
    return reading_of(_parts(event.lower().replace("_", "."), body, delivery))


def _parts(event: str, body: Document, delivery: Delivery) -> Iterator[Part]:
    inbox = Inbox(delivery, "evolution", "whatsapp")
    own = body.text("sender")
    items = body.items("data")
    for data in (body.child("data"),) if items is None else items:
        if event in _MESSAGES:
            yield _message(event, data, own, inbox)
        elif event in _CONTACTS:
            yield _contact(event, data, own, inbox)
        else:
            yield _noted(kind_of(event, _NOTICES), event, data, inbox)
    if items == ():
        yield inbox.notice("unknown", event)


def _message(event: str, data: Document, own: str | None, inbox: Inbox) -> Part:
    key, said = data.child("key"), _unwrapped(data.child("message"))
    chat = key.text("remoteJid")
    if chat is None:
        return Unreadable(f"a {event} without key.remoteJid: it is nobody's")
    kind = _no_message(chat, data, said)
    if kind is None and is_own(chat, own, inbox.delivery):
        kind = "not_a_person"
    if kind is not None:
        return _noted(kind, event, data, inbox, said)
    message_id, at = key.text("id") or id_of(data), data.time("messageTimestamp")
    content = Content(type=_content_type(data, said), text=_text(said))
    other = key.text("remoteJidAlt")
    if key.is_true("fromMe"):  # name and `sender…` are the business's own then
        context = Context(identifiers=same_account(chat, other))
        return inbox.answered(chat, message_id=message_id, at=at, content=content, context=context)
    context = Context(
        profile_name=data.text("pushName"),
        identifiers=same_account(chat, other, key.text("senderPn"), key.text("senderLid")),
    )
    return inbox.wrote(chat, message_id=message_id, at=at, content=content, context=context)


def _contact(event: str, data: Document, own: str | None, inbox: Inbox) -> Part:
    """Return a person's new name or picture; of a group, or without news, that there was one."""
    person = data.text("remoteJid") or data.text("id")
    name, picture_url = data.text("pushName"), data.text("profilePicUrl")
    if person is not None and is_crowd(person):
        return inbox.notice("crowd", event, person=person)
    is_news = name is not None or picture_url is not None
    if person is None or not is_news or is_own(person, own, inbox.delivery):
        return inbox.notice("profile", event, person=person)
    return inbox.learned(
        person,
        message_id=id_of(data),
        at=inbox.delivery.received_at_ms,
        event=event,
        context=Context(profile_name=name, profile_picture_url=picture_url),
    )


def _no_message(chat: str, data: Document, said: Document) -> NoticeKind | None:
    """Say what it is that nobody wrote to the business, or that only changes another message."""
    protocol = said.child("protocolMessage")
    if is_crowd(chat):
        return "crowd"
    if protocol:
        if protocol.text("type") in _REVOKES:
            return "deleted"
        is_edit = protocol.text("type") in _EDITS or "editedMessage" in protocol
        return "edited" if is_edit else "activity"
    if "pollUpdateMessage" in said:
        return "activity"
    return "account" if "messageStubType" in data and not said else None


def _noted(
    kind: NoticeKind, event: str, data: Document, inbox: Inbox, said: Document = _NOTHING_SAID
) -> Part:
    key = data.child("key")
    of = said.text("protocolMessage", "key", "id")
    return inbox.notice(
        kind,
        event,
        message_id=of or key.text("id") or data.text("keyId") or data.text("id"),
        person=key.text("remoteJid") or data.text("remoteJid"),
        at=data.time("messageTimestamp"),
        detail=data.text("status") or data.text("state"),
        text=_text(said) if kind == "edited" else None,
    )


def _unwrapped(message: Document) -> Document:
    for wrapper in _WRAPPERS:
        if wrapper in message:
            return message.child(wrapper, "message")
    return message.child("editedMessage", "message") or message


def _content_type(data: Document, said: Document) -> str:
    kind = data.text("messageType") or next(said.fields(), "unknown")
    if kind in {"conversation", "extendedTextMessage"}:
        return "text"
    return kind.removesuffix(_SUFFIX) or "unknown"


def _text(said: Document) -> str | None:
    found = [said.text(*path) for path in _TEXTS]
    found += [said.text(name, "caption") for name in said.fields()]
    return next((text for text in found if text is not None), None)
