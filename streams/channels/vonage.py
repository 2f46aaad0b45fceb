"""Vonage's SMS API: one message or part of one a call, in a query, a form or JSON.

A customer comes of a message from a number. Parts of a long message arrive singly and in any order,
each with an id of its own: all share an id made of sender, reference and day, so that they count as
one message whichever comes first; a part that stays alone counts as well. Its fact has the text of
the part that came first. Receipts may come to the same address.
Source: https://developer.vonage.com/en/messaging/sms/guides/inbound-sms (September 2026).
"""

from collections.abc import Mapping
from typing import Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, form_of, object_of
from streams.channels.inbox import Inbox, id_of
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.contracts.messages import Content

_OF_A_RECEIPT: Final = ("status", "err-code", "scts")


def read(delivery: Delivery) -> Reading:
    """Return what the call says."""
    fields = _fields(delivery)
    if isinstance(fields, Unreadable):
        return reading_of([fields])
    return reading_of([_part(fields, Inbox(delivery, "vonage", "sms"))])


def _fields(delivery: Delivery) -> Document | Unreadable:
    """Return the call's fields, in whichever of the three forms it came."""
    if delivery.body.lstrip().startswith(b"{"):
        return object_of(delivery.body)
    form: Mapping[str, str] | Unreadable = form_of(delivery.body.strip() or delivery.query)
    return form if isinstance(form, Unreadable) else Document(dict(form))


def _part(fields: Document, inbox: Inbox) -> Part:
    person, business = fields.text("msisdn"), fields.text("to")
    if any(name in fields for name in _OF_A_RECEIPT):
        return inbox.notice(
            "status",
            "receipt",
            message_id=fields.text("messageId"),
            person=person,
            at=_sent_at(fields),
            detail=fields.text("status"),
        )
    if person is None:
        return Unreadable("a call without msisdn: it is nobody's")
    if person == business or inbox.delivery.is_own(person):
        return inbox.notice(
            "not_a_person", "inbound", message_id=fields.text("messageId"), person=person
        )
    kind = fields.text("type") or "text"
    return inbox.wrote(
        person,
        message_id=_message_id(fields),
        at=_sent_at(fields),
        content=Content(
            type="text" if kind == "unicode" else kind,
            text=None if kind == "binary" else fields.text("text"),
        ),
    )


def _message_id(fields: Document) -> str:
    reference = fields.text("concat-ref")
    if (fields.text("concat") or "").lower() != "true" or reference is None:
        return fields.text("messageId") or id_of(fields)
    # References count to 255 or 65,535 and begin anew: within a day they are one message's.
    day = (fields.text("message-timestamp") or "")[:10]
    parts = (fields.text("msisdn"), fields.text("to"), reference, fields.text("concat-total"), day)
    return "concat:" + ":".join(part or "" for part in parts)


def _sent_at(fields: Document) -> str | None:
    """Return the time, which is UTC and does not say so."""
    written = fields.text("message-timestamp")
    return written and f"{written.strip().replace(' ', 'T')}Z"
