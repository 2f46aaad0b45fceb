"""The worker's second step, from bytes to bytes: operations applied to identity nodes. Pure, so it
is tested without Kafka. What cannot be understood, or would not fit the broker, is set aside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from streams import topics
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.messages import MessageFact
from streams.contracts.suggestions import LinkSuggestion
from streams.contracts.wire import encode
from streams.engine.batches import Effects, InRecord, OutRecord
from streams.identity.addresses import Addresses
from streams.identity.graph import fold
from streams.identity.operations import (
    Absorb,
    Operation,
    decode_operation,
    encode_operation,
)
from streams.identity.state import decode_node, encode_node
from streams.identity.telling import Forgotten, Record
from streams.outbox import RECORD_BYTES_LIMIT, UNREADABLE, Outbox, PolicyOf, TopicNames

# A state must fit into the operation that hands it to another node.
STATE_BYTES_LIMIT: Final = RECORD_BYTES_LIMIT - 10_000


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
        outbox = Outbox(self._names)
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
        outbox = Outbox(self._names, gathered.set_aside)
        changes: dict[bytes, bytes | None] = {}
        told: list[Record] = []
        for (node, touched), value in zip(gathered.nodes.items(), values, strict=True):
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
                changes[node] = encoded
            for to, operation in folded.operations:
                outbox.put(self._interactions, to.encode(), encode_operation(operation), cause)
            for said in folded.records:
                if isinstance(said, Forgotten):
                    topic = self._forgotten[said.output]
                    outbox.records.append(OutRecord(topic, said.id.encode(), None))
                else:
                    key, partition_key = _keys(said)
                    outbox.put(self._outputs[type(said)], key, encode(said), cause, partition_key)
            told += folded.records
        return Effects(outbox.records, changes, told)


def _keys(record: Record) -> tuple[bytes, bytes | None]:
    """Return what compaction knows the record by, and what decides its partition if not that.

    A fact's and an event's key is its own alone, so that compaction removes none but those that an
    erasure asks for; a customer's stay together, in order.
    """
    if isinstance(record, MessageFact):
        owner = record.customer_id or record.identity_id
        at = record.received_at.timestamp()
        key = f"{record.identity_id}/{record.channel_id}/{record.message_id}/{at}"
        return key.encode(), owner.encode()
    if isinstance(record, CustomerEvent):
        return record.id.encode(), (record.customer_id or record.tenant_id).encode()
    return record.id.encode(), None
