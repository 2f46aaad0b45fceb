"""Messages a second through one worker process, beside stock Faust doing the same two hops.

From the canonical topic to the acknowledged customer record and message fact: normalise,
interactions, identity node in RocksDB with its changelog, records. Both read a topic filled
before; the clock runs from the first operation sent to the last fact on the broker.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer, TopicPartition

from bench.claims import kafka, print_circumstances, print_claim
from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.messages import Channel, Content, Context, Message
from streams.contracts.wire import encode
from streams.engine.batches import OutRecord
from streams.engine.producer import BulkProducer
from streams.topic_admin import delete_topics, ensure_topics

FLOOR = 8.0  # times stock Faust
ROUNDS = 3
OURS_MESSAGES, STOCK_MESSAGES = 200_000, 10_000
MESSAGES_A_PERSON = 10
GIVEN_UP_AFTER_SECONDS = 300
START = datetime(2026, 10, 1, tzinfo=UTC)


def messages(count: int) -> list[bytes]:
    """Return messages of many people in time order, ten of each, names and all."""
    people = count // MESSAGES_A_PERSON
    return [
        encode(
            Message(
                tenant_id="acme",
                channel=Channel(id="wa-1", type="whatsapp"),
                message_id=f"wamid.{n}",
                direction="inbound",
                from_=f"55119{n * 7919 % people:08d}",
                to="551133334444",
                timestamp=(START + timedelta(seconds=n)).isoformat(),
                context=Context(profile_name="Maria da Silva"),
                content=Content(type="text", text="Hello, is my order on its way?"),
            )
        )
        for n in range(count)
    ]


async def fill(cluster: ClusterSettings, count: int) -> None:
    """Have the messages on the canonical topic."""
    producer = AIOKafkaProducer(**cluster.client_options(), acks="all", max_batch_size=512 * 1024)
    await producer.start()
    topic = topics.full_name(topics.MESSAGES_INBOUND, cluster.topic_prefix)
    try:
        await BulkProducer(producer).send(
            OutRecord(topic, b"%d" % n, value) for n, value in enumerate(messages(count))
        )
    finally:
        await producer.stop()


class Ends:
    """How many records stand on a topic."""

    def __init__(self, cluster: ClusterSettings) -> None:
        self._cluster = cluster
        self._consumer: Any = KafkaConsumer(**cluster.client_options())

    def count(self, topic: topics.TopicSpec) -> int:
        """Return the records of the topic."""
        name = topics.full_name(topic, self._cluster.topic_prefix)
        partitions = [TopicPartition(name, p) for p in range(self._cluster.topic_partitions)]
        return sum(self._consumer.end_offsets(partitions).values())

    def wait_for(self, topic: topics.TopicSpec, count: int) -> float:
        """Return when the topic had that many records."""
        deadline = time.monotonic() + GIVEN_UP_AFTER_SECONDS
        while self.count(topic) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{topic.name} did not reach {count} records")
            time.sleep(0.05)
        return time.monotonic()


def rate(bootstrap_servers: str, program: list[str], count: int) -> float:
    """Return the messages a second of a fresh process over a topic filled before."""
    cluster = ClusterSettings(
        bootstrap_servers=bootstrap_servers, topic_prefix=f"bench-{uuid4().hex[:8]}-"
    )
    ensure_topics(cluster)
    asyncio.run(fill(cluster, count))
    ends = Ends(cluster)
    with tempfile.TemporaryDirectory() as folder:
        env = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
            "KAFKA_TOPIC_PREFIX": cluster.topic_prefix,
            "OMNICHANNEL_STATE_FOLDER": folder,
            "OMNICHANNEL_LOG_FILE": f"{folder}/worker.log",
        }
        process = subprocess.Popen(
            [sys.executable, *program, *([] if "streams" in program else [f"{folder}/stock"])],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            started = ends.wait_for(topics.INTERACTIONS, 1)
            ended = ends.wait_for(topics.CUSTOMER_MESSAGES, count)
        finally:
            process.terminate()
            process.wait(60)
    people = count // MESSAGES_A_PERSON
    if ends.count(topics.CUSTOMER_EVENTS) != people:
        raise AssertionError("not every person is exactly one customer")
    delete_topics(cluster)
    return count / (ended - started)


def main() -> None:
    """Measure both in turn, print each round and the claim."""
    print_circumstances("faust-streaming", "aiokafka", "rocksdict", "msgspec")
    ours: list[float] = []
    stock: list[float] = []
    with kafka() as bootstrap_servers:
        for number in range(1, ROUNDS + 1):
            stock.append(rate(bootstrap_servers, ["-m", "bench.stock_faust"], STOCK_MESSAGES))
            ours.append(rate(bootstrap_servers, ["-m", "streams"], OURS_MESSAGES))
            print(
                f"round {number}: stock Faust {stock[-1]:,.0f} messages/s, "
                f"omnichannel {ours[-1]:,.0f} messages/s"
            )
    median = statistics.median(ours)
    print(f"median: stock {statistics.median(stock):,.0f}, omnichannel {median:,.0f} messages/s")
    print_claim(
        "worker_times_stock_faust", value=median / statistics.median(stock), unit="x", floor=FLOOR
    )


if __name__ == "__main__":
    main()
