"""From a first message to a picture on the customer's record: a real Kafka, a real worker, and a
platform that is slow to be there.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient
from kafka import KafkaConsumer, TopicPartition

from api.app import create_api
from api.settings import ApiSettings
from streams import topics
from streams.channel_file import Channels, ChannelSettings, Enrichment
from streams.cluster import ClusterSettings
from streams.contracts.commands import EraseCustomer
from streams.contracts.customers import Customer
from streams.contracts.wire import encode
from streams.enrichment.agent import Enricher
from streams.enrichment.settings import EnrichmentSettings
from streams.topic_admin import ensure_topics
from tests.builders import message
from tests.e2e.harness import WorkerProcess, encoded, read, running, send
from tests.hard_cases.platforms import moment
from tests.keys import bearer, make_key
from tests.platform_server import PNG, Answer, platform

pytestmark = pytest.mark.kafka

PERSON = "+5511999998888"
DEADLINE_SECONDS = 60


def channels(url: str) -> Channels:
    settings = ChannelSettings(
        tenant="acme",
        id="wa-1",
        platform="evolution",
        enrichment=Enrichment(api_key="KEY", api_url=url, instance="main", calls_per_minute=6000),
    )
    return {("acme", "wa-1"): settings}


@asynccontextmanager
async def enriching(
    cluster: ClusterSettings, folder: Path, url: str, **options: Any
) -> AsyncIterator[None]:
    """Run the enrichment in this process for the length of the block."""
    settings = EnrichmentSettings(
        folder=folder / "enrichment", pictures_folder=folder / "pictures", **options
    )
    stop = asyncio.Event()
    running_task = asyncio.create_task(Enricher(settings, cluster, channels(url)).run(stop))
    try:
        yield
    finally:
        stop.set()
        await running_task


def customers(cluster: ClusterSettings) -> list[Customer]:
    newest: dict[bytes | None, bytes | None] = dict(read(cluster, topics.CUSTOMERS))
    return [msgspec.json.decode(value, type=Customer) for value in newest.values() if value]


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for what another thread or process does."""
    for _ in range(DEADLINE_SECONDS * 5):
        if await asyncio.to_thread(condition):
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"not within {DEADLINE_SECONDS} s: {what}")


def test_who_writes_has_a_picture_soon_and_an_erased_person_s_is_gone(
    cluster: ClusterSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="customers")
    ensure_topics(cluster)
    statuses = iter([503, 503, 503, 503])

    def route(path: str) -> Answer:
        if path == "/p.png":
            return Answer(PNG)
        return Answer({"profilePictureUrl": f"{known.url}/p.png"}, status=next(statuses, 200))

    def picture_url() -> str | None:
        found = customers(cluster)
        return found[0].metadata.profile_picture_url if found else None

    def pictures() -> list[str]:
        return [p.name for p in (tmp_path / "pictures").rglob("*.png")]

    async def run() -> None:
        async with enriching(cluster, tmp_path, known.url):
            values = encoded([message("m1", person=PERSON, name="Maria")])
            await asyncio.to_thread(send, cluster, topics.MESSAGES_INBOUND, [(b"k", values[0])])
            await until(lambda: len(known.calls) >= 3, "the platform was asked, and failed")
        # Ended and begun again: what waits is in the file. Its next try is made to be now.
        make_all_due(tmp_path / "enrichment" / "lookups.sqlite")
        async with enriching(cluster, tmp_path, known.url):
            await until(lambda: picture_url() is not None, "the customer has a picture")
            found = picture_url() or ""
            assert found == f"/pictures/{pictures()[0]}"
            keys = tmp_path / "keys.json"
            settings = ApiSettings(pictures_folder=tmp_path / "pictures", keys_file=keys)
            client = TestClient(create_api(settings, cluster))
            assert client.get(found).status_code == 401
            client.headers.update(bearer(make_key(keys)))
            answer = client.get(found)
            assert (answer.status_code, answer.content) == (200, PNG)
            assert answer.headers["content-type"] == "image/png"
            assert client.get("/pictures/../lookups.sqlite").status_code == 404
            assert client.get(f"/pictures/{'0' * 64}.png").status_code == 404

            (customer,) = customers(cluster)
            erase = EraseCustomer(
                id="k1",
                tenant_id="acme",
                issued_at=moment(days=300),
                issued_by="ana",
                customer_id=customer.id,
            )
            key = customer.id.encode()
            await asyncio.to_thread(send, cluster, topics.CUSTOMER_COMMANDS, [(key, encode(erase))])
            await until(lambda: not pictures(), "the erased person's picture is gone")

    with platform(route) as known, running(WorkerProcess(cluster, tmp_path, "one")):
        asyncio.run(run())
    assert any("Enriched customer profile with picture URL" in r.message for r in caplog.records)


def make_all_due(path: Path) -> None:
    with sqlite3.connect(path) as database:
        changed = database.execute("update lookups set due_at = 0 where due_at is not null")
        assert changed.rowcount == 1
    database.close()


def is_noted(cluster: ClusterSettings) -> bool:
    """Say whether the enrichment has committed an event."""
    group = f"{topics.group_name(cluster.topic_prefix)}-enrichment"
    name = topics.full_name(topics.CUSTOMER_EVENTS, cluster.topic_prefix)
    consumer: Any = KafkaConsumer(**cluster.client_options(), group_id=group)
    try:
        partitions = [TopicPartition(name, n) for n in range(cluster.topic_partitions)]
        return any(consumer.committed(partition) for partition in partitions)
    finally:
        consumer.close()


def test_switched_off_nobody_is_asked(cluster: ClusterSettings, tmp_path: Path) -> None:
    ensure_topics(cluster)

    async def run() -> None:
        async with enriching(cluster, tmp_path, known.url, whatsapp_pictures=False):
            values = encoded([message("m1", person=PERSON)])
            await asyncio.to_thread(send, cluster, topics.MESSAGES_INBOUND, [(b"k", values[0])])
            await until(lambda: is_noted(cluster), "the event was read, and its offset committed")

    with platform(lambda _: Answer({})) as known, running(WorkerProcess(cluster, tmp_path, "one")):
        asyncio.run(run())
    assert known.calls == []
