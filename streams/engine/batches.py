"""What goes in and out of a step: a fetched batch of one partition, and records to send."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

# How often positions were set back, and the group's generation: what is fetched in one era is of
# no use in the next.
Era = tuple[int, int]


class InRecord(Protocol):
    """A consumed record, as the Kafka client hands it over."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class PartitionBatch:
    """The records that one fetch brought of one partition, in order.

    `processed` is set by the step alone, when all effects are acknowledged. An ack from Faust
    without it (an agent that raised, was cancelled or restarted) commits nothing. `stale` says
    that the consumer went back behind it since the fetch: its records come again, skip it.
    """

    __slots__ = ("__weakref__", "fetched_in", "processed", "records", "stale")

    def __init__(self, records: Sequence[InRecord], fetched_in: Era = (0, 0)) -> None:
        self.records = records
        self.fetched_in = fetched_in
        self.processed = False
        self.stale = False

    @property
    def topic(self) -> str:
        """Return the topic of every record."""
        return self.records[0].topic

    @property
    def partition(self) -> int:
        """Return the partition of every record."""
        return self.records[0].partition

    @property
    def next_offset(self) -> int:
        """Return the offset to commit once the batch is processed."""
        return self.records[-1].offset + 1


class OutRecord(msgspec.Struct, frozen=True, gc=False):
    """A record to send; the key decides the partition, or the partition key where there is one."""

    topic: str
    key: bytes
    value: bytes | None
    partition_key: bytes | None = None


class OutRun(msgspec.Struct, frozen=True, gc=False):
    """Records to send to one topic, as keys and values; the key of each decides its partition, or
    the partition key of all where there is one.
    """

    topic: str
    records: Sequence[tuple[bytes, bytes | None]]
    partition_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Effects:
    """What a step decided: records to send one by one and in runs, keys of the table to change
    (None deletes), and what the shell may speak of once it is all true.
    """

    records: Sequence[OutRecord] = ()
    runs: Sequence[OutRun] = ()
    changes: Mapping[bytes, bytes | None] = field(default_factory=dict)
    told: Sequence[Any] = ()

    def every_record(self) -> Iterator[OutRecord]:
        """Yield the records to send one by one, those of runs too."""
        yield from self.records
        for run in self.runs:
            for key, value in run.records:
                yield OutRecord(run.topic, key, value, run.partition_key)
