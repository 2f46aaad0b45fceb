"""Changing customers over REST: what is sent, once, and what the caller is told.

Real: the application, its keys, and the worker's core behind an outbox and a view of memory. Real
Kafka, worker and view are in tests/e2e/test_commands.py.
"""

from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.unit.api.commands.office import JOAO, MARIA, Office

KEY = {"Idempotency-Key": "order-7"}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Give the API and who calls it."""
    return Office(tmp_path)


def path(customer: Any, what: str = "") -> str:
    """Return the customer's address."""
    return f"/api/customers/{customer.id}{what}"


# -- changing -----------------------------------------------------------------------------------


def test_what_is_changed_is_in_the_answer_and_the_rest_stays(office: Office) -> None:
    maria = office.customer(name="Mari")
    asked = {
        "displayName": " Maria Silva ",
        "addTags": ["vip", "gold"],
        "customAttributes": {"plan": "gold", "empty": ""},
        "blocked": True,
    }
    answer = office.agent.patch(path(maria), json=asked)
    assert answer.status_code == HTTPStatus.OK, answer.text
    record = answer.json()
    assert (record["displayName"], record["tags"]) == ("Maria Silva", ["gold", "vip"])
    assert (record["customAttributes"], record["blocked"]) == ({"empty": "", "plan": "gold"}, True)
    assert answer.headers["etag"] == f'"{record["version"]}"'
    later = office.agent.patch(
        path(maria), json={"removeTags": ["vip"], "customAttributes": {"empty": None}}
    ).json()
    assert (later["displayName"], later["tags"]) == ("Maria Silva", ["gold"])
    assert (later["customAttributes"], later["blocked"]) == ({"plan": "gold"}, True)


def test_a_whole_list_of_tags_takes_away_what_it_lacks(office: Office) -> None:
    maria = office.customer()
    office.agent.patch(path(maria), json={"addTags": ["a", "b"]})
    assert office.agent.patch(path(maria), json={"tags": ["b", "c"]}).json()["tags"] == ["b", "c"]
    assert office.agent.patch(path(maria), json={"tags": []}).json()["tags"] == []


def test_a_command_says_who_asked(office: Office) -> None:
    office.agent.patch(path(office.customer()), json={"displayName": "M"})
    (command,) = office.world.commands
    assert command["issuedBy"].startswith("Ann of acme (key ")
    assert (command["tenantId"], command["source"]) == ("acme", "agent")
    (_, key, _) = office.world.taken[0]
    assert key == command["customerId"].encode()


@pytest.mark.parametrize(
    ("body", "place", "said"),
    [
        ({}, "", "say what shall change"),
        ({"displayName": None}, "", "displayName cannot be null"),
        ({"displayName": "   "}, "/displayName", "at least 1"),
        ({"displayName": "x" * 201}, "/displayName", "at most 200"),
        ({"displayName": "a\u202eb"}, "/displayName", "printable"),
        ({"tags": ["a"], "addTags": ["b"]}, "", "not both"),
        ({"addTags": ["a"], "removeTags": ["a"]}, "", "addTags and in removeTags"),
        ({"addTags": ["x" * 65]}, "/addTags/0", "at most 64"),
        ({"addTags": [f"t{n}" for n in range(101)]}, "/addTags", "at most 100"),
        ({"customAttributes": {"a": "x" * 1025}}, "/customAttributes/a", "at most 1024"),
        ({"customAttributes": {"a": 1}}, "/customAttributes/a", "string"),
        ({"addEmail": "maria@"}, "/addEmail", "email"),
        ({"addEmail": "mailer-daemon@example.com"}, "/addEmail", "no person's"),
        ({"addPhone": "123"}, "/addPhone", ""),
        ({"blocked": "maybe"}, "/blocked", "boolean"),
        ({"displayname": "typo"}, "/displayname", "not permitted"),
        ([], "", "dictionary"),
    ],
)
def test_what_cannot_be_is_said_with_its_place_and_nothing_is_sent(
    office: Office, body: Any, place: str, said: str
) -> None:
    answer = office.agent.patch(path(office.customer()), json=body)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    (first, *_) = answer.json()["errors"]
    assert (first["in"], first["at"]) == ("body", place)
    assert said in first["detail"]
    assert office.world.commands == []


@pytest.mark.parametrize("typed", ["(11) 98888-7777", "+55 11 98888 7777", "0055 11 98888-7777"])
def test_a_phone_in_any_notation_of_the_region_ties_who_writes_from_it(
    office: Office, typed: str
) -> None:
    maria = office.customer()
    answer = office.agent.patch(path(maria), json={"addPhone": typed})
    assert answer.status_code == HTTPStatus.OK, answer.text
    assert "+5511988887777" in answer.json()["phones"]
    office.customer("5511988887777", channel_id="sms-1", channel_type="sms")
    assert len(office.world.all_customers()) == 1


def test_without_a_region_a_number_needs_its_country(tmp_path: Path) -> None:
    office = Office(tmp_path, region=None)
    answer = office.agent.patch(path(office.customer()), json={"addPhone": "(11) 98888-7777"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "country" in answer.json()["detail"]


def test_an_email_is_kept_as_the_core_compares_it(office: Office) -> None:
    answer = office.agent.patch(path(office.customer()), json={"addEmail": "Maria@Example.COM"})
    assert answer.json()["emails"] == ["maria@example.com"]


def test_a_change_made_in_view_of_an_older_record_is_held_back(office: Office) -> None:
    maria = office.customer()
    stale = f'"{maria.version}"'
    now = office.agent.patch(path(maria), json={"displayName": "B"}).headers["etag"]
    sent = len(office.world.commands)
    answer = office.agent.patch(path(maria), json={"displayName": "C"}, headers={"If-Match": stale})
    assert answer.status_code == HTTPStatus.PRECONDITION_FAILED
    assert answer.headers["etag"] == now
    assert len(office.world.commands) == sent
    for tag in ("{}", '"0", W/{}', "*"):
        answer = office.agent.patch(
            path(maria), json={"displayName": tag}, headers={"If-Match": tag.format(now)}
        )
        assert answer.status_code == HTTPStatus.OK
        now = answer.headers["etag"]


# -- once ---------------------------------------------------------------------------------------


def test_a_call_that_is_repeated_is_carried_out_once(office: Office) -> None:
    maria = office.customer()
    stale = {"If-Match": f'"{maria.version}"', **KEY}
    first = office.agent.patch(path(maria), json={"tags": ["a"]}, headers=stale)
    again = office.agent.patch(path(maria), json={"tags": ["a"]}, headers=stale)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.headers["idempotency-key"] == "order-7"
    assert len(office.world.commands) == 1


def test_a_repeated_call_does_not_undo_what_came_between(office: Office) -> None:
    maria = office.customer()
    office.agent.patch(path(maria), json={"displayName": "First"}, headers=KEY)
    office.agent.patch(path(maria), json={"displayName": "Second"})
    again = office.agent.patch(path(maria), json={"displayName": "First"}, headers=KEY)
    assert again.json()["displayName"] == "Second"


def test_another_call_with_the_same_key_never_passes_for_the_first(office: Office) -> None:
    maria = office.customer()
    office.agent.patch(path(maria), json={"displayName": "A"}, headers=KEY)
    other = office.agent.patch(path(maria), json={"displayName": "B"}, headers=KEY)
    assert other.json()["displayName"] == "B"
    assert len({command["id"] for command in office.world.commands}) == 2


def test_the_same_key_in_two_tenants_is_two_commands(office: Office) -> None:
    ours, theirs = office.customer(), office.customer(MARIA, tenant_id="umbrella")
    office.agent.patch(path(ours), json={"displayName": "A"}, headers=KEY)
    umbrella = office.client("agent", "umbrella")
    assert umbrella.patch(path(theirs), json={"displayName": "A"}, headers=KEY).status_code == 200
    assert len({command["id"] for command in office.world.commands}) == 2


def test_a_call_that_kafka_did_not_take_can_be_made_again_under_its_key(office: Office) -> None:
    maria = office.customer()
    office.world.is_away = True
    answer = office.agent.patch(path(maria), json={"displayName": "A"})
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "Idempotency-Key" in answer.json()["detail"]
    assert answer.headers["retry-after"]
    key = {"Idempotency-Key": answer.headers["idempotency-key"]}
    office.world.is_away = False
    for _ in range(2):
        answer = office.agent.patch(path(maria), json={"displayName": "A"}, headers=key)
        assert answer.status_code == HTTPStatus.OK
    assert len(office.world.commands) == 1


def test_what_takes_longer_is_told_later(office: Office) -> None:
    maria = office.customer()
    office.world.is_asleep = True
    answer = office.agent.patch(path(maria), json={"displayName": "A"}, headers=KEY)
    assert answer.status_code == HTTPStatus.ACCEPTED
    where = answer.headers["location"]
    assert where == f"/api/commands/{answer.json()['commandId']}"
    assert office.viewer.get(where).json()["status"] == "pending"
    office.world.wake()
    status = office.viewer.get(where).json()
    assert (status["status"], status["customerId"]) == ("applied", maria.id)
    assert office.client("admin", "umbrella").get(where).json()["status"] == "pending"
    again = office.agent.patch(path(maria), json={"displayName": "A"}, headers=KEY)
    assert again.json()["displayName"] == "A"
    assert len(office.world.commands) == 1


def test_a_refusal_says_why_and_stays_one(office: Office) -> None:
    maria = office.customer()
    many = [f"t{n}" for n in range(100)]
    office.agent.patch(path(maria), json={"addTags": many})
    for _ in range(2):
        answer = office.agent.patch(path(maria), json={"addTags": ["more"]}, headers=KEY)
        assert answer.status_code == HTTPStatus.CONFLICT
        assert "at most 100 tags" in answer.json()["detail"]
    assert len(office.world.commands) == 2
    refused = office.world.commands[-1]["id"]
    status = office.viewer.get(f"/api/commands/{refused}").json()
    assert status["status"] == "refused"
    assert "at most 100 tags" in status["detail"]


def test_while_the_view_catches_up_nothing_is_sent(office: Office) -> None:
    maria = office.customer()
    office.world.is_catching_up = True
    answer = office.agent.patch(path(maria), json={"displayName": "A"})
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert office.world.commands == []


# -- merging and splitting ----------------------------------------------------------------------


def test_two_customers_become_one_and_the_others_address_leads_there(office: Office) -> None:
    maria, joao = office.customer(MARIA), office.customer(JOAO)
    older, younger = sorted((maria, joao), key=lambda c: (c.created_at, c.id))
    answer = office.agent.post(
        path(maria, "/merge"), json={"otherCustomerId": joao.id}, headers=KEY
    )
    assert answer.status_code == HTTPStatus.OK, answer.text
    survivor = answer.json()
    (living,) = office.world.all_customers()
    assert survivor["id"] == living.id
    assert len(survivor["identities"]) == 2
    gone = younger if living.id == older.id else older
    led = office.agent.patch(path(gone), json={"displayName": "One"})
    assert led.status_code == HTTPStatus.PERMANENT_REDIRECT
    assert led.headers["location"] == path(living)
    assert office.agent.post(path(gone, "/split"), json={"identityKeys": ["x"]}).headers[
        "location"
    ] == path(living, "/split")
    again = office.agent.post(path(maria, "/merge"), json={"otherCustomerId": joao.id}, headers=KEY)
    assert again.json() == survivor
    one_already = office.agent.post(path(living, "/merge"), json={"otherCustomerId": gone.id})
    assert one_already.json()["id"] == living.id
    assert len(office.world.commands) == 1


@pytest.mark.parametrize("by", ["identityKeys", "identities"])
def test_what_is_taken_out_is_another_customers_for_good(office: Office, by: str) -> None:
    maria, joao = office.customer(MARIA), office.customer(JOAO)
    office.agent.post(path(maria, "/merge"), json={"otherCustomerId": joao.id})
    (one,) = office.world.all_customers()
    named: list[Any] = [f"phone:+{JOAO}"]
    if by == "identities":
        named = [{"channelId": "wa-1", "externalId": JOAO}]
    answer = office.agent.post(path(one, "/split"), json={by: named}, headers=KEY)
    assert answer.status_code == HTTPStatus.OK, answer.text
    now, taken_out = answer.json()["customer"], answer.json()["takenOut"]
    assert now["id"] == one.id
    assert {customer.id for customer in office.world.all_customers()} == {one.id, *taken_out}
    assert len(taken_out) == 1
    again = office.agent.post(path(one, "/split"), json={by: named}, headers=KEY)
    assert again.status_code == HTTPStatus.OK
    assert again.json()["customer"] == now
    assert len(office.world.commands) == 2


def test_a_split_that_cannot_be_says_why(office: Office) -> None:
    maria = office.customer()
    all_of_it = office.agent.post(path(maria, "/split"), json={"identityKeys": [f"phone:+{MARIA}"]})
    assert all_of_it.status_code == HTTPStatus.CONFLICT
    assert "leave at least one" in all_of_it.json()["detail"]
    unknown = {"identities": [{"channelId": "wa-1", "externalId": JOAO}]}
    assert office.agent.post(path(maria, "/split"), json=unknown).status_code == 422
    wrongs: list[dict[str, Any]] = [{}, {"identityKeys": []}, {"identityKeys": ["a"], **unknown}]
    for wrong in wrongs:
        assert office.agent.post(path(maria, "/split"), json=wrong).status_code == 422
    at_no_time = {"identityKeys": [f"phone:+{MARIA}"], "since": "2026-10-01T09:00:00"}
    assert office.agent.post(path(maria, "/split"), json=at_no_time).status_code == 422


# -- erasing ------------------------------------------------------------------------------------


def test_an_admin_erases_and_nobody_else(office: Office) -> None:
    maria = office.customer()
    for client in (office.viewer, office.agent):
        answer = client.post(path(maria, "/erase"))
        assert answer.status_code == HTTPStatus.FORBIDDEN
        assert "role admin" in answer.json()["detail"]
    answer = office.admin.post(path(maria, "/erase"), headers=KEY)
    assert (answer.status_code, answer.json()["status"]) == (HTTPStatus.OK, "applied")
    assert office.world.all_customers() == []
    assert office.admin.post(path(maria, "/erase"), headers=KEY).json() == answer.json()
    assert office.admin.patch(path(maria), json={"displayName": "x"}).status_code == 404


# -- who may ------------------------------------------------------------------------------------


def test_who_only_reads_changes_nothing(office: Office) -> None:
    maria, joao = office.customer(MARIA), office.customer(JOAO)
    calls: list[tuple[str, str, Any]] = [
        ("PATCH", path(maria), {"displayName": "x"}),
        ("POST", path(maria, "/merge"), {"otherCustomerId": joao.id}),
        ("POST", path(maria, "/split"), {"identityKeys": ["x"]}),
        ("POST", path(maria, "/erase"), None),
        ("POST", "/api/suggestions/x/confirm", None),
        ("POST", "/api/suggestions/x/refuse", None),
    ]
    for method, where, body in calls:
        assert office.viewer.request(method, where, json=body).status_code == HTTPStatus.FORBIDDEN
    assert office.world.commands == []


def test_another_tenants_customer_is_not_there(office: Office) -> None:
    ours, theirs = office.customer(), office.customer(JOAO, tenant_id="umbrella")
    not_there = [
        office.admin.patch(path(theirs), json={"displayName": "x"}),
        office.admin.post(path(theirs, "/merge"), json={"otherCustomerId": ours.id}),
        office.admin.post(path(ours, "/merge"), json={"otherCustomerId": theirs.id}),
        office.admin.post(path(theirs, "/split"), json={"identityKeys": [f"phone:+{JOAO}"]}),
        office.admin.post(path(theirs, "/erase")),
    ]
    for answer in not_there:
        assert answer.status_code == HTTPStatus.NOT_FOUND
        assert JOAO not in answer.text
    assert office.world.commands == []


def test_an_idempotency_key_that_is_none_is_refused(office: Office) -> None:
    maria = office.customer()
    for key in ("x" * 256, "two words", ""):
        answer = office.agent.patch(
            path(maria), json={"displayName": "A"}, headers={"Idempotency-Key": key}
        )
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert office.world.commands == []
