"""The OpenAPI document is true: every operation answers as it says, whatever it is asked.

Real: the application, the live view's files, the worker's core. Not real: Kafka between them.
"""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.examples import examples
from tests.openapi import hold_to_its_word, operations, routes_of
from tests.unit.api.commands.office import JOAO, MARIA, Office
from tests.unit.api.live_view.fed import fed_view

EXAMPLES = examples(8)
_STREAM = "GET /api/events"  # never ends: tests/e2e/test_live_view.py listens to it


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Give the API, two customers and a suggestion about two more."""
    with fed_view(tmp_path / "live") as fed:
        office = Office(tmp_path, fed=fed)
        for person in (MARIA, JOAO):
            office.customer(person)
        office.suggestion()
        yield office


def test_every_operation_keeps_its_word(office: Office) -> None:
    found = office.viewer.get("/openapi.json").json()
    suggestions = office.viewer.get("/api/suggestions").json()["items"]
    known = {
        "customer_id": [customer.id for customer in office.world.all_customers()],
        "suggestion_id": [suggestion["id"] for suggestion in suggestions],
    }
    count = 0
    for operation in operations(found):
        if operation.label == _STREAM:
            count += 1
            continue
        hold_to_its_word(operation, office.admin, examples=EXAMPLES, known=known)
        count += 1
    assert count == sum(len(path) for path in found["paths"].values())


def test_every_route_but_the_pages_is_in_the_document(office: Office) -> None:
    """What is not documented is not held to anything: only the document itself is left out, and
    the pages, whose addresses are nobody's to program against.
    """
    found = office.viewer.get("/openapi.json").json()
    documented = {
        (method.upper(), path)
        for path, operations in found["paths"].items()
        for method in operations
    }
    served = set(routes_of(office.api))
    assert served >= documented
    left_out = served - documented - {("GET", "/openapi.json")}
    assert {method for method, _ in left_out} <= {"GET"}
    assert not [path for _, path in left_out if path.startswith("/api")]


# Who signs out has read rights alone, perhaps; nobody else changes anything without being an agent.
_OPEN = {"/health/live", "/health/ready", "/webhooks/{platform}/{tenant_id}/{channel_id}"}
_OF_ANY_ROLE = {("delete", "/session")}


def test_every_operation_asks_who_calls_and_what_changes_something_asks_for_an_agent(
    office: Office,
) -> None:
    found = office.viewer.get("/openapi.json").json()
    nobody = TestClient(office.api)
    for path, one in found["paths"].items():
        for method, operation in one.items():
            if path in _OPEN or (method, path) == ("post", "/session"):
                assert "security" not in operation
                continue
            assert operation["security"] == [{"key": []}, {"session": []}], (method, path)
            where = path.format(customer_id="x", suggestion_id="x", command_id="x", name="x")
            assert nobody.request(method, where).status_code == HTTPStatus.UNAUTHORIZED
            if method != "get" and (method, path) not in _OF_ANY_ROLE:
                refused = office.viewer.request(method, where)
                assert refused.status_code == HTTPStatus.FORBIDDEN, (method, path)
                assert "role" in refused.json()["detail"]
