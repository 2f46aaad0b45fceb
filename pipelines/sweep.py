"""What is still on the topics of people who were erased is removed there, by compaction.

The worker removes what it knows of by key; facts, events and old conversations it does not keep.
This finds them: one walk over the topics for all erasures that are new. Where it has got to among
the erasures is its consumer group's offset, committed last: a sweep that died is done again.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition

from pipelines.erasures import Erasures, erased_by
from pipelines.errors import TopicMissingError
from pipelines.kafka import POLL_RECORDS, consumer_options, reached_in_time, translated
from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.customers import ErasedIdentity
from streams.ends import end_offsets, first_offsets, read_between

logger = logging.getLogger(__name__)

SWEPT: Final = (topics.CUSTOMER_MESSAGES, topics.CUSTOMER_EVENTS, topics.CONVERSATIONS)


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep did; `removed` counts records by topic. With nobody erased, nothing was read."""

    identities: int
    read: int
    removed: Mapping[str, int]
    unreadable: int
    seconds: float


def ignore_progress(_read: int, _of: int) -> None:
    """Take no note of how far it is."""


def sweep(
    cluster: ClusterSettings,
    *,
    now_ms: int,
    settles_after_ms: int,
    on_progress: Callable[[int, int], None] = ignore_progress,
) -> SweepReport:
    """Remove from the topics all that is about people who were erased since the last sweep.

    Afterwards every such record has one of its key without a value behind it, and compaction takes
    both from the disk. An erasure younger than `settles_after_ms` waits for the next sweep: what
    was on its way when it was asked for has come by then. `on_progress` hears how many records
    were read, and of how many.
    """
    started = time.perf_counter()
    options = (
        consumer_options(cluster)
        | reached_in_time()
        | {
            "group_id": f"{topics.group_name(cluster.topic_prefix)}-sweep",
            "auto_offset_reset": "earliest",
            "max_poll_records": POLL_RECORDS,
        }
    )
    with translated(cluster), closing(KafkaConsumer(**options)) as consumer:
        walk = _Walk(consumer, cluster)
        erased, reached = walk.new_erasures(now_ms - settles_after_ms)
        erasures = Erasures(erased)
        removed = dict.fromkeys((topic.name for topic in SWEPT), 0)
        read = unreadable = 0
        if erased:
            with closing(KafkaProducer(**cluster.client_options(), acks="all")) as producer:
                for topic, partition, records, of in walk.all_records():
                    verdicts = [(r.key, erasures.cover(r.value)) for r in records if r.value]
                    unreadable += sum(is_covered is None for _, is_covered in verdicts)
                    keys = [key for key, is_covered in verdicts if is_covered and key]
                    _remove(producer, partition, keys)
                    removed[topic] += len(keys)
                    read += len(records)
                    on_progress(read, of)
        walk.commit(reached)
    report = SweepReport(len(erasures), read, removed, unreadable, time.perf_counter() - started)
    if unreadable:
        logger.warning("%d records cannot be read, and were left as they are", unreadable)
    return report


def _remove(producer: Any, partition: TopicPartition, keys: Sequence[bytes]) -> None:
    """Have a record without a value acknowledged of each key.

    Raises what the broker answered.
    """
    sent = [producer.send(partition.topic, partition=partition.partition, key=key) for key in keys]
    producer.flush()
    for future in sent:
        future.get(timeout=0)


class _Walk:
    """The topics, read from where to where they stood at the beginning."""

    def __init__(self, consumer: Any, cluster: ClusterSettings) -> None:
        self._consumer = consumer
        self._prefix = cluster.topic_prefix

    def new_erasures(
        self, before_ms: int
    ) -> tuple[list[ErasedIdentity], Mapping[TopicPartition, int]]:
        """Return who was erased since the last commit and before that time, and how far of each
        partition that was.
        """
        partitions = self._partitions(topics.CUSTOMER_EVENTS)
        ends = end_offsets(self._consumer, partitions)
        firsts = first_offsets(self._consumer, partitions)
        starts = {p: min(self._consumer.committed(p) or firsts[p], end) for p, end in ends.items()}
        reached = dict(starts)
        erased: list[ErasedIdentity] = []
        unsettled: set[TopicPartition] = set()
        for partition, records in read_between(self._consumer, starts, ends, at_most=POLL_RECORDS):
            for record in records:
                found = erased_by(record.value) if record.value is not None else ()
                if found and record.timestamp > before_ms:
                    unsettled.add(partition)
                if partition in unsettled:
                    break
                erased += found
                reached[partition] = record.offset + 1
        return erased, reached

    def all_records(self) -> Iterator[tuple[str, TopicPartition, Sequence[Any], int]]:
        """Yield all that the topics hold: the topic's own name, the partition, its records, and how
        many there are to read at most.
        """
        named = {p: topic.name for topic in SWEPT for p in self._partitions(topic)}
        firsts = first_offsets(self._consumer, list(named))
        ends = end_offsets(self._consumer, list(named))
        of = sum(end - firsts[p] for p, end in ends.items())
        for partition, records in read_between(self._consumer, firsts, ends, at_most=POLL_RECORDS):
            yield named[partition], partition, records, of

    def commit(self, reached: Mapping[TopicPartition, int]) -> None:
        """Have the next sweep begin behind these."""
        self._consumer.commit({p: OffsetAndMetadata(at, "", -1) for p, at in reached.items()})

    def _partitions(self, topic: topics.TopicSpec) -> list[TopicPartition]:
        name = topics.full_name(topic, self._prefix)
        numbers = self._consumer.partitions_for_topic(name)
        if not numbers:
            raise TopicMissingError(f"there is no topic {name}: make it with `omnichannel topics`")
        return [TopicPartition(name, number) for number in sorted(numbers)]
