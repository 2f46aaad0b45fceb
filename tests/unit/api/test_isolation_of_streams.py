"""What one tenant is streamed has nothing of another's, whatever the call carries of theirs.

Real: the application, the live view's files and its SQL, what it tells listeners. Not real: Kafka.
A stream has no end: each is read until it has told of a batch, or for so long.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import pytest

from api.live_view.changes import position_text
from api.live_view.derived import KINDS, Change
from tests.unit.api.commands.office import JOAO, MARIA, Office
from tests.unit.api.live_view.fed import FedView, fed_view

DEADLINE_SECONDS: Final = 10.0
TENANTS: Final = ("acme", "umbrella")
KINDS_TOLD: Final = (None, *KINDS.values())


@dataclass
class Both:
    """Two tenants of one deployment, with people of the same numbers, and all that was told."""

    office: Office
    fed: FedView
    told: list[Change] = field(default_factory=list)

    def ids(self, tenant: str) -> list[str]:
        """Return the ids of the tenant's customers."""
        return [customer.id for customer in self.office.world.all_customers(tenant)]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Give them."""
    folder = tmp_path_factory.mktemp("streams")
    with fed_view(folder / "view") as fed:
        found = Both(Office(folder, fed=fed), fed)
        write = fed._write

        def noted(by_topic: Any) -> list[Change]:
            told = write(by_topic)
            found.told += told
            return told

        fed._write = noted  # type: ignore[method-assign]
        for tenant in TENANTS:
            for person in (MARIA, JOAO):
                found.office.customer(person, tenant_id=tenant, name=f"{tenant} {person}")
            found.office.suggestion(TENANTS.index(tenant), tenant)
        yield found


class Heard:
    """Who asks the application, and reads until somebody has them go."""

    def __init__(self, both: Both, tenant: str, query: list[tuple[str, str]], last_id: str) -> None:
        client = both.office.client("viewer", tenant)
        headers = {**client.headers, "host": "testserver"} | (
            {"last-event-id": last_id} if last_id else {}
        )
        self.text = ""
        self._api = both.office.api
        self._gone = asyncio.Event()
        self._came = asyncio.Event()
        self._has_asked = False
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/api/events",
            "raw_path": b"/api/events",
            "query_string": urlencode(query).encode(),
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            "client": ("testclient", 1),
            "server": ("testserver", 80),
            "state": {},
        }

    async def until(self, word: str) -> None:
        """Return once this was streamed. Raises TimeoutError."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while word not in self.text:
                self._came.clear()
                await self._came.wait()

    async def run(self) -> None:
        """Ask, until `go`."""
        await self._api(self._scope, self._receive, self._send)

    def go(self) -> None:
        """Close the connection."""
        self._gone.set()

    async def _receive(self) -> dict[str, Any]:
        if not self._has_asked:
            self._has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.text += message.get("body", b"").decode()
        self._came.set()


async def streamed(
    both: Both, tenant: str, query: list[tuple[str, str]], last_id: str = ""
) -> list[tuple[str, str]]:
    """Return the events, by kind and document, of a stream in which all that was ever told is told
    again, as one batch.
    """
    heard = Heard(both, tenant, query, last_id)
    asking = asyncio.create_task(heard.run())
    await heard.until("event: ready")
    both.fed.view.changes.publish(both.told, both.fed.view.positions)
    await heard.until("event: position")
    heard.go()
    await asyncio.wait_for(asking, DEADLINE_SECONDS)
    lines = [dict(line.partition(": ")[::2] for line in e.split("\n")) for e in _events(heard.text)]
    return [(one["event"], one["data"]) for one in lines if "event" in one]


def _events(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n\n")


def of_tenants(events: list[tuple[str, str]]) -> set[str]:
    """Return whose records they carry."""
    return {json.loads(data)["tenantId"] for kind, data in events if kind in KINDS.values()}


@pytest.mark.parametrize("kind", KINDS_TOLD)
@pytest.mark.parametrize(("tenant", "other"), [TENANTS, TENANTS[::-1]])
def test_no_stream_carries_anything_of_another_tenant(
    both: Both, tenant: str, other: str, kind: str | None
) -> None:
    """Each parameter, with what is the other's and what is one's own."""
    begun = position_text(dict.fromkeys(both.fed.view.positions, 0))
    of_kind = [("kinds", kind)] if kind else []
    theirs = set(both.ids(other))

    async def all_of_them() -> list[tuple[list[tuple[str, str]], list[tuple[str, str]]]]:
        heard = []
        for customer in (None, both.ids(other)[0], both.ids(tenant)[0]):
            about = [*of_kind, *([("customer", customer)] if customer else [])]
            for last_id in ("", begun, position_text(both.fed.view.positions), other):
                named = [("tenant", other), ("tenantId", other)] if last_id else []
                query = [*about, *named]
                heard.append((query, await streamed(both, tenant, query, last_id)))
        return heard

    for query, events in asyncio.run(all_of_them()):
        assert other not in of_tenants(events), query
        assert not [data for _, data in events if any(own_id in data for own_id in theirs)], query
        is_of_them = any(value in theirs for name, value in query if name == "customer")
        if not any(name == "customer" for name, _ in query):
            assert of_tenants(events) == {tenant}  # something is told: silence proves nothing
        elif is_of_them:
            assert of_tenants(events) == set()
