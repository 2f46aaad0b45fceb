"""What another tenant has makes no difference: the same calls get the same answers whether it is
there or not, and leave it as it was, whatever ids, names and cursors of it they carry.

Real: the application, the live view's files and its SQL, the worker's core. Not real: Kafka between
them. What is streamed is in test_isolation_of_streams.py.
"""

import asyncio
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.contracts.commands import SetPolicy
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.policies import PolicyDocument
from streams.contracts.wire import encode
from tests.examples import examples
from tests.isolation import Asked, calls, sweep
from tests.unit.api.commands.office import JOAO, MARIA, Office
from tests.unit.api.live_view.fed import FedView, fed_view

THEIRS = "5531977776666"
AT = datetime(2026, 10, 1, tzinfo=UTC)
# A number without its country is nobody's for us, whatever umbrella's people dial.
THEIR_POLICY = SetPolicy(
    id="p1", tenant_id="umbrella", issued_at=AT, issued_by="u", policy=PolicyDocument(region="PT")
)
AT_HOME_IN_PORTUGAL = "912 345 678"
THEIR_LETTER = DeadLetter(
    id="channels.whatsapp/0/0",
    topic="channels.whatsapp",
    partition=0,
    offset=0,
    reason="unreadable",
    detail="umbrella's",
    received_at=AT,
    key=None,
    tenant_id="umbrella",
    headers={"tenantId": "umbrella", "channelId": "wa-1"},
)
_TIMES = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)")
_KEYS = re.compile(r"key [0-9a-f]{12}")


class Two:
    """Two worlds: in one there is our tenant alone, in the other umbrella too."""

    def __init__(self, alone: FedView, beside: FedView, folder: Path) -> None:
        self.alone = Office(folder / "alone", fed=alone)
        self.beside = Office(folder / "beside", fed=beside)
        for office in (self.alone, self.beside):
            office.customer(MARIA, name="Maria")
            office.customer(JOAO, name="João")
            office.suggestion()
        umbrella = self.beside.client("admin", "umbrella")
        # One number is of people of both: the keys are the same, the tenants are not.
        for person in (THEIRS, MARIA):
            self.beside.customer(person, tenant_id="umbrella", name=f"Umbrella {person}")
        self.theirs = self.beside.world.all_customers("umbrella")
        for customer in self.theirs:
            where = f"/api/customers/{customer.id}"
            umbrella.patch(where, json={"addTags": ["umbrella-vip"], "addEmail": "u@umbrella.com"})
        self.theirs = self.beside.world.all_customers("umbrella")
        self.beside.suggestion(7, "umbrella")
        self.theirs = self.beside.world.all_customers("umbrella")
        asyncio.run(self.beside.world.put("customer-commands", encode(THEIR_POLICY)))
        beside.take(("dead-letters", b"k", encode(THEIR_LETTER)))
        self.their_suggestion = umbrella.get("/api/suggestions").json()["items"][0]["id"]
        self.their_command = self.beside.world.commands[0]["id"]
        self.words, self.bodies = words(self), bodies(self)
        self.calls = calls(the_document(), self.words, self.bodies, files())


@contextmanager
def two_worlds(folder: Path) -> Iterator[Two]:
    """Give both for the length of the block."""
    with fed_view(folder / "a") as alone, fed_view(folder / "b") as beside:
        yield Two(alone, beside, folder)


@cache
def the_document() -> Any:
    """Return the OpenAPI document."""
    return Office(Path(tempfile.mkdtemp())).viewer.get("/openapi.json").json()


def words(two: Two) -> list[str]:
    """Return what calls carry: what umbrella has, and what we have."""
    theirs = [
        text
        for customer in two.theirs
        for text in (customer.id, customer.identities[0].identity_key, customer.display_name)
    ]
    theirs += [two.their_command, two.their_suggestion]
    ours = [customer.id for customer in two.alone.world.all_customers()]
    suggestions = two.alone.viewer.get("/api/suggestions").json()["items"]
    ours += [suggestion["id"] for suggestion in suggestions]
    page = two.alone.viewer.get("/api/suggestions?limit=1").json()
    return [
        *theirs,
        *ours,
        "umbrella",
        "umbrella-vip",
        "acme",
        str(page["next"]),
    ]


def bodies(two: Two) -> list[Any]:
    """Return bodies of every route, with ids and numbers of both tenants."""
    ids = [customer.id for customer in (*two.theirs, *two.alone.world.all_customers())]
    keys = [f"phone:+{person}" for person in (THEIRS, MARIA, JOAO)]
    return [
        *({"otherCustomerId": one} for one in ids),
        *({"identityKeys": [key]} for key in keys),
        {"identities": [{"channelId": "wa-1", "externalId": THEIRS}]},
        {"displayName": "x", "tenantId": "umbrella"},
        {"displayName": "Changed"},
        {"addPhone": f"+{THEIRS}"},
        {"addPhone": AT_HOME_IN_PORTUGAL},
        {"addEmail": "u@umbrella.com"},
        {"tags": ["umbrella-vip"]},
    ]


def files() -> list[bytes]:
    """Return files of people of both."""
    return [
        f"phone,name\n+{THEIRS},Stolen\n+{MARIA},Maria\n".encode(),
        f"phone,tenantId\n+{THEIRS},umbrella\n".encode(),
    ]


def same(answer: httpx2.Response) -> tuple[int, str, str | None]:
    """Return the answer as it compares: without times, and without which key it was."""
    text = _KEYS.sub("key", _TIMES.sub("time", answer.text))
    return answer.status_code, text, answer.headers.get("location")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """Give both worlds. What one test changes in both is no matter to the next: they stay alike."""
    with two_worlds(tmp_path_factory.mktemp("two")) as both:
        yield both


def test_no_parameter_leads_to_another_tenant(two: Two) -> None:
    """Each parameter of each route, with each word of theirs, one at a time."""
    for one in sweep(the_document(), two.words, two.bodies, files()):
        alone, beside = one.put_to(two.alone.admin), one.put_to(two.beside.admin)
        assert same(alone) == same(beside), one
    assert two.beside.world.all_customers("umbrella") == two.theirs


@settings(
    max_examples=examples(50),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_another_tenant_makes_no_difference_and_is_left_as_it_was(
    two: Two, data: st.DataObject
) -> None:
    asked: list[Asked] = data.draw(st.lists(two.calls, min_size=1, max_size=8))
    for one in asked:
        alone, beside = one.put_to(two.alone.admin), one.put_to(two.beside.admin)
        assert same(alone) == same(beside)
    assert two.beside.world.all_customers("umbrella") == two.theirs
