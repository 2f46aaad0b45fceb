"""Records as the worker writes them, each value with a sensible default."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.batch import Batch, Chunk, Partition
from streams.contracts.conversations import Conversation
from streams.contracts.customers import (
    Customer,
    CustomerEvent,
    CustomerEventType,
    CustomerIdentity,
    CustomerLink,
    CustomerMetadata,
    ErasedIdentity,
    Status,
)
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.messages import Direction, MessageFact
from streams.contracts.policies import PolicyDocument, TenantPolicy
from streams.contracts.suggestions import LinkSuggestion, SuggestionStatus
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
    identity_id: str | None = None,
    identity_key: str | None = None,
) -> CustomerIdentity:
    """Return a channel identity."""
    return CustomerIdentity(
        channel_id=channel_id,
        channel_type=channel_type,
        external_id=external_id,
        identity_key=identity_key or f"phone:{external_id}",
        identity_id=identity_id or f"id of {external_id}",
        first_seen_at=START,
        last_seen_at=last_seen_at,
        last_inbound_at=None,
        username=None,
    )


def link(
    identity_key: str = "phone:+5511999998888",
    other_identity_key: str = "telegram:42",
    *,
    rule: str = "contact_shared",
    said_at: datetime = START,
    message_id: str = "m1",
    channel_id: str | None = "tg-1",
    said_by: str | None = None,
) -> CustomerLink:
    """Return the evidence that two keys are one person."""
    return CustomerLink(
        identity_key=identity_key,
        other_identity_key=other_identity_key,
        rule=rule,
        level="claimed" if rule in {"self_declared", "phone_variant"} else "attested",
        said_at=said_at,
        message_id=message_id,
        channel_id=channel_id,
        said_by=said_by,
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
    links: tuple[CustomerLink, ...] = (),
    blocked: bool = False,
    possible_new_owner_since: datetime | None = None,
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
        phones=tuple(
            one.identity_key[6:] for one in found if one.identity_key.startswith("phone:")
        ),
        emails=(),
        tags=("vip",),
        custom_attributes=custom_attributes or {},
        status="merged" if merged_into else status,
        merged_ids=merged_ids,
        merged_into=merged_into,
        created_at=created_at,
        updated_at=created_at,
        version=version,
        links=links,
        blocked=blocked,
        possible_new_owner_since=possible_new_owner_since,
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
    identity_id: str | None = None,
    conversation_id: str | None = "v1",
    sent_at: datetime = START,
    text: str | None = "hello",
    is_clock_wrong: bool = False,
) -> MessageFact:
    """Return a message as the worker understood it; by default its identity made the customer."""
    return MessageFact(
        tenant_id=tenant_id,
        channel_id=channel_id,
        channel_type=channel_type,
        message_id=message_id,
        direction=direction,
        external_id=external_id,
        identity_key=f"phone:{external_id}",
        identity_id=identity_id or customer_id or f"id of {external_id}",
        customer_id=customer_id,
        conversation_id=conversation_id,
        sent_at=sent_at,
        received_at=sent_at + timedelta(seconds=1),
        content_type="text",
        text=text,
        is_clock_wrong=is_clock_wrong,
    )


def conversation(
    conversation_id: str = "v1",
    *,
    customer_id: str = "c1",
    identity_id: str | None = None,
    tenant_id: str = "acme",
    external_id: str = "+5511999998888",
    channel_id: str = "wa-1",
    started_at: datetime = START,
    last_message_at: datetime = START + timedelta(hours=1),
    opened_by: Direction = "inbound",
    merged_into: str | None = None,
    version: int = 1,
) -> Conversation:
    """Return a conversation."""
    return Conversation(
        id=conversation_id,
        tenant_id=tenant_id,
        customer_id=customer_id,
        identity_id=identity_id or customer_id,
        channel_id=channel_id,
        channel_type="whatsapp",
        external_id=external_id,
        platform_conversation_id=None,
        opened_by=opened_by,
        started_at=started_at,
        last_message_at=last_message_at,
        merged_into=merged_into,
        version=version,
    )


def event(
    event_id: str = "e1",
    *,
    customer_id: str | None = "c1",
    identity_id: str | None = None,
    event_type: CustomerEventType = "customer.created",
    tenant_id: str = "acme",
    channel_id: str | None = None,
    occurred_at: datetime = START,
) -> CustomerEvent:
    """Return something that happened to a customer, by default to the identity that made them."""
    return CustomerEvent(
        id=event_id,
        type=event_type,
        tenant_id=tenant_id,
        customer_id=customer_id,
        identity_id=identity_id or customer_id,
        channel_id=channel_id,
        occurred_at=occurred_at,
    )


def answer(
    event_id: str, *, event_type: CustomerEventType, customer_id: str | None = "c1"
) -> CustomerEvent:
    """Return what a command led to: it is about no identity."""
    return CustomerEvent(
        id=event_id,
        type=event_type,
        tenant_id="acme",
        customer_id=customer_id,
        occurred_at=START,
        command_id=f"command of {event_id}",
    )


def erasure(
    *erased: str | ErasedIdentity, event_id: str = "erased", at: datetime = START
) -> CustomerEvent:
    """Return what says that these identities were erased, the customer's own first."""
    identities = tuple(
        ErasedIdentity(identity_id=one) if isinstance(one, str) else one for one in erased
    )
    return CustomerEvent(
        id=event_id,
        type="customer.erased",
        tenant_id="acme",
        customer_id=identities[0].identity_id,
        occurred_at=at,
        command_id=f"command of {event_id}",
        erased=identities,
    )


def suggestion(
    suggestion_id: str = "s1",
    *,
    customer_id: str = "c1",
    other_customer_id: str | None = "c2",
    status: SuggestionStatus = "open",
    rule: str = "self_declared",
    version: int = 1,
    said_at: datetime = START,
) -> LinkSuggestion:
    """Return the question whether two customers are one person."""
    return LinkSuggestion(
        id=suggestion_id,
        tenant_id="acme",
        status=status,
        reason="claimed",
        rule=rule,
        level="claimed",
        customer_id=customer_id,
        identity_key="phone:+5511999998888",
        other_customer_id=other_customer_id,
        other_identity_key="email:ana@example.org",
        message_id="m1",
        said_at=said_at,
        version=version,
    )


def policy(
    tenant_id: str = "acme", *, identity_cap: int = 50, set_at: datetime = START
) -> TenantPolicy:
    """Return what a tenant decided."""
    return TenantPolicy(
        tenant_id=tenant_id,
        policy=PolicyDocument(identity_cap=identity_cap, rules={"self_declared": "link"}),
        set_at=set_at,
        set_by="ines",
        command_id=f"policy {identity_cap}",
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
