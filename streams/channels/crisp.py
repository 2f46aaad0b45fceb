"""Crisp: an event a call, of a website's chat.

A customer comes of `message:send`, which is the visitor's word; `message:received` is the
operator's. The key is the session; a message is known by its fingerprint there. E-mail and phone
were typed.
Source: https://docs.crisp.chat/references/rtm-api/v1 (September 2026).
"""

import re
from typing import Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, event_of
from streams.channels.inbox import Inbox, id_of, kind_of
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.channels.webchat import typed_by_visitor
from streams.contracts.messages import Content, Context
from streams.contracts.notices import NoticeKind

_SENT: Final = "message:send"
_RECEIVED: Final = "message:received"
_PROFILES: Final = frozenset(
    {"session:set_email", "session:set_phone", "session:set_nickname", "session:set_avatar"}
)
_NOTICES: Final[dict[str, NoticeKind]] = {
    "message:updated": "edited",
    "message:removed": "deleted",
    "message:acknowledge": "status",
    "message:notify": "status",
    "message:compose": "activity",
    "session:": "activity",
    "people:": "profile",
    "campaign:": "account",
    "website:": "account",
}
_PRIVATE: Final = frozenset({"note", "event"})
_MADE_UP_NAME: Final = re.compile(r"visitor\d+", re.IGNORECASE)


def read(delivery: Delivery) -> Reading:
    """Return what the event says."""
    found = event_of(delivery.body)
    if isinstance(found, Unreadable):
        return reading_of([found])
    event, body = found
    return reading_of([_part(event, body, Inbox(delivery, "crisp", "webchat"))])


def _part(event: str, body: Document, inbox: Inbox) -> Part:
    data = body.child("data")
    session = data.text("session_id")
    if event in {_SENT, _RECEIVED}:
        if session is None:
            return Unreadable(f"a {event} without session_id: it is nobody's")
        return _message(event, session, body, inbox)
    if event in _PROFILES and session is not None:
        name = data.text("nickname")
        return inbox.learned(
            session,
            message_id=id_of(body),
            at=body.time("timestamp"),
            event=event,
            context=Context(
                profile_name=_own_name(name),
                profile_picture_url=data.text("avatar"),
                identifiers=typed_by_visitor(data),
            ),
        )
    kind = kind_of(event, _NOTICES)
    fingerprint = data.text("fingerprint")
    return inbox.notice(
        kind,
        event,
        message_id=f"{session}:{fingerprint}" if session and fingerprint else None,
        person=session,
        at=body.time("timestamp"),
        text=data.text("content") if kind == "edited" else None,
    )


def _message(event: str, session: str, body: Document, inbox: Inbox) -> Part:
    data = body.child("data")
    fingerprint = data.text("fingerprint")
    message_id = f"{session}:{fingerprint}" if fingerprint else id_of(data)
    at = data.time("timestamp") or body.time("timestamp")
    kind = data.text("type") or "text"
    is_ours = event == _RECEIVED or data.text("from") == "operator"
    if kind in _PRIVATE or data.is_true("stealth") or (is_ours and data.is_true("automated")):
        return inbox.notice("not_a_person", event, message_id=message_id, person=session, at=at)
    words = data.text("content") or data.text("content", "text") or data.text("content", "name")
    content = Content(type=kind, text=words)
    if is_ours:
        return inbox.answered(
            session,
            message_id=message_id,
            at=at,
            content=content,
            conversation_id=session,
            agent_id=data.text("user", "user_id"),
        )
    return inbox.wrote(
        session,
        message_id=message_id,
        at=at,
        content=content,
        context=Context(profile_name=_own_name(data.text("user", "nickname"))),
        conversation_id=session,
    )


def _own_name(nickname: str | None) -> str | None:
    """Return the name that a visitor gave, not the one that Crisp made up."""
    return None if nickname and _MADE_UP_NAME.fullmatch(nickname) else nickname
