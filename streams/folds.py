"""The two steps of the worker, from bytes to bytes: pure, so they are tested without Kafka.

`translate` turns canonical messages into operations on identity nodes; `IdentityFold` applies
operations to nodes. What cannot be understood, or would not fit the broker, is set aside.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from streams import topics
from streams.channel_file import NO_CHANNELS, Channels
from streams.contracts.commands import AnyCommand, SetPolicy
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.dead_letters import DeadLetter, Reason
from streams.contracts.messages import Message, MessageFact
from streams.contracts.policies import TenantPolicy
from streams.contracts.suggestions import LinkSuggestion
from streams.contracts.wire import encode
from streams.engine.batches import Effects, InRecord, OutRecord
from streams.identity.addresses import Addresses, index_address
from streams.identity.events import answer_event
from streams.identity.graph import fold
from streams.identity.instants import credible_ms, to_datetime, to_ms
from streams.identity.normalise import Rejection, normalise, tenant_of
from streams.identity.operations import (
    Absorb,
    Ask,
    Operation,
    decode_operation,
    encode_operation,
)
from streams.identity.policy import Policy
from streams.identity.state import decode_node, encode_node
from streams.identity.telling import Forgotten, Record
from streams.native import reading_of_record

# Kafka takes 1,048,588 bytes a batch by default; this leaves room for its envelope.
RECORD_BYTES_LIMIT: Final = 900_000
# A state must fit into the operation that hands it to another node.
STATE_BYTES_LIMIT: Final = RECORD_BYTES_LIMIT - 10_000
# Raw bytes are base64 in a dead letter: a third larger.
_RAW_BYTES_KEPT: Final = 512 * 1024
_DETAIL_KEPT: Final = 500

# All that decoding hostile bytes raises: not JSON or not the shape, bad UTF-8, nested too deep.
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

PolicyOf = Callable[[str], Policy]

_message_decoder = msgspec.json.Decoder(Message)
_command_decoder: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)


class _Addressee(msgspec.Struct, rename="camel"):
    """As much of a command that cannot be read as it takes to answer it."""

    id: str
    tenant_id: str
    issued_at: datetime
    customer_id: str | None = None


_addressee_decoder = msgspec.json.Decoder(_Addressee)


@dataclass(frozen=True, slots=True)
class TopicNames:
    """The names of the topics on the broker, prefix and all."""

    prefix: str

    def __call__(self, topic: topics.TopicSpec) -> str:
        """Return the topic's name on the broker."""
        return topics.full_name(topic, self.prefix)


def dead_letter(record: InRecord, reason: Reason, detail: str) -> DeadLetter:
    """Return the record set aside, with why; what is too long is cut."""
    return DeadLetter(
        id=f"{record.topic}/{record.partition}/{record.offset}",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        reason=reason,
        detail=detail[:_DETAIL_KEPT],
        received_at=to_datetime(max(record.timestamp, 0)),
        key=record.key[:_DETAIL_KEPT] if record.key else None,
        raw=(record.value or b"")[:_RAW_BYTES_KEPT],
    )


class _Outbox:
    """Records on their way to a topic; one that the broker would refuse becomes a dead letter."""

    def __init__(self, names: TopicNames, records: Sequence[OutRecord] = ()) -> None:
        self.records: list[OutRecord] = list(records)
        self._dead_letters = names(topics.DEAD_LETTERS)

    def put(self, topic: str, key: bytes, value: bytes, cause: InRecord) -> None:
        if len(value) + len(key) > RECORD_BYTES_LIMIT:
            self.set_aside(cause, "too_large", f"{len(value)} bytes for {topic}")
        else:
            self.records.append(OutRecord(topic, key, value))

    def set_aside(self, record: InRecord, reason: Reason, detail: str) -> None:
        key = f"{record.topic}/{record.partition}".encode()
        value = encode(dead_letter(record, reason, detail))
        self.records.append(OutRecord(self._dead_letters, key, value))


class Translate:
    """Messages, native or canonical, and commands to operations on the nodes they are about."""

    def __init__(
        self,
        names: TopicNames,
        policy_of: PolicyOf,
        addresses: Addresses,
        channels: Channels = NO_CHANNELS,
    ) -> None:
        self._names = names
        self._policy_of = policy_of
        self._addresses = addresses
        self._channels = channels
        self._platforms = {names(topic): name for name, topic in topics.NATIVE.items()}
        self._notices = names(topics.CHANNEL_NOTICES)
        self._interactions = names(topics.INTERACTIONS)
        self._commands = names(topics.CUSTOMER_COMMANDS)
        self._events = names(topics.CUSTOMER_EVENTS)
        self._policies = names(topics.POLICIES)

    def __call__(self, records: Sequence[InRecord]) -> Effects:
        """Return what each record asks for, or why it was set aside or refused."""
        outbox = _Outbox(self._names)
        for record in records:
            if record.topic == self._commands:
                self._command(record, outbox)
            elif (platform := self._platforms.get(record.topic)) is not None:
                self._native(record, platform, outbox)
            else:
                self._canonical(record, outbox)
        return Effects(outbox.records)

    def _canonical(self, record: InRecord, outbox: "_Outbox") -> None:
        try:
            message = _message_decoder.decode(record.value or b"")
        except UNREADABLE as error:
            outbox.set_aside(record, "unreadable", str(error))
            return
        self._message(message, record, outbox)

    def _native(self, record: InRecord, platform: str, outbox: "_Outbox") -> None:
        reading = reading_of_record(record, platform, self._channels)
        for message in reading.messages:
            self._message(message, record, outbox)
        for notice in reading.notices:
            key = f"{notice.tenant_id}/{notice.channel_id}".encode()
            outbox.put(self._notices, key, encode(notice), record)
        for part in reading.unreadable:
            outbox.set_aside(record, "unreadable", part.detail)

    def _message(self, message: Message, record: InRecord, outbox: "_Outbox") -> None:
        found = normalise(message, record.timestamp, self._policy_of(message.tenant_id))
        if isinstance(found, Rejection):
            outbox.set_aside(record, found.reason, found.detail)
            return
        identity_key, operation = found
        address = self._addresses.node(message.tenant_id, identity_key)
        outbox.put(self._interactions, address.encode(), encode_operation(operation), record)

    def _command(self, record: InRecord, outbox: "_Outbox") -> None:
        value = record.value or b""
        try:
            command = _command_decoder.decode(value)
        except UNREADABLE as error:
            self._refuse(record, str(error), outbox)
            return
        tenant = tenant_of(command.tenant_id)
        if isinstance(tenant, Rejection):
            outbox.set_aside(record, tenant.reason, tenant.detail)
            return
        at_ms = credible_ms(to_ms(command.issued_at), record.timestamp)
        if isinstance(command, SetPolicy):
            self._set_policy(command, at_ms, record, outbox)
            return
        address = index_address(tenant, command.customer_id)
        ask = Ask(command=command, at_ms=at_ms)
        outbox.put(self._interactions, address.encode(), encode_operation(ask), record)

    def _set_policy(
        self, command: SetPolicy, at_ms: int, record: InRecord, outbox: "_Outbox"
    ) -> None:
        policy = TenantPolicy(
            tenant_id=command.tenant_id,
            policy=command.policy,
            set_at=to_datetime(at_ms),
            set_by=command.issued_by,
            command_id=command.id,
        )
        event = answer_event(
            command.tenant_id, command.id, None, at_ms=at_ms, event_type="policy.changed"
        )
        tenant = command.tenant_id.encode()
        outbox.put(self._policies, tenant, encode(policy), record)
        outbox.put(self._events, tenant, encode(event), record)

    def _refuse(self, record: InRecord, why: str, outbox: "_Outbox") -> None:
        """Set aside what is no command, and answer it if it says whose it is."""
        outbox.set_aside(record, "unreadable", why)
        try:
            addressee = _addressee_decoder.decode(record.value or b"")
        except UNREADABLE:
            return
        if isinstance(tenant_of(addressee.tenant_id), Rejection):
            return
        event = answer_event(
            addressee.tenant_id,
            addressee.id,
            addressee.customer_id,
            at_ms=record.timestamp,
            refused=why,
        )
        key = addressee.customer_id or addressee.tenant_id
        outbox.put(self._events, key.encode(), encode(event), record)


@dataclass(slots=True)
class _Touched:
    """The operations of a batch on one node, and the records that brought them."""

    address: str
    tenant_id: str
    operations: list[Operation]
    causes: list[InRecord]


@dataclass(slots=True)
class _Gathered:
    """A batch of operations, by the node they are for, in the order of first touch."""

    nodes: dict[bytes, _Touched]
    set_aside: Sequence[OutRecord]


def _touched(key: bytes) -> _Touched:
    """Return the node that the key is the address of. Raises msgspec.ValidationError."""
    address = key.decode()
    tenant_id, slash, _ = address.partition("/")
    if not slash:
        raise msgspec.ValidationError("the record's key is no address: which node is it for?")
    return _Touched(address, tenant_id, [], [])


def _require_tenant(operation: Operation, tenant_id: str) -> None:
    """Raise msgspec.ValidationError where the operation is of another tenant than its node."""
    if isinstance(operation, Absorb):
        said = operation.state.tenant_id
    else:
        said = getattr(operation, "tenant_id", tenant_id)
    if said != tenant_id:
        raise msgspec.ValidationError(f"an operation of {said!r} on a node of {tenant_id!r}")


class IdentityFold:
    """Operations to nodes: one read, one fold and one write a key and batch."""

    def __init__(self, names: TopicNames, policy_of: PolicyOf, addresses: Addresses) -> None:
        self._names = names
        self._policy_of = policy_of
        self._addresses = addresses
        self._interactions = names(topics.INTERACTIONS)
        self._outputs: dict[type, str] = {
            Customer: names(topics.CUSTOMERS),
            CustomerEvent: names(topics.CUSTOMER_EVENTS),
            Conversation: names(topics.CONVERSATIONS),
            MessageFact: names(topics.CUSTOMER_MESSAGES),
            LinkSuggestion: names(topics.LINK_SUGGESTIONS),
        }
        self._forgotten: dict[str, str] = {
            "customers": names(topics.CUSTOMERS),
            "conversations": names(topics.CONVERSATIONS),
            "suggestions": names(topics.LINK_SUGGESTIONS),
        }

    def gather(self, records: Sequence[InRecord]) -> tuple[_Gathered, Sequence[bytes]]:
        """Return the operations by node; what is no operation is set aside."""
        nodes: dict[bytes, _Touched] = {}
        outbox = _Outbox(self._names)
        for record in records:
            key = record.key or b""
            try:
                operation = decode_operation(record.value or b"")
                touched = nodes.get(key) or _touched(key)
                _require_tenant(operation, touched.tenant_id)
            except UNREADABLE as error:
                outbox.set_aside(record, "unreadable", str(error))
                continue
            if not touched.causes:
                nodes[key] = touched
            touched.operations.append(operation)
            touched.causes.append(record)
        return _Gathered(nodes, outbox.records), list(nodes)

    def decide(self, gathered: _Gathered, values: Sequence[bytes | None]) -> Effects:
        """Return what the nodes became and whom that concerns."""
        outbox = _Outbox(self._names, gathered.set_aside)
        changes: dict[bytes, bytes | None] = {}
        told: list[Record] = []
        for (key, touched), value in zip(gathered.nodes.items(), values, strict=True):
            before = None if value is None else decode_node(value)
            policy = self._policy_of(touched.tenant_id)
            folded = fold(touched.address, before, touched.operations, policy, self._addresses)
            cause = touched.causes[-1]
            if folded.node is not before and folded.node is not None:
                encoded = encode_node(folded.node)
                if len(encoded) > STATE_BYTES_LIMIT:
                    for record in touched.causes:
                        outbox.set_aside(record, "too_large", "the customer's state would be")
                    continue
                changes[key] = encoded
            for to, operation in folded.operations:
                outbox.put(self._interactions, to.encode(), encode_operation(operation), cause)
            for said in folded.records:
                if isinstance(said, Forgotten):
                    topic = self._forgotten[said.output]
                    outbox.records.append(OutRecord(topic, said.id.encode(), None))
                else:
                    outbox.put(self._outputs[type(said)], _key(said), encode(said), cause)
            told += folded.records
        return Effects(outbox.records, changes, told)


def _key(record: Record) -> bytes:
    """Return what decides the record's partition, and what compaction knows it by."""
    if isinstance(record, MessageFact):
        return (record.customer_id or record.identity_id).encode()
    if isinstance(record, CustomerEvent):
        return (record.customer_id or record.tenant_id).encode()
    return record.id.encode()
