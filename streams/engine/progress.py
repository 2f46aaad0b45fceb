"""How far each partition may be committed: never past a batch that is not wholly processed.

Pure bookkeeping. Faust's own counts offsets one by one and fills the gaps between those it saw;
with one event a batch every batch looks like a gap, and a commit could pass one still in work.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, TypeVar

from streams.engine.batches import PartitionBatch

Partition = TypeVar("Partition", bound=Hashable)


class Progress(Generic[Partition]):
    """The batches delivered of each partition, in order, and what of them is done."""

    def __init__(self) -> None:
        self._delivered: dict[Partition, deque[PartitionBatch]] = {}
        self._next_offset: dict[Partition, int] = {}

    def deliver(self, partition: Partition, batch: PartitionBatch) -> None:
        """Remember that this batch was handed out after those before it."""
        self._delivered.setdefault(partition, deque()).append(batch)

    def next_offset(self, partition: Partition) -> int | None:
        """Return the offset up to which everything handed out is processed, or None."""
        delivered = self._delivered.get(partition)
        while delivered and delivered[0].processed:
            self._next_offset[partition] = delivered.popleft().next_offset
        return self._next_offset.get(partition)

    def partitions(self) -> Iterator[Partition]:
        """Yield the partitions of which something was handed out."""
        yield from list(self._delivered)

    def forget(self, partitions: Iterable[Partition] | None = None) -> None:
        """Drop what was handed out of these partitions (of all by default): they start anew."""
        for partition in list(self._delivered) if partitions is None else partitions:
            self._delivered.pop(partition, None)
            self._next_offset.pop(partition, None)
