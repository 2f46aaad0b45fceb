"""The loader's source on real brokers: what it delivers, and what it does when one goes away."""

import asyncio
import gc
import logging
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import NewTopic

from pipelines.batch import Chunk, Partition
from pipelines.errors import BrokerUnreachableError, OffsetsExpiredError, TopicMissingError
from pipelines.kafka import KafkaSource, open_source
from streams.broker import local_broker
from streams.cluster import ClusterSettings
from tests.conftest import JARS_FOLDER

BOTH = [
    pytest.param("cluster", id="kafka"),
    pytest.param("tansu_cluster", id="tansu", marks=pytest.mark.pip_broker),
]


def made_topic(cluster: ClusterSettings, *, partitions: int = 1) -> str:
    """Have a topic under the cluster's prefix, which goes with it."""
    name = f"{cluster.topic_prefix}numbers"
    with KafkaAdminClient(**cluster.client_options()) as admin:
        admin.create_topics([NewTopic(name, partitions, 1)], wait_for_metadata=True)
    return name


def produce(cluster: ClusterSettings, topic: str, numbers: Iterable[int], **options: Any) -> None:
    """Have each number on the partition that its last digit says, in few batches."""

    async def send() -> None:
        async with AIOKafkaProducer(
            **cluster.client_options(), linger_ms=200, **options
        ) as producer:
            sent = [
                await producer.send(topic, value=str(n).encode(), partition=n % 10) for n in numbers
            ]
            await asyncio.gather(*sent)

    asyncio.run(send())


def chunks_until(
    source: KafkaSource, is_enough: Callable[[dict[Partition, int]], bool]
) -> list[Chunk]:
    """Poll until the offsets are enough."""
    deadline = time.monotonic() + 60
    offsets: dict[Partition, int] = {}
    chunks: list[Chunk] = []
    while not is_enough(offsets):
        assert time.monotonic() < deadline, offsets
        chunks.append(source.poll(0.1))
        offsets |= chunks[-1].next_offsets
    return chunks


def delivered(chunks: Iterable[Chunk], partition: Partition) -> list[tuple[int, bytes | None]]:
    return [(one.offset, one.value) for chunk in chunks for one in chunk.records.get(partition, ())]


@contextmanager
def nothing_left_behind(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail where a consumer, a connection or a coroutine was not closed or awaited."""
    with caplog.at_level(logging.ERROR, "asyncio"), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield
        gc.collect()
    said = [str(one.message) for one in warned]
    assert [one for one in said if not one.startswith("subprocess")] == []  # a broker's, stopped
    assert [one.message for one in caplog.records if one.name == "asyncio"] == []


@pytest.mark.parametrize("which", BOTH)
def test_records_come_in_order_from_where_they_were_asked_for_in_chunks_of_a_size(
    which: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    cluster = request.getfixturevalue(which)
    topic = made_topic(cluster, partitions=2)
    produce(cluster, topic, [10 * n + k for n in range(50) for k in range(2)])
    first, second = Partition(topic, 0), Partition(topic, 1)
    ends = {first: 50, second: 50}
    with nothing_left_behind(caplog), open_source(cluster, [topic], poll_records=7) as source:
        state = source.topics()[topic]
        assert state.bounds == {first: (0, 50), second: (0, 50)}
        source.start({first: 13, second: 0})
        chunks = chunks_until(source, lambda offsets: offsets == ends)
        assert delivered(chunks, first) == [(n, b"%d" % (10 * n)) for n in range(13, 50)]
        assert delivered(chunks, second) == [(n, b"%d" % (10 * n + 1)) for n in range(50)]
        assert max(sum(map(len, chunk.records.values())) for chunk in chunks) == 7
        assert source.poll(0.2) == Chunk({}, {})
        source.start({first: 49})
        again = chunks_until(source, lambda offsets: offsets == {first: 50})
        assert delivered(again, first) == [(49, b"490")]
        produce(cluster, topic, [500], compression_type="gzip")
        late = chunks_until(source, lambda offsets: offsets == {first: 51})
        assert delivered(late, first) == [(50, b"500")]


def test_offsets_go_past_what_a_transaction_took_back_without_a_record(
    cluster: ClusterSettings,
) -> None:
    topic = made_topic(cluster)

    async def take_back() -> None:
        async with AIOKafkaProducer(
            **cluster.client_options(), transactional_id=cluster.topic_prefix
        ) as producer:
            await producer.begin_transaction()
            await producer.send_and_wait(topic, value=b"never")
            await producer.abort_transaction()

    asyncio.run(take_back())
    only = Partition(topic, 0)
    with open_source(cluster, [topic]) as source:
        source.start({only: 0})
        chunks = chunks_until(source, lambda offsets: offsets == {only: 2})
    assert delivered(chunks, only) == []


def test_records_deleted_before_they_were_fetched_are_an_error_where_it_is_polled(
    cluster: ClusterSettings, caplog: pytest.LogCaptureFixture
) -> None:
    topic = made_topic(cluster)
    produce(cluster, topic, range(0, 90, 10))
    with KafkaAdminClient(**cluster.client_options()) as admin:
        admin.delete_records({TopicPartition(topic, 0): 5})
    with nothing_left_behind(caplog), open_source(cluster, [topic]) as source:
        source.start({Partition(topic, 0): 4})
        for _ in range(2):
            with pytest.raises(OffsetsExpiredError, match="load again to see which"):
                chunks_until(source, lambda _: False)


def test_a_topic_deleted_while_it_is_read_is_an_error_where_it_is_polled(
    cluster: ClusterSettings,
) -> None:
    topic = made_topic(cluster)
    with open_source(cluster, [topic]) as source:
        source.start({Partition(topic, 0): 0})
        assert source.poll(0.5) == Chunk({}, {})
        with KafkaAdminClient(**cluster.client_options()) as admin:
            admin.delete_topics([topic])
        with pytest.raises(TopicMissingError, match=topic):
            chunks_until(source, lambda _: False)


@pytest.mark.kafka
@pytest.mark.usefixtures("needs_kafka")
def test_a_broker_that_goes_away_and_comes_back_has_lost_nothing_and_holds_up_no_close(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = local_broker(tmp_path, kind="kafka", say=lambda _: None, jars_folder=JARS_FOLDER)
    cluster = ClusterSettings(bootstrap_servers=broker.start(), topic_prefix="test-")
    try:
        topic = made_topic(cluster)
        only = Partition(topic, 0)
        produce(cluster, topic, range(0, 30, 10))
        with nothing_left_behind(caplog), open_source(cluster, [topic]) as source:
            source.start({only: 0})
            before = chunks_until(source, lambda offsets: offsets == {only: 3})
            broker.stop()
            assert source.poll(1.0) == Chunk({}, {})
            broker.start()
            produce(cluster, topic, range(30, 60, 10))
            after = chunks_until(source, lambda offsets: offsets == {only: 6})
            assert [offset for offset, _ in delivered([*before, *after], only)] == list(range(6))
            broker.stop()
            assert source.poll(1.0) == Chunk({}, {})
            began = time.monotonic()
            source.close()
            assert time.monotonic() - began < 5
            with pytest.raises(BrokerUnreachableError, match=cluster.bootstrap_servers):
                source.start({only: 0})
    finally:
        broker.stop()
