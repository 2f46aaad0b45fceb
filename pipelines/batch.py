"""Records on their way to the warehouse, bounded by rows and age, with the offsets they end at.

Pure values; where records come from and go to is `sink`'s business.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol


class Partition(NamedTuple):
    """A partition of a topic, by the topic's name on the broker."""

    topic: str
    number: int


class Record(Protocol):
    """What a Kafka client returns; the value is None where the key's row shall go."""

    @property
    def offset(self) -> int: ...

    @property
    def timestamp(self) -> int: ...

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch is written: at so many rows, or so old."""

    rows: int = 50_000
    age_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one poll returned. `next_offsets` are the client's: past gaps, not only past records."""

    records: Mapping[Partition, Sequence[Record]]
    next_offsets: Mapping[Partition, int]

    def up_to(self, ends: Mapping[Partition, int]) -> "Chunk":
        """Return the part before the given ends; partitions without an end are left out."""
        records = {}
        for partition, found in self.records.items():
            if (end := ends.get(partition)) is None:
                continue
            if self.next_offsets[partition] > end:
                found = [record for record in found if record.offset < end]  # noqa: PLW2901
            records[partition] = found
        nexts = {
            partition: min(next_offset, ends[partition])
            for partition, next_offset in self.next_offsets.items()
            if partition in ends
        }
        return Chunk(records, nexts)


@dataclass(frozen=True, slots=True)
class Batch:
    """Chunks to be written in one transaction, from `from_offsets` to `next_offsets`."""

    started_at: float
    from_offsets: Mapping[Partition, int]
    next_offsets: Mapping[Partition, int]
    topic_ids: Mapping[str, str | None] = field(default_factory=dict)
    chunks: tuple[Chunk, ...] = ()
    rows: int = 0

    @classmethod
    def empty(
        cls, at: float, offsets: Mapping[Partition, int], topic_ids: Mapping[str, str | None]
    ) -> "Batch":
        """Return the batch that begins at these offsets."""
        return cls(at, offsets, offsets, topic_ids)

    def add(self, chunk: Chunk) -> "Batch":
        """Return the batch with the chunk behind what it has."""
        return replace(
            self,
            chunks=(*self.chunks, chunk),
            rows=self.rows + sum(map(len, chunk.records.values())),
            next_offsets={**self.next_offsets, **chunk.next_offsets},
        )

    @property
    def moved(self) -> dict[Partition, tuple[int, int]]:
        """Return where it begins and ends, of the partitions it says anything about."""
        return {
            partition: (self.from_offsets[partition], next_offset)
            for partition, next_offset in self.next_offsets.items()
            if next_offset != self.from_offsets[partition]
        }

    def is_due(self, at: float, limits: BatchLimits) -> bool:
        """Say whether it shall be written now."""
        if not self.moved:
            return False
        return self.rows >= limits.rows or at - self.started_at >= limits.age_seconds

    def records_by_topic(self) -> dict[str, list[tuple[int, Sequence[Record]]]]:
        """Return the records with their partition's number, in the order of their offsets."""
        found: defaultdict[str, list[tuple[int, Sequence[Record]]]] = defaultdict(list)
        for chunk in self.chunks:
            for partition, records in chunk.records.items():
                if records:
                    found[partition.topic].append((partition.number, records))
        return dict(found)
