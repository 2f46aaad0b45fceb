"""The API with a `World` behind it, and people of it who call."""

from pathlib import Path
from typing import Any

import httpx2
import msgspec
from fastapi.testclient import TestClient

from api.access.keys import Role
from api.app import create_api
from api.commands.issuing import Commands
from api.commands.live import LiveCommandView
from api.commands.regions import Regions
from api.commands.view import CommandView
from api.settings import ApiSettings
from streams.cluster import ClusterSettings
from streams.contracts.customers import Customer
from streams.contracts.messages import Context
from streams.identity.policy import Policy
from tests.builders import message
from tests.keys import bearer, make_key
from tests.unit.api.commands.world import World
from tests.unit.api.live_view.fed import FedView

MARIA, JOAO = "5511999998888", "5521988887777"


class InOneStep(httpx2.BaseTransport):
    """Has the application answer in one step of its loop.

    TestClient's own takes eight, to stream what it answers: three quarters of a small call.
    """

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self._application = httpx2.ASGITransport(client.app, client=("testclient", 50_000))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the whole answer."""
        with self._client._portal_factory() as portal:
            return portal.call(self._answer, request)

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._application.handle_async_request(request)
        assert isinstance(answer.stream, httpx2.AsyncByteStream)
        body = b"".join([part async for part in answer.stream])
        return httpx2.Response(
            answer.status_code, headers=answer.headers, stream=httpx2.ByteStream(body)
        )


class Office:
    """Clients with keys of every role, in front of one world; with a `fed` live view the API reads
    that, and else what the world itself remembers.
    """

    def __init__(
        self, folder: Path, *, region: str | None = "BR", fed: FedView | None = None
    ) -> None:
        self.world = World(Policy(region=region), fed)
        keys = folder / "keys.json"
        self.api = create_api(
            ApiSettings(keys_file=keys, calls_per_second=100_000), ClusterSettings()
        )
        self.api.state.outbox = self.world
        view: CommandView = self.world
        if fed is not None:
            self.api.state.view = fed.view
            view = LiveCommandView(fed.view)
        self.api.state.commands = Commands(self.world, view, topic_prefix="", wait_seconds=0.2)
        self.api.state.regions = Regions(None, view)
        self._keys = keys
        self.viewer = self.client("viewer")
        self.agent = self.client("agent")
        self.admin = self.client("admin")

    def client(self, role: Role, tenant: str = "acme") -> TestClient:
        """Return somebody who calls."""
        key = make_key(self._keys, tenant=tenant, role=role, name=f"Ann of {tenant}")
        client = TestClient(self.api, headers=bearer(key), follow_redirects=False)
        client._transport = InOneStep(client)
        return client

    def customer(self, person: str = MARIA, **about: Any) -> Customer:
        """Return the customer who has just written."""
        tenant = about.get("tenant_id", "acme")
        self.world.hear(message(f"m-{person}", person=person, **about))
        (found,) = [
            customer
            for customer in self.world.all_customers(tenant)
            if any(person in identity.external_id for identity in customer.identities)
        ]
        return found

    def suggestion(self, number: int = 0, tenant_id: str = "acme") -> tuple[Customer, Customer]:
        """Return two customers of whom one claims to have the other's number."""
        phone = f"55119888{number:05d}"
        one = self.customer(phone, tenant_id=tenant_id)
        said = message(
            f"c{number}",
            person=f"visitor-{number}",
            channel_id="web-1",
            channel_type="webchat",
            tenant_id=tenant_id,
        )
        context = Context(phone=f"+{phone}")
        self.world.hear(msgspec.structs.replace(said, context=context))
        (other,) = [
            customer
            for customer in self.world.all_customers(tenant_id)
            if any(i.external_id == f"visitor-{number}" for i in customer.identities)
        ]
        return one, other
