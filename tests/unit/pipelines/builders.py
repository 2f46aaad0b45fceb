"""Records as the worker writes them, each value with a sensible default."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.batch import Batch, Chunk, Partition
from streams.contracts.conversations import Conversation
from streams.contracts.customers import (
    Customer,
    CustomerEvent,
    CustomerIdentity,
    CustomerMetadata,
    Status,
)
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.messages import Direction, MessageFact
from streams.contracts.wire import Wire, encode

START = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FakeRecord:
    """What a Kafka client returns, as far as we look at it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def record(
    offset: int, value: Wire | bytes | None, *, key: bytes | str | None = b"k"
) -> FakeRecord:
    """Return a record; contracts are encoded."""
    return FakeRecord(
        offset=offset,
        timestamp=int((START + timedelta(seconds=offset)).timestamp() * 1000),
        key=key.encode() if isinstance(key, str) else key,
        value=encode(value) if isinstance(value, Wire) else value,
    )


def chunk(topic: str, records: list[FakeRecord], *, partition: int = 0) -> Chunk:
    """Return what one poll of one partition brought."""
    place = Partition(topic, partition)
    return Chunk({place: records}, {place: records[-1].offset + 1})


def batch(*chunks: Chunk, start: dict[Partition, int] | None = None) -> Batch:
    """Return a batch of chunks that begins at the first record of each partition, or as given."""
    starts: dict[Partition, int] = {}
    for one in chunks:
        for place, records in one.records.items():
            starts.setdefault(place, records[0].offset)
    result = Batch.empty(0.0, {**starts, **(start or {})}, {})
    for one in chunks:
        result = result.add(one)
    return result


def identity(
    external_id: str = "+5511999998888",
    *,
    channel_id: str = "wa-1",
    channel_type: str = "whatsapp",
    last_seen_at: datetime = START,
) -> CustomerIdentity:
    """Return a channel identity."""
    return CustomerIdentity(
        channel_id=channel_id,
        channel_type=channel_type,
        external_id=external_id,
        identity_key=f"phone:{external_id}",
        first_seen_at=START,
        last_seen_at=last_seen_at,
        last_inbound_at=None,
        username=None,
    )


def customer(
    customer_id: str = "c1",
    *,
    version: int = 1,
    tenant_id: str = "acme",
    name: str = "Ana",
    identities: tuple[CustomerIdentity, ...] | None = None,
    status: Status = "active",
    merged_ids: tuple[str, ...] = (),
    merged_into: str | None = None,
    created_at: datetime = START,
    custom_attributes: dict[str, str] | None = None,
) -> Customer:
    """Return a customer."""
    found = (identity(),) if identities is None else identities
    return Customer(
        id=customer_id,
        tenant_id=tenant_id,
        display_name=name,
        identities=found,
        metadata=CustomerMetadata(
            source="auto_created",
            channel=found[0].channel_id if found else "wa-1",
            first_contact_at=created_at,
            original_external_id=found[0].external_id if found else "?",
            last_seen_at=created_at,
        ),
        phones=tuple(one.external_id for one in found),
        emails=(),
        tags=("vip",),
        custom_attributes=custom_attributes or {},
        status="merged" if merged_into else status,
        merged_ids=merged_ids,
        merged_into=merged_into,
        created_at=created_at,
        updated_at=created_at,
        version=version,
    )


def fact(
    message_id: str = "m1",
    *,
    tenant_id: str = "acme",
    channel_id: str = "wa-1",
    channel_type: str = "whatsapp",
    direction: Direction = "inbound",
    external_id: str = "+5511999998888",
    customer_id: str | None = "c1",
    conversation_id: str | None = "v1",
    sent_at: datetime = START,
    text: str | None = "hello",
) -> MessageFact:
    """Return a message as the worker understood it."""
    return MessageFact(
        tenant_id=tenant_id,
        channel_id=channel_id,
        channel_type=channel_type,
        message_id=message_id,
        direction=direction,
        external_id=external_id,
        identity_key=f"phone:{external_id}",
        customer_id=customer_id,
        conversation_id=conversation_id,
        sent_at=sent_at,
        received_at=sent_at + timedelta(seconds=1),
        content_type="text",
        text=text,
    )


def conversation(
    conversation_id: str = "v1",
    *,
    customer_id: str = "c1",
    tenant_id: str = "acme",
    external_id: str = "+5511999998888",
    channel_id: str = "wa-1",
    started_at: datetime = START,
    last_message_at: datetime = START + timedelta(hours=1),
    merged_into: str | None = None,
    version: int = 1,
) -> Conversation:
    """Return a conversation."""
    return Conversation(
        id=conversation_id,
        tenant_id=tenant_id,
        customer_id=customer_id,
        channel_id=channel_id,
        channel_type="whatsapp",
        external_id=external_id,
        platform_conversation_id=None,
        opened_by="inbound",
        started_at=started_at,
        last_message_at=last_message_at,
        merged_into=merged_into,
        version=version,
    )


def event(event_id: str = "e1", *, customer_id: str = "c1") -> CustomerEvent:
    """Return something that happened to a customer."""
    return CustomerEvent(
        id=event_id,
        type="customer.created",
        tenant_id="acme",
        customer_id=customer_id,
        occurred_at=START,
    )


def dead_letter(offset: int = 7) -> DeadLetter:
    """Return a record that was set aside."""
    return DeadLetter(
        id=f"messages.inbound/0/{offset}",
        topic="messages.inbound",
        partition=0,
        offset=offset,
        reason="unreadable",
        detail="not JSON",
        received_at=START,
        key=None,
        raw=b"\xff{",
    )
