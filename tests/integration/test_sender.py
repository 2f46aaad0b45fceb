"""The sender against real Kafka: what it says is acknowledged is on the topics."""

import signal
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

import pytest
from kafka import KafkaConsumer, TopicPartition

from streams.cluster import ClusterSettings
from streams.topic_admin import ensure_topics
from streams.topics import MESSAGES_INBOUND, MESSAGES_OUTBOUND, full_name
from streams.traffic import Population, Traffic, TrafficPlan, TrafficRun
from streams.traffic.sender import SendingError, send_all

END = datetime(2026, 3, 4, 12, tzinfo=UTC)
SOURCES = (MESSAGES_INBOUND, MESSAGES_OUTBOUND)


class LineError(Exception):
    """What a source of records may raise."""


def _stored(cluster: ClusterSettings) -> Counter[tuple[bytes, bytes]]:
    """Return every (key, value) on the source topics."""
    partitions = [
        TopicPartition(full_name(topic, cluster.topic_prefix), number)
        for topic in SOURCES
        for number in range(cluster.topic_partitions)
    ]
    found: Counter[tuple[bytes, bytes]] = Counter()
    consumer = KafkaConsumer(**cluster.client_options(), auto_offset_reset="earliest")
    try:
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for records in consumer.poll(timeout_ms=500).values():
                found.update((record.key, record.value) for record in records)
    finally:
        consumer.close()
    return found


def test_every_record_handed_over_is_on_its_topic_when_it_returns(cluster: ClusterSettings) -> None:
    ensure_topics(cluster)
    run = TrafficRun(Population(TrafficPlan(people=1_500, end=END)))
    records = list(run)
    told: list[int] = []
    sent = send_all(records, cluster, on_sent=told.append)
    assert _stored(cluster) == Counter((record.key, record.value) for record in records)
    counted = Counter(full_name(record.topic, cluster.topic_prefix) for record in records)
    assert sent == counted
    assert told == sorted(told)
    assert told[-1] == run.truth().records


def test_an_interruption_sends_what_was_taken(cluster: ClusterSettings) -> None:
    ensure_topics(cluster)
    run = TrafficRun(Population(TrafficPlan(people=1_500, end=END)))

    def interrupted() -> Iterator[Traffic]:
        for number, record in enumerate(run):
            if number == 700:
                signal.raise_signal(signal.SIGINT)
            yield record

    with pytest.raises(KeyboardInterrupt):
        send_all(interrupted(), cluster)
    assert 700 < run.truth().records <= 10_000  # it stopped at the end of the chunk
    assert _stored(cluster).total() == run.truth().records


def test_an_error_in_the_records_comes_after_what_went_before(cluster: ClusterSettings) -> None:
    ensure_topics(cluster)
    run = TrafficRun(Population(TrafficPlan(people=20, end=END)))

    def failing() -> Iterator[Traffic]:
        yield from islice(run, 30)
        raise LineError

    with pytest.raises(LineError):
        send_all(failing(), cluster)
    assert _stored(cluster).total() == 30


def test_no_broker_is_a_sentence_with_the_remedy() -> None:
    with pytest.raises(SendingError, match="KAFKA_BOOTSTRAP_SERVERS"):
        send_all([], ClusterSettings(bootstrap_servers="127.0.0.1:1"))
