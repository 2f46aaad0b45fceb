"""Canonical messages as each platform's adapter makes them from its payloads."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from streams.contracts.messages import Channel, Content, Context, Direction, Identifier, Message

TENANT: Final = "acme"
OWN_NUMBER: Final = "12025550100"
START: Final = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)

WHATSAPP: Final = Channel(id="wa-1", type="whatsapp", account="portfolio-9")
GATEWAY: Final = Channel(id="evolution-1", type="whatsapp")
TELEGRAM: Final = Channel(id="bot-1", type="telegram")
SMS: Final = Channel(id="sms-1", type="sms")
WEB_CHAT: Final = Channel(id="web-1", type="webchat")
EMAIL: Final = Channel(id="mail-1", type="email")

_numbers = count(1)


def moment(**since_start: float) -> datetime:
    """Return a point in time: so many days, hours, minutes after the start."""
    return START + timedelta(**since_start)


def inbound(
    channel: Channel,
    from_: str,
    *,
    at: datetime = START,
    message_id: str | None = None,
    identifiers: tuple[Identifier, ...] = (),
    content: Content = Content(text="hello"),  # noqa: B008 - a frozen value
    to: str = OWN_NUMBER,
    tenant_id: str = TENANT,
    timestamp: str | float | None = None,
    conversation_id: str | None = None,
    **context: Any,
) -> Message:
    """Return a message of a person, or of whoever `context.sender` says."""
    return Message(
        tenant_id=tenant_id,
        channel=channel,
        message_id=message_id or f"m-{next(_numbers)}",
        direction="inbound",
        from_=from_,
        to=to,
        timestamp=at.isoformat() if timestamp is None else timestamp,
        conversation_id=conversation_id,
        context=Context(identifiers=identifiers, **context),
        content=content,
    )


def outbound(
    channel: Channel,
    to: str,
    *,
    at: datetime = START,
    message_id: str | None = None,
    agent_id: str | None = "agent-7",
    identifiers: tuple[Identifier, ...] = (),
    content: Content = Content(text="Good morning"),  # noqa: B008 - a frozen value
    from_: str = OWN_NUMBER,
    **context: Any,
) -> Message:
    """Return a message of the business to a person; without an agent it is an echo."""
    return Message(
        tenant_id=TENANT,
        channel=channel,
        message_id=message_id or f"m-{next(_numbers)}",
        direction="outbound",
        from_=from_,
        to=to,
        timestamp=at.isoformat(),
        agent_id=agent_id,
        context=Context(identifiers=identifiers, **context),
        content=content,
    )


def notice(
    channel: Channel,
    about: str,
    *identifiers: Identifier,
    at: datetime = START,
    message_id: str | None = None,
    content_type: str = "system",
    direction: Direction = "inbound",
    **context: Any,
) -> Message:
    """Return what a platform says of a person who said nothing."""
    return Message(
        tenant_id=TENANT,
        channel=channel,
        message_id=message_id or f"n-{next(_numbers)}",
        direction=direction,
        from_=about if direction == "inbound" else OWN_NUMBER,
        to=OWN_NUMBER if direction == "inbound" else about,
        timestamp=at.isoformat(),
        kind="notice",
        context=Context(identifiers=identifiers, **context),
        content=Content(type=content_type),
    )


def status(channel: Channel, recipient: str, word: str, *, at: datetime = START) -> Message:
    """Return a delivery status of a message to the recipient: no notice by kind, only by type."""
    return outbound(channel, recipient, at=at, content=Content(type=word), agent_id=None)


def whatsapp(
    wa_id: str | None, *, user_id: str | None = None, at: datetime = START, **fields: Any
) -> Message:
    """Return a message from WhatsApp's Cloud API; `user_id` is the BSUID, shown beside the wa_id
    or instead of it. Its time is seconds as digits.
    """
    shown = (Identifier(kind="bsuid", value=user_id),) if wa_id and user_id else ()
    fields["identifiers"] = (*shown, *fields.pop("identifiers", ()))
    sender = wa_id or user_id
    assert sender is not None
    fields.setdefault("timestamp", str(int(at.timestamp())))
    return inbound(WHATSAPP, sender, at=at, **fields)


def gateway(lid: str | None, number: str | None = None, **fields: Any) -> Message:
    """Return a message from a gateway: `remoteJid` is the LID, `remoteJidAlt` the number's."""
    shown = (Identifier(kind="phone", value=f"{number}@s.whatsapp.net"),) if lid and number else ()
    sender = f"{lid}@lid" if lid else f"{number}@s.whatsapp.net"
    return inbound(GATEWAY, sender, identifiers=shown, **fields)


def telegram(user_id: str | int, *, at: datetime = START, **fields: Any) -> Message:
    """Return a message to a Telegram bot; its time is seconds as a number."""
    fields.setdefault("timestamp", int(at.timestamp()))
    return inbound(TELEGRAM, str(user_id), at=at, **fields)


def sms(from_: str, **fields: Any) -> Message:
    """Return a text message."""
    return inbound(SMS, from_, **fields)


def web_chat(visitor: str, **fields: Any) -> Message:
    """Return a message of a visitor of the web site."""
    return inbound(WEB_CHAT, visitor, **fields)


def email(address: str, **fields: Any) -> Message:
    """Return a letter."""
    return inbound(EMAIL, address, **fields)


def signed(reference: str) -> Identifier:
    """Return the business's own reference of the person, signed by the business."""
    return Identifier(kind="reference", value=reference, rule="signed_reference")


def own_contact(phone: str) -> Identifier:
    """Return the number of a contact card that the platform says is the sender's own."""
    return Identifier(kind="phone", value=phone, rule="contact_shared")
