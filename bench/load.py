"""Records a second from Kafka into DuckDB, beside a bare consumer of the same topics.

End to end: consume, parse, deduplicate, commit rows with offsets, checkpoint; every round loads
into a new file. The bare consumer is the client that the loader fetches with, with the same
options; they take turns.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.claims import kafka, print_circumstances, told_claim
from pipelines.kafka import POLL_RECORDS, consumer_options
from pipelines.load import load_until_caught_up
from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.customers import Customer, CustomerIdentity, CustomerMetadata
from streams.contracts.messages import MessageFact
from streams.contracts.wire import encode
from streams.engine.batches import OutRecord
from streams.engine.producer import BulkProducer
from streams.topic_admin import delete_topics, ensure_topics
from warehouse.connection import open_writer

RATE_FLOOR = 50_000.0  # records a second, as asked for
RATIO_FLOOR = 0.25  # of the bare consumer's rate, which has both cores to itself
ROUNDS = 5
FACTS = 500_000
FACTS_A_PERSON = 10
RECORDS_A_PERSON = 2  # the customer as first seen, and as last seen
START = datetime(2026, 10, 1, tzinfo=UTC)


def person_of(n: int) -> tuple[str, str]:
    """Return the n-th person's customer id and number."""
    return str(UUID(int=n * 0x9E3779B97F4A7C15 % 2**128)), f"+55119{n:08d}"


def facts(prefix: str) -> Iterator[OutRecord]:
    """Yield message facts of many people in time order."""
    topic = topics.full_name(topics.CUSTOMER_MESSAGES, prefix)
    for n in range(FACTS):
        customer_id, number = person_of(n * 7919 % (FACTS // FACTS_A_PERSON))
        fact = MessageFact(
            tenant_id="acme",
            channel_id="wa-1",
            channel_type="whatsapp",
            message_id=f"wamid.HBgNNTUxMTk4ODg4ODg4OBUCABEYEj{n:012d}",
            direction="outbound" if n % 5 == 0 else "inbound",
            external_id=number,
            identity_key=f"phone:{number}",
            identity_id=customer_id,
            customer_id=customer_id,
            conversation_id=str(UUID(int=n)),
            sent_at=START + timedelta(seconds=n),
            received_at=START + timedelta(seconds=n, milliseconds=312),
            content_type="text",
            text="Olá, o meu pedido já saiu para entrega? Número 12345",
        )
        key = f"{fact.identity_id}/{fact.message_id}"
        yield OutRecord(topic, key.encode(), encode(fact), customer_id.encode())


def customers(prefix: str) -> Iterator[OutRecord]:
    """Yield every person's customer record, in each of its versions."""
    topic = topics.full_name(topics.CUSTOMERS, prefix)
    for version in range(1, RECORDS_A_PERSON + 1):
        for n in range(FACTS // FACTS_A_PERSON):
            customer_id, number = person_of(n)
            seen_at = START + timedelta(seconds=n * version)
            customer = Customer(
                id=customer_id,
                tenant_id="acme",
                display_name=f"Maria da Silva {n}",
                identities=(
                    CustomerIdentity(
                        channel_id="wa-1",
                        channel_type="whatsapp",
                        external_id=number,
                        identity_key=f"phone:{number}",
                        identity_id=customer_id,
                        first_seen_at=START,
                        last_seen_at=seen_at,
                        last_inbound_at=seen_at,
                    ),
                ),
                metadata=CustomerMetadata(
                    source="auto_created",
                    channel="wa-1",
                    first_contact_at=START,
                    original_external_id=number,
                    last_seen_at=seen_at,
                ),
                phones=(number,),
                emails=(),
                tags=(),
                custom_attributes={},
                status="active",
                merged_ids=(),
                merged_into=None,
                created_at=START,
                updated_at=seen_at,
                version=version,
            )
            yield OutRecord(topic, customer_id.encode(), encode(customer))


async def fill(cluster: ClusterSettings) -> None:
    """Have facts and customers on their topics."""
    producer = AIOKafkaProducer(**cluster.client_options(), acks="all", max_batch_size=512 * 1024)
    await producer.start()
    try:
        bulk = BulkProducer(producer)
        await bulk.send(facts(cluster.topic_prefix))
        await bulk.send(customers(cluster.topic_prefix))
    finally:
        await producer.stop()


async def bare_rate(cluster: ClusterSettings) -> float:
    """Return the records a second that the client delivers and nobody uses."""
    started = time.perf_counter()
    async with AIOKafkaConsumer(**consumer_options(cluster)) as consumer:
        partitions = [
            TopicPartition(topics.full_name(topic, cluster.topic_prefix), number)
            for topic in (topics.CUSTOMER_MESSAGES, topics.CUSTOMERS)
            for number in range(cluster.topic_partitions)
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        wanted = sum((await consumer.end_offsets(partitions)).values())
        read = 0
        while read < wanted:
            found = await consumer.getmany(timeout_ms=1000, max_records=POLL_RECORDS)
            read += sum(map(len, found.values()))
    return read / (time.perf_counter() - started)


def load_rate(cluster: ClusterSettings) -> tuple[float, float]:
    """Return the records a second that end as committed rows in a new file, and the processor's
    seconds for 100,000 of them.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        open_writer(Path(folder) / "warehouse.duckdb") as connection,
    ):
        worked = time.process_time()
        report = load_until_caught_up(cluster, connection)
        worked = time.process_time() - worked
        rows = connection.execute("select count(*) from raw.customer_messages").fetchall()
    if rows != [(FACTS,)]:
        raise AssertionError(f"{rows} rows of {FACTS}: a rate without the rows is worth nothing")
    read = sum(report.read.values())
    return read / report.seconds, 100_000 * worked / read


def main() -> None:
    """Measure both in turn, print each round and the claim."""
    print_circumstances("aiokafka", "duckdb", "pyarrow")
    bare: list[float] = []
    loads: list[float] = []
    with kafka() as bootstrap_servers:
        cluster = ClusterSettings(
            bootstrap_servers=bootstrap_servers, topic_prefix=f"bench-{uuid4().hex[:8]}-"
        )
        ensure_topics(cluster)
        try:
            asyncio.run(fill(cluster))
            for number in range(1, ROUNDS + 1):
                bare.append(asyncio.run(bare_rate(cluster)))
                rate, worked = load_rate(cluster)
                loads.append(rate)
                print(
                    f"round {number}: bare consumer {bare[-1]:,.0f} records/s, "
                    f"load {rate:,.0f} records/s, {worked:.2f} s of the processor for 100,000"
                )
        finally:
            delete_topics(cluster)
    print(
        f"median: bare consumer {statistics.median(bare):,.0f} records/s, "
        f"load {statistics.median(loads):,.0f} records/s"
    )
    kept = (
        told_claim(
            "load_records_per_second",
            value=statistics.median(loads),
            unit="records/s",
            floor=RATE_FLOOR,
        ),
        told_claim(
            "load_to_bare_consumer_ratio",
            value=statistics.median(
                ours / theirs for ours, theirs in zip(loads, bare, strict=True)
            ),
            unit="ratio",
            floor=RATIO_FLOOR,
        ),
    )
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
