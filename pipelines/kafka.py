"""The source made real: kafka-python, without a consumer group.

Offsets live in the warehouse, beside the rows; Kafka is told nothing.
"""

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final
from uuid import UUID

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
)

from pipelines.batch import Chunk, Partition
from pipelines.errors import BrokerUnreachableError, OffsetsExpiredError, TopicMissingError
from pipelines.prefetch import PrefetchingSource
from pipelines.sink import TopicState
from streams.cluster import ClusterSettings
from streams.ends import end_offsets, first_offsets

POLL_RECORDS: Final = 50_000
# As Kafka's own default: an answer as soon as there is a record, or after this.
_FETCH_SECONDS: Final = 0.5
_REACHED_MS: Final = 10_000
_FETCH_BYTES: Final = 64 * 1024 * 1024
_PARTITION_FETCH_BYTES: Final = 8 * 1024 * 1024
_GATHERED_BYTES: Final = 1024 * 1024
# Without the `crc32c` package the client checks sums in Python: 13,000 records/s against 93,000.
# The broker checked them on arrival, and TCP on the way.
_CHECKS_SUMS: Final = importlib.util.find_spec("crc32c") is not None


def consumer_options(
    cluster: ClusterSettings, *, gather_seconds: float | None = None
) -> dict[str, Any]:
    """Return how we consume: without a group, and never past an offset that is lost.

    `gather_seconds`: have the broker wait so long for more records before it answers, unless there
    are many. The client is Python's: an answer takes about as long with ten records as with one.
    """
    return cluster.client_options() | {
        "bootstrap_timeout_ms": _REACHED_MS,
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "isolation_level": "read_committed",
        "check_crcs": _CHECKS_SUMS,
        "fetch_min_bytes": _GATHERED_BYTES if gather_seconds else 1,
        "fetch_max_wait_ms": int((gather_seconds or _FETCH_SECONDS) * 1000),
        "fetch_max_bytes": _FETCH_BYTES,
        "max_partition_fetch_bytes": _PARTITION_FETCH_BYTES,
    }


# What a broker says that is older than topic ids (Kafka 2.8).
_NO_ID: Final = UUID(int=0)


class KafkaSource:
    """Reads assigned partitions. The ends are looked up topic by topic, in the order given."""

    def __init__(
        self,
        cluster: ClusterSettings,
        topics: Sequence[str],
        *,
        poll_records: int = POLL_RECORDS,
        gather_seconds: float | None = None,
    ) -> None:
        self._cluster = cluster
        self._poll_records = min(poll_records, POLL_RECORDS)
        self._topics = tuple(topics)
        with translated(cluster):
            self._consumer = KafkaConsumer(
                **consumer_options(cluster, gather_seconds=gather_seconds)
            )
        self._partitions: tuple[Partition, ...] = ()

    def topics(self) -> dict[str, TopicState]:
        """Return every topic as the broker has it now."""
        with translated(self._cluster):
            ids = self._topic_ids()
            return {topic: TopicState(ids[topic], self._bounds(topic)) for topic in self._topics}

    def start(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions, each from this offset."""
        self._partitions = tuple(offsets)
        self._consumer.assign([TopicPartition(*partition) for partition in offsets])
        for partition, offset in offsets.items():
            self._consumer.seek(TopicPartition(*partition), offset)

    def poll(self, timeout_seconds: float) -> Chunk:
        """Return what has come, in the order of offsets; an empty chunk after the timeout."""
        with translated(self._cluster):
            found = self._consumer.poll(
                timeout_ms=int(timeout_seconds * 1000), max_records=self._poll_records
            )
            return Chunk(
                {Partition(p.topic, p.partition): records for p, records in found.items()},
                {p: self._consumer.position(TopicPartition(*p)) for p in self._partitions},
            )

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _topic_ids(self) -> dict[str, str | None]:
        admin = KafkaAdminClient(**self._cluster.client_options(), bootstrap_timeout_ms=_REACHED_MS)
        try:
            described: list[dict[str, Any]] = admin.describe_topics(list(self._topics))
        finally:
            admin.close()
        ids: dict[str, str | None] = {}
        for topic in described:
            if topic["error_code"]:
                raise TopicMissingError(_missing(topic["name"]))
            topic_id = UUID(str(topic.get("topic_id") or _NO_ID))
            ids[topic["name"]] = None if topic_id == _NO_ID else str(topic_id)
        return ids

    def _bounds(self, topic: str) -> dict[Partition, tuple[int, int]]:
        numbers = self._consumer.partitions_for_topic(topic)
        if not numbers:
            raise TopicMissingError(_missing(topic))
        partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
        firsts = first_offsets(self._consumer, partitions)
        ends = end_offsets(self._consumer, partitions)
        return {Partition(topic, p.partition): (firsts[p], ends[p]) for p in partitions}


@contextmanager
def open_source(
    cluster: ClusterSettings,
    topics: Sequence[str],
    *,
    poll_records: int = POLL_RECORDS,
    gather_seconds: float | None = None,
) -> Iterator[PrefetchingSource]:
    """Open a source that polls ahead; it leaves the broker whatever happens."""
    source = KafkaSource(cluster, topics, poll_records=poll_records, gather_seconds=gather_seconds)
    ahead = PrefetchingSource(source)
    try:
        yield ahead
    finally:
        ahead.close()
        with suppress(KafkaTimeoutError):
            source.close()


@contextmanager
def translated(cluster: ClusterSettings) -> Iterator[None]:
    """Have what the client raises said in our words, with what to do."""
    try:
        yield
    except UnknownTopicOrPartitionError as error:
        raise TopicMissingError(_missing(str(error))) from error
    except (OffsetOutOfRangeError, NoOffsetForPartitionError) as error:
        raise OffsetsExpiredError(
            f"records were deleted from the topic before they were loaded: {error}. What was "
            "committed stays; load again to see which offsets are gone"
        ) from error
    except (KafkaConnectionError, KafkaTimeoutError) as error:
        raise BrokerUnreachableError(
            f"no Kafka answers at {cluster.bootstrap_servers}: start it (`omnichannel broker`) or "
            f"set KAFKA_BOOTSTRAP_SERVERS ({error})"
        ) from error


def _missing(topic: str) -> str:
    return f"there is no topic {topic}: make the topics with `omnichannel topics`, then load again"
