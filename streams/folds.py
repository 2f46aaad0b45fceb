"""The worker's second step, from bytes to bytes: operations applied to identity nodes. Pure, so it
is tested without Kafka. What cannot be understood, or would not fit the broker, is set aside.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice, repeat
from typing import Final

import msgspec

from streams import topics
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.suggestions import LinkSuggestion
from streams.contracts.wire import encode
from streams.engine.batches import Effects, InRecord, OutRecord, OutRun
from streams.identity.addresses import Addresses
from streams.identity.facts import written
from streams.identity.graph import Folded, fold
from streams.identity.operations import (
    Absorb,
    Operation,
    decode_operation,
    encode_operation,
)
from streams.identity.state import Node, decode_node, encode_node
from streams.identity.telling import Forgotten, Record, Seen
from streams.identity.usual import Moved, moved, told
from streams.outbox import RECORD_BYTES_LIMIT, UNREADABLE, Outbox, PolicyOf, TopicNames

# A state must fit into the operation that hands it to another node.
STATE_BYTES_LIMIT: Final = RECORD_BYTES_LIMIT - 10_000
# A value that is no larger fits the broker with its key, of which it holds all parts.
_LARGE: Final = RECORD_BYTES_LIMIT // 2
# Nodes that go through decoding, joining, writing and encoding together, stage by stage: so the
# processor has a stage's instructions at hand, and still what the stage before it made. One by one
# takes a third longer, a whole batch at once a tenth (bench/core.py).
TOGETHER: Final = 16


# A batch by the key of the node that its records are for, in the order of first touch.
_Gathered = dict[bytes, list[InRecord]]


def _address_of(key: bytes) -> tuple[str, str]:
    """Return the address of the node that the key is, and whose node that is. Raises
    msgspec.ValidationError where it is none.
    """
    address = key.decode()
    tenant_id, slash, _ = address.partition("/")
    if not slash:
        raise msgspec.ValidationError("the record's key is no address: which node is it for?")
    return address, tenant_id


def _require_tenant(operation: Operation, tenant_id: str) -> None:
    """Raise msgspec.ValidationError where the operation is of another tenant than its node."""
    if isinstance(operation, Absorb):
        said = operation.state.tenant_id
    else:
        said = getattr(operation, "tenant_id", tenant_id)
    if said != tenant_id:
        raise msgspec.ValidationError(f"an operation of {said!r} on a node of {tenant_id!r}")


@dataclass(slots=True)
class _Step:
    """The effects of a step, as they come together."""

    outbox: Outbox
    runs: list[OutRun] = field(default_factory=list)
    changes: dict[bytes, bytes | None] = field(default_factory=dict)
    seen: list[Record | Seen] = field(default_factory=list)


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
        """Return the records by node.

        They are read a few nodes a time, in `decide`: so what operations, records and facts are
        made of never lies about for a batch long, but stays in the processor's caches.
        """
        nodes: _Gathered = defaultdict(list)
        for record in records:
            nodes[record.key or b""].append(record)
        return nodes, list(nodes)

    def decide(self, gathered: _Gathered, values: Sequence[bytes | None]) -> Effects:
        """Return what the nodes became and whom that concerns."""
        step = _Step(Outbox(self._names))
        nodes = zip(gathered.items(), values, strict=True)
        others: list[tuple[bytes, Node | None]] = []
        while some := list(islice(nodes, TOGETHER)):
            befores = [None if value is None else decode_node(value) for _, value in some]
            operations = [_operations_in(records) for (_, records), _ in some]
            moves = list(map(moved, befores, operations, repeat(self._policy_of)))
            usual = [(key, move) for ((key, _), _), move in zip(some, moves, strict=True) if move]
            is_told = self._tell_usual(usual, step)
            others += [
                (key, before)
                for ((key, _), _), before, move in zip(some, befores, moves, strict=True)
                if move is None or not is_told
            ]
        # One after the other too: what runs seldom runs slowly, and in between slows the rest.
        for key, before in others:
            self._tell_folded(key, before, gathered[key], step)
        return Effects(step.outbox.records, step.runs, step.changes, step.seen)

    def _tell_usual(self, usual: Sequence[tuple[bytes, Moved]], step: _Step) -> bool:
        """Have all go out that is to say of usual customers, and their nodes stored; nothing where
        anything is so large that each must be looked at. Say whether it did.
        """
        telling = told([move for _, move in usual])
        nodes = {key: encode_node(move.root) for key, move in usual if move.run.news}
        if max(map(len, nodes.values()), default=0) > STATE_BYTES_LIMIT or telling.largest > _LARGE:
            return False
        step.changes.update(nodes)
        step.seen += telling.seen
        step.runs.append(OutRun(self._customers, telling.customers))
        step.runs.append(OutRun(self._conversations, telling.conversations))
        step.runs += [OutRun(self._facts, facts, owner) for owner, facts in telling.facts]
        return True

    def _tell_folded(
        self, key: bytes, before: Node | None, records: Sequence[InRecord], step: _Step
    ) -> None:
        """Have all go out that any node has to say, and have it stored; what is no operation on it
        is set aside.
        """
        try:
            address, tenant_id = _address_of(key)
        except UNREADABLE as error:
            for record in records:
                step.outbox.set_aside(record, "unreadable", str(error))
            return
        operations, causes = _readable_in(records, tenant_id, step.outbox)
        if not operations:
            return
        folded = fold(address, before, operations, self._policy_of(tenant_id), self._addresses)
        if folded.node is not None and folded.node is not before:
            encoded = encode_node(folded.node)
            if len(encoded) > STATE_BYTES_LIMIT:
                for record in causes:
                    step.outbox.set_aside(record, "too_large", "the customer's state would be")
                return
            step.changes[key] = encoded
        self._send(folded, causes[-1], step.outbox)
        step.seen += folded.records

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
        facts = iter(written(folded.messages))
        for messages in folded.messages:
            owner = (messages.owner_id or messages.own_id).encode()
            for key, value in islice(facts, len(messages.observed)):
                outbox.put(self._facts, key, value, cause, owner)


def _operations_in(records: Sequence[InRecord]) -> Sequence[Operation]:
    """Return the operations that the records are; nothing where any is none."""
    try:
        return [decode_operation(record.value or b"") for record in records]
    except UNREADABLE:
        return ()


def _readable_in(
    records: Sequence[InRecord], tenant_id: str, outbox: Outbox
) -> tuple[Sequence[Operation], Sequence[InRecord]]:
    """Return the operations on the tenant's node and the records that brought them; what is none
    is set aside.
    """
    operations: list[Operation] = []
    causes: list[InRecord] = []
    for record in records:
        try:
            operation = decode_operation(record.value or b"")
            _require_tenant(operation, tenant_id)
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
