"""The canonical message: what a platform, or its adapter, puts on `messages.inbound` and
`messages.outbound`, and the fact about it that leaves on `customer-messages`.
"""

from datetime import datetime
from typing import Literal

import msgspec

from streams.contracts.wire import SCHEMA_VERSION, Wire

Direction = Literal["inbound", "outbound"]


class Channel(Wire, frozen=True, kw_only=True):
    """One inbox of a business: an id the business chose, and the platform's type."""

    id: str
    type: str


class Context(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """What the platform said about the person, beside the message; every field may be absent."""

    profile_name: str | None = None
    profile_picture_url: str | None = None
    phone: str | None = None
    email: str | None = None
    username: str | None = None
    attested: bool = False  # the platform vouches for phone and email; false means self-declared


class Content(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """What was said. `type` is the platform's word (text, image, reaction, …)."""

    type: str = "text"
    text: str | None = None


class Message(Wire, frozen=True, kw_only=True):
    """One message between a person and a business.

    The person is `from` on the way in and `to` on the way out. `timestamp` may be RFC 3339, or
    epoch seconds or milliseconds as a number or digits.
    """

    tenant_id: str
    channel: Channel
    message_id: str
    direction: Direction
    from_: str = msgspec.field(name="from")
    to: str
    timestamp: str | int | float
    conversation_id: str | None = None
    agent_id: str | None = None
    context: Context = Context()
    content: Content = Content()
    schema_version: int = SCHEMA_VERSION


class MessageFact(Wire, frozen=True, kw_only=True):
    """One message as it was understood: who it belonged to when it was processed.

    Unique by (tenantId, channelId, messageId); the stream may repeat it, the warehouse keeps one.
    `customerId` and `conversationId` are null only when auto-creation is off and nobody is known.
    """

    tenant_id: str
    channel_id: str
    channel_type: str
    message_id: str
    direction: Direction
    external_id: str
    identity_key: str
    customer_id: str | None
    conversation_id: str | None
    sent_at: datetime  # when it happened, as the platform says (clamped to receivedAt if absurd)
    received_at: datetime  # when the broker had it
    content_type: str
    text: str | None = None
    agent_id: str | None = None
    schema_version: int = SCHEMA_VERSION
