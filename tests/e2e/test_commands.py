"""Customers changed over REST: real broker, worker and API process, which is killed on the way.

A caller does what callers do: whatever gets no answer is called again, with the same key.
"""

import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from pipelines.load import load_and_refresh
from pipelines.settings import AnalyticsSettings
from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.messages import Context
from streams.topic_admin import ensure_topics
from tests.builders import START, message
from tests.e2e.api_process import ApiProcess
from tests.e2e.harness import (
    WorkerProcess,
    encoded,
    read,
    running,
    send,
    wait_until,
    wait_until_processed,
)
from warehouse.checks import run_checks
from warehouse.connection import open_writer

pytestmark = pytest.mark.kafka

CSV = {"Content-Type": "text/csv"}


def say(cluster: ClusterSettings, *messages: Any) -> None:
    """Have people write."""
    send(cluster, topics.MESSAGES_INBOUND, [(b"k", value) for value in encoded(messages)])


def person(number: int) -> str:
    """Return a number of a person."""
    return f"55119{number:08}"


def customers(client: httpx2.Client) -> dict[str, dict[str, Any]]:
    """Return the customers by the ids that channels know them by."""
    items = client.get("/api/customers", params={"limit": 200}).json()["items"]
    return {identity["externalId"]: one for one in items for identity in one["identities"]}


def where(customer: Any, what: str = "") -> str:
    """Return a customer's address."""
    return f"/api/customers/{customer['id']}{what}"


def test_what_is_asked_is_done_and_shown_when_it_is_answered(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    say(cluster, *(message(f"m{n}", person=person(n), name=f"P{n}") for n in range(4)))
    visitor = message("v1", person="visitor-1", channel_id="web-1", channel_type="webchat")
    context = Context(phone=f"+{person(0)}")
    say(cluster, msgspec.structs.replace(visitor, context=context))
    with running(WorkerProcess(cluster, tmp_path, "one")):
        wait_until_processed(cluster)
        with (
            ApiProcess(cluster, tmp_path) as api,
            api.client(role="admin") as admin,
            api.client("umbrella", role="admin") as umbrella,
        ):
            found = customers(admin)
            one, two = found[person(1)], found[person(2)]

            changed = admin.patch(
                where(one),
                json={"displayName": "Maria", "addTags": ["vip"], "addEmail": "m@example.com"},
                headers={"If-Match": admin.get(where(one)).headers["etag"]},
            )
            assert changed.status_code == HTTPStatus.OK, changed.text
            assert changed.json() == admin.get(where(one)).json()
            assert (changed.json()["tags"], changed.json()["emails"]) == (
                ["vip"],
                ["m@example.com"],
            )
            assert umbrella.patch(where(one), json={"displayName": "x"}).status_code == 404

            merged = admin.post(where(one, "/merge"), json={"otherCustomerId": two["id"]})
            assert merged.status_code == HTTPStatus.OK, merged.text
            survivor = merged.json()
            gone = two if survivor["id"] == one["id"] else one
            assert admin.get(where(gone)).headers["location"] == where(survivor)
            taken = {"identities": [{"channelId": "wa-1", "externalId": person(2)}]}
            split = admin.post(where(survivor, "/split"), json=taken)
            assert split.status_code == HTTPStatus.OK, split.text
            (apart,) = split.json()["takenOut"]
            assert {apart, split.json()["customer"]["id"]} == {one["id"], two["id"]}
            assert admin.get(f"/api/customers/{apart}").status_code == HTTPStatus.OK

            (suggestion,) = admin.get("/api/suggestions?status=open").json()["items"]
            assert umbrella.get("/api/suggestions").json()["items"] == []
            confirmed = admin.post(f"/api/suggestions/{suggestion['id']}/confirm")
            assert (confirmed.status_code, confirmed.json()["status"]) == (200, "confirmed")

            erased = admin.post(where(found[person(3)], "/erase"))
            assert (erased.status_code, erased.json()["status"]) == (200, "applied")
            assert admin.get(where(found[person(3)])).status_code == HTTPStatus.NOT_FOUND


def test_who_is_brought_by_an_import_is_the_customer_of_their_first_message(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    say(cluster, message("m0", person=person(0)))
    with running(WorkerProcess(cluster, tmp_path, "one")):
        wait_until_processed(cluster)
        with ApiProcess(cluster, tmp_path) as api, api.client(role="admin") as admin:
            file = f"phone,name,plan\n+{person(0)},Known,gold\n+{person(9)},Brought,silver\n"
            looked = admin.post("/api/imports?dryRun=true", content=file.encode(), headers=CSV)
            assert [row["outcome"] for row in looked.json()["rows"]] == ["known", "new"]
            brought = admin.post("/api/imports", content=file.encode(), headers=CSV)
            assert brought.status_code == HTTPStatus.ACCEPTED, brought.text
            for row in brought.json()["rows"]:
                status = f"/api/commands/{row['commandId']}"
                wait_until(lambda: admin.get(status).json()["status"] == "applied", "imported")  # noqa: B023 - called at once
            wait_until(lambda: f"+{person(9)}" in customers(admin), "who was brought is shown")
            new = customers(admin)[f"+{person(9)}"]
            assert (new["displayName"], new["metadata"]["source"]) == ("Brought", "import")
            later = message("m9", person=person(9), at=START + timedelta(days=9))
            say(cluster, later)
            wait_until(lambda: person(9) in customers(admin), "they wrote")
            assert customers(admin)[person(9)]["id"] == new["id"]
    settings = AnalyticsSettings(warehouse_folder=tmp_path / "warehouse")
    load_and_refresh(cluster, settings, now=lambda: datetime.now(UTC))
    with open_writer(settings.warehouse_path) as connection:
        assert [one.check.name for one in run_checks(connection) if not one.holds] == []


def test_without_a_worker_a_change_waits_and_is_not_lost(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    say(cluster, message("m1", person=person(1)))
    worker = WorkerProcess(cluster, tmp_path, "one")
    with running(worker):
        wait_until_processed(cluster)
    with ApiProcess(cluster, tmp_path) as api, api.client(role="agent") as agent:
        (one,) = customers(agent).values()
        answer = agent.patch(where(one), json={"displayName": "Later"})
        assert answer.status_code == HTTPStatus.ACCEPTED, answer.text
        status = answer.headers["location"]
        assert agent.get(status).json()["status"] == "pending"
        with running(worker):
            wait_until(lambda: agent.get(status).json()["status"] == "applied", "it was done")
            shown = lambda: agent.get(where(one)).json()["displayName"] == "Later"  # noqa: E731
            wait_until(shown, "and shown")


PEOPLE, CHANGES = 4, 3
KILLED_AFTER = 3  # answers, each time


def test_an_api_that_is_killed_while_it_is_asked_loses_nothing_and_does_nothing_twice(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    say(cluster, *(message(f"m{n}", person=person(n)) for n in range(PEOPLE)))
    with running(WorkerProcess(cluster, tmp_path, "one")):
        wait_until_processed(cluster)
        with ApiProcess(cluster, tmp_path) as api, api.client(role="agent") as agent:
            ids = sorted(one["id"] for one in customers(agent).values())
            cut_off: list[int] = []
            answered = threading.Semaphore(0)

            def change_all(place: int) -> None:
                """Change one customer again and again, each time until it is said to be done."""
                for number in range(CHANGES):
                    key = {"Idempotency-Key": f"{place}-{number}"}
                    asked = {"displayName": f"N{number}", "addTags": [f"t{number}"]}
                    path = f"/api/customers/{ids[place]}"
                    while True:
                        try:
                            answer = agent.patch(path, json=asked, headers=key)
                        except httpx2.TransportError:
                            cut_off.append(place)
                            threading.Event().wait(0.2)
                            continue
                        if answer.status_code == HTTPStatus.OK:
                            answered.release()
                            break
                        assert answer.status_code in {202, 503}, answer.text
                        threading.Event().wait(0.2)

            with ThreadPoolExecutor(PEOPLE) as callers:
                asked = [callers.submit(change_all, place) for place in range(PEOPLE)]
                for _ in range(2):
                    assert all(answered.acquire(timeout=60) for _ in range(KILLED_AFTER))
                    api.stop(signal.SIGKILL)
                    api.start()
                for one in asked:
                    one.result()
            assert cut_off, "it was killed, and nobody noticed"
            for one_id in ids:
                customer = agent.get(f"/api/customers/{one_id}").json()
                assert customer["tags"] == [f"t{number}" for number in range(CHANGES)]
                assert customer["displayName"] == f"N{CHANGES - 1}"
    sent = Counter(
        msgspec.json.decode(value or b"")["id"]
        for _, value in read(cluster, topics.CUSTOMER_COMMANDS)
    )
    assert len(sent) == PEOPLE * CHANGES
