"""The whole system as processes, for a browser to look at: worker, API, a loaded warehouse."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import msgspec
from kafka import KafkaProducer

from api.access.keys import Role
from pipelines.load import load_and_refresh
from pipelines.settings import AnalyticsSettings
from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.commands import Command
from streams.contracts.messages import Context, Message
from streams.contracts.wire import encode
from streams.enrichment.pictures import Pictures
from streams.topic_admin import ensure_topics
from streams.topics import full_name
from tests.builders import message
from tests.e2e.harness import WorkerProcess, running, wait_until, wait_until_processed
from tests.keys import bearer, make_key

TENANT = "acme"
OTHER_TENANT = "globex"
NEW_TENANT = "initech"  # nobody has written to it
TIME_ZONE = "America/Sao_Paulo"
CROWD = 60
_numbers = count(1)


@dataclass(frozen=True)
class Stack:
    """The running system, as a test sees it."""

    address: str
    cluster: ClusterSettings
    keys: dict[tuple[str, Role], str]
    pictures: Pictures
    producer: Any = field(repr=False)

    def say(self, sent: Message) -> None:
        """Have the broker hold a message."""
        topic = topics.MESSAGES_INBOUND if sent.direction == "inbound" else topics.MESSAGES_OUTBOUND
        name = full_name(topic, self.cluster.topic_prefix)
        self.producer.send(name, value=encode(sent)).get(timeout=30)

    def command(self, asked: Command) -> None:
        """Have the broker hold a command."""
        name = full_name(topics.CUSTOMER_COMMANDS, self.cluster.topic_prefix)
        self.producer.send(name, value=encode(asked)).get(timeout=30)

    def customers(self, search: str, tenant: str = TENANT) -> list[dict[str, Any]]:
        """Return who is found, over REST."""
        answer = httpx2.get(
            f"{self.address}/api/customers",
            params={"search": search},
            headers=bearer(self.keys[tenant, "viewer"]),
            trust_env=False,
        )
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def wait_for(self, search: str, number: int = 1) -> list[dict[str, Any]]:
        """Return who is found once they are so many."""
        wait_until(lambda: len(self.customers(search)) == number, f"{number} of {search}", 30)
        return self.customers(search)


def phone() -> str:
    """Return a number that nobody else in these tests has."""
    return f"551197{next(_numbers):07d}"


def written(
    name: str,
    *,
    person: str | None = None,
    at: datetime | None = None,
    tenant_id: str = TENANT,
    text: str = "Olá!",
    **more: Any,
) -> Message:
    """Return a message, of just now where nothing else is said, with an id of its own."""
    return message(
        f"b{next(_numbers)}",
        person=person or phone(),
        name=name,
        text=text,
        tenant_id=tenant_id,
        at=at or datetime.now(UTC),
        **more,
    )


def claimed(name: str, email: str) -> Message:
    """Return what a visitor of the web chat wrote, who says that this is their address."""
    said = written(
        name, person=f"visitor-{next(_numbers)}", channel_id="chat-1", channel_type="webchat"
    )
    return msgspec.structs.replace(said, context=Context(profile_name=name, email=email))


def history() -> Iterator[Message]:
    """Return what a crowd said in the last weeks, and what they were told."""
    now = datetime.now(UTC)
    channels = (("wa-1", "whatsapp"), ("sms-1", "sms"))
    for number in range(CROWD):
        person, (channel_id, channel_type) = phone(), channels[number % 2]
        for visit in range(1 + number % 3):
            at = now - timedelta(days=2 + number % 40, hours=5 * visit)
            for minutes, direction in ((0, "inbound"), (7, "outbound")):
                yield message(
                    f"h{next(_numbers)}",
                    person=person,
                    channel_id=channel_id,
                    channel_type=channel_type,
                    direction=direction,  # type: ignore[arg-type]
                    at=at + timedelta(minutes=minutes),
                    name=f"Crowd N{number:02d}",
                    tenant_id=TENANT,
                )


@contextmanager
def whole_system(cluster: ClusterSettings, folder: Path) -> Iterator[Stack]:
    """Run it for the length of the block."""
    ensure_topics(cluster)
    keys_file = folder / "keys.json"
    roles: tuple[Role, ...] = ("viewer", "agent", "admin")
    keys = {
        (tenant, role): make_key(keys_file, tenant, role, f"{role} of {tenant}")
        for tenant in (TENANT, OTHER_TENANT, NEW_TENANT)
        for role in roles
    }
    settings = AnalyticsSettings(
        warehouse_folder=folder / "warehouse", tenant_time_zones={TENANT: TIME_ZONE}
    )
    producer = KafkaProducer(**cluster.client_options(), acks="all", linger_ms=0)
    with (
        running(WorkerProcess(cluster, folder, "worker")),
        _api(cluster, folder, keys_file) as address,
    ):
        stack = Stack(address, cluster, keys, Pictures(folder / "pictures"), producer)
        for sent in history():
            stack.say(sent)
        stack.say(written("Greta Globex", tenant_id=OTHER_TENANT))
        wait_until_processed(cluster)
        load_and_refresh(cluster, settings, now=lambda: datetime.now(UTC))
        stack.wait_for("Crowd N00")
        try:
            yield stack
        finally:
            producer.close()


@contextmanager
def _api(cluster: ClusterSettings, folder: Path, keys_file: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with (folder / "api.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.command_line", "api"],
            env={
                **os.environ,
                "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
                "KAFKA_TOPIC_PREFIX": cluster.topic_prefix,
                "KAFKA_TOPIC_PARTITIONS": str(cluster.topic_partitions),
                "OMNICHANNEL_KEYS_FILE": str(keys_file),
                "PICTURES_FOLDER": str(folder / "pictures"),
                "LIVE_VIEW_FOLDER": str(folder / "live"),
                "WAREHOUSE_FOLDER": str(folder / "warehouse"),
                "TENANT_TIME_ZONES": f'{{"{TENANT}": "{TIME_ZONE}"}}',
                "API_PORT": str(port),
                "API_LOG_FILE": str(folder / "api.log"),
                "API_CALLS_PER_SECOND": "1000",
            },
            stdout=output,
            stderr=output,
        )

    def is_ready() -> bool:
        try:
            answer = httpx2.get(f"{address}/health/ready", trust_env=False)
        except httpx2.TransportError:
            return False
        return answer.status_code == HTTPStatus.OK

    try:
        wait_until(is_ready, "the API is ready")
        yield address
    finally:
        process.terminate()
        process.wait(30)
