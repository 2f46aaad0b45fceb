"""The main job, end to end: traffic in, the worker, the load, the warehouse, and the right answer.

Real brokers (Apache Kafka, and Tansu from pip), a real worker process, a real DuckDB file. The
demo compares the whole warehouse with what the traffic's maker knows, and fails where it differs.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from streams.cluster import ClusterSettings
from tests.e2e.harness import wait_until
from tests.keys import bearer
from warehouse import open_warehouse

COMMAND = [sys.executable, "-m", "api.command_line", "demo", "--people", "150", "--days", "20"]
SIGN_IN = re.compile(r"(http://127\.0\.0\.1:\d+)/sign-in#key=(omni_\S+)")


def environment(cluster: ClusterSettings, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
        "OMNICHANNEL_STATE_FOLDER": str(folder / "state"),
        "OMNICHANNEL_LOG_FILE": str(folder / "omnichannel.log"),
        "API_PORT": "0",
        "COLUMNS": "120",
    }


def run_demo(
    cluster: ClusterSettings, folder: Path, **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--headless"],
        env=environment(cluster, folder) | env,
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


@pytest.mark.kafka
def test_page_is_served_and_people_go_on_writing_until_it_is_told_to_stop(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    output = tmp_path / "output.txt"
    with output.open("wb") as file:
        demo = subprocess.Popen(
            COMMAND, env=environment(cluster, tmp_path), stdout=file, stderr=file
        )
    try:
        wait_until(lambda: SIGN_IN.search(output.read_text()) is not None, "the demo's address")
        found = SIGN_IN.search(output.read_text())
        assert found is not None
        url, token = found.groups()
        with httpx2.Client(base_url=url, headers=bearer(token), trust_env=False) as client:

            def latest() -> str:
                page = client.get("/api/customers", params={"limit": 1})
                return str(page.json()["items"][0]["metadata"]["lastSeenAt"])

            before = latest()
            wait_until(lambda: latest() != before, "somebody wrote", 30)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0, output.read_text()
    finally:
        demo.terminate()  # with what it started
        demo.wait(60)
    assert "Stopped." in output.read_text()
