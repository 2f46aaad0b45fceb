"""The two steps of the worker, from bytes to bytes: pure, so they are tested without Kafka.

`translate` turns canonical messages into operations on identity nodes; `IdentityFold` applies
operations to nodes. What cannot be understood, or would not fit the broker, is set aside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from streams import topics
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.dead_letters import DeadLetter, Reason
from streams.contracts.messages import Message, MessageFact
from streams.contracts.wire import encode
from streams.engine.batches import Effects, InRecord, OutRecord
from streams.identity.graph import fold
from streams.identity.instants import to_datetime
from streams.identity.normalise import Rejection, normalise
from streams.identity.operations import Observe, Operation, decode_operation, encode_operation
from streams.identity.policy import Policy
from streams.identity.records import Record
from streams.identity.state import decode_node, encode_node, node_key

# Kafka takes 1,048,588 bytes a batch by default; this leaves room for its envelope.
RECORD_BYTES_LIMIT: Final = 900_000
# A state must fit into the operation that hands it to another node.
STATE_BYTES_LIMIT: Final = RECORD_BYTES_LIMIT - 10_000
# Raw bytes are base64 in a dead letter: a third larger.
_RAW_BYTES_KEPT: Final = 512 * 1024
_DETAIL_KEPT: Final = 500

# All that decoding hostile bytes raises: not JSON or not the shape, bad UTF-8, nested too deep.
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_message_decoder = msgspec.json.Decoder(Message)


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
    """Canonical messages to operations on the nodes of their persons."""

    def __init__(self, names: TopicNames) -> None:
        self._names = names
        self._interactions = names(topics.INTERACTIONS)

    def __call__(self, records: Sequence[InRecord]) -> Effects:
        """Return one operation or one dead letter for every record."""
        outbox = _Outbox(self._names)
        for record in records:
            try:
                message = _message_decoder.decode(record.value or b"")
            except UNREADABLE as error:
                outbox.set_aside(record, "unreadable", str(error))
                continue
            observed = normalise(message, record.timestamp)
            if isinstance(observed, Rejection):
                outbox.set_aside(record, observed.reason, observed.detail)
                continue
            key = node_key(observed.tenant_id, observed.identity_key).encode()
            outbox.put(self._interactions, key, encode_operation(observed), record)
        return Effects(outbox.records)


@dataclass(slots=True)
class _Touched:
    """The operations of a batch on one node, and the records that brought them."""

    operations: list[Operation]
    causes: list[InRecord]


@dataclass(slots=True)
class _Gathered:
    """A batch of operations, by the node they are for, in the order of first touch."""

    nodes: dict[bytes, _Touched]
    set_aside: Sequence[OutRecord]


def _require_address(operation: Operation, key: str) -> None:
    """Raise msgspec.ValidationError unless the operation stands under a node's key, its own."""
    if not key:
        raise msgspec.ValidationError("the record has no key: which node is it for?")
    if isinstance(operation, Observe):
        expected = node_key(operation.tenant_id, operation.identity_key)
        if key != expected:
            raise msgspec.ValidationError(f"the record's key is {key!r} instead of {expected!r}")


class IdentityFold:
    """Operations to nodes: one read, one fold and one write a key and batch."""

    def __init__(self, names: TopicNames, policy: Policy) -> None:
        self._names = names
        self._policy = policy
        self._interactions = names(topics.INTERACTIONS)
        self._customers = names(topics.CUSTOMERS)
        self._events = names(topics.CUSTOMER_EVENTS)
        self._conversations = names(topics.CONVERSATIONS)
        self._messages = names(topics.CUSTOMER_MESSAGES)

    def gather(self, records: Sequence[InRecord]) -> tuple[_Gathered, Sequence[bytes]]:
        """Return the operations by node; what is no operation is set aside."""
        nodes: dict[bytes, _Touched] = {}
        outbox = _Outbox(self._names)
        for record in records:
            key = record.key or b""
            try:
                operation = decode_operation(record.value or b"")
                _require_address(operation, key.decode())
            except UNREADABLE as error:
                outbox.set_aside(record, "unreadable", str(error))
                continue
            touched = nodes.get(key)
            if touched is None:
                nodes[key] = _Touched([operation], [record])
            else:
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
            folded = fold(key.decode(), before, touched.operations, self._policy)
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
                outbox.put(*self._address(said), encode(said), cause)
            told += folded.records
        return Effects(outbox.records, changes, told)

    def _address(self, record: Record) -> tuple[str, bytes]:
        """Return the topic and key of a record: its customer's, where it is about one."""
        if isinstance(record, MessageFact):
            owner = record.customer_id or node_key(record.tenant_id, record.identity_key)
            return self._messages, owner.encode()
        if isinstance(record, CustomerEvent):
            return self._events, record.customer_id.encode()
        topic = self._customers if isinstance(record, Customer) else self._conversations
        return topic, record.id.encode()
