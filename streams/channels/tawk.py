"""tawk.to: the start and the end of a chat, its transcript, and tickets.

A customer comes of a chat that a visitor starts; there is no visitor's id, so the key is the
chat's: the same person is another customer in the next chat unless somebody links them by the
e-mail they typed. Only a chat's first message comes as it is written.
Source: https://developer.tawk.to/webhooks (September 2026).
"""

import re
from collections.abc import Iterator
from typing import Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, event_of
from streams.channels.inbox import Inbox, id_of
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.channels.webchat import typed_by_visitor
from streams.contracts.messages import Content, Context

_MADE_UP_NAME: Final = re.compile(r"V\d{6,}")


def read(delivery: Delivery) -> Reading:
    """Return what the event says."""
    found = event_of(delivery.body)
    if isinstance(found, Unreadable):
        return reading_of([found])
    event, body = found
    return reading_of(_parts(event, body, Inbox(delivery, "tawk", "webchat")))


def _parts(event: str, body: Document, inbox: Inbox) -> Iterator[Part]:
    if event == "chat:start":
        yield _start(event, body, inbox)
    elif event == "chat:end":
        yield _end(event, body, inbox)
    elif event == "chat:transcript_created":
        yield from _transcript(event, body, inbox)
    elif event == "ticket:create":
        yield _ticket(body, inbox)
    else:
        yield inbox.notice("unknown", event, person=body.text("chatId"), at=body.time("time"))


def _start(event: str, body: Document, inbox: Inbox) -> Part:
    chat = body.text("chatId")
    if chat is None:
        return Unreadable(f"a {event} without chatId: it is nobody's")
    sender = body.text("message", "sender", "type")
    if sender != "visitor":  # a proactive chat: nobody has answered yet
        return inbox.notice("not_a_person", event, person=chat, at=body.time("time"), detail=sender)
    kind = body.text("message", "type") or "msg"
    return inbox.wrote(
        chat,
        message_id=f"{chat}:start",
        at=body.time("time"),
        content=Content(type="text" if kind == "msg" else kind, text=body.text("message", "text")),
        context=_context(body.child("visitor")),
        conversation_id=chat,
    )


def _end(event: str, body: Document, inbox: Inbox) -> Part:
    chat = body.text("chatId")
    if chat is None:
        return inbox.notice("activity", event, at=body.time("time"))
    return inbox.learned(
        chat,
        message_id=f"{chat}:end",
        at=body.time("time"),
        event=event,
        context=_context(body.child("visitor")),
    )


def _transcript(event: str, body: Document, inbox: Inbox) -> Iterator[Part]:
    """Yield what was said, as past: its first message was told when it was written."""
    chat = body.child("chat")
    messages = chat.children("messages")
    for message in messages:
        yield inbox.notice(
            "backlog",
            event,
            message_id=id_of(message),
            person=chat.text("id") or body.text("chatId"),
            at=message.time("time"),
            detail=message.text("sender", "t"),
        )
    if not messages:
        yield inbox.notice("backlog", event, person=chat.text("id") or body.text("chatId"))


def _ticket(body: Document, inbox: Inbox) -> Part:
    """Return a form that somebody sent while nobody was there: the key is their address."""
    address, ticket = body.text("requester", "email"), body.child("ticket")
    if address is None:
        return Unreadable("a ticket:create without requester.email: it is nobody's")
    return inbox.wrote(
        address,
        message_id=ticket.text("id") or id_of(body),
        at=body.time("time"),
        content=Content(type="ticket", text=ticket.text("message") or ticket.text("subject")),
        context=Context(profile_name=body.text("requester", "name")),
    )


def _context(visitor: Document) -> Context:
    name = visitor.text("name")
    return Context(
        profile_name=None if name and _MADE_UP_NAME.fullmatch(name) else name,
        identifiers=typed_by_visitor(visitor),
    )
