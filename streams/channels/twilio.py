"""Twilio: SMS, MMS and WhatsApp, as a form a webhook or as Event Streams' CloudEvents.

A form has no time: a message is of the moment at which we had it. What has a MessageStatus other
than `received` is a status, whatever else it holds. Short codes and words that send are messages
here; that nobody stands behind them is the core's to say.
Source: Twilio's messaging webhooks and Event Streams references, as gathered in docs/channels.md.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, form_of, value_of
from streams.channels.inbox import Inbox
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.contracts.messages import Content, Context, Identifier

_RECEIVED_EVENT: Final = "com.twilio.messaging.inbound-message.received"
_STATUS_EVENTS: Final = "com.twilio.messaging.message."
_RECEIVED: Final = frozenset({"received", "receiving"})
_WHATSAPP: Final = "whatsapp:"
_MEDIA_OF_ADDRESSES: Final = frozenset({"whatsapp", "messenger", "rcs"})
_MEDIA: Final = {"image": "image", "video": "video", "audio": "audio", "text": "contacts"}


def read(delivery: Delivery) -> Reading:
    """Return what the form says, or each event of a stream's array."""
    if delivery.body.lstrip()[:1] in {b"[", b"{"}:
        return reading_of(_events(delivery))
    fields = form_of(delivery.body or delivery.query)
    if isinstance(fields, Unreadable):
        return reading_of([fields])
    return reading_of([_of_form(fields, delivery)])


def _of_form(fields: Mapping[str, str], delivery: Delivery) -> Part:
    status = fields.get("MessageStatus") or fields.get("SmsStatus") or "received"
    if status.lower() in _RECEIVED:
        return _received(fields, delivery.received_at_ms, delivery)
    sid, to = _sid(fields), fields.get("To")
    if sid is None:
        return Unreadable("a status without MessageSid: of which message is it?")
    return _inbox(to or "", delivery).notice(
        "status", "status", message_id=sid, person=to, at=delivery.received_at_ms, detail=status
    )


def _received(fields: Mapping[str, str], sent_at: str | float, delivery: Delivery) -> Part:
    sid = _sid(fields)
    sender, business = fields.get("From", "").strip(), fields.get("To", "").strip()
    if sid is None:
        return Unreadable("no MessageSid: a message that comes again could not be known")
    if not sender:
        return Unreadable("no From: nobody can be told from it")
    inbox = _inbox(sender, delivery, business=business)
    if sender == business or delivery.is_own(sender, sender.partition(":")[2]):
        return inbox.notice(
            "not_a_person",
            "own number",
            message_id=sid,
            person=sender,
            at=delivery.received_at_ms,
        )
    return inbox.wrote(
        sender,
        message_id=sid,
        at=sent_at,
        content=Content(type=_content_type(fields), text=fields.get("Body") or None),
        context=Context(
            profile_name=fields.get("ProfileName"),
            username=fields.get("ProfileUsername"),
            identifiers=tuple(_identifiers(sender, fields)),
        ),
    )


def _sid(fields: Mapping[str, str]) -> str | None:
    return fields.get("MessageSid") or fields.get("SmsMessageSid") or fields.get("SmsSid") or None


def _events(delivery: Delivery) -> Iterator[Part]:
    value: Any = value_of(delivery.body)
    if isinstance(value, Unreadable):
        yield value
        return
    events = value if isinstance(value, list) else [value]
    if not events:
        yield Unreadable("an array without an event")
    for event in events:
        yield _of_event(Document(event), delivery)


def _of_event(event: Document, delivery: Delivery) -> Part:
    """Return what a CloudEvent says: its data are a form's fields, their first letters small."""
    kind, data = event.text("type"), event.child("data")
    if kind is None:
        return Unreadable("a JSON body that is no CloudEvent: it has no type")
    texts = ((name[:1].upper() + name[1:], data.text(name)) for name in data.fields())
    fields = {name: text for name, text in texts if text is not None}
    if kind == _RECEIVED_EVENT:
        sent_at = data.time("timestamp") or event.time("time") or delivery.received_at_ms
        return _received(fields, sent_at, delivery)
    is_status = kind.startswith(_STATUS_EVENTS)
    to = fields.get("To")
    return _inbox(to or "", delivery).notice(
        "status" if is_status else "unknown",
        kind,
        message_id=_sid(fields),
        person=to,
        at=delivery.received_at_ms,
        detail=kind.removeprefix(_STATUS_EVENTS) if is_status else None,
    )


def _inbox(person: str, delivery: Delivery, *, business: str = "") -> Inbox:
    """Return the inbox in the medium that the person's address names: `whatsapp:+4477…`."""
    medium = person.partition(":")[0].lower() if ":" in person else ""
    kind = medium if medium in _MEDIA_OF_ADDRESSES else "sms"
    return Inbox(delivery, "twilio", kind, business=business or None)


def _identifiers(sender: str, fields: Mapping[str, str]) -> Iterator[Identifier]:
    """Yield the account's other ids: WhatsApp shows the number, the user id, or both."""
    if not sender.lower().startswith(_WHATSAPP):
        return
    own = sender[len(_WHATSAPP) :]
    for name in ("ExternalUserId", "ParentExternalUserId"):
        value = fields.get(name)
        if value and value != own:
            yield Identifier(kind="bsuid", value=value)
    number = fields.get("WaId")
    if number and number != own.lstrip("+"):
        yield Identifier(kind="phone", value=f"+{number.lstrip('+')}")


def _content_type(fields: Mapping[str, str]) -> str:
    if kind := fields.get("MessageType"):
        return kind.lower()
    # NumMedia may lie, or be huge: what is there is what was sent.
    if (media := fields.get("MediaContentType0")) is not None:
        return _MEDIA.get(media.partition("/")[0].lower(), "document")
    return "text"
