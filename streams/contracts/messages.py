"""The canonical message: what a platform, or its adapter, puts on `messages.inbound` and
`messages.outbound`, and the fact about it that leaves on `customer-messages`.
"""

from datetime import datetime
from typing import Literal

import msgspec

from streams.contracts.wire import SCHEMA_VERSION, Wire

Direction = Literal["inbound", "outbound"]
# A notice is no message: an identity change, a shared contact, a profile. Nobody spoke. An answer
# is what the business said in a conversation that the person may or may not have written in: a
# message of whomever it answers, which makes nobody a customer.
Kind = Literal["message", "answer", "notice"]
IdentifierKind = Literal["phone", "email", "telegram", "bsuid", "lid", "reference", "identity"]
IdentifierRule = Literal[
    "same_account",  # the platform shows both ids of one account: a number and a BSUID or LID
    "account_moved",  # the platform says that the account changed its number or id
    "contact_shared",  # the person shared their own contact, and the platform says it is theirs
    "vouched_value",  # the platform verified the value
    "signed_reference",  # the business's own reference, signed by the business
    "self_declared",  # typed by the person: may be anybody's
]


class Channel(Wire, frozen=True, kw_only=True):
    """One inbox of a business: an id the business chose, and the platform's type.

    `account` is the platform's scope of its user ids where it has one: the business portfolio of
    a BSUID, the page of a PSID. Channels that name the same account share their users.
    """

    id: str
    type: str
    account: str | None = msgspec.field(default=None)


class Identifier(Wire, frozen=True, kw_only=True):
    """A further id of the sender that came with a message, and why it is theirs.

    `value` is as the platform has it; `identity` takes an external id of the same channel.
    """

    kind: IdentifierKind
    value: str
    rule: IdentifierRule = "same_account"


class Context(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """What the platform said about the person, beside the message; every field may be absent."""

    profile_name: str | None = None
    profile_picture_url: str | None = None
    phone: str | None = None
    email: str | None = None
    username: str | None = None
    attested: bool = False  # the platform vouches for phone and email; false means self-declared
    identifiers: tuple[Identifier, ...] = ()
    sender: Literal["person", "bot", "agent", "service"] = "person"


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
    kind: Kind = "message"
    context: Context = Context()
    content: Content = Content()
    schema_version: int = SCHEMA_VERSION


class MessageFact(Wire, frozen=True, kw_only=True):
    """One message as it was understood: who it belonged to when it was processed.

    Unique by (tenantId, channelId, messageId); the stream may repeat it, the warehouse keeps one.
    `customerId` and `conversationId` are null only when nobody is known: auto-creation is off, or
    the message is an answer to somebody who has not been seen.
    """

    tenant_id: str
    channel_id: str
    channel_type: str
    external_id: str
    identity_key: str
    identity_id: str  # of the identity, whoever owns it: an erasure names these
    customer_id: str | None
    conversation_id: str | None
    message_id: str
    direction: Direction
    sent_at: datetime  # when it happened, as the platform says (clamped to receivedAt if absurd)
    received_at: datetime  # when the broker had it
    content_type: str
    text: str | None = None
    agent_id: str | None = None
    is_clock_wrong: bool = False  # the platform's time cannot be right; sentAt is the broker's
    schema_version: int = SCHEMA_VERSION
