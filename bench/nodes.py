"""The identity nodes of one partition in a dictionary, where the worker has RocksDB.

Owns no time but the processor's: what a batch takes in the pure core, from bytes to bytes.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from time import thread_time
from typing import Final, NamedTuple

from aiokafka.structs import ConsumerRecord

from streams import topics
from streams.contracts.policies import PolicyDocument
from streams.engine.batches import Effects, InRecord
from streams.folds import IdentityFold
from streams.identity.addresses import Addresses
from streams.outbox import TopicNames
from streams.policies import PolicyBook

NAMES: Final = TopicNames("")
INTERACTIONS: Final = NAMES(topics.INTERACTIONS)
ADDRESSES: Final = Addresses("a salt for benchmarks")


# Key and value as they stand on `interactions`, and when the broker had them. A plain tuple, which
# the garbage collector forgets: the worker has no such list, so it must not slow us down.
Operation = tuple[bytes, bytes, int]


class Spent(NamedTuple):
    """What it took until nothing was left to do: seconds of the processor, steps of nodes."""

    seconds: float
    steps: int


POLICIES: Final = PolicyBook(PolicyDocument())


def fetched(operations: Iterable[Operation]) -> list[InRecord]:
    """Return the operations as the Kafka client hands them over."""
    return [
        ConsumerRecord(INTERACTIONS, 0, offset, at_ms, 0, key, value, 0, len(key), len(value), ())
        for offset, (key, value, at_ms) in enumerate(operations)
    ]


class Nodes:
    """What the worker holds of one partition, and its step over a batch."""

    def __init__(self, table: dict[bytes, bytes | None] | None = None) -> None:
        self.table = {} if table is None else table
        self.fold = IdentityFold(NAMES, POLICIES.of, ADDRESSES)

    def step(self, records: Sequence[InRecord]) -> Effects:
        """Apply one batch."""
        gathered, keys = self.fold.gather(records)
        effects = self.fold.decide(gathered, list(map(self.table.get, keys)))
        self.table.update(effects.changes)
        return effects

    def steps(self, operations: Sequence[Operation], batch_size: int = 1) -> Iterator[Spent]:
        """Apply operations, and those they lead to, a batch a time, until nothing is left."""
        waiting = deque(operations)
        while waiting:
            count = min(batch_size, len(waiting))
            records = fetched([waiting.popleft() for _ in range(count)])
            started = thread_time()
            effects = self.step(records)
            yield Spent(thread_time() - started, count)
            at_ms = records[-1].timestamp
            waiting += [
                (out.key, out.value or b"", at_ms)
                for out in effects.every_record()
                if out.topic == INTERACTIONS
            ]

    def settle(self, operations: Sequence[Operation], batch_size: int = 1) -> Spent:
        """Apply operations until every node is at rest; return what all of it took."""
        spent = list(self.steps(operations, batch_size))
        return Spent(sum(step.seconds for step in spent), sum(step.steps for step in spent))
