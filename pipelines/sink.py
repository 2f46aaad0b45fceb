"""The one loop from a source to a sink, and what it needs of both.

Rows and offsets are the sink's to write together; the loop never commits anything itself.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pipelines.batch import Batch, BatchLimits, Chunk, Partition
from pipelines.errors import LoadStalledError, OffsetsExpiredError, TopicRecreatedError

Clock = Callable[[], float]

POLL_SECONDS = 0.5
# Kafka elects a new leader within seconds; a broker silent for longer needs a person.
STALL_SECONDS = 120.0
# How often a continuous load looks for new partitions and for topics made anew.
PLAN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Position:
    """How far a partition is loaded, and of which topic that is true."""

    next_offset: int
    topic_id: str | None


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the broker has it: its id, and each partition's first offset and its end."""

    topic_id: str | None
    bounds: Mapping[Partition, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """What a batch did to one table: records read, rows put in, taken out, set aside."""

    table: str
    topic: str
    read: int
    loaded: int
    removed: int
    rejected: int


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """A committed batch."""

    batch_id: str
    tables: tuple[LoadedTable, ...]
    seconds: float
    next_offsets: Mapping[Partition, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to begin, and where the topics end at this moment."""

    starts: Mapping[Partition, int]
    ends: Mapping[Partition, int]
    topic_ids: Mapping[str, str | None]

    @property
    def lag(self) -> int:
        """Return how many offsets lie between the two."""
        return sum(max(self.ends[p] - start, 0) for p, start in self.starts.items())


class Source(Protocol):
    """Where records come from. `start` may be called again, to begin elsewhere."""

    def topics(self) -> Mapping[str, TopicState]:
        """Return every topic as the broker has it now."""
        ...

    def start(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions, each from this offset."""
        ...

    def poll(self, timeout_seconds: float) -> Chunk:
        """Return what has come, in the order of offsets; an empty chunk after the timeout."""
        ...


class Sink(Protocol):
    """Where batches go: rows and offsets all at once, or not at all."""

    def positions(self) -> Mapping[Partition, Position]:
        """Return how far each partition is loaded."""
        ...

    def write(self, batch: Batch) -> LoadedBatch:
        """Write rows and offsets; raise OffsetsMovedError if the batch does not begin there."""
        ...


def plan(topics: Mapping[str, TopicState], positions: Mapping[Partition, Position]) -> Plan:
    """Return where to go on; raise where going on would lose or repeat records."""
    starts: dict[Partition, int] = {}
    ends: dict[Partition, int] = {}
    for topic, state in topics.items():
        for partition, (first, end) in state.bounds.items():
            position = positions.get(partition)
            starts[partition] = first if position is None else position.next_offset
            ends[partition] = end
            if position is not None:
                _require_same_topic(topic, state.topic_id, position, partition, end)
                _require_unexpired(topic, position, partition, first)
    return Plan(starts, ends, {topic: state.topic_id for topic, state in topics.items()})


def _require_same_topic(
    topic: str, topic_id: str | None, position: Position, partition: Partition, end: int
) -> None:
    remedy = (
        "if that was meant, move the warehouse's folder away and load anew; if not, restore the "
        "topic. Nothing was changed"
    )
    if position.topic_id and topic_id and position.topic_id != topic_id:
        raise TopicRecreatedError(
            f"topic {topic} was deleted and made anew (id {topic_id}, loaded from "
            f"{position.topic_id}): {remedy}"
        )
    if position.next_offset > end:
        raise TopicRecreatedError(
            f"topic {topic} ends at {end} in partition {partition.number}, but "
            f"{position.next_offset} is next to load, so it was made anew or cut: {remedy}"
        )


def _require_unexpired(topic: str, position: Position, partition: Partition, first: int) -> None:
    if position.next_offset < first:
        raise OffsetsExpiredError(
            f"topic {topic} begins at {first} in partition {partition.number}, but "
            f"{position.next_offset} is next to load: {first - position.next_offset} offsets are "
            "gone. Load more often than the topic's retention; to accept the gap, set next_offset "
            f"to {first} in raw.ingest_offsets. Nothing was changed"
        )


def run_until_caught_up(
    source: Source,
    sink: Sink,
    *,
    clock: Clock,
    limits: BatchLimits,
    on_batch: Callable[[LoadedBatch], None],
) -> Plan:
    """Load all that the topics held when this began; return what that was."""
    planned = plan(source.topics(), sink.positions())
    ends = {p: end for p, end in planned.ends.items() if planned.starts[p] < end}
    offsets = {p: planned.starts[p] for p in ends}
    if not ends:
        return planned
    source.start(offsets)
    batch = Batch.empty(clock(), offsets, planned.topic_ids)
    progress_at = clock()
    while True:
        chunk = source.poll(POLL_SECONDS).up_to(ends)
        if any(batch.next_offsets[p] != offset for p, offset in chunk.next_offsets.items()):
            batch = batch.add(chunk)
            progress_at = clock()
        elif clock() - progress_at > STALL_SECONDS:
            raise LoadStalledError(
                f"no record for {STALL_SECONDS:.0f} s, though topics go on: "
                f"{_missing(batch.next_offsets, ends)}. Look at the broker's log, then load again"
            )
        is_complete = batch.next_offsets == ends
        if is_complete or batch.is_due(clock(), limits):
            on_batch(sink.write(batch))
            batch = Batch.empty(clock(), batch.next_offsets, planned.topic_ids)
        if is_complete:
            return planned


def run_until_stopped(
    source: Source,
    sink: Sink,
    *,
    clock: Clock,
    limits: BatchLimits,
    on_batch: Callable[[LoadedBatch], None],
    stop: threading.Event,
) -> None:
    """Load what comes until asked to stop; new partitions are found on the way."""
    poll_seconds = min(POLL_SECONDS, limits.age_seconds)  # so that a batch is not older than due
    while not stop.is_set():
        planned = plan(source.topics(), sink.positions())
        source.start(planned.starts)
        batch = Batch.empty(clock(), planned.starts, planned.topic_ids)
        plan_until = clock() + PLAN_SECONDS
        while not stop.is_set() and clock() < plan_until:
            batch = batch.add(source.poll(poll_seconds))
            if not batch.moved:
                batch = Batch.empty(clock(), batch.next_offsets, planned.topic_ids)
            elif batch.is_due(clock(), limits):
                written, written_at = sink.write(batch), clock()
                on_batch(written)
                # Records came meanwhile: they do not wait a whole age more, but until all are here.
                started_at = max(written_at, clock() - limits.age_seconds / 2)
                batch = Batch.empty(started_at, batch.next_offsets, planned.topic_ids)
        if batch.moved:
            on_batch(sink.write(batch))


def _missing(offsets: Mapping[Partition, int], ends: Mapping[Partition, int]) -> str:
    behind = [p for p, end in ends.items() if offsets[p] < end]
    return ", ".join(f"{p.topic}[{p.number}] {offsets[p]} of {ends[p]}" for p in behind)
