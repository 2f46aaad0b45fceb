"""Rocket.Chat's Livechat: messages as they are written, the transcript at the end, and forms.

A customer comes of a visitor's message, keyed by the visitor's token, or of a form sent while
nobody was there, keyed by its address. A line of the transcript was told before: it is past, and
what it adds is what the visitor typed meanwhile.
Source: https://docs.rocket.chat/docs/livechat-webhooks (7.x).
"""

from collections.abc import Iterator
from typing import Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, event_of
from streams.channels.inbox import Inbox, id_of
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.channels.webchat import typed_by_visitor
from streams.contracts.messages import Content, Context, Identifier

_MESSAGES: Final = frozenset({"Message", "FileUpload"})
_SESSION_ENDED: Final = "LivechatSession"
_PROFILE: Final = "LivechatEdit"
_FORM: Final = "LivechatOfflineMessage"
_GUEST: Final = "guest-"


def read(delivery: Delivery) -> Reading:
    """Return what the event says."""
    found = event_of(delivery.body, "type")
    if isinstance(found, Unreadable):
        return reading_of([found])
    kind, body = found
    return reading_of(_parts(kind, body, Inbox(delivery, "rocketchat", "webchat")))


def _parts(kind: str, body: Document, inbox: Inbox) -> Iterator[Part]:
    visitor = body.child("visitor")
    token = visitor.text("token")
    if kind == _FORM:
        yield _form(body, visitor, inbox)
    elif kind in _MESSAGES:
        messages = body.children("messages")
        for message in messages:
            yield _message(message, body, token, inbox)
        if not messages:
            yield Unreadable(f"a {kind} without messages: nothing was said")
    elif kind in {_SESSION_ENDED, _PROFILE} and token is not None:
        for message in body.children("messages"):
            yield inbox.notice(
                "backlog", kind, message_id=message.text("_id"), person=token, at=message.time("ts")
            )
        yield inbox.learned(
            token,
            message_id=id_of(Document({"kind": kind, "of": body.text("_id"), **visitor.value})),
            at=body.time("closedAt") or body.time("lastMessageAt"),
            event=kind,
            context=_context(visitor),
        )
    else:
        is_known = kind.startswith("Livechat")
        yield inbox.notice("activity" if is_known else "unknown", kind, person=token)


def _message(message: Document, body: Document, token: str | None, inbox: Inbox) -> Part:
    if token is None:
        return Unreadable("a message without visitor.token: it is nobody's")
    visitor, author = body.child("visitor"), message.child("u")
    agent_id = message.text("agentId")
    username = author.text("username") or message.text("username")
    own = {visitor.text("_id"), visitor.text("username"), visitor.text("token")}
    is_ours = agent_id is not None or not {author.text("_id"), username} & (own - {None})
    message_id = message.text("_id") or id_of(message)
    kind = "file" if "file" in message or "fileUpload" in message else message.text("t") or "text"
    content = Content(type=kind, text=message.text("msg"))
    if is_ours:
        return inbox.answered(
            token,
            message_id=message_id,
            at=message.time("ts"),
            content=content,
            conversation_id=body.text("_id"),
            agent_id=agent_id or author.text("_id"),
        )
    return inbox.wrote(
        token,
        message_id=message_id,
        at=message.time("ts"),
        content=content,
        context=_context(visitor),
        conversation_id=body.text("_id"),
    )


def _form(body: Document, visitor: Document, inbox: Inbox) -> Part:
    address = visitor.text("email")
    if address is None:
        return Unreadable(f"a {_FORM} without visitor.email: it is nobody's")
    return inbox.wrote(
        address,
        message_id=id_of(body),
        at=body.time("sentAt"),
        content=Content(type="form", text=body.text("message")),
        context=Context(profile_name=visitor.text("name")),
    )


def _context(visitor: Document) -> Context:
    name = visitor.text("name")
    return Context(
        profile_name=None if name and name.startswith(_GUEST) else name,
        identifiers=tuple(_typed(visitor)),
    )


def _typed(visitor: Document) -> Iterator[Identifier]:
    """Yield what the visitor typed: a text, or a list of objects, or nothing."""
    emails = [visitor.text("email"), *(e.text("address") for e in visitor.children("email"))]
    phones = [visitor.text("phone"), *(p.text("phoneNumber") for p in visitor.children("phone"))]
    for email in filter(None, emails):
        yield from typed_by_visitor(Document({"email": email}))
    for phone in filter(None, phones):
        yield from typed_by_visitor(Document({"phone": phone}))
