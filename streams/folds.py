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
from streams.contracts.suggestions import LinkSuggestion
from streams.contracts.wire import encode
from streams.engine.batches import Effects, InRecord, OutRecord
from streams.identity.addresses import Addresses
from streams.identity.facts import written
from streams.identity.graph import Folded, fold
from streams.identity.operations import (
    Absorb,
    Observe,
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
    """The records of a batch for one node."""

    address: str
    tenant_id: str
    records: list[InRecord]


@dataclass(slots=True)
class _Gathered:
    """A batch by the node it is for, in the order of first touch."""

    nodes: dict[bytes, _Touched]
    set_aside: Sequence[OutRecord]


def _touched(key: bytes) -> _Touched:
    """Return the node that the key is the address of. Raises msgspec.ValidationError."""
    address = key.decode()
    tenant_id, slash, _ = address.partition("/")
    if not slash:
        raise msgspec.ValidationError("the record's key is no address: which node is it for?")
    return _Touched(address, tenant_id, [])


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
            LinkSuggestion: names(topics.LINK_SUGGESTIONS),
        }
        self._facts = names(topics.CUSTOMER_MESSAGES)
        self._forgotten: dict[str, str] = {
            "customers": names(topics.CUSTOMERS),
            "conversations": names(topics.CONVERSATIONS),
            "suggestions": names(topics.LINK_SUGGESTIONS),
        }

    def gather(self, records: Sequence[InRecord]) -> tuple[_Gathered, Sequence[bytes]]:
        """Return the records by node; what is for none is set aside.

        They are read node by node, in `decide`: so what a node's operations, its records and facts
        are made of never lies about for a batch long, but stays in the processor's caches.
        """
        nodes: dict[bytes, _Touched] = {}
        outbox = Outbox(self._names)
        for record in records:
            key = record.key or b""
            touched = nodes.get(key)
            if touched is None:
                try:
                    touched = nodes[key] = _touched(key)
                except UNREADABLE as error:
                    outbox.set_aside(record, "unreadable", str(error))
                    continue
            touched.records.append(record)
        return _Gathered(nodes, outbox.records), list(nodes)

    def decide(self, gathered: _Gathered, values: Sequence[bytes | None]) -> Effects:
        """Return what the nodes became and whom that concerns."""
        outbox = Outbox(self._names, gathered.set_aside)
        changes: dict[bytes, bytes | None] = {}
        told: list[Record] = []
        for (node, touched), value in zip(gathered.nodes.items(), values, strict=True):
            operations, causes = _operations_in(touched, outbox)
            if not operations:
                continue
            before = None if value is None else decode_node(value)
            policy = self._policy_of(touched.tenant_id)
            folded = fold(touched.address, before, operations, policy, self._addresses)
            if folded.node is not before and folded.node is not None:
                encoded = encode_node(folded.node)
                if len(encoded) > STATE_BYTES_LIMIT:
                    for record in causes:
                        outbox.set_aside(record, "too_large", "the customer's state would be")
                    continue
                changes[node] = encoded
            self._send(folded, causes[-1], outbox)
            told += folded.records
        return Effects(outbox.records, changes, told)

    def _send(self, folded: Folded, cause: InRecord, outbox: Outbox) -> None:
        """Have all go out that the node has to say."""
        for to, operation in folded.operations:
            outbox.put(self._interactions, to.encode(), encode_operation(operation), cause)
        for said in folded.records:
            if isinstance(said, Forgotten):
                topic = self._forgotten[said.output]
                outbox.records.append(OutRecord(topic, said.id.encode(), None))
            else:
                partition_key = _partition_key(said)
                topic = self._outputs[type(said)]
                outbox.put(topic, said.id.encode(), encode(said), cause, partition_key)
        for messages in folded.messages:
            owner = (messages.owner_id or messages.own_id).encode()
            outbox.put_all(self._facts, written(messages), cause, owner)


def _operations_in(touched: _Touched, outbox: Outbox) -> tuple[list[Operation], list[InRecord]]:
    """Return the operations on the node and the records that brought them; what is none is set
    aside.
    """
    operations: list[Operation] = []
    tenant_id, causes = touched.tenant_id, touched.records
    for record in touched.records:
        try:
            operation = decode_operation(record.value or b"")
            # Nearly all are messages of the tenant: no more is asked of these.
            if type(operation) is not Observe or operation.tenant_id != tenant_id:
                _require_tenant(operation, tenant_id)
            operations.append(operation)
        except UNREADABLE as error:
            outbox.set_aside(record, "unreadable", str(error))
            causes = [cause for cause in causes if cause is not record]
    return operations, causes


def _partition_key(record: Record) -> bytes | None:
    """Return what decides the record's partition, where that is not its key: an event has a key
    of its own, so that compaction removes none but those that an erasure asks for, and stays with
    its customer.
    """
    if isinstance(record, CustomerEvent):
        return (record.customer_id or record.tenant_id).encode()
    return None
