"""Intercom: a notification a call, of conversations and contacts.

A customer comes of what a contact wrote; the key is Intercom's contact id. E-mail and phone of a
lead were typed, a user's `external_id` was not signed as far as we are told: they suggest.
Conversations that an admin starts contact somebody; an admin's answer is a message of the contact
whom it answers, and makes nobody a customer. Bots and notes are nobody's. Bodies are HTML.
Source: https://developers.intercom.com/docs/references/webhooks/webhook-models (2.14).
"""

from collections.abc import Iterator
from typing import Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, event_of
from streams.channels.inbox import Inbox, Time, id_of, kind_of
from streams.channels.markup import text_of_html
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.channels.webchat import typed_by_visitor
from streams.contracts.messages import Content, Context, Identifier
from streams.contracts.notices import NoticeKind

_OPENED_BY_CONTACT: Final = frozenset({"conversation.user.created", "conversation.contact.created"})
_REPLIES_OF_CONTACT: Final = frozenset(
    {"conversation.user.replied", "conversation.contact.replied"}
)
_OPENED_BY_ADMIN: Final = "conversation.admin.single.created"
_ANSWERED: Final = "conversation.admin.replied"
_CONTACTS: Final = ("contact.", "user.", "lead.", "visitor.")
_NEWS_OF_CONTACT: Final = frozenset({"updated", "signed_up", "added_email", "email.updated"})
_NOTICES: Final[dict[str, NoticeKind]] = {
    "conversation_part.redacted": "deleted",
    "conversation.deleted": "deleted",
    "conversation.admin.noted": "not_a_person",
    "ping": "test",
    "conversation": "activity",
    "ticket": "activity",
    "contact": "profile",
    "user": "profile",
    "lead": "profile",
    "visitor": "profile",
    "company": "account",
    "admin": "account",
}
_TEAMMATES: Final = frozenset({"admin", "team"})
_OURS: Final = frozenset({"admin", "bot", "team"})


def read(delivery: Delivery) -> Reading:
    """Return what the notification says."""
    found = event_of(delivery.body, "topic")
    if isinstance(found, Unreadable):
        return reading_of([found])
    topic, body = found
    inbox = Inbox(delivery, "intercom", "webchat")
    return reading_of(_parts(topic, body.child("data", "item"), inbox))


def _parts(topic: str, item: Document, inbox: Inbox) -> Iterator[Part]:
    if topic in _OPENED_BY_CONTACT or topic == _OPENED_BY_ADMIN:
        yield _said(topic, item.child("source"), item, item.time("created_at"), inbox)
    elif topic in _REPLIES_OF_CONTACT:
        replies = item.children("conversation_parts", "conversation_parts")
        for reply in replies:
            yield _said(topic, reply, item, reply.time("created_at"), inbox)
        if not replies:
            yield Unreadable(f"a {topic} without a conversation part: nothing was said")
    elif topic == _ANSWERED:
        answers = item.children("conversation_parts", "conversation_parts")
        for answer in answers:
            yield _answer(topic, answer, item, inbox)
        if not answers:
            yield Unreadable(f"a {topic} without a conversation part: nothing was said")
    elif topic.startswith(_CONTACTS) and topic.partition(".")[2] in _NEWS_OF_CONTACT:
        yield _contact(topic, item, inbox)
    else:
        kind = kind_of(topic, _NOTICES)
        yield inbox.notice(kind, topic, person=_contact_of(item), at=item.time("updated_at"))


def _said(topic: str, said: Document, item: Document, at: Time | None, inbox: Inbox) -> Part:
    author = said.child("author")
    is_ours = topic == _OPENED_BY_ADMIN or author.text("type") in _OURS
    person = _contact_of(item) if is_ours else author.text("id") or _contact_of(item)
    if person is None:
        return Unreadable(f"a {topic} without an author or a contact: it is nobody's")
    message_id, content = said.text("id") or id_of(said), _content(said)
    if is_ours and topic != _OPENED_BY_ADMIN:
        return inbox.notice("not_a_person", topic, message_id=message_id, person=person, at=at)
    if is_ours:
        return inbox.answered(
            person,
            message_id=message_id,
            at=at,
            content=content,
            conversation_id=item.text("id"),
            agent_id=author.text("id"),
        )
    return inbox.wrote(
        person,
        message_id=message_id,
        at=at,
        content=content,
        context=_context(author, _reference_of(item, person)),
        conversation_id=item.text("id"),
    )


def _answer(topic: str, answer: Document, item: Document, inbox: Inbox) -> Part:
    """Return what a teammate answered; a notice where it was none, or nobody can be said to be
    whom they answered.
    """
    author, person = answer.child("author"), _answered(item)
    message_id, at = answer.text("id") or id_of(answer), answer.time("created_at")
    is_said = author.text("type") in _TEAMMATES and answer.text("part_type") != "note"
    if person is None or not is_said:
        return inbox.notice("not_a_person", topic, message_id=message_id, person=person, at=at)
    return inbox.answered(
        person,
        message_id=message_id,
        at=at,
        content=_content(answer),
        conversation_id=item.text("id"),
        agent_id=author.text("id"),
        kind="answer",
    )


def _answered(item: Document) -> str | None:
    """Return whom an answer in the conversation is for: its only contact, or of several the one
    who began it.
    """
    contacts = {contact.text("id") for contact in item.children("contacts", "contacts")}
    if len(contacts) == 1:
        return contacts.pop()
    beginner = item.text("source", "author", "id")
    return beginner if beginner in contacts else None


def _contact(topic: str, contact: Document, inbox: Inbox) -> Part:
    person = contact.text("id") or contact.text("contact", "id")
    if person is None:
        return inbox.notice("profile", topic)
    about = contact if "id" in contact else contact.child("contact")
    return inbox.learned(
        person,
        message_id=id_of(contact),
        at=about.time("updated_at"),
        event=topic,
        context=_context(about, about.text("external_id")),
    )


def _context(contact: Document, reference: str | None) -> Context:
    references = (
        (Identifier(kind="reference", value=reference, rule="self_declared"),) if reference else ()
    )
    return Context(
        profile_name=contact.text("name"),
        profile_picture_url=contact.text("avatar") or contact.text("avatar", "image_url"),
        identifiers=(*references, *typed_by_visitor(contact)),
    )


def _contact_of(item: Document) -> str | None:
    contacts = item.children("contacts", "contacts")
    return contacts[0].text("id") if contacts else None


def _reference_of(item: Document, person: str) -> str | None:
    for contact in item.children("contacts", "contacts"):
        if contact.text("id") == person:
            return contact.text("external_id")
    return None


def _content(said: Document) -> Content:
    text = text_of_html(said.text("body"))
    attachments = said.children("attachments")
    kind = "text" if text or not attachments else attachments[0].text("type") or "attachment"
    return Content(type=kind, text=text)
