"""Customers over REST as they happen: real broker, worker and API process.

The API is killed while it catches up and while it is live; nothing is lost, and nothing is told of
another tenant.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from streams import topics
from streams.cluster import ClusterSettings
from streams.topic_admin import ensure_topics
from tests.builders import message
from tests.e2e.api_process import ApiProcess
from tests.e2e.harness import (
    WorkerProcess,
    answer_on,
    encoded,
    running,
    send,
    wait_until,
    wait_until_processed,
)

pytestmark = pytest.mark.kafka


def say(
    cluster: ClusterSettings, *numbers: int, tenant: str = "acme", name: str = "Person"
) -> None:
    """Have people write once."""
    values = encoded(
        message(
            message_id=f"{name} {number}",
            tenant_id=tenant,
            person=f"55119{number:08}",
            name=f"{name} {number}",
        )
        for number in numbers
    )
    send(cluster, topics.MESSAGES_INBOUND, [(b"k", value) for value in values])


def all_customers(client: httpx2.Client, **query: Any) -> list[dict[str, Any]]:
    """Return every customer, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.get("/api/customers", params=query | ({"cursor": cursor} if cursor else {}))
        assert page.status_code == HTTPStatus.OK, page.text
        found += page.json()["items"]
        if (cursor := page.json()["next"]) is None:
            return found


@contextmanager
def events(client: httpx2.Client, last_id: str = "", **query: str) -> Iterator["Events"]:
    """Follow the events for the length of the block."""
    with client.stream(
        "GET", "/api/events", params=query, headers={"Last-Event-ID": last_id} if last_id else {}
    ) as answer:
        assert answer.status_code == HTTPStatus.OK
        heard = Events(answer)
        heard.thread.start()
        heard.wait_for("ready")
        yield heard


class Events:
    """What was heard, with the time."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._answer = answer
        self.heard: list[tuple[str, str, float]] = []
        self.last_id = ""
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the records of a kind."""
        return [msgspec.json.decode(data) for name, data, _ in self.heard if name == kind]

    def wait_for(self, kind: str, count: int = 1) -> None:
        """Return once so many of a kind were heard."""
        wait_until(lambda: len(self.of(kind)) >= count, f"{count} events: {kind}", 20)

    def _listen(self) -> None:
        name = data = ""
        try:
            for line in self._answer.iter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data = value
                elif field == "id":
                    self.last_id = value
                elif not line and name:
                    self.heard.append((name, data, time.monotonic()))
                    name = ""
        except httpx2.HTTPError:
            return


def _has_items(client: httpx2.Client, path: str) -> bool:
    """Say whether a list has anything."""
    return bool(client.get(path).json()["items"])


def test_customers_are_there_a_moment_after_they_wrote_and_no_other_tenants(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    say(cluster, *range(30))
    say(cluster, *range(5), tenant="umbrella", name="Stranger")
    with running(WorkerProcess(cluster, tmp_path, "one")):
        wait_until_processed(cluster)
        with ApiProcess(cluster, tmp_path) as api, api.client() as acme:
            told = msgspec.json.decode(msgspec.json.encode(answer_on(cluster).customers))
            ours = {key: one for key, one in told.items() if one["tenantId"] == "acme"}
            listed = all_customers(acme, limit=7)
            assert {one["id"] for one in listed} == set(ours)
            assert all(
                {k: v for k, v in one.items() if k != "version"} == ours[one["id"]]
                for one in listed
            )
            assert len(all_customers(acme, search="(11) 90000-0007", limit=3)) == 1
            assert acme.get("/api/customers/stats").json()["totalCustomers"] == 30

            with events(acme, kinds="customer") as heard:
                began = time.monotonic()
                say(cluster, 777, name="Novidade")
                say(cluster, 778, tenant="umbrella", name="Stranger")
                heard.wait_for("customer")
                assert (
                    time.monotonic() - began < 5
                )  # a bound for a busy machine; bench/api.py measures
                (new,) = heard.of("customer")
            assert new["displayName"] == "Novidade 777"
            one = acme.get(f"/api/customers/{new['id']}")
            assert one.headers["etag"] == f'"{one.json()["version"]}"'
            # What belongs to it is of other topics, and may come with the next batch.
            theirs = f"/api/customers/{new['id']}"
            for path in ("/messages", "/conversations", "/events"):
                address = theirs + path
                wait_until(partial(_has_items, acme, address), f"there is something at {address}")
            (said,) = acme.get(f"/api/customers/{new['id']}/messages").json()["items"]
            assert said["messageId"] == "Novidade 777"
            (talk,) = acme.get(f"/api/customers/{new['id']}/conversations").json()["items"]
            assert talk["id"] == said["conversationId"]
            happened = acme.get(f"/api/customers/{new['id']}/events").json()["items"]
            assert [one["type"] for one in happened] == ["customer.created"]
            (channel,) = acme.get("/api/channels").json()["items"]
            assert (channel["customers"], channel["messagesIn"]) == (31, 31)

            with api.client("umbrella") as umbrella:
                wait_until(lambda: len(all_customers(umbrella)) == 6, "the stranger is there")
                for path in ("", "/messages", "/conversations", "/events"):
                    crossed = umbrella.get(f"/api/customers/{new['id']}{path}")
                    assert crossed.status_code == HTTPStatus.NOT_FOUND


def test_killed_while_it_catches_up_and_while_it_is_live_it_shows_everything_again(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    say(cluster, *range(400))
    api = ApiProcess(cluster, tmp_path)
    with running(WorkerProcess(cluster, tmp_path, "one")), api.client() as acme:
        wait_until_processed(cluster)
        for _ in range(3):
            api.start(is_ready=False)
            wait_until(lambda: any((tmp_path / "live").rglob("made")), "it began to catch up")
            api.stop(signal.SIGKILL)
        api.start()
        assert len(all_customers(acme, limit=200)) == 400
        api.kill_view()
        wait_until(lambda: acme.get("/health/ready").status_code != HTTPStatus.OK, "it is missed")
        api.wait_until_ready()
        assert len(all_customers(acme, limit=200)) == 400

        with events(acme) as heard:
            last_id = heard.last_id
            api.stop(signal.SIGKILL)
        say(cluster, *range(400, 420))
        wait_until_processed(cluster)
        api.start()
        assert len(all_customers(acme, limit=200)) == 420
        with events(acme, last_id, kinds="customer") as heard:  # what was missed is told first
            assert {one["displayName"] for one in heard.of("customer")} == {
                f"Person {number}" for number in range(400, 420)
            }
        api.stop()
        assert "Traceback" not in (tmp_path / "api-output.txt").read_text()
