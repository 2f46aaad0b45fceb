"""From a real Kafka into a real DuckDB file: exactly once, whatever dies on the way."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from pipelines import kafka
from pipelines.batch import BatchLimits, Partition
from pipelines.duckdb_sink import STEPS
from pipelines.errors import (
    BrokerUnreachableError,
    OffsetsExpiredError,
    TopicMissingError,
    TopicRecreatedError,
)
from pipelines.load import (
    AnalyticsOff,
    LoadAndRefreshReport,
    load_and_refresh,
    load_until_caught_up,
    load_until_stopped,
)
from pipelines.settings import AnalyticsSettings
from pipelines.sink import LoadedBatch
from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.wire import Wire, encode
from streams.topic_admin import ensure_topics
from tests.e2e.forked import ForkedProcess
from tests.integration import loader_main
from tests.unit.pipelines.builders import (
    START,
    conversation,
    customer,
    dead_letter,
    erasure,
    event,
    fact,
    identity,
    policy,
    suggestion,
)
from warehouse import open_warehouse
from warehouse.checks import run_checks
from warehouse.connection import open_memory, open_writer

KILLED = -signal.SIGKILL


@pytest.fixture
def ready(cluster: ClusterSettings) -> ClusterSettings:
    """Give the cluster with our topics."""
    ensure_topics(cluster)
    return cluster


def produce(
    cluster: ClusterSettings,
    topic: topics.TopicSpec,
    records: Iterable[tuple[str, Wire | bytes | None]],
) -> None:
    producer: Any = KafkaProducer(**cluster.client_options())
    for key, value in records:
        payload = encode(value) if isinstance(value, Wire) else value
        producer.send(
            topics.full_name(topic, cluster.topic_prefix), key=key.encode(), value=payload
        )
    producer.flush()
    producer.close()


def produce_people(cluster: ClusterSettings, count: int, *, start: int = 0) -> None:
    """Have people, each with a conversation, three messages, one of them twice, and an event."""
    people = [f"c{n}" for n in range(start, start + count)]
    numbers = {one: f"+55119{one[1:]:0>8}" for one in people}
    produce(
        cluster,
        topics.CUSTOMERS,
        (
            (one, customer(one, version=v, identities=(identity(numbers[one]),)))
            for v in (1, 2)
            for one in people
        ),
    )
    produce(
        cluster,
        topics.CUSTOMER_MESSAGES,
        (
            (f"{one}/{n}", fact(f"{one}-m{n % 3}", external_id=numbers[one], customer_id=one))
            for n in range(4)
            for one in people
        ),
    )
    produce(
        cluster,
        topics.CONVERSATIONS,
        (
            (f"v{one}", conversation(f"v{one}", customer_id=one, external_id=numbers[one]))
            for one in people
        ),
    )
    produce(
        cluster,
        topics.CUSTOMER_EVENTS,
        ((f"e{one}", event(f"e{one}", customer_id=one)) for one in people),
    )


def counts(connection: Any) -> dict[str, int]:
    names = (
        *("customers", "conversations", "customer_events", "customer_messages"),
        *("link_suggestions", "policies", "dead_letters"),
    )
    return {
        name: connection.execute(f"select count(*) from raw.{name}").fetchall()[0][0]
        for name in names
    }


@contextmanager
def administration(cluster: ClusterSettings) -> Iterator[Any]:
    admin: Any = KafkaAdminClient(**cluster.client_options())
    try:
        yield admin
    finally:
        admin.close()


def test_a_load_has_every_topic_and_the_next_one_only_what_is_new(ready: ClusterSettings) -> None:
    produce_people(ready, 20)
    produce(ready, topics.DEAD_LETTERS, [("messages.inbound/0", dead_letter())])
    produce(ready, topics.LINK_SUGGESTIONS, [("s1", suggestion("s1")), ("s2", suggestion("s2"))])
    produce(ready, topics.POLICIES, [("_salt", b'{"fingerprint": "0"}'), ("acme", policy())])
    batches: list[LoadedBatch] = []
    with open_memory() as connection:
        first = load_until_caught_up(
            ready, connection, on_batch=batches.append, limits=BatchLimits(rows=30)
        )
        assert counts(connection) == {
            "customers": 20,
            "conversations": 20,
            "customer_events": 20,
            "customer_messages": 60,
            "link_suggestions": 2,
            "policies": 1,
            "dead_letters": 1,
        }
        assert sum(first.read.values()) == first.lag_at_start == 165
        assert first.batches == len(batches)
        assert sum(end - start for start, end in first.offsets.values()) == 165
        nothing = load_until_caught_up(ready, connection)
        assert (nothing.read, nothing.batches, nothing.lag_at_start) == ({}, 0, 0)
        produce(ready, topics.CUSTOMERS, [("c0", None), ("c1", b"{")])
        produce(ready, topics.CUSTOMER_EVENTS, [("gone", erasure("c0"))])
        produce(ready, topics.LINK_SUGGESTIONS, [("s1", None)])
        second = load_until_caught_up(ready, connection)
        assert sum(second.rejected.values()) == 1
        assert counts(connection)["customers"] == 19
        assert counts(connection)["customer_messages"] == 57
        assert counts(connection)["link_suggestions"] == 1


def test_the_whole_way_to_the_published_copy(ready: ClusterSettings, tmp_path: Path) -> None:
    produce_people(ready, 5)
    settings = AnalyticsSettings(warehouse_folder=tmp_path)
    report = load_and_refresh(ready, settings, now=lambda: START)
    assert isinstance(report, LoadAndRefreshReport)
    assert report.refresh.rows["customers"] == 5
    with open_warehouse(settings.published_path) as warehouse:
        assert warehouse.channels()["messages_in"].tolist() == [15]
        assert warehouse.customer_stats()["active_customers_this_week"].tolist() == [5]
    with open_writer(settings.warehouse_path) as connection:
        assert [one.check.name for one in run_checks(connection) if not one.holds] == []


def test_with_analytics_off_nothing_is_read_and_nothing_written(tmp_path: Path) -> None:
    settings = AnalyticsSettings(customer_analytics_enabled=False, warehouse_folder=tmp_path)
    nowhere = ClusterSettings(bootstrap_servers="127.0.0.1:1")
    report = load_and_refresh(nowhere, settings, now=lambda: datetime.now(UTC))
    assert report == AnalyticsOff()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("time", [1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_a_loader_killed_at_any_step_loses_and_doubles_nothing(
    ready: ClusterSettings, tmp_path: Path, step: str, time: int
) -> None:
    produce_people(ready, 50)
    path = tmp_path / "w.duckdb"
    loader = ForkedProcess(
        partial(loader_main.load, ready, path, step, time), os.environ, tmp_path / "output.txt"
    )
    assert loader.wait(60) == KILLED
    with open_writer(path) as connection:
        committed = connection.execute("select count(*) from raw.ingest_offsets").fetchall()[0][0]
        assert (committed > 0) == (time > 1 or step == "committed")
        load_until_caught_up(ready, connection, limits=BatchLimits(rows=100))
        assert counts(connection) == {
            "customers": 50,
            "conversations": 50,
            "customer_events": 50,
            "customer_messages": 150,
            "link_suggestions": 0,
            "policies": 0,
            "dead_letters": 0,
        }
        ends = connection.execute("select sum(next_offset) from raw.ingest_offsets").fetchall()
        assert ends == [(50 * 8,)]


def test_a_continuous_load_takes_what_comes_until_it_is_stopped(ready: ClusterSettings) -> None:
    produce_people(ready, 3)
    stop, loaded = threading.Event(), threading.Event()
    with open_memory() as connection:

        def note(batch: LoadedBatch) -> None:
            if sum(batch.next_offsets.values()) == 48:
                loaded.set()

        thread = threading.Thread(
            target=load_until_stopped,
            args=(ready, connection),
            kwargs={"stop": stop, "on_batch": note, "limits": BatchLimits(age_seconds=0.2)},
        )
        thread.start()
        produce_people(ready, 3, start=3)
        assert loaded.wait(30)
        stop.set()
        thread.join(10)
        assert counts(connection)["customers"] == 6


def test_aborted_records_are_not_loaded_and_markers_hold_nothing_up(
    ready: ClusterSettings,
) -> None:
    name = topics.full_name(topics.CUSTOMER_MESSAGES, ready.topic_prefix)

    async def transactions() -> None:
        producer: Any = AIOKafkaProducer(
            **ready.client_options(), transactional_id=ready.topic_prefix
        )
        await producer.start()
        for number, keep in enumerate((True, False)):
            await producer.begin_transaction()
            value = encode(fact(f"m{number}"))
            await producer.send_and_wait(name, key=b"k", value=value)
            await (producer.commit_transaction() if keep else producer.abort_transaction())
        await producer.stop()

    asyncio.run(transactions())
    with open_memory() as connection:
        report = load_until_caught_up(ready, connection)
        assert counts(connection)["customer_messages"] == 1
        assert sum(report.read.values()) == 1
        assert report.lag_at_start == 4
        assert load_until_caught_up(ready, connection).lag_at_start == 0


def test_a_topic_made_anew_stops_the_load_and_changes_nothing(ready: ClusterSettings) -> None:
    produce_people(ready, 3)
    name = topics.full_name(topics.CUSTOMERS, ready.topic_prefix)
    with open_memory() as connection, administration(ready) as admin:
        load_until_caught_up(ready, connection)
        admin.delete_topics([name])
        _wait_until(lambda: name not in admin.list_topics())
        admin.create_topics([NewTopic(name, ready.topic_partitions, 1)])
        admin.wait_for_topics([name])
        produce_people(ready, 9)
        with pytest.raises(TopicRecreatedError, match="deleted and made anew"):
            load_until_caught_up(ready, connection)
        assert counts(connection)["customers"] == 3
        assert counts(connection)["customer_messages"] == 9


def test_expired_records_stop_the_load_and_say_how_many_are_gone(ready: ClusterSettings) -> None:
    def produce_letters(numbers: range) -> None:
        letters = ((f"{n}", dead_letter(n)) for n in numbers)
        produce(ready, topics.DEAD_LETTERS, letters)

    produce_letters(range(9))
    name = topics.full_name(topics.DEAD_LETTERS, ready.topic_prefix)
    with open_memory() as connection, administration(ready) as admin:
        report = load_until_caught_up(ready, connection)
        ends = {p: end for p, (_, end) in report.offsets.items() if p.topic == name}
        produce_letters(range(9, 60))
        cut = {TopicPartition(*p): end + 1 for p, end in ends.items()}
        admin.delete_records(cut)
        with pytest.raises(OffsetsExpiredError, match="1 offsets are gone"):
            load_until_caught_up(ready, connection)
        assert counts(connection)["dead_letters"] == 9


def test_new_partitions_are_loaded_from_their_beginning(ready: ClusterSettings) -> None:
    produce_people(ready, 3)
    name = topics.full_name(topics.CUSTOMER_MESSAGES, ready.topic_prefix)
    with open_memory() as connection, administration(ready) as admin:
        load_until_caught_up(ready, connection)
        admin.create_partitions({name: ready.topic_partitions + 2})
        added = Partition(name, ready.topic_partitions + 1)
        _produce_to(ready, added)
        report = load_until_caught_up(ready, connection)
        assert report.offsets[added] == (0, 1)
        assert counts(connection)["customer_messages"] == 10


def test_without_topics_the_load_says_how_to_make_them(cluster: ClusterSettings) -> None:
    with open_memory() as connection, pytest.raises(TopicMissingError, match="omnichannel topics"):
        load_until_caught_up(cluster, connection)


def test_without_a_broker_the_load_says_where_it_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "_REACHED_SECONDS", 0.5)  # there never will be one
    nowhere = ClusterSettings(bootstrap_servers="127.0.0.1:1")
    with (
        open_memory() as connection,
        pytest.raises(BrokerUnreachableError, match=r"127\.0\.0\.1:1"),
    ):
        load_until_caught_up(nowhere, connection)


def _produce_to(cluster: ClusterSettings, partition: Partition) -> None:
    producer: Any = KafkaProducer(**cluster.client_options())
    value = encode(fact("in-the-new-partition"))
    _wait_until(lambda: partition.number in producer.partitions_for(partition.topic))
    producer.send(partition.topic, key=b"k", value=value, partition=partition.number)
    producer.flush()
    producer.close()


def _wait_until(is_so: Any) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)
