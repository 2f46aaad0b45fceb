"""Canonical messages for tests, each value with a sensible default."""

import random
from datetime import UTC, datetime, timedelta

from streams.contracts.messages import Channel, Content, Context, Direction, Message

START = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)


def message(
    message_id: str = "m1",
    *,
    person: str = "5511999998888",
    channel_id: str = "wa-1",
    channel_type: str = "whatsapp",
    direction: Direction = "inbound",
    at: datetime = START,
    name: str | None = None,
    text: str = "hello",
    tenant_id: str = "acme",
) -> Message:
    """Return a WhatsApp message of one person to the business."""
    business = "551133334444"
    inbound = direction == "inbound"
    return Message(
        tenant_id=tenant_id,
        channel=Channel(id=channel_id, type=channel_type),
        message_id=message_id,
        direction=direction,
        from_=person if inbound else business,
        to=business if inbound else person,
        timestamp=at.isoformat(),
        context=Context(profile_name=name),
        content=Content(type="text", text=text),
    )


def crowd(*, people: int, messages: int, seed: int = 1) -> list[Message]:
    """Return messages of many people on WhatsApp and SMS, shuffled in time, some of them twice."""
    rng = random.Random(seed)
    sent = []
    for n in range(messages):
        person = f"55119{rng.randrange(people):08d}"
        on_sms = rng.random() < 0.3
        sent.append(
            message(
                f"m{n}",
                person=f"+{person}" if on_sms else person,
                channel_id="sms-1" if on_sms else "wa-1",
                channel_type="sms" if on_sms else "whatsapp",
                direction="outbound" if rng.random() < 0.2 else "inbound",
                at=START + timedelta(minutes=rng.randrange(60 * 24 * 20)),
                name=rng.choice([None, "Ana", "Bia"]),
            )
        )
    return sent + rng.sample(sent, k=messages // 20)
