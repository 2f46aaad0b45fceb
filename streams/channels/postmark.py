"""Inbound e-mail as Postmark delivers it: one letter a call.

A customer comes of a letter; the key is the sender's address, which nobody vouches for: From can be
forged, so it ties nobody to anybody. Of a form's or an assistant's letter (another Reply-To) the
person is whom an answer would reach. Automatic answers, bounces and lists are notices.
Sources: https://postmarkapp.com/developer/webhooks/inbound-webhook, RFC 3834, RFC 2919.
"""

from collections.abc import Mapping
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, object_of
from streams.channels.inbox import Inbox, id_of
from streams.channels.markup import text_of_html
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.contracts.messages import Content, Context
from streams.contracts.notices import NoticeKind
from streams.identity.keys import email_key

_CROWD_HEADERS: Final = ("list-id", "list-unsubscribe-post", "list-post")
_BULK: Final = frozenset({"bulk", "list", "junk"})
_AUTOMATIC: Final = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-failed-recipients")


def read(delivery: Delivery) -> Reading:
    """Return what the letter says."""
    letter = object_of(delivery.body)
    if isinstance(letter, Unreadable):
        return reading_of([letter])
    return reading_of([_part(letter, Inbox(delivery, "postmark", "email"))])


def _part(letter: Document, inbox: Inbox) -> Part:
    sender = letter.text("FromFull", "Email") or _address(letter.text("From"))
    answers_to = _address(letter.text("ReplyTo"))
    if "RecordType" in letter:  # deliveries, opens and bounces come to the same address
        return _noted("status", letter.text("RecordType") or "", letter, sender, inbox)
    if sender is None and answers_to is None:
        return Unreadable("a letter without From: it is nobody's")
    headers = _headers(letter)
    if (kind := _no_letter(headers)) is not None:
        return _noted(kind, "letter", letter, sender, inbox)
    is_relayed = answers_to is not None and answers_to.lower() != (sender or "").lower()
    person = (answers_to if is_relayed else sender) or ""
    if inbox.delivery.is_own(person, person.lower()):
        return _noted("not_a_person", "letter", letter, person, inbox)
    if is_relayed and email_key(person) is None and sender is not None:
        is_relayed, person = False, sender  # an answer would reach nobody: the sender it is
    return inbox.wrote(
        person,
        message_id=letter.text("MessageID") or id_of(letter),
        at=_sent_at(letter),
        content=Content(type="email", text=_text(letter)),
        context=Context(
            profile_name=None
            if is_relayed
            else letter.text("FromFull", "Name") or letter.text("FromName")
        ),
        conversation_id=letter.text("MailboxHash"),
    )


def _noted(
    kind: NoticeKind, event: str, letter: Document, person: str | None, inbox: Inbox
) -> Part:
    return inbox.notice(
        kind, event, message_id=letter.text("MessageID"), person=person, at=_sent_at(letter)
    )


def _no_letter(headers: Mapping[str, str]) -> NoticeKind | None:
    """Say what a letter is that no person wrote to the business."""
    if any(name in headers for name in _CROWD_HEADERS):
        return "crowd"
    if headers.get("precedence", "").strip().lower() in _BULK:
        return "crowd"
    submitted = headers.get("auto-submitted", "no").split(";")[0].strip().lower()
    is_automatic = submitted != "no" or any(name in headers for name in _AUTOMATIC)
    return (
        "not_a_person" if is_automatic or headers.get("return-path", "-").strip() == "<>" else None
    )


def _headers(letter: Document) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for header in letter.children("Headers"):
        found.setdefault((header.text("Name") or "").lower(), header.text("Value") or "")
    return found


def _address(text: str | None) -> str | None:
    """Return the first address of a header; None where it holds none."""
    if text is None:
        return None
    return next((address for _, address in getaddresses([text]) if "@" in address), None)


def _sent_at(letter: Document) -> str | int | float | None:
    written = letter.text("Date")
    try:
        return parsedate_to_datetime(written).isoformat() if written else None
    except (ValueError, TypeError, OverflowError):
        return written


def _text(letter: Document) -> str | None:
    text = letter.text("StrippedTextReply") or letter.text("TextBody")
    return text or text_of_html(letter.text("HtmlBody")) or letter.text("Subject")
