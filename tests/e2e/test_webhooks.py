"""A platform's webhook over HTTP: on Kafka before it is answered, and a customer a moment later, be
the broker there or away meanwhile.

Real: the API process, the broker, the worker, the warehouse. The platform is this test.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import httpx2
import pytest

from pipelines.load import load_until_caught_up
from streams.broker import local_broker
from streams.cluster import ClusterSettings
from streams.topic_admin import ensure_topics
from tests.conftest import JARS_FOLDER
from tests.e2e.harness import (
    WorkerProcess,
    answer_on,
    running,
    wait_until,
    wait_until_processed,
)
from tests.unit.channels.samples import samples
from warehouse.connection import open_memory

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
def api(cluster: ClusterSettings, folder: Path, **env: str) -> Iterator[httpx2.Client]:
    """Serve the API for the length of the block; `env` is set on top."""
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
            "LIVE_VIEW_FOLDER": str(folder / "live"),
            **env,
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


PEOPLE, MESSAGES = 40, 600
ACK_SECONDS = 2
AWAY_SECONDS = 3.0  # so that somebody has waited in vain
PATIENCE_SECONDS = 120.0


def update(number: int) -> bytes:
    """Return Telegram's update of one of the people."""
    person = 5_100_000_000 + number % PEOPLE
    about = {"id": person, "is_bot": False, "first_name": f"P{person}"}
    message = {
        "message_id": number,
        "from": about,
        "chat": {"id": person, "type": "private"},
        "date": 1_788_220_810 + number,
        "text": f"message {number}",
    }
    return json.dumps({"update_id": number, "message": message}).encode()


def deliver(client: httpx2.Client, number: int, refused: list[int]) -> None:
    """Deliver as platforms do: until it is taken."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        path = "/webhooks/telegram/acme/bot-1"
        try:
            answer = client.post(path, content=update(number), headers=SIGNED, timeout=30)
        except httpx2.TransportError:
            continue
        if answer.is_success:
            return
        assert answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR, answer.text
        refused.append(number)
        threading.Event().wait(0.2)
    raise AssertionError(f"update {number} was never taken")


def test_a_broker_that_goes_and_comes_back_under_load_loses_no_message(
    needs_kafka: None,  # noqa: ARG001
    tmp_path: Path,
) -> None:
    broker = local_broker(tmp_path / "broker", kind="kafka", say=print, jars_folder=JARS_FOLDER)
    cluster = ClusterSettings(bootstrap_servers=broker.start(), topic_partitions=2)
    try:
        ensure_topics(cluster)
        refused: list[int] = []
        worker = WorkerProcess(cluster, tmp_path, "one")
        with (
            running(worker),
            api(cluster, tmp_path, WEBHOOK_ACK_SECONDS=str(ACK_SECONDS)) as client,
            ThreadPoolExecutor(8) as platform,
        ):
            early = [platform.submit(deliver, client, n, refused) for n in range(MESSAGES // 3)]
            for delivered in early:
                delivered.result()
            assert not refused, "the broker was there"
            broker.stop()
            late = [
                platform.submit(deliver, client, n, refused) for n in range(MESSAGES // 3, MESSAGES)
            ]
            threading.Event().wait(AWAY_SECONDS)
            assert broker.start() == cluster.bootstrap_servers
            for delivered in late:
                delivered.result()
            assert refused, "the broker was away, and nobody noticed"
            if not worker.is_alive():  # as a supervisor does
                worker.start()
            wait_until_processed(cluster)
        with open_memory() as connection:
            load_until_caught_up(cluster, connection)
            people, messages = (
                connection.execute(f"select count(*) from raw.{table}").fetchall()[0][0]
                for table in ("customers", "customer_messages")
            )
        assert (people, messages) == (PEOPLE, MESSAGES)
    finally:
        broker.stop()
