"""The worker's second step, from bytes to bytes: operations applied to identity nodes. Pure, so it
is tested without Kafka. What cannot be understood, or would not fit the broker, is set aside.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
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
from streams.identity.policy import Policy
from streams.identity.state import Node, decode_node, encode_node
from streams.identity.telling import Forgotten, Record, Seen
from streams.identity.usual import Usual, moved, told
from streams.outbox import RECORD_BYTES_LIMIT, UNREADABLE, Outbox, PolicyOf, TopicNames

# A state must fit into the operation that hands it to another node.
STATE_BYTES_LIMIT: Final = RECORD_BYTES_LIMIT - 10_000
# Nodes that go through decoding, joining, writing and encoding together, stage by stage: so the
# processor has a stage's instructions at hand, and still what the stage before it made. One by one
# takes a third longer, a whole batch at once a tenth (bench/core.py).
TOGETHER: Final = 32


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


class _Asked(msgspec.Struct, frozen=True, gc=False):
    """A node before its step, and the operations on it with the records that brought them."""

    key: bytes
    address: str
    before: Node | None
    operations: Sequence[Operation]
    causes: Sequence[InRecord]
    policy: Policy


def _touched(key: bytes, records: list[InRecord]) -> _Touched:
    """Return the node that the key is the address of. Raises msgspec.ValidationError."""
    address = key.decode()
    tenant_id, slash, _ = address.partition("/")
    if not slash:
        raise msgspec.ValidationError("the record's key is no address: which node is it for?")
    return _Touched(address, tenant_id, records)


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
        self._customers = names(topics.CUSTOMERS)
        self._conversations = names(topics.CONVERSATIONS)
        self._facts = names(topics.CUSTOMER_MESSAGES)
        self._forgotten: dict[str, str] = {
            "customers": names(topics.CUSTOMERS),
            "conversations": names(topics.CONVERSATIONS),
            "suggestions": names(topics.LINK_SUGGESTIONS),
        }

    def gather(self, records: Sequence[InRecord]) -> tuple[_Gathered, Sequence[bytes]]:
        """Return the records by node; what is for none is set aside.

        They are read a few nodes a time, in `decide`: so what operations, records and facts are
        made of never lies about for a batch long, but stays in the processor's caches.
        """
        by_key: defaultdict[bytes, list[InRecord]] = defaultdict(list)
        for record in records:
            by_key[record.key or b""].append(record)
        nodes: dict[bytes, _Touched] = {}
        unreadable: dict[bytes, str] = {}
        for key, touching in by_key.items():
            try:
                nodes[key] = _touched(key, touching)
            except UNREADABLE as error:
                unreadable[key] = str(error)
        outbox = Outbox(self._names)
        for record in records if unreadable else ():
            if (detail := unreadable.get(record.key or b"")) is not None:
                outbox.set_aside(record, "unreadable", detail)
        return _Gathered(nodes, outbox.records), list(nodes)

    def decide(self, gathered: _Gathered, values: Sequence[bytes | None]) -> Effects:
        """Return what the nodes became and whom that concerns."""
        outbox = Outbox(self._names, gathered.set_aside)
        changes: dict[bytes, bytes | None] = {}
        seen: list[Record | Seen] = []
        touched = zip(gathered.nodes.items(), values, strict=True)
        while some := list(islice(touched, TOGETHER)):
            asked = self._read(some, outbox)
            steps = list(self._became(asked))
            nodes = [_changed(*step) for step in zip(asked, steps, strict=True)]
            for one, became, encoded in zip(asked, steps, nodes, strict=True):
                if encoded is not None and len(encoded) > STATE_BYTES_LIMIT:
                    for record in one.causes:
                        outbox.set_aside(record, "too_large", "the customer's state would be")
                    continue
                if encoded is not None:
                    changes[one.key] = encoded
                if isinstance(became, Usual):
                    self._send_usual(became, one.causes[-1], outbox)
                    if became.seen is not None:
                        seen.append(became.seen)
                else:
                    self._send(became, one.causes[-1], outbox)
                    seen += became.records
        return Effects(outbox.records, changes, seen)

    def _read(
        self, touched: Iterable[tuple[tuple[bytes, _Touched], bytes | None]], outbox: Outbox
    ) -> Sequence[_Asked]:
        """Return what is asked of each node, and what it is; what is no operation is set aside."""
        read = [(key, node, value, *_operations_in(node, outbox)) for (key, node), value in touched]
        return [
            _Asked(
                key,
                node.address,
                None if value is None else decode_node(value),
                operations,
                causes,
                self._policy_of(node.tenant_id),
            )
            for key, node, value, operations, causes in read
            if operations
        ]

    def _became(self, asked: Sequence[_Asked]) -> Iterator[Usual | Folded]:
        """Yield what became of each node."""
        moves = [moved(one.before, one.operations, one.policy) for one in asked]
        usual = iter(told([move for move in moves if move is not None]))
        for one, move in zip(asked, moves, strict=True):
            if move is not None:
                yield next(usual)
            else:
                yield fold(one.address, one.before, one.operations, one.policy, self._addresses)

    def _send_usual(self, became: Usual, cause: InRecord, outbox: Outbox) -> None:
        """Have all go out that is to say of a usual customer."""
        outbox.put_all(self._customers, became.customers, cause)
        outbox.put_all(self._conversations, became.conversations, cause)
        outbox.put_all(self._facts, became.facts, cause, became.owner)

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


def _changed(asked: _Asked, became: Usual | Folded) -> bytes | None:
    """Return the node to store; none where it is what it was."""
    node = became.node
    return None if node is None or node is asked.before else encode_node(node)


def _operations_in(
    touched: _Touched, outbox: Outbox
) -> tuple[Sequence[Operation], Sequence[InRecord]]:
    """Return the operations on the node and the records that brought them; what is none is set
    aside.
    """
    tenant_id, causes = touched.tenant_id, touched.records
    try:
        operations = [decode_operation(record.value or b"") for record in causes]
    except UNREADABLE:
        return _readable_in(touched, outbox)
    for operation in operations:
        # Nearly all are messages of the tenant: no more is asked of these.
        if type(operation) is not Observe or operation.tenant_id != tenant_id:
            return _readable_in(touched, outbox)
    return operations, causes


def _readable_in(
    touched: _Touched, outbox: Outbox
) -> tuple[Sequence[Operation], Sequence[InRecord]]:
    """Return the same where not all may be readable, or messages of the tenant."""
    operations: list[Operation] = []
    causes: list[InRecord] = []
    for record in touched.records:
        try:
            operation = decode_operation(record.value or b"")
            _require_tenant(operation, touched.tenant_id)
        except UNREADABLE as error:
            outbox.set_aside(record, "unreadable", str(error))
        else:
            operations.append(operation)
            causes.append(record)
    return operations, causes


def _partition_key(record: Record) -> bytes | None:
    """Return what decides the record's partition, where that is not its key: an event has a key
    of its own, so that compaction removes none but those that an erasure asks for, and stays with
    its customer.
    """
    if isinstance(record, CustomerEvent):
        return (record.customer_id or record.tenant_id).encode()
    return None
