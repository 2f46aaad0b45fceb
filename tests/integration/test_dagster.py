"""The whole job against a real Kafka and a real DuckDB file, in this process."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from kafka import KafkaProducer

from dagster_project.checks import CHECKS
from dagster_project.definitions import defs
from dagster_project.lag import backlog
from streams.cluster import ClusterSettings
from streams.contracts.wire import Wire, encode
from streams.topic_admin import ensure_topics
from tests.unit.dagster_project.world import RECORDS
from tests.unit.pipelines.builders import customer
from warehouse import open_warehouse
from warehouse.connection import open_writer

JOB = defs.resolve_job_def("load_and_refresh")
ROWS = {
    "customers": 2,
    "customer_identities": 2,
    "conversations": 2,
    "messages": 2,
    "channels": 1,
    "customer_stats": 1,
    "dead_letters": 1,
}


@pytest.fixture
def environment(
    cluster: ClusterSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ClusterSettings:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", cluster.topic_prefix)
    monkeypatch.setenv("WAREHOUSE_FOLDER", str(tmp_path))
    return cluster


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def _produce(cluster: ClusterSettings, records: Mapping[str, list[tuple[str, Wire]]]) -> None:
    producer = KafkaProducer(**cluster.client_options())
    for topic, rows in records.items():
        for key, value in rows:
            name = f"{cluster.topic_prefix}{topic}"
            producer.send(name, key=key.encode(), value=encode(value))
    producer.flush()
    producer.close()


def _told(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    return {
        event.asset_key.to_user_string(): {
            name: value.records if isinstance(value, dg.TableMetadataValue) else value.value
            for name, value in event.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }


def _published() -> dict[str, list[tuple[Any, ...]]]:
    """Return every published row, but for the instant of the figures."""
    with open_warehouse() as published:
        tables = {name: f"from {name} order by all" for name in ROWS}
        tables["customer_stats"] = "select * exclude (as_of) from customer_stats"
        return {name: published.connection.execute(q).fetchall() for name, q in tables.items()}


def test_job_brings_records_from_kafka_to_the_published_copy(
    environment: ClusterSettings, instance: dg.DagsterInstance
) -> None:
    ensure_topics(environment)
    _produce(environment, RECORDS)

    result = JOB.execute_in_process(instance=instance)

    assert {name: len(rows) for name, rows in _published().items()} == ROWS
    assert {one.check_name for one in result.get_asset_check_evaluations() if one.passed} == set(
        CHECKS
    )
    told = _told(result)
    assert told["raw/customers"]["records_read"] == 2
    assert told["raw/customers"]["lag_at_start"] == 2
    assert told["raw/customers"]["dagster/row_count"] == 2
    offsets = told["raw/customers"]["offsets"]
    assert sum(int(str(row.data["to"])) for row in offsets) == 2
    assert told["analytics"]["size_bytes"] > 0


def test_running_again_changes_nothing(
    environment: ClusterSettings, instance: dg.DagsterInstance
) -> None:
    ensure_topics(environment)
    _produce(environment, RECORDS)
    JOB.execute_in_process(instance=instance)
    before = _published()

    told = _told(JOB.execute_in_process(instance=instance))

    assert _published() == before
    assert told["raw/customers"]["records_read"] == 0
    assert told["raw/customers"]["lag_at_start"] == 0


def test_next_run_takes_only_what_is_new(
    environment: ClusterSettings, instance: dg.DagsterInstance
) -> None:
    ensure_topics(environment)
    _produce(environment, RECORDS)
    JOB.execute_in_process(instance=instance)
    _produce(environment, {"customers": [("c2", customer("c2", version=2, name="Bia"))]})

    told = _told(JOB.execute_in_process(instance=instance))

    assert told["raw/customers"]["records_read"] == 1
    with open_warehouse() as published:
        assert sorted(published.customers()["display_name"]) == ["Ana", "Bia"]


def test_missing_topics_fail_at_once_and_say_what_to_do(
    environment: ClusterSettings,  # noqa: ARG001
    instance: dg.DagsterInstance,
) -> None:
    result = JOB.execute_in_process(instance=instance, raise_on_error=False)

    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "omnichannel topics" in str(failure.step_failure_data.error)
    assert not [event for event in result.all_events if event.is_step_up_for_retry]


def test_daily_reconciliation_compares_the_stream_with_what_was_loaded(
    environment: ClusterSettings, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    ensure_topics(environment)
    _produce(environment, RECORDS)
    JOB.execute_in_process(instance=instance)

    def answer() -> dg.AssetCheckEvaluation:
        job = defs.resolve_job_def("reconcile")
        (found,) = job.execute_in_process(instance=instance).get_asset_check_evaluations()
        return found

    good = answer()
    with open_writer(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("update raw.customers set tenant_id = 'x' where customer_id = 'c2'")
    bad = answer()

    assert good.passed
    assert good.metadata["records_read"].value == 2
    assert not bad.passed
    tenants = bad.metadata["tenants"]
    assert isinstance(tenants, dg.TableMetadataValue)
    assert [row.data["examples"] for row in tenants.records] == ["c2", ""]


def test_backlog_asks_for_a_load_ahead_of_the_schedule(
    environment: ClusterSettings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAD_BACKLOG_RECORDS", "3")
    ensure_topics(environment)

    def tick() -> object:
        return backlog(dg.build_sensor_context(instance=instance))

    unloaded = tick()
    JOB.execute_in_process(instance=instance)
    quiet = tick()
    _produce(environment, RECORDS)
    busy = tick()

    assert isinstance(unloaded, dg.SkipReason)
    assert "run `omnichannel load" in str(unloaded.skip_message)
    assert isinstance(quiet, dg.SkipReason)
    assert "0 records wait" in str(quiet.skip_message)
    assert isinstance(busy, dg.RunRequest)
    waiting = sum(map(len, RECORDS.values()))
    assert busy.tags["omnichannel/backlog"] == str(waiting)
