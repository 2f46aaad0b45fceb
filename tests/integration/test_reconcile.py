"""The warehouse against a real log: what agrees, what waits, and what is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.load import load_until_caught_up
from pipelines.reconcile import reconcile
from streams.cluster import ClusterSettings
from streams.topic_admin import ensure_topics
from tests.integration.test_load_from_kafka import produce_people
from warehouse.connection import open_memory, open_writer

OMNICHANNEL = [sys.executable, "-m", "api.command_line"]


def test_warehouse_agrees_with_the_log_up_to_where_it_is_loaded(cluster: ClusterSettings) -> None:
    ensure_topics(cluster)
    produce_people(cluster, 40)
    with open_memory() as connection:
        load_until_caught_up(cluster, connection)
        found = reconcile(cluster, connection)
        assert found.agrees
        assert found.waiting == 0
        assert found.records_read == 80
        (acme,) = found.tenants
        assert (acme.stream.customers, acme.stream.identities) == (40, 40)

        produce_people(cluster, 5, start=40)  # 10 customers', 20 messages, 5 and 5
        later = reconcile(cluster, connection)
        assert later.agrees
        assert later.waiting == 40
        assert later.tenants == found.tenants

        connection.execute("delete from raw.customers where customer_id = 'c7'")
        assert [one.examples for one in reconcile(cluster, connection).tenants] == [("c7",)]


def test_command_says_that_they_agree_and_names_who_differs(
    cluster: ClusterSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", cluster.topic_prefix)
    monkeypatch.setenv("WAREHOUSE_FOLDER", str(tmp_path))
    ensure_topics(cluster)
    produce_people(cluster, 3)
    with open_writer(tmp_path / "warehouse.duckdb") as connection:
        load_until_caught_up(cluster, connection)

    good = _reconcile()
    with open_writer(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("update raw.customers set version = 1 where customer_id = 'c1'")
    bad = _reconcile()

    assert good.returncode == 0, good.stderr
    assert "The stream and the warehouse agree." in good.stdout
    assert bad.returncode == 1
    assert "acme: 1 customers differ: c1" in bad.stdout


def _reconcile() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*OMNICHANNEL, "reconcile"], capture_output=True, text=True, timeout=60, check=False
    )
