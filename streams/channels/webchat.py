"""Our own web chat: what the business's server sends us for its widget, one event a call.

A customer comes of a `message`; the key is the visitor's id, which the widget made. What a visitor
typed ties nobody to anybody; whom the business's server says they are (`signedIn`) does, for the
server alone knows the channel's secret. docs/channels.md specifies the fields.
"""

from collections.abc import Iterator
from typing import Final, Literal

from streams.channels.delivery import Delivery
from streams.channels.document import Document, object_of
from streams.channels.inbox import Inbox, id_of
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.contracts.messages import Content, Context, Identifier

_OPENED: Final = frozenset({"opened", "closed", "typing", "seen"})


def read(delivery: Delivery) -> Reading:
    """Return what the event says."""
    body = object_of(delivery.body)
    if isinstance(body, Unreadable):
        return reading_of([body])
    return reading_of([_part(body, Inbox(delivery, "webchat", "webchat"))])


def _part(body: Document, inbox: Inbox) -> Part:
    event, visitor = body.text("event") or "message", body.text("visitorId")
    if visitor is None:
        return Unreadable("an event without visitorId: it is nobody's")
    at, message_id = body.time("sentAt"), body.text("messageId") or id_of(body)
    said_at = at or inbox.delivery.received_at_ms
    content = Content(type=body.text("contentType") or "text", text=body.text("text"))
    conversation_id = body.text("conversationId")
    match event:
        case "message":
            return inbox.wrote(
                visitor,
                message_id=message_id,
                at=said_at,
                content=content,
                context=_context(body),
                conversation_id=conversation_id,
            )
        case "reply":
            return inbox.answered(
                visitor,
                message_id=message_id,
                at=said_at,
                content=content,
                conversation_id=conversation_id,
                agent_id=body.text("agentId"),
            )
        case "profile":
            context = _context(body)
            return inbox.learned(
                visitor, message_id=message_id, at=said_at, event=event, context=context
            )
    kind: Literal["activity", "unknown"] = "activity" if event in _OPENED else "unknown"
    return inbox.notice(kind, event, person=visitor, at=at)


def _context(body: Document) -> Context:
    typed, signed_in = body.child("typed"), body.child("signedIn")
    return Context(
        profile_name=signed_in.text("name") or typed.text("name"),
        profile_picture_url=signed_in.text("pictureUrl"),
        identifiers=(*_signed_in(signed_in), *typed_by_visitor(typed)),
    )


def _signed_in(account: Document) -> Iterator[Identifier]:
    if (reference := account.text("reference")) is not None:
        yield Identifier(kind="reference", value=reference, rule="signed_reference")
    if (email := account.text("email")) is not None:
        yield Identifier(kind="email", value=email, rule="vouched_value")
    if (phone := account.text("phone")) is not None:
        yield Identifier(kind="phone", value=phone, rule="vouched_value")


def typed_by_visitor(typed: Document) -> tuple[Identifier, ...]:
    """Return the `email` and `phone` that a visitor typed: anybody can type anybody's."""
    email, phone = typed.text("email"), typed.text("phone")
    emails = (Identifier(kind="email", value=email, rule="self_declared"),) if email else ()
    phones = (Identifier(kind="phone", value=phone, rule="self_declared"),) if phone else ()
    return (*emails, *phones)
