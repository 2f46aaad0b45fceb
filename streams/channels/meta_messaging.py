"""Messenger and Instagram: entries of messaging events between a page or account and a person.

A customer comes of a message or a pressed button; the key is the person's id, which is scoped to
the page or account (`entry.id`). An echo has the business as its sender. Threads that another
application owns (`standby`) are noted only.
Source: https://developers.facebook.com/docs/messenger-platform/webhooks (September 2026).
"""

from collections.abc import Iterator
from typing import Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, object_of
from streams.channels.inbox import Inbox, id_of
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.contracts.messages import Content
from streams.contracts.notices import NoticeKind

_NOTICES: Final[dict[str, NoticeKind]] = {
    "delivery": "status",
    "read": "status",
    "reaction": "reaction",
    "referral": "activity",
    "optin": "activity",
    "account_linking": "profile",
    "app_roles": "account",
    "policy_enforcement": "account",
    "pass_thread_control": "account",
    "take_thread_control": "account",
    "request_thread_control": "account",
}
_ENVELOPE: Final = frozenset({"sender", "recipient", "timestamp", "hop_context"})
_CHANGES_OF_MESSAGES: Final = "messages"


def read_messenger(delivery: Delivery) -> Reading:
    """Return what a page's events say."""
    return _read(delivery, "messenger", "page")


def read_instagram(delivery: Delivery) -> Reading:
    """Return what an Instagram account's events say."""
    return _read(delivery, "instagram", "instagram")


def _read(delivery: Delivery, platform: str, product: str) -> Reading:
    body = object_of(delivery.body)
    if isinstance(body, Unreadable):
        return reading_of([body])
    if body.text("object") != product:
        return reading_of([Unreadable(f"the body's object is not {product}")])
    entries = body.children("entry")
    if not entries:
        return reading_of([Unreadable("the body has no entry")])
    return reading_of(part for entry in entries for part in _parts(entry, platform, delivery))


def _parts(entry: Document, platform: str, delivery: Delivery) -> Iterator[Part]:
    business = entry.text("id")
    inbox = Inbox(delivery, platform, platform, account=business)
    events = list(entry.children("messaging"))
    changes = entry.children("changes")
    # Instagram's newer products, and every test button, wrap the event in a change.
    events += [c.child("value") for c in changes if c.text("field") == _CHANGES_OF_MESSAGES]
    for event in events:
        yield from _event(event, business, inbox)
    for event in entry.children("standby"):
        yield inbox.notice(
            "backlog",
            "standby",
            message_id=event.text("message", "mid"),
            person=event.text("sender", "id"),
            at=event.time("timestamp"),
        )
    others = [c for c in changes if c.text("field") != _CHANGES_OF_MESSAGES]
    for change in others:  # comments, mentions, follows: nobody wrote to the business alone
        yield inbox.notice("crowd", change.text("field") or "change", at=entry.time("time"))
    if not (events or others or entry.children("standby")):
        yield inbox.notice("unknown", "entry", at=entry.time("time"))


def _event(event: Document, business: str | None, inbox: Inbox) -> Iterator[Part]:
    kinds = [name for name in event.fields() if name not in _ENVELOPE]
    for kind in kinds:
        about = event.child(kind)
        if kind == "message":
            yield _message(event, about, business, inbox)
        elif kind == "postback":
            yield _said(event, about, Content(type=kind, text=about.text("title")), inbox)
        elif kind == "message_edit":
            yield _noted("edited", kind, event, about, inbox)
        else:
            yield _noted(_NOTICES.get(kind, "unknown"), kind, event, about, inbox)
    if not kinds:
        yield _noted("unknown", "event", event, event, inbox)


def _message(event: Document, message: Document, business: str | None, inbox: Inbox) -> Part:
    if message.is_true("is_deleted"):
        return _noted("deleted", "message", event, message, inbox)
    attachments = message.children("attachments")
    kind = attachments[0].text("type") if attachments else None
    if message.is_true("is_unsupported"):
        kind = "unsupported"
    content = Content(type=kind or "text", text=message.text("text"))
    if not message.is_true("is_echo") and event.text("sender", "id") != business:
        return _said(event, message, content, inbox)
    person = event.text("recipient", "id")
    if person is None or person == business:
        return _noted("not_a_person", "message", event, message, inbox)
    return inbox.answered(
        person,
        message_id=message.text("mid") or id_of(event),
        at=event.time("timestamp"),
        content=content,
    )


def _said(event: Document, said: Document, content: Content, inbox: Inbox) -> Part:
    person = event.text("sender", "id")
    if person is None:
        return Unreadable(f"a {content.type} without sender.id: it is nobody's")
    if inbox.delivery.is_own(person):
        return _noted("not_a_person", content.type, event, said, inbox)
    return inbox.wrote(
        person,
        message_id=said.text("mid") or id_of(event),
        at=event.time("timestamp"),
        content=content,
    )


def _noted(kind: NoticeKind, name: str, event: Document, about: Document, inbox: Inbox) -> Part:
    return inbox.notice(
        kind,
        name,
        message_id=about.text("mid"),
        person=event.text("sender", "id"),
        at=event.time("timestamp"),
        detail=about.text("action") or about.text("status"),
        text=about.text("text") if kind == "edited" else None,
    )
