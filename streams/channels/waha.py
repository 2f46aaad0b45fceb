"""WAHA, a WhatsApp gateway: one event a webhook call.

A customer comes of a message in a private chat. `message` and `message.any` tell the same message
under one id. What engines show of LIDs and names lies in `_data`, each in its own way.
Source: https://waha.devlike.pro/docs/how-to/events (2026.8).
"""

from typing import Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, event_of
from streams.channels.inbox import Inbox, id_of, kind_of
from streams.channels.jids import is_crowd, is_own, same_account
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.contracts.messages import Content, Context
from streams.contracts.notices import NoticeKind

_MESSAGES: Final = frozenset({"message", "message.any", "message.waiting"})
_NOTICES: Final[dict[str, NoticeKind]] = {
    "message.ack": "status",
    "message.ack.group": "crowd",
    "message.reaction": "reaction",
    "message.edited": "edited",
    "message.revoked": "deleted",
    "poll.vote": "activity",
    "poll.vote.failed": "activity",
    "presence.update": "activity",
    "session.status": "account",
    "state.change": "account",
    "engine.event": "account",
    "group": "crowd",
    "call": "activity",
    "chat": "account",
    "label": "account",
    "event": "activity",
}
_NAMES: Final = (("notifyName",), ("pushName",), ("Info", "PushName"))
_ALTERNATIVES: Final = (
    ("key", "remoteJidAlt"),
    ("key", "senderPn"),
    ("key", "senderLid"),
    ("Info", "SenderAlt"),
)


def read(delivery: Delivery) -> Reading:
    """Return what the event says."""
    found = event_of(delivery.body)
    if isinstance(found, Unreadable):
        return reading_of([found])
    event, body = found
    return reading_of([_part(event, body, Inbox(delivery, "waha", "whatsapp"))])


def _part(event: str, body: Document, inbox: Inbox) -> Part:
    payload = body.child("payload")
    if event not in _MESSAGES:
        return _noted(kind_of(event, _NOTICES), event, payload, inbox)
    is_ours = payload.is_true("fromMe")
    side = "to" if is_ours else "from"
    chat = payload.text(side)
    if chat is None:
        return Unreadable(f"a {event} without payload.{side}: it is nobody's")
    if is_crowd(chat) or is_crowd(payload.text("from") or ""):
        return _noted("crowd", event, payload, inbox)
    if is_own(chat, body.text("me", "id"), inbox.delivery):
        return _noted("not_a_person", event, payload, inbox)
    message_id, at = payload.text("id") or id_of(payload), payload.time("timestamp")
    content = Content(type=_content_type(event, payload), text=payload.text("body"))
    if is_ours:
        return inbox.answered(chat, message_id=message_id, at=at, content=content)
    engine = payload.child("_data")
    names = (engine.text(*path) for path in _NAMES)
    return inbox.wrote(
        chat,
        message_id=message_id,
        at=at,
        content=content,
        context=Context(
            profile_name=next((name for name in names if name), None),
            identifiers=same_account(chat, *(engine.text(*path) for path in _ALTERNATIVES)),
        ),
    )


def _noted(kind: NoticeKind, event: str, payload: Document, inbox: Inbox) -> Part:
    changed = payload.text("editedMessageId") or payload.text("revokedMessageId")
    return inbox.notice(
        kind,
        event,
        message_id=changed or payload.text("reaction", "messageId") or payload.text("id"),
        person=payload.text("to" if payload.is_true("fromMe") else "from"),
        at=payload.time("timestamp"),
        detail=payload.text("ackName")
        or payload.text("status")
        or payload.text("reaction", "text"),
        text=payload.text("body") if kind == "edited" else None,
    )


def _content_type(event: str, payload: Document) -> str:
    if event == "message.waiting":
        return "waiting"
    if payload.is_true("hasMedia") or "media" in payload:
        return (payload.text("media", "mimetype") or "media").partition("/")[0]
    if "location" in payload:
        return "location"
    return "contacts" if payload.texts("vCards") else "text"
