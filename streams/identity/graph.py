"""A node's step: (node, operations) to (node, operations to send, records to emit).

The nodes of one person form a tree of pointers under one root; roots meet by `union` and `unite`,
and the older one stays. Pointers only ever lead to a root of lower rank (time, key), so no cycle
can form and whatever raced ends in the same forest. Pure: no Kafka, clock or log.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from streams.identity.observations import join_observation, root_of
from streams.identity.operations import Absorb, Observe, Operation, Union, Unite
from streams.identity.policy import Policy
from streams.identity.records import (
    Record,
    conversation_records,
    customer_events,
    customer_record,
    merged_event,
    message_fact,
)
from streams.identity.state import Node, Pointer, Root, join_roots


@dataclass(slots=True)
class Folded:
    """What a node became, whom it has something to say to, and what the world is told."""

    node: Node | None
    operations: list[tuple[str, Operation]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)


def fold(key: str, node: Node | None, operations: Iterable[Operation], policy: Policy) -> Folded:
    """Return what the operations, in their order, make of the node of this key.

    Each record stands for the whole batch: one customer record however many messages came.
    """
    folding = _Folding(key, node, policy)
    for operation in operations:
        folding.apply(operation)
    folding.tell()
    return folding.folded


class _Folding:
    """The node while a batch is folded into it: `told` is the state the world already knows."""

    def __init__(self, key: str, node: Node | None, policy: Policy) -> None:
        self.key = key
        self.policy = policy
        self.folded = Folded(node)
        self.told = node if isinstance(node, Root) else None
        self.observed: list[Observe] = []

    def apply(self, operation: Operation) -> None:
        node = self.folded.node
        if isinstance(node, Pointer):
            self.send(node.to, operation)
        elif isinstance(operation, Observe):
            self.observe(node, operation)
        elif isinstance(operation, Union):
            self.union(node, operation)
        elif isinstance(operation, Unite):
            self.unite(node, operation)
        else:
            self.absorb(node, operation)

    def send(self, key: str, operation: Operation) -> None:
        self.folded.operations.append((key, operation))

    def observe(self, root: Root | None, operation: Observe) -> None:
        if root is not None:
            self.folded.node = join_observation(root, operation, self.policy.conversation_gap_ms)
        elif self.policy.auto_creation:
            self.folded.node = root_of(self.key, operation)
        self.observed.append(operation)

    def union(self, root: Root | None, operation: Union) -> None:
        if operation.other == self.key:
            return
        if root is None:
            self.folded.node = Pointer(operation.other)
        else:
            self.send(operation.other, self._proposal(root))

    def unite(self, root: Root | None, operation: Unite) -> None:
        if operation.root == self.key:
            return
        if root is None:
            self.folded.node = Pointer(operation.root)
        elif (operation.rank_at_ms, operation.root) < (root.rank_at_ms, self.key):
            self.tell()
            self._give_way(root, operation)
        else:
            self.send(operation.root, self._proposal(root))

    def absorb(self, root: Root | None, operation: Absorb) -> None:
        self.folded.node = (
            operation.state
            if root is None
            else join_roots(root, operation.state, self.policy.conversation_gap_ms)
        )

    def _proposal(self, root: Root) -> Unite:
        return Unite(root=self.key, rank_at_ms=root.rank_at_ms, customer_id=root.customer_id)

    def _give_way(self, root: Root, operation: Unite) -> None:
        """Become a pointer to the older root, which gets all that was known here."""
        self.folded.node = Pointer(operation.root)
        self.told = None
        self.send(operation.root, Absorb(state=root))
        last = msgspec.structs.replace(root, version=root.version + 1)
        self.folded.records.append(customer_record(last, merged_into=operation.customer_id))
        self.folded.records.append(merged_event(root, operation.customer_id))

    def tell(self) -> None:
        """Emit what has changed since the world was last told."""
        node = self.folded.node
        root = node if isinstance(node, Root) else None
        records = self.folded.records
        if root is not None and root is not self.told:
            records.append(customer_record(root))
            records.extend(customer_events(self.told, root))
            records.extend(conversation_records(self.told, root))
        records.extend(message_fact(observe, root) for observe in self.observed)
        self.observed.clear()
        self.told = root
