"""The source made real, without a consumer group: kafka-python asks, aiokafka fetches.

Offsets live in the warehouse, beside the rows; Kafka is told nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from typing import Any, Final
from uuid import UUID

import aiokafka
import kafka
from aiokafka import errors as fetching
from anyio.from_thread import start_blocking_portal
from kafka import errors as asking

from pipelines.batch import Chunk, Partition
from pipelines.errors import BrokerUnreachableError, OffsetsExpiredError, TopicMissingError
from pipelines.sink import TopicState
from streams.cluster import ClusterSettings
from streams.ends import end_offsets, first_offsets

POLL_RECORDS: Final = 50_000
# As Kafka's own default: an answer as soon as there is a record, or after this.
_FETCH_SECONDS: Final = 0.5
_REACHED_SECONDS: Final = 10.0
_FETCH_BYTES: Final = 64 * 1024 * 1024
_PARTITION_FETCH_BYTES: Final = 8 * 1024 * 1024
_GATHERED_BYTES: Final = 1024 * 1024
# How long an offset that moved without a record waits to be told, as one behind an aborted record.
_LOOK_MS: Final = 100
# While no broker answers aiokafka logs three lines each time that it tries again.
_AGAIN_MS: Final = 500


def consumer_options(
    cluster: ClusterSettings, *, gather_seconds: float | None = None
) -> dict[str, Any]:
    """Return how we consume, whichever the client: without a group, and never past an offset that
    is lost.

    `gather_seconds`: have the broker wait so long for more records before it answers, unless there
    are many. Around the records an answer is Python's work: one with ten takes about as long as one
    with a single record.
    """
    return cluster.client_options() | {
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "isolation_level": "read_committed",
        "fetch_min_bytes": _GATHERED_BYTES if gather_seconds else 1,
        "fetch_max_wait_ms": int((gather_seconds or _FETCH_SECONDS) * 1000),
        "fetch_max_bytes": _FETCH_BYTES,
        "max_partition_fetch_bytes": _PARTITION_FETCH_BYTES,
    }


def reached_in_time() -> dict[str, int]:
    """Return how long kafka-python's clients look for a broker."""
    return {"bootstrap_timeout_ms": int(_REACHED_SECONDS * 1000)}


# What a broker says that is older than topic ids (Kafka 2.8).
_NO_ID: Final = UUID(int=0)


def topic_states(cluster: ClusterSettings, topics: Sequence[str]) -> dict[str, TopicState]:
    """Return every topic as the broker has it now; the ends are looked up in the order given."""
    with translated(cluster):
        ids = _topic_ids(cluster, topics)
        consumer = kafka.KafkaConsumer(**consumer_options(cluster), **reached_in_time())
        try:
            return {topic: TopicState(ids[topic], _bounds(consumer, topic)) for topic in topics}
        finally:
            with suppress(asking.KafkaTimeoutError):
                consumer.close()


def _topic_ids(cluster: ClusterSettings, topics: Sequence[str]) -> dict[str, str | None]:
    with closing(kafka.KafkaAdminClient(**cluster.client_options(), **reached_in_time())) as admin:
        described: list[dict[str, Any]] = admin.describe_topics(list(topics))
    ids: dict[str, str | None] = {}
    for topic in described:
        if topic["error_code"]:
            raise TopicMissingError(_missing(topic["name"]))
        topic_id = UUID(str(topic.get("topic_id") or _NO_ID))
        ids[topic["name"]] = None if topic_id == _NO_ID else str(topic_id)
    return ids


def _bounds(consumer: Any, topic: str) -> dict[Partition, tuple[int, int]]:
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise TopicMissingError(_missing(topic))
    partitions = [kafka.TopicPartition(topic, number) for number in sorted(numbers)]
    firsts = first_offsets(consumer, partitions)
    ends = end_offsets(consumer, partitions)
    return {Partition(topic, p.partition): (firsts[p], ends[p]) for p in partitions}


class KafkaSource:
    """Reads assigned partitions, a poll ahead of who asks: in a thread of its own, while DuckDB,
    which lets go of the interpreter, writes. One chunk waits at most, and behind it one answer of
    each broker's, as it came: memory stays bounded.
    """

    def __init__(
        self,
        cluster: ClusterSettings,
        topics: Sequence[str],
        *,
        poll_records: int = POLL_RECORDS,
        gather_seconds: float | None = None,
    ) -> None:
        self._cluster = cluster
        self._topics = tuple(topics)
        self._poll_records = min(poll_records, POLL_RECORDS)
        self._gather_seconds = gather_seconds
        self._opened = ExitStack()
        self._ahead: Future[Chunk] = Future()

    def topics(self) -> dict[str, TopicState]:
        """Return every topic as the broker has it now."""
        return topic_states(self._cluster, self._topics)

    def start(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions, each from this offset; what was fetched ahead is forgotten."""
        self.close()
        options = consumer_options(self._cluster, gather_seconds=self._gather_seconds)
        with translated(self._cluster), ExitStack() as opened:
            self._portal = opened.enter_context(start_blocking_portal(name="fetching"))
            self._consumer = opened.enter_context(
                self._portal.wrap_async_context_manager(_consuming(options, offsets))
            )
            self._opened = opened.pop_all()
        self._next_offsets = dict(offsets)
        self._ahead = self._portal.start_task_soon(self._next_chunk)

    def poll(self, timeout_seconds: float) -> Chunk:
        """Return what has come, in the order of offsets; an empty chunk after the timeout. Raises
        what fetching raised.
        """
        if not wait([self._ahead], timeout_seconds).done:
            return Chunk({}, {})
        with translated(self._cluster):
            chunk = self._ahead.result()
        self._ahead = self._portal.start_task_soon(self._next_chunk)
        return chunk

    def close(self) -> None:
        """Leave the broker; there is nothing more to poll until the next start."""
        self._ahead.cancel()
        self._ahead = Future()
        self._opened.close()

    async def _next_chunk(self) -> Chunk:
        """Return the next records, or how far offsets moved without one."""
        while True:
            found = await self._consumer.getmany(
                timeout_ms=_LOOK_MS, max_records=self._poll_records
            )
            next_offsets = {
                partition: await self._consumer.position(aiokafka.TopicPartition(*partition))
                for partition in self._next_offsets
            }
            if next_offsets != self._next_offsets:
                self._next_offsets = next_offsets
                records = {Partition(p.topic, p.partition): came for p, came in found.items()}
                return Chunk(records, next_offsets)
            # Of a topic that is gone aiokafka asks without a pause, and says so each time.
            for topic in {partition.topic for partition in next_offsets}:
                if self._consumer.partitions_for_topic(topic) is None:
                    raise TopicMissingError(_missing(topic))


@asynccontextmanager
async def _consuming(
    options: Mapping[str, Any], offsets: Mapping[Partition, int]
) -> AsyncIterator[Any]:
    """Give a consumer of these partitions, each from this offset."""
    consumer = aiokafka.AIOKafkaConsumer(**options, retry_backoff_ms=_AGAIN_MS)
    try:
        consumer.assign([aiokafka.TopicPartition(*partition) for partition in offsets])
        async with asyncio.timeout(_REACHED_SECONDS):
            await consumer.start()
        for partition, offset in offsets.items():
            consumer.seek(aiokafka.TopicPartition(*partition), offset)
        yield consumer
    finally:
        # A fetch that waits to be tried again is cancelled there, and aiokafka 0.14 passes that on.
        with suppress(asyncio.CancelledError):
            await consumer.stop()


@contextmanager
def open_source(
    cluster: ClusterSettings,
    topics: Sequence[str],
    *,
    poll_records: int = POLL_RECORDS,
    gather_seconds: float | None = None,
) -> Iterator[KafkaSource]:
    """Open a source; it leaves the broker whatever happens."""
    with closing(
        KafkaSource(cluster, topics, poll_records=poll_records, gather_seconds=gather_seconds)
    ) as source:
        yield source


@contextmanager
def translated(cluster: ClusterSettings) -> Iterator[None]:
    """Have what the clients raise said in our words, with what to do."""
    try:
        yield
    except _UNKNOWN as error:
        raise TopicMissingError(_missing(str(error))) from error
    except _OUT_OF_RANGE as error:
        raise OffsetsExpiredError(
            f"records were deleted from the topic before they were loaded: {error}. What was "
            "committed stays; load again to see which offsets are gone"
        ) from error
    except _UNREACHABLE as error:
        raise BrokerUnreachableError(
            f"no Kafka answers at {cluster.bootstrap_servers}: start it (`omnichannel broker`) or "
            f"set KAFKA_BOOTSTRAP_SERVERS ({error})"
        ) from error


_UNKNOWN: Final = (asking.UnknownTopicOrPartitionError, fetching.UnknownTopicOrPartitionError)
_OUT_OF_RANGE: Final = (
    *(asking.OffsetOutOfRangeError, asking.NoOffsetForPartitionError),
    *(fetching.OffsetOutOfRangeError, fetching.NoOffsetForPartitionError),
)
_UNREACHABLE: Final = (
    *(asking.KafkaConnectionError, asking.KafkaTimeoutError),
    *(fetching.KafkaConnectionError, fetching.KafkaTimeoutError, TimeoutError),
)


def _missing(topic: str) -> str:
    return f"there is no topic {topic}: make the topics with `omnichannel topics`, then load again"
