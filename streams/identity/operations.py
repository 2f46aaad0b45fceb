"""What the worker tells an identity node, on `interactions`: the four operations of the protocol.

`observe` says that a message was seen; `union`, `unite` and `absorb` make two nodes one customer
(union-find as actors on Kafka's partitions). Every one may be repeated or come late.
"""

from typing import Literal

import msgspec

from streams.identity.state import Root


class _Operation(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, tag_field="op"):
    """An operation as it stands on the topic."""


class Observe(_Operation, frozen=True, kw_only=True, tag="observe"):
    """A message was seen of this channel identity; times are epoch milliseconds."""

    tenant_id: str
    channel_id: str
    channel_type: str
    external_id: str
    identity_key: str
    message_id: str
    direction: Literal["inbound", "outbound"]
    at_ms: int
    received_at_ms: int
    content_type: str
    text: str | None = None
    agent_id: str | None = None
    platform_conversation_id: str = ""
    name: str | None = None
    picture_url: str | None = None
    username: str | None = None
    phone: str | None = None
    email: str | None = None


class Union(_Operation, frozen=True, kw_only=True, tag="union"):
    """Become one customer with the node `other`, which exists because it sent this."""

    other: str


class Unite(_Operation, frozen=True, kw_only=True, tag="unite"):
    """The root `root`, made at `rank_at_ms`, is the same person as you: the older one stays."""

    root: str
    rank_at_ms: int
    customer_id: str


class Absorb(_Operation, frozen=True, kw_only=True, tag="absorb"):
    """Take in all that a node knew which has just become a pointer to you."""

    state: Root


Operation = Observe | Union | Unite | Absorb

_decoder: msgspec.json.Decoder[Operation] = msgspec.json.Decoder(Operation)
_encoder = msgspec.json.Encoder()


def decode_operation(value: bytes) -> Operation:
    """Return the operation; raises msgspec.MsgspecError where the bytes are none."""
    return _decoder.decode(value)


def encode_operation(operation: Operation) -> bytes:
    """Return the operation as JSON bytes."""
    return _encoder.encode(operation)
