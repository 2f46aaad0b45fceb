"""Values for the core's tests, each with sensible defaults."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from streams.contracts.customers import Customer, CustomerEvent
from streams.identity.addresses import Addresses
from streams.identity.graph import Folded
from streams.identity.operations import Claim, Observe

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
ADDRESSES = Addresses("a salt for tests")
TENANT = "acme"


def observe(
    message_id: str = "m1",
    *,
    at_ms: int = START_MS,
    direction: str = "inbound",
    external_id: str = "5511999998888",
    channel_id: str = "wa-1",
    channel_type: str = "whatsapp",
    name: str | None = None,
    identity_key: str = "phone:+5511999998888",
    platform_conversation_id: str = "",
    claims: tuple[Claim, ...] = (),
    tenant_id: str = TENANT,
    username: str | None = None,
) -> Observe:
    """Return an observed WhatsApp message of one person."""
    return Observe(
        tenant_id=tenant_id,
        channel_id=channel_id,
        channel_type=channel_type,
        external_id=external_id,
        identity_key=identity_key,
        message_id=message_id,
        direction="inbound" if direction == "inbound" else "outbound",
        at_ms=at_ms,
        received_at_ms=at_ms,
        content_type="text",
        text="hello",
        name=name,
        username=username,
        platform_conversation_id=platform_conversation_id,
        claims=claims,
    )


def said(key: str, *claims: tuple[str, str], **fields: Any) -> Observe:
    """Return a message of the person with this identity key, and whom it claims to be besides."""
    kind, _, value = key.partition(":")
    return observe(
        identity_key=key,
        external_id=value,
        channel_id=f"{kind}-1",
        channel_type=kind,
        claims=tuple(Claim(other, rule) for other, rule in claims),
        **fields,
    )


def address(key: str, tenant_id: str = TENANT) -> str:
    """Return where the node of an identity key is."""
    return ADDRESSES.node(tenant_id, key)


def moment(at_ms: int) -> datetime:
    """Return the instant as a command carries it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def customer_of(folded: Folded) -> Customer:
    """Return the last customer record of a step."""
    return [record for record in folded.records if isinstance(record, Customer)][-1]


def events_of(records: Iterable[Any], kind: str) -> list[CustomerEvent]:
    """Return the events of one type."""
    return [r for r in records if isinstance(r, CustomerEvent) and r.type == kind]
