"""The main job, end to end: traffic in, the worker, the load, the warehouse, and the right answer.

Real brokers (Apache Kafka, and Tansu from pip), a real worker process, a real DuckDB file. The
demo compares the whole warehouse with what the traffic's maker knows, and fails where it differs.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.cluster import ClusterSettings
from warehouse import open_warehouse

COMMAND = [sys.executable, "-m", "api.command_line", "demo", "--people", "150", "--days", "20"]


def run_demo(
    cluster: ClusterSettings, folder: Path, **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        COMMAND,
        env={
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
            "OMNICHANNEL_STATE_FOLDER": str(folder / "state"),
            "OMNICHANNEL_LOG_FILE": str(folder / "omnichannel.log"),
            "COLUMNS": "120",
            **env,
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.parametrize(
    "broker",
    [
        pytest.param("cluster", marks=pytest.mark.kafka),
        pytest.param("tansu_cluster", marks=pytest.mark.pip_broker),
    ],
)
def test_the_warehouse_says_what_the_traffics_maker_knows(
    broker: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    result = run_demo(request.getfixturevalue(broker), tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "The warehouse is right" in result.stdout
    assert "Customers by channel" in result.stdout
    with open_warehouse(tmp_path / "state/demo/warehouse/analytics.duckdb") as warehouse:
        totals = warehouse.customer_stats()["total_customers"]
    log = (tmp_path / "omnichannel.log").read_text()
    assert log.count("[CustomersService] Auto-created customer") == totals.sum()
    assert "tenantId=" in log


@pytest.mark.kafka
def test_with_analytics_off_customers_are_made_and_nothing_is_loaded(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    result = run_demo(cluster, tmp_path, CUSTOMER_ANALYTICS_ENABLED="false")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "loads none" in result.stdout
    assert not (tmp_path / "state/demo/warehouse").exists()
