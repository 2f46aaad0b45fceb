"""What the demo shows until it is told to stop: the page, and people who go on writing.

Runs the API beside the demo's worker, and keeps the warehouse's figures fresh for the dashboard.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import httpx2
import msgspec
from rich.console import Console

from api.access.key_file import KeyFile
from api.access.keys import new_key, with_key
from pipelines.errors import LoadError
from pipelines.load import load_and_refresh
from pipelines.settings import AnalyticsSettings
from streams.cluster import ClusterSettings
from streams.traffic import TrafficPlan
from streams.traffic.now import traffic_now
from streams.traffic.sender import send_all
from warehouse.errors import WarehouseError

RECORDS_A_SECOND = 2.0
REFRESH_SECONDS = 30.0
READY_SECONDS = 120.0
_USUAL_PORT = 8080


class ApiNotReadyError(RuntimeError):
    """The API did not start; the message says what to look at."""


def live(
    cluster: ClusterSettings,
    folder: Path,
    plan: TrafficPlan,
    settings: AnalyticsSettings,
    console: Console,
) -> None:
    """Serve the page and have people write, until interrupted. Raises ApiNotReadyError."""
    keys = KeyFile(folder / "keys.json")
    tokens = {tenant: _key_for(keys, tenant) for tenant in settings.tenant_time_zones}
    with _api(cluster, folder, settings) as url:
        _say_where(console, url, tokens)
        stop = threading.Event()
        refreshing = threading.Thread(
            target=_keep_fresh, args=(cluster, settings, stop), name="refresh", daemon=True
        )
        refreshing.start()
        try:
            with suppress(KeyboardInterrupt):
                send_all(
                    traffic_now(plan, lambda: datetime.now(UTC)),
                    cluster,
                    records_per_second=RECORDS_A_SECOND,
                )
        finally:
            stop.set()
            refreshing.join()
    console.print("Stopped. Everything of it can be looked at once more with `make demo`.")


def _key_for(keys: KeyFile, tenant: str) -> str:
    key, token = new_key(tenant=tenant, role="admin", name="demo", now=datetime.now(UTC))
    keys.change(lambda known: with_key(known, key))
    return token


def _say_where(console: Console, url: str, tokens: Mapping[str, str]) -> None:
    console.print("\nThe page, signed in; people go on writing, so watch it live:\n", style="bold")
    for tenant, token in tokens.items():
        # Behind the #, which browsers send to nobody: the key stands in no log.
        console.print(f"  {tenant:17} {url}/sign-in#key={token}", soft_wrap=True, highlight=False)
    some = next(iter(tokens.values()))
    console.print("\nOr ask the API:\n", style="bold")
    console.print(
        f"  curl -H 'Authorization: Bearer {some}' {url}/api/customers/stats",
        soft_wrap=True,
        highlight=False,
    )
    console.print("\nCtrl-C stops everything.", style="bold")


@contextmanager
def _api(cluster: ClusterSettings, folder: Path, settings: AnalyticsSettings) -> Iterator[str]:
    """Serve the API for the length of the block; give its address."""
    port = _free_port()
    log_file = folder / "api.log"
    env = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": cluster.topic_prefix,
        "OMNICHANNEL_KEYS_FILE": str(folder / "keys.json"),
        "LIVE_VIEW_FOLDER": str(folder / "live"),
        "WAREHOUSE_FOLDER": str(settings.warehouse_folder),
        "TENANT_TIME_ZONES": msgspec.json.encode(settings.tenant_time_zones).decode(),
        "API_HOST": "127.0.0.1",
        "API_PORT": str(port),
        "API_LOG_FILE": str(log_file),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "api.command_line", "api"],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is ours: it is ended below, after what it has in hand
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, process, log_file)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log_file: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with httpx2.Client(base_url=url, trust_env=False) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise ApiNotReadyError(f"the API stopped by itself; {log_file} says why")
            with suppress(httpx2.TransportError):
                if client.get("/health/ready").status_code == HTTPStatus.OK:
                    return
            time.sleep(0.1)
    raise ApiNotReadyError(
        f"the API is not ready after {READY_SECONDS:.0f} s; look into {log_file}"
    )


def _keep_fresh(
    cluster: ClusterSettings, settings: AnalyticsSettings, stop: threading.Event
) -> None:
    """Load and publish now and then, as Dagster does elsewhere."""
    while not stop.wait(REFRESH_SECONDS):
        with suppress(LoadError, WarehouseError):  # the log has it, and the next time comes
            load_and_refresh(cluster, settings, now=lambda: datetime.now(UTC))


def _free_port() -> int:
    """Return the usual port, or another one where somebody has it."""
    for port in (int(os.environ.get("API_PORT") or _USUAL_PORT), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise ApiNotReadyError("no port is free on this machine")
