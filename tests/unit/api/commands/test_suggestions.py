"""Suggestions over REST. Real: the application and the worker's core, as in test_commands.py."""

import base64
import json
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.unit.api.commands.office import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Give the API and who calls it."""
    return Office(tmp_path)


def test_suggestions_come_in_pages_that_stay_in_place(office: Office) -> None:
    for number in range(5):
        office.suggestion(number)
    found: list[str] = []
    cursor: str | None = None
    for _ in range(5):
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        answer = office.viewer.get("/api/suggestions", params=query)
        assert answer.status_code == HTTPStatus.OK, answer.text
        page = answer.json()
        found += [item["id"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert len(found) == len(set(found)) == 5
    assert cursor is None


def test_confirming_makes_the_two_one(office: Office) -> None:
    one, other = office.suggestion()
    (suggestion,) = office.viewer.get("/api/suggestions?status=open").json()["items"]
    assert {suggestion["customerId"], suggestion["otherCustomerId"]} == {one.id, other.id}
    key = {"Idempotency-Key": "k"}
    where = f"/api/suggestions/{suggestion['id']}"
    answers = [office.agent.post(f"{where}/confirm", headers=key) for _ in range(2)]
    assert [(a.status_code, a.json()["status"]) for a in answers] == [(200, "confirmed")] * 2
    assert len(office.world.all_customers()) == 1
    assert len(office.world.commands) == 1
    assert office.viewer.get("/api/suggestions?status=open").json() == {"items": [], "next": None}
    assert office.viewer.get(where).json()["status"] == "confirmed"


def test_refusing_keeps_the_two_apart(office: Office) -> None:
    office.suggestion()
    (suggestion,) = office.viewer.get("/api/suggestions").json()["items"]
    answer = office.agent.post(f"/api/suggestions/{suggestion['id']}/refuse")
    assert (answer.status_code, answer.json()["status"]) == (HTTPStatus.OK, "refused")
    assert len(office.world.all_customers()) == 2


def test_another_tenants_suggestion_is_not_there(office: Office) -> None:
    office.suggestion()
    (suggestion,) = office.viewer.get("/api/suggestions").json()["items"]
    where = f"/api/suggestions/{suggestion['id']}"
    umbrella = office.client("admin", "umbrella")
    assert umbrella.get("/api/suggestions").json()["items"] == []
    assert umbrella.get(where).status_code == HTTPStatus.NOT_FOUND
    for what in ("confirm", "refuse"):
        assert umbrella.post(f"{where}/{what}").status_code == HTTPStatus.NOT_FOUND
    assert office.world.commands == []


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "status=maybe", f"cursor={'x' * 2001}"])
def test_a_question_that_cannot_be_is_said_with_its_place(office: Office, query: str) -> None:
    answer = office.viewer.get(f"/api/suggestions?{query}")
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    (error,) = answer.json()["errors"]
    assert (error["in"], error["at"]) == ("query", query.partition("=")[0])


@pytest.mark.parametrize("place", [[], ["x"], ["-saidAt", None, "x"], ["-saidAt", 10**18, "x"]])
def test_a_cursor_of_another_list_is_refused(office: Office, place: list[object]) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    answer = office.viewer.get("/api/suggestions", params={"cursor": cursor})
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert "cursor is of another list" in answer.json()["detail"]
