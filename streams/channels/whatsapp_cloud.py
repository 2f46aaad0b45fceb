"""WhatsApp's Cloud API: entries of changes, each with messages, statuses, echoes or news.

A customer comes of a message, whatever its type, also of one that the API cannot show; of a group's
message it is the participant who wrote. The number (`from`) is the identity, or where it is hidden
the business-scoped user id; shown together they are one account. Statuses and echoes carry
`contacts` too: those make nobody.
Source: https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks (September 2026).
"""

import re
from collections.abc import Iterator
from typing import Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, object_of
from streams.channels.inbox import Inbox, id_of
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.contracts.messages import Content, Context, Identifier, IdentifierRule
from streams.contracts.notices import NoticeKind

_PRODUCT: Final = "whatsapp_business_account"
_MOVED: Final = frozenset(
    {"user_changed_number", "user_changed_user_id", "customer_changed_number"}
)
_ACCOUNT_FIELDS: Final = re.compile(
    "account_.*|message_template_.*|template_.*|phone_number_.*|business_.*|security|flows|"
    "payment_.*|partner_.*|tracking_events|automatic_events|messaging_handovers"
)
# Whose text each type of message carries, by its path in the message.
_TEXTS: Final = (
    ("text", "body"),
    ("button", "text"),
    ("interactive", "button_reply", "title"),
    ("interactive", "list_reply", "title"),
    ("interactive", "nfm_reply", "body"),
    ("interactive", "nfm_reply", "response_json"),
    ("reaction", "emoji"),
    ("location", "name"),
    ("location", "address"),
    ("order", "text"),
    ("edit", "message", "text", "body"),
)
_CARD_NUMBER: Final = re.compile(r"waid=(\d{6,20})")


def read(delivery: Delivery) -> Reading:
    """Return what every change of every entry says."""
    body = object_of(delivery.body)
    if isinstance(body, Unreadable):
        return reading_of([body])
    if body.text("object") != _PRODUCT:
        return reading_of([Unreadable(f"the body's object is not {_PRODUCT}")])
    entries = body.items("entry")
    if entries is None:
        return reading_of([Unreadable("the body has no list of entries")])
    changes = [(entry, change) for entry in entries for change in entry.children("changes")]
    if not changes:
        inbox = Inbox(delivery, "whatsapp", "whatsapp")
        return reading_of([inbox.notice("unknown", "entry without changes")])
    return reading_of(part for e, change in changes for part in _parts(e, change, delivery))


def _parts(entry: Document, change: Document, delivery: Delivery) -> Iterator[Part]:
    inbox = Inbox(delivery, "whatsapp", "whatsapp", account=entry.text("id"))
    field, value = change.text("field") or "messages", change.child("value")
    people = _People(value)
    found: list[Part] = [
        *(_message(one, people, inbox) for one in value.children("messages")),
        *(_status(one, inbox) for one in value.children("statuses")),
        *(_echo(one, people, inbox) for one in value.children("message_echoes")),
        *(_address_book(one, inbox) for one in value.children("state_sync")),
        *(_preference(one, inbox) for one in value.children("user_preferences")),
        *(_past(value, inbox)),
    ]
    if not found:
        found = [_news(field, value, entry, inbox)]
    yield from found


class _People:
    """The `contacts` of a change: found by number or user id, never by their place."""

    def __init__(self, value: Document) -> None:
        self.own_number = value.text("metadata", "display_phone_number")
        self._contacts = value.children("contacts")

    def contact(self, *ids: str | None) -> Document:
        known = {one for one in ids if one}
        for contact in self._contacts:
            if known & {contact.text("wa_id"), contact.text("user_id")}:
                return contact
        return Document({})

    def only(self) -> Document:
        return self._contacts[0] if len(self._contacts) == 1 else Document({})


def _message(message: Document, people: _People, inbox: Inbox) -> Part:
    kind = message.text("type") or "unknown"
    message_id = message.text("id") or id_of(message)
    number, user_id = message.text("from"), message.text("from_user_id")
    contact = people.contact(number, user_id) if number or user_id else people.only()
    number = number or contact.text("wa_id")
    user_id = user_id or contact.text("user_id")
    if kind == "system":
        return _system(message, message_id, number, inbox)
    person = number or user_id
    if person is None:
        return Unreadable("a message without from, from_user_id or contact: it is nobody's")
    if _is_own(number, people, inbox):
        return inbox.notice("not_a_person", kind, message_id=message_id, person=person)
    if kind in {"edit", "revoke"}:
        return _changed(message, kind, person, inbox)
    return inbox.wrote(
        person,
        message_id=message_id,
        at=message.time("timestamp"),
        content=Content(type=kind, text=_text(message, kind)),
        context=_context(
            contact,
            _identifiers(person, contact, user_id, message.text("from_parent_user_id"))
            + _own_number_shared(message, kind),
        ),
    )


def _is_own(number: str | None, people: _People, inbox: Inbox) -> bool:
    return number is not None and (number == people.own_number or inbox.delivery.is_own(number))


def _changed(message: Document, kind: str, person: str, inbox: Inbox) -> Part:
    """Return that a message was edited or taken back: it names which."""
    return inbox.notice(
        "edited" if kind == "edit" else "deleted",
        kind,
        message_id=message.text(kind, "original_message_id"),
        person=person,
        at=message.time("timestamp"),
        text=_text(message, kind) if kind == "edit" else None,
    )


def _system(message: Document, message_id: str, number: str | None, inbox: Inbox) -> Part:
    """Return the account's move to another number or user id; whatever else is news only."""
    system, at = message.child("system"), message.time("timestamp")
    kind = system.text("type") or "system"
    event = f"system:{kind}"
    if kind not in _MOVED:
        what: NoticeKind = "profile" if kind == "customer_identity_changed" else "unknown"
        return inbox.notice(what, event, message_id=message_id, person=number, at=at)
    before = number or system.text("customer")
    was_user_id = system.text("previous_user_id")
    person = before or was_user_id or system.text("previous_parent_user_id")
    if person is None:
        return inbox.notice("profile", event, message_id=message_id, at=at)
    after = system.text("wa_id") or system.text("new_wa_id")
    identifiers = [
        *_shown(was_user_id if before else None),
        *_shown(system.text("previous_parent_user_id") if was_user_id or before else None),
        *_shown(system.text("user_id"), rule="account_moved"),
        *_shown(system.text("parent_user_id"), rule="account_moved"),
    ]
    if after and after != person:
        moved = Identifier(kind="phone", value=f"+{after.lstrip('+')}", rule="account_moved")
        identifiers.append(moved)
    return inbox.learned(
        person,
        message_id=message_id,
        at=at,
        event=kind,
        context=Context(identifiers=tuple(identifiers)),
    )


def _status(status: Document, inbox: Inbox) -> Part:
    codes = ", ".join(filter(None, (e.text("code") for e in status.children("errors"))))
    word = status.text("status")
    return inbox.notice(
        "status",
        "status",
        message_id=status.text("id"),
        person=status.text("recipient_id") or status.text("recipient_user_id"),
        at=status.time("timestamp"),
        detail=f"{word}: {codes}" if codes else word,
    )


def _echo(echo: Document, people: _People, inbox: Inbox) -> Part:
    """Return what the owner wrote on the phone app."""
    kind = echo.text("type") or "unknown"
    number, user_id = echo.text("to"), echo.text("to_user_id")
    contact = people.contact(number, user_id)
    user_id = user_id or contact.text("user_id")
    person = number or user_id
    if person is None:
        return Unreadable("an echo without to or to_user_id: nobody was written to")
    if "group_id" in echo:
        return inbox.notice("crowd", "message_echo", message_id=echo.text("id"))
    if kind in {"edit", "revoke"}:
        return _changed(echo, kind, person, inbox)
    return inbox.answered(
        person,
        message_id=echo.text("id") or id_of(echo),
        at=echo.time("timestamp"),
        content=Content(type=kind, text=_text(echo, kind)),
        context=_context(
            contact, _identifiers(person, contact, user_id, echo.text("to_parent_user_id"))
        ),
    )


def _address_book(entry: Document, inbox: Inbox) -> Part:
    return inbox.notice(
        "profile",
        "state_sync",
        person=entry.text("contact", "phone_number"),
        at=entry.time("metadata", "timestamp"),
        detail=entry.text("action"),
    )


def _preference(preference: Document, inbox: Inbox) -> Part:
    return inbox.notice(
        "reachability",
        "user_preferences",
        person=preference.text("wa_id") or preference.text("user_id"),
        at=preference.time("timestamp"),
        detail=preference.text("value"),
    )


def _past(value: Document, inbox: Inbox) -> Iterator[Part]:
    """Yield what was said before the business connected, or that it is not shown."""
    for chunk in value.children("history"):
        said = [(t, one) for t in chunk.children("threads") for one in t.children("messages")]
        for thread, message in said:
            yield inbox.notice(
                "backlog",
                "history",
                message_id=message.text("id"),
                person=thread.text("id"),
                at=message.time("timestamp"),
            )
        if not said:
            errors = (error.text("title") for error in value.children("errors"))
            yield inbox.notice("backlog", "history", detail=", ".join(filter(None, errors)) or None)


def _news(field: str, value: Document, entry: Document, inbox: Inbox) -> Part:
    """Return a change that holds no message: news of the account, or what nobody knows yet."""
    kind: NoticeKind = "unknown"
    if _ACCOUNT_FIELDS.fullmatch(field) or value.children("errors"):
        kind = "account"
    elif field.startswith("group_"):
        kind = "crowd"
    elif field == "calls":
        kind = "activity"
    errors = (error.text("title") for error in value.children("errors"))
    return inbox.notice(
        kind,
        field,
        at=entry.time("time"),
        detail=value.text("event") or ", ".join(filter(None, errors)) or None,
    )


def _context(contact: Document, identifiers: tuple[Identifier, ...]) -> Context:
    return Context(
        profile_name=contact.text("profile", "name"),
        username=contact.text("profile", "username"),
        identifiers=identifiers,
    )


def _identifiers(
    person: str, contact: Document, user_id: str | None, parent_id: str | None
) -> tuple[Identifier, ...]:
    """Return the account's other ids: WhatsApp shows them beside each other."""
    number = contact.text("wa_id")
    is_other = number is not None and number.lstrip("+") != person.lstrip("+")
    shown = (
        (Identifier(kind="phone", value=f"+{number.lstrip('+')}"),) if number and is_other else ()
    )
    parent_id = parent_id or contact.text("parent_user_id")
    others = [one for one in (user_id, parent_id) if one and one != person]
    return (*shown, *(identifier for one in others for identifier in _shown(one)))


def _shown(user_id: str | None, rule: IdentifierRule = "same_account") -> tuple[Identifier, ...]:
    return (Identifier(kind="bsuid", value=user_id, rule=rule),) if user_id else ()


def _own_number_shared(message: Document, kind: str) -> tuple[Identifier, ...]:
    """Return the number that the person sent when asked for it; other cards are other people."""
    if kind != "contacts":
        return ()
    is_asked_for = message.text("origin") == "contact_request"
    shared: list[Identifier] = []
    for card in message.children("contacts"):
        if not is_asked_for and card.text("origin") != "contact_request":
            continue
        phones = [p.text("wa_id") or p.text("phone") for p in card.children("phones")]
        if not any(phones):
            phones = _CARD_NUMBER.findall(card.text("vcard") or "")
        for phone in filter(None, phones[:1]):
            number = f"+{phone.strip().lstrip('+')}"
            shared.append(Identifier(kind="phone", value=number, rule="contact_shared"))
    return tuple(shared)


def _text(message: Document, kind: str) -> str | None:
    """Return the words of a message: its text, its caption, the answer that was picked."""
    found = (message.text(kind, "caption"), *(message.text(*path) for path in _TEXTS))
    return next((text for text in found if text is not None), None)
