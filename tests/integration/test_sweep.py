"""What Kafka holds of erased people goes, on a real broker: by records without a value."""

import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from pipelines.load import load_until_caught_up
from pipelines.sweep import SweepReport, sweep
from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.customers import ErasedIdentity
from streams.contracts.wire import Wire, encode
from streams.ends import end_offsets, first_offsets, read_between
from streams.topic_admin import ensure_topics
from tests.unit.pipelines.builders import START, answer, conversation, erasure, event, fact
from warehouse.connection import open_memory

NOW_MS = int((START + timedelta(days=1)).timestamp() * 1000)
HOUR_MS = 3_600_000
CHANGE = START + timedelta(hours=1)


@pytest.fixture
def ready(cluster: ClusterSettings) -> ClusterSettings:
    """Give the cluster with our topics."""
    ensure_topics(cluster)
    return cluster


def produce(
    cluster: ClusterSettings, topic: topics.TopicSpec, *records: tuple[str, Wire | bytes]
) -> None:
    """Have records whose timestamp is an hour and a half before NOW_MS."""
    producer: Any = KafkaProducer(**cluster.client_options())
    name = topics.full_name(topic, cluster.topic_prefix)
    for key, value in records:
        payload = encode(value) if isinstance(value, Wire) else value
        at_ms = NOW_MS - HOUR_MS * 3 // 2
        producer.send(name, key=key.encode(), value=payload, timestamp_ms=at_ms)
    producer.flush()
    producer.close()


def read(cluster: ClusterSettings, topic: topics.TopicSpec) -> list[Any]:
    """Return every record that the topic holds."""
    consumer: Any = KafkaConsumer(**cluster.client_options(), enable_auto_commit=False)
    name = topics.full_name(topic, cluster.topic_prefix)
    partitions = [TopicPartition(name, n) for n in range(cluster.topic_partitions)]
    ends, firsts = end_offsets(consumer, partitions), first_offsets(consumer, partitions)
    found = [r for _, records in read_between(consumer, firsts, ends) for r in records]
    consumer.close()
    return found


def left(cluster: ClusterSettings, topic: topics.TopicSpec) -> set[str]:
    """Return the keys whose last record has a value: what compaction leaves."""
    last = {record.key.decode(): record.value for record in read(cluster, topic)}
    return {key for key, value in last.items() if value is not None}


def swept(cluster: ClusterSettings, now_ms: int = NOW_MS) -> SweepReport:
    return sweep(cluster, now_ms=now_ms, settles_after_ms=HOUR_MS)


def produce_people(cluster: ClusterSettings) -> None:
    """Have A, whose number is B's from CHANGE on, and C; each with facts, events and a talk."""
    produce(
        cluster,
        topics.CUSTOMER_MESSAGES,
        ("a1", fact("a1", identity_id="a")),
        ("b1", fact("b1", identity_id="a", sent_at=CHANGE)),
        ("b2", fact("b2", identity_id="b", sent_at=CHANGE)),
        ("c1", fact("c1", identity_id="c", customer_id="a")),
        ("broken", b"{"),
    )
    produce(
        cluster,
        topics.CUSTOMER_EVENTS,
        ("a made", event("a made", customer_id="a", identity_id="a")),
        ("c made", event("c made", customer_id="c", identity_id="c")),
        ("a refused", answer("a refused", event_type="command.refused", customer_id="a")),
    )
    produce(
        cluster,
        topics.CONVERSATIONS,
        ("va", conversation("va", identity_id="a")),
        ("vc", conversation("vc", identity_id="c")),
    )


def test_only_what_is_about_the_erased_identities_of_their_time_goes(
    ready: ClusterSettings,
) -> None:
    produce_people(ready)
    assert swept(ready).read == 0
    a_until = ErasedIdentity(identity_id="a", until=CHANGE)
    produce(ready, topics.CUSTOMER_EVENTS, ("a erased", erasure(a_until, event_id="a erased")))
    report = swept(ready)
    assert (report.identities, report.unreadable) == (1, 1)
    assert Counter(report.removed) == Counter(
        {"customer-messages": 1, "customer-events": 2, "conversations": 1}
    )
    assert left(ready, topics.CUSTOMER_MESSAGES) == {"b1", "b2", "c1", "broken"}
    assert left(ready, topics.CUSTOMER_EVENTS) == {"c made", "a erased"}
    assert left(ready, topics.CONVERSATIONS) == {"vc"}
    again = swept(ready)
    assert (again.identities, again.read) == (0, 0)

    b_since = ErasedIdentity(identity_id="a", since=CHANGE)
    b_erased = erasure("b", b_since, event_id="b erased")
    produce(ready, topics.CUSTOMER_EVENTS, ("b erased", b_erased))
    assert swept(ready).removed["customer-messages"] == 2
    assert left(ready, topics.CUSTOMER_MESSAGES) == {"c1", "broken"}


def test_an_erasure_that_has_not_settled_waits_and_is_not_forgotten(
    ready: ClusterSettings,
) -> None:
    produce_people(ready)
    produce(ready, topics.CUSTOMER_EVENTS, ("erased", erasure("c")))
    assert swept(ready, NOW_MS - HOUR_MS).identities == 0
    assert "c1" in left(ready, topics.CUSTOMER_MESSAGES)
    assert swept(ready).identities == 1
    assert "c1" not in left(ready, topics.CUSTOMER_MESSAGES)


def test_a_sweep_that_died_before_its_end_is_done_again(ready: ClusterSettings) -> None:
    produce_people(ready)
    produce(ready, topics.CUSTOMER_EVENTS, ("erased", erasure("c")))

    def die(_read: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(ready, now_ms=NOW_MS, settles_after_ms=HOUR_MS, on_progress=die)
    assert swept(ready).identities == 1
    assert "c1" not in left(ready, topics.CUSTOMER_MESSAGES)


def test_a_warehouse_made_anew_after_a_sweep_knows_nothing_of_the_erased(
    ready: ClusterSettings,
) -> None:
    produce_people(ready)
    produce(ready, topics.CUSTOMER_EVENTS, ("erased", erasure("a")))
    swept(ready)
    with open_memory() as connection:
        report = load_until_caught_up(ready, connection)
        people = connection.execute(
            "select identity_id from raw.customer_messages union "
            "select identity_id from raw.customer_events where identity_id is not null union "
            "select identity_id from raw.conversations order by 1"
        ).fetchall()
    assert people == [("b",), ("c",)]
    assert sum(report.rejected.values()) == 1  # the broken record, not those without a value


QUICK = {
    "segment.ms": "1000",
    "max.compaction.lag.ms": "1000",
    "min.cleanable.dirty.ratio": "0",
    "delete.retention.ms": "0",
}
COMPACTED_SECONDS = 90


def test_what_a_sweep_removed_is_gone_from_the_log_once_it_is_compacted(
    ready: ClusterSettings,
) -> None:
    name = topics.full_name(topics.CUSTOMER_MESSAGES, ready.topic_prefix)
    admin: Any = KafkaAdminClient(**ready.client_options())
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, QUICK)])
    admin.close()
    produce_people(ready)
    produce(ready, topics.CUSTOMER_EVENTS, ("erased", erasure("c")))
    swept(ready)
    producer: Any = KafkaProducer(**ready.client_options())
    deadline = time.monotonic() + COMPACTED_SECONDS
    # A segment is closed, and then compacted, when a later record comes.
    while b"c1" in (held := {r.key for r in read(ready, topics.CUSTOMER_MESSAGES) if r.value}):
        assert time.monotonic() < deadline, "the log was not compacted"
        tick = encode(fact("tick", identity_id="t"))
        for partition in range(ready.topic_partitions):
            producer.send(name, key=b"tick", value=tick, partition=partition)
        producer.flush()
        threading.Event().wait(1)
    producer.close()
    assert {b"a1", b"b1"} <= held
