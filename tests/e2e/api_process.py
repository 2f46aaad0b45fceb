"""The API as a process of its own, as it is run: started, asked, killed and started again."""

import os
import signal
import socket
from http import HTTPStatus
from pathlib import Path
from typing import Self

import httpx2

from api.access.keys import Role
from api.command_line.api import api as serve
from streams.cluster import ClusterSettings
from tests.e2e.forked import ForkedProcess
from tests.e2e.harness import wait_until
from tests.keys import bearer, make_key
from tests.processes import pids_below


class ApiProcess:
    """An API with its own folder; the same port for as long as it lives, and after."""

    def __init__(self, cluster: ClusterSettings, folder: Path, **env: str) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._env = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
            "KAFKA_TOPIC_PREFIX": cluster.topic_prefix,
            "OMNICHANNEL_KEYS_FILE": str(folder / "keys.json"),
            "LIVE_VIEW_FOLDER": str(folder / "live"),
            "PICTURES_FOLDER": str(folder / "pictures"),
            "WAREHOUSE_FOLDER": str(folder / "warehouse"),
            "API_PORT": str(self.port),
            "API_LOG_FILE": str(folder / "api.log"),
            **env,
        }
        self._process: ForkedProcess | None = None

    def start(self, *, is_ready: bool = True) -> None:
        """Start the process; return once it says it is ready."""
        self._process = ForkedProcess(serve, self._env, self.folder / "api-output.txt")
        if is_ready:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Return once it says it is ready."""
        with httpx2.Client(base_url=self.url, trust_env=False) as client:

            def is_ready() -> bool:
                try:
                    return client.get("/health/ready").status_code == HTTPStatus.OK
                except httpx2.TransportError:
                    return False

            wait_until(is_ready, "the API is ready")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process, gently or not."""
        if self._process is not None and self._process.is_alive():
            self._process.send_signal(how)
            self._process.wait(40)

    def kill_view(self) -> None:
        """End the process that keeps the view: it alone, and not gently."""
        assert self._process is not None
        for pid in pids_below(self._process.pid):
            os.kill(pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def client(self, tenant: str = "acme", role: Role = "viewer") -> httpx2.Client:
        """Return a client with a key of the tenant."""
        token = make_key(self.folder / "keys.json", tenant, role)
        return httpx2.Client(base_url=self.url, headers=bearer(token), trust_env=False, timeout=20)
