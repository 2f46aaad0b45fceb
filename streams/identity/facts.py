"""What is told of messages: each with whom it belongs to, as a record and as that record's bytes.

A batch has several messages of a sender, and most of a fact is the sender's: the bytes are put
together from parts that are encoded once, several times faster than a record each. Both ways say
the same (tests/unit/identity/test_facts.py).
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from streams.contracts.messages import MessageFact
from streams.contracts.wire import SCHEMA_VERSION, encode_text
from streams.identity.instants import epoch_seconds, rfc3339, to_datetime
from streams.identity.operations import Observe
from streams.identity.owners import bare_key
from streams.identity.windows import Window, window_at


class Messages(msgspec.Struct, frozen=True, gc=False):
    """Messages of one sender, in order, and whom they belong to: nobody where no customer was
    made of them. `own_id` is of the identity, whoever owns it.
    """

    observed: Sequence[Observe]  # at least one; alike in all that names the sender
    windows: tuple[Window, ...]
    owner_id: str | None
    own_id: str


def facts_of(messages: Messages) -> Iterator[MessageFact]:
    """Yield the fact of each message."""
    for observe in messages.observed:
        window = window_at(messages.windows, observe.at_ms, observe.platform_conversation_id)
        yield MessageFact(
            tenant_id=observe.tenant_id,
            channel_id=observe.channel_id,
            channel_type=observe.channel_type,
            message_id=observe.message_id,
            direction=observe.direction,
            external_id=observe.external_id,
            identity_key=bare_key(observe.identity_key),
            identity_id=messages.own_id,
            customer_id=messages.owner_id,
            conversation_id=window.id if window else None,
            sent_at=to_datetime(observe.at_ms),
            received_at=to_datetime(observe.received_at_ms),
            content_type=observe.content_type,
            text=observe.text,
            agent_id=observe.agent_id,
            is_clock_wrong=observe.is_clock_wrong,
        )


def key_of(fact: MessageFact) -> bytes:
    """Return the key of a fact: its own alone, so that compaction removes none but those that an
    erasure asks for.
    """
    at = fact.received_at.timestamp()
    return f"{fact.identity_id}/{fact.channel_id}/{fact.message_id}/{at}".encode()


class Sender(msgspec.Struct, frozen=True, gc=False):
    """Who sent messages, and whom they belong to; every part as JSON."""

    tenant_id: bytes
    channel_id: bytes
    channel_type: bytes
    external_id: bytes
    identity_key: bytes
    identity_id: bytes
    customer_id: bytes


_NULL: Final = b"null"
_NEVER: Final = (1, 0)
_BEGIN: Final = b'{"tenantId":%b,"channelId":%b,"channelType":%b,"messageId":'
# What stands between the message's own id and its time.
_MIDDLE: Final = (
    b',"direction":"%b","externalId":%b,"identityKey":%b,"identityId":%b,"customerId":%b,'
    b'"conversationId":%b,"sentAt":"'
)
_END: Final = b',"isClockWrong":false,"schemaVersion":%d}' % SCHEMA_VERSION
_END_OF_WRONG_CLOCK: Final = b',"isClockWrong":true,"schemaVersion":%d}' % SCHEMA_VERSION


def sender_of(observe: Observe, own_id: str, owner_id: str | None) -> Sender:
    """Return the message's sender, whose identity's id is `own_id`."""
    identity_id = encode_text(own_id)
    if owner_id is None:
        customer_id = _NULL
    else:
        customer_id = identity_id if owner_id is own_id else encode_text(owner_id)
    return Sender(
        encode_text(observe.tenant_id),
        encode_text(observe.channel_id),
        encode_text(observe.channel_type),
        encode_text(observe.external_id),
        encode_text(bare_key(observe.identity_key)),
        identity_id,
        customer_id,
    )


def written(messages: Messages) -> list[tuple[bytes, bytes]]:
    """Return key and value of each message's fact: `key_of` it, and its encoding."""
    sender = sender_of(messages.observed[0], messages.own_id, messages.owner_id)
    return written_of(sender, messages)


def written_of(sender: Sender, messages: Messages) -> list[tuple[bytes, bytes]]:
    """Return what `written` does; the messages are of this sender."""
    windows, observed = messages.windows, messages.observed
    begin = _BEGIN % (sender.tenant_id, sender.channel_id, sender.channel_type)
    key = f"{messages.own_id}/{observed[0].channel_id}"
    # Where most messages stand; that it is the newest is what `window_at` looks at first.
    newest = windows[-1] if windows and not windows[-1].platform_id else None
    from_ms, to_ms = (newest.started_at_ms, newest.last_at_ms) if newest else _NEVER
    told = newest
    inbound, outbound = _middles(sender, newest)
    facts: list[tuple[bytes, bytes]] = []
    for observe in observed:
        at_ms, received_at_ms = observe.at_ms, observe.received_at_ms
        platform_id = observe.platform_conversation_id
        if from_ms <= at_ms <= to_ms and not platform_id:
            window = newest
        else:
            window = window_at(windows, at_ms, platform_id)
        if window is not told:
            told, (inbound, outbound) = window, _middles(sender, window)
        sent_at = rfc3339(at_ms)
        message_id, agent_id, text = observe.message_id, observe.agent_id, observe.text
        parts = (
            begin,
            encode_text(message_id),
            inbound if observe.direction == "inbound" else outbound,
            sent_at,
            b'","receivedAt":"',
            sent_at if received_at_ms == at_ms else rfc3339(received_at_ms),
            b'","contentType":',
            encode_text(observe.content_type),
            b',"text":',
            _NULL if text is None else encode_text(text),
            b',"agentId":',
            _NULL if agent_id is None else encode_text(agent_id),
            _END_OF_WRONG_CLOCK if observe.is_clock_wrong else _END,
        )
        fact_key = f"{key}/{message_id}/{epoch_seconds(received_at_ms)}".encode()
        facts.append((fact_key, b"".join(parts)))
    return facts


def _middles(sender: Sender, window: Window | None) -> tuple[bytes, bytes]:
    """Return the middle of the sender's inbound and outbound messages in this conversation."""
    person = (
        sender.external_id,
        sender.identity_key,
        sender.identity_id,
        sender.customer_id,
        _NULL if window is None else encode_text(window.id),
    )
    return _MIDDLE % (b"inbound", *person), _MIDDLE % (b"outbound", *person)
