"""A platform's webhook over HTTP: on Kafka before it is answered, and a customer a moment later.

Real: the API process, the broker, the worker. The platform is this test.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import httpx2
import pytest

from streams.cluster import ClusterSettings
from streams.topic_admin import ensure_topics
from tests.e2e.harness import (
    WorkerProcess,
    answer_on,
    running,
    wait_until,
    wait_until_processed,
)
from tests.unit.channels.samples import samples

pytestmark = pytest.mark.kafka

CHANNELS = """
[[channels]]
tenant = "acme"
id = "bot-1"
platform = "telegram"
secrets = ["env:BOT_SECRET"]
"""
SIGNED = {"x-telegram-bot-api-secret-token": "s3cret-token"}


@contextmanager
def api(cluster: ClusterSettings, folder: Path) -> Iterator[httpx2.Client]:
    """Serve the API for the length of the block."""
    channels = folder / "channels.toml"
    channels.write_text(CHANNELS)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "api.command_line", "api"],
        env={
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
            "KAFKA_TOPIC_PREFIX": cluster.topic_prefix,
            "OMNICHANNEL_CHANNELS_FILE": str(channels),
            "BOT_SECRET": SIGNED["x-telegram-bot-api-secret-token"],
            "API_PORT": str(port),
            "API_LOG_FILE": str(folder / "api.log"),
        },
    )
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:

        def is_ready() -> bool:
            try:
                return client.get("/health/ready").status_code == HTTPStatus.OK
            except httpx2.TransportError:
                return False

        try:
            wait_until(is_ready, "the API is ready")
            yield client
        finally:
            process.terminate()
            process.wait(30)


def test_a_signed_webhook_is_a_customer_and_an_unsigned_one_is_nothing(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    bodies = {sample.path: sample.body() for sample in samples("telegram")}
    path = "/webhooks/telegram/acme/bot-1"
    with running(WorkerProcess(cluster, tmp_path, "one")), api(cluster, tmp_path) as client:
        unsigned = client.post(path, content=bodies["telegram/user_id_52_bits.json"])
        assert unsigned.status_code == HTTPStatus.UNAUTHORIZED
        for name in ("text_private", "contact_own", "text_private"):  # the last one again
            taken = client.post(path, content=bodies[f"telegram/{name}.json"], headers=SIGNED)
            assert taken.status_code == HTTPStatus.OK
        wait_until_processed(cluster)
    answer = answer_on(cluster)
    (customer,) = answer.customers.values()
    assert (customer["displayName"], len(customer["phones"])) == ("Amelia Hart", 1)
    assert len(answer.messages) == 2
    assert SIGNED["x-telegram-bot-api-secret-token"] not in (tmp_path / "api.log").read_text()
