"""Who gets in over HTTP, and what everybody else is told.

Real: the application with all it stands behind, keys and sessions in real files; for streams, the
server too. The routes called here are the application's, and a few of this test's.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

from api.access.callers import Admin, Agent, Viewer
from api.access.headers import CONTENT_SECURITY_POLICY
from api.access.key_file import KeyFile
from api.access.keys import revoked
from api.access.limits import LARGEST_BODY_BYTES, network
from api.app import create_api
from api.settings import ApiSettings
from streams.cluster import ClusterSettings
from tests.keys import bearer, make_key

ORIGIN = "http://testserver"


class Thing(BaseModel):
    """What the test's route takes."""

    size: int = Field(ge=1)


class House:
    """An application with routes of every kind, and its keys file."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.keys = folder / "keys.json"
        self.api = create_api(ApiSettings(keys_file=self.keys, **settings), ClusterSettings())
        _add_routes(self.api)
        # What is said is held against the same header as a browser's.
        self.client = TestClient(self.api, base_url=ORIGIN, follow_redirects=False)

    def key(self, **about: Any) -> dict[str, str]:
        """Return the header of a new key."""
        return bearer(make_key(self.keys, **about))

    def signed_in(self, **about: Any) -> dict[str, str]:
        """Return the token header of a session that the client has from now on."""
        answer = self.client.post("/session", json={"key": make_key(self.keys, **about)})
        assert answer.status_code == HTTPStatus.OK, answer.text
        return {"X-CSRF-Token": answer.json()["csrfToken"]}

    def at(self, now: datetime) -> None:
        """Have it be another time."""
        self.api.state.access.now = lambda: now


def _add_routes(api: FastAPI) -> None:
    @api.get("/api/read")
    async def read(caller: Viewer) -> str:
        return caller.tenant_id

    @api.post("/api/change")
    async def change(caller: Agent, thing: Thing) -> str:
        return f"{caller.tenant_id} {thing.size}"

    @api.delete("/api/thing")
    async def remove(caller: Admin) -> str:
        return caller.issued_by

    @api.get("/api/forgotten")
    async def forgotten() -> str:
        return "its author did not ask who calls"

    @api.get("/api/broken")
    async def broken(_caller: Viewer) -> str:
        raise RuntimeError("the secret of the house")

    @api.get("/api/stream")
    async def stream(_caller: Viewer) -> StreamingResponse:
        return StreamingResponse(_ticks(), media_type="text/event-stream")


async def _ticks() -> AsyncIterator[str]:
    while True:
        yield ": tick\n\n"
        await asyncio.sleep(0.05)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Give an application with its own keys file."""
    return House(tmp_path)


def detail(answer: httpx2.Response) -> str:
    """Return what a problem says, once it is one."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["type"] == "about:blank"
    assert document["title"] == HTTPStatus(answer.status_code).phrase
    said: str = document["detail"]
    return said


# -- keys ---------------------------------------------------------------------------------------


def test_a_missing_wrong_expired_or_revoked_key_gets_one_and_the_same_answer(
    house: House,
) -> None:
    token = make_key(house.keys, role="admin")
    valid = bearer(token)
    wrong = bearer(token[:-1] + ("0" if token[-1] != "0" else "1"))
    gone = house.key()
    KeyFile(house.keys).change(
        lambda keys: revoked(keys, gone["Authorization"].split("_")[1], datetime.now(UTC))
    )
    other_scheme = {"Authorization": f"Basic {token}"}
    asked: list[dict[str, str]] = [{}, wrong, gone, other_scheme, bearer(""), bearer("x" * 9_000)]
    answers = [house.client.get("/api/read", headers=headers) for headers in asked]
    assert {answer.status_code for answer in answers} == {HTTPStatus.UNAUTHORIZED}
    assert len({answer.text for answer in answers}) == 1
    assert all(a.headers["www-authenticate"] == 'Bearer realm="omnichannel"' for a in answers)
    assert "omnichannel keys create" in detail(answers[0])
    assert house.client.get("/api/read", headers=valid).json() == "acme"


def test_a_key_that_expires_is_refused_from_then_on(house: House) -> None:
    key = house.key()
    (kept,) = KeyFile(house.keys).keys().values()
    now = datetime.now(UTC)
    expiring = msgspec.structs.replace(kept, expires_at=now + timedelta(hours=1))
    KeyFile(house.keys).change(lambda _: {kept.id: expiring})
    assert house.client.get("/api/read", headers=key).status_code == HTTPStatus.OK
    house.at(now + timedelta(hours=1))
    assert house.client.get("/api/read", headers=key).status_code == HTTPStatus.UNAUTHORIZED


def test_a_running_api_takes_new_keys_and_drops_revoked_ones_at_once(house: House) -> None:
    for _ in range(3):
        key = house.key()
        assert house.client.get("/api/read", headers=key).status_code == HTTPStatus.OK
        key_id = key["Authorization"].split("_")[1]
        KeyFile(house.keys).change(lambda keys, k=key_id: revoked(keys, k, datetime.now(UTC)))  # type: ignore[misc]
        assert house.client.get("/api/read", headers=key).status_code == HTTPStatus.UNAUTHORIZED


def test_a_keys_file_that_nobody_can_read_lets_nobody_in(house: House) -> None:
    key = house.key()
    assert house.client.get("/api/read", headers=key).status_code == HTTPStatus.OK
    house.keys.write_text("oops")
    answer = house.client.get("/api/read", headers=key)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.headers["retry-after"]
    assert str(house.keys) not in detail(answer)


def test_a_role_that_is_too_low_is_told_which_it_takes(house: House) -> None:
    viewer, agent, admin = (house.key(role=role) for role in ("viewer", "agent", "admin"))
    calls = [("GET", "/api/read"), ("POST", "/api/change"), ("DELETE", "/api/thing")]
    codes = [
        [
            house.client.request(method, path, headers=key, json={"size": 1}).status_code
            for method, path in calls
        ]
        for key in (viewer, agent, admin)
    ]
    assert codes == [[200, 403, 403], [200, 200, 403], [200, 200, 200]]
    said = detail(house.client.request("DELETE", "/api/thing", headers=agent))
    assert "the role admin" in said
    assert "agent" in said


def test_without_a_key_nothing_but_what_is_meant_for_everybody(house: House) -> None:
    for path in ("/api/forgotten", "/openapi.json", "/pictures/x", "/nowhere", "/", "/healthy"):
        assert house.client.get(path).status_code == HTTPStatus.UNAUTHORIZED, path
    assert house.client.post("/api/change", content=b"{").status_code == HTTPStatus.UNAUTHORIZED
    assert house.client.delete("/session").status_code == HTTPStatus.UNAUTHORIZED
    assert house.client.get("/health/live").status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    "path", ["/health/../api/forgotten", "/webhooks/../api/forgotten", "/static/../api/forgotten"]
)
def test_no_way_round_through_an_open_address(house: House, path: str) -> None:
    # As a raw path: clients would resolve it.
    scope_path = path
    answer = house.client.get("/x", extensions={"target": scope_path.encode()})
    assert answer.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED}


def test_a_person_who_opens_a_page_is_led_to_sign_in_and_a_program_is_told(house: House) -> None:
    page = {"Accept": "text/html,application/xhtml+xml"}
    led = house.client.get("/customers?tag=vip", headers=page)
    assert led.status_code == HTTPStatus.SEE_OTHER
    assert led.headers["location"] == "/sign-in?next=%2Fcustomers%3Ftag%3Dvip"
    assert house.client.get("/api/read", headers=page).status_code == HTTPStatus.UNAUTHORIZED
    part = house.client.get("/customers", headers=page | {"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/sign-in")


# -- sessions -----------------------------------------------------------------------------------


def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get(house: House) -> None:
    token = make_key(house.keys, role="agent", name="Ann")
    answer = house.client.post("/session", json={"key": token})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("omni_session=")
    for word in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert word in cookie
    assert "Secure" not in cookie
    assert token.rpartition("_")[2] not in cookie
    assert answer.headers["cache-control"] == "no-store"
    who = house.client.get("/session").json()
    assert who == answer.json()
    assert (who["tenantId"], who["role"], who["name"]) == ("acme", "agent", "Ann")
    assert house.client.get("/api/read").json() == "acme"


def test_behind_https_the_cookie_is_secure_and_this_hosts_alone(tmp_path: Path) -> None:
    house = House(tmp_path, public_url="https://chat.example.com")
    answer = house.client.post("/session", json={"key": make_key(house.keys)})
    assert answer.headers["set-cookie"].startswith("__Host-omni_session=")
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_a_form_signs_in_and_goes_on_to_a_page_of_this_host_only(house: House) -> None:
    token = make_key(house.keys)
    for to, there in (
        ("/customers?tag=vip", "/customers?tag=vip"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\r\nSet-Cookie: x=y", "/"),
        ("", "/"),
    ):
        answer = house.client.post("/session", data={"key": token, "next": to})
        assert (answer.status_code, answer.headers["location"]) == (HTTPStatus.SEE_OTHER, there)
        assert "omni_session=" in answer.headers["set-cookie"]
    failed = house.client.post("/session", data={"key": "omni_x"})
    assert failed.headers["location"] == "/sign-in?error=key"
    assert "set-cookie" not in failed.headers


def test_revoking_the_key_ends_its_sessions(house: House) -> None:
    house.signed_in()
    (key_id,) = KeyFile(house.keys).keys()
    assert house.client.get("/api/read").status_code == HTTPStatus.OK
    KeyFile(house.keys).change(lambda keys: revoked(keys, key_id, datetime.now(UTC)))
    assert house.client.get("/api/read").status_code == HTTPStatus.UNAUTHORIZED


def test_a_session_ends_after_twelve_hours(house: House) -> None:
    house.signed_in()
    house.at(datetime.now(UTC) + timedelta(hours=12, seconds=1))
    assert house.client.get("/api/read").status_code == HTTPStatus.UNAUTHORIZED


def test_signing_out_takes_the_cookie_away(house: House) -> None:
    token = house.signed_in()
    assert house.client.delete("/session", headers=token).status_code == HTTPStatus.NO_CONTENT
    assert house.client.get("/api/read").status_code == HTTPStatus.UNAUTHORIZED


def test_a_change_by_cookie_needs_the_sessions_token_and_a_key_needs_none(house: House) -> None:
    token = house.signed_in(role="agent")
    thing = {"size": 1}
    for headers in ({}, {"X-CSRF-Token": "x"}, {"X-CSRF-Token": "é".encode()}):
        answer = house.client.post("/api/change", json=thing, headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == HTTPStatus.FORBIDDEN
        assert "X-CSRF-Token" in detail(answer)
    assert house.client.post("/api/change", json=thing, headers=token).json() == "acme 1"
    key = house.key(role="agent")
    assert house.client.post("/api/change", json=thing, headers=key).status_code == HTTPStatus.OK


def test_the_token_may_come_in_a_form_whose_body_the_route_still_gets(house: House) -> None:
    token = house.signed_in(role="agent")["X-CSRF-Token"]
    answer = house.client.post("/api/change", data={"csrf_token": token, "size": "1"})
    # The route takes JSON: that it was asked at all shows that the gate let the form through.
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert (
        house.client.post("/api/change", data={"csrf_token": "x", "size": "1"}).status_code
        == HTTPStatus.FORBIDDEN
    )


def test_another_sessions_token_is_none(house: House) -> None:
    theirs = house.signed_in(role="agent")
    house.client.cookies.clear()
    house.signed_in(role="agent")
    answer = house.client.post("/api/change", json={"size": 1}, headers=theirs)
    assert answer.status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": ORIGIN},
    ],
)
def test_a_page_of_another_host_changes_nothing_and_signs_nobody_in(
    house: House, headers: dict[str, str]
) -> None:
    token = house.signed_in(role="agent")
    change = house.client.post("/api/change", json={"size": 1}, headers=token | headers)
    assert change.status_code == HTTPStatus.FORBIDDEN
    body = {"key": make_key(house.keys)}
    assert house.client.post("/session", json=body, headers=headers).status_code == 403
    here = token | {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    assert house.client.post("/api/change", json={"size": 1}, headers=here).status_code == 200


def test_a_wrong_key_beside_a_cookie_is_a_wrong_key_and_a_proxys_password_is_none(
    house: House,
) -> None:
    house.signed_in()
    answer = house.client.get("/api/read", headers=bearer("omni_x"))
    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    proxys = {"Authorization": "Basic dXNlcjpwYXNz"}
    assert house.client.get("/api/read", headers=proxys).status_code == HTTPStatus.OK


def test_the_log_has_who_signed_in_and_from_where_wrong_keys_came_and_no_key(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    token = make_key(house.keys)
    house.client.post("/session", json={"key": token})
    for _ in range(30):
        house.client.get("/api/read", headers=bearer("omni_wrong"))
    assert f"Signed in with key {token.split('_')[1]} (tenantId=acme)" in caplog.text
    assert caplog.text.count("A wrong key from testclient") == 10
    assert token.rpartition("_")[2] not in caplog.text
    assert "omni_wrong" not in caplog.text


# -- limits -------------------------------------------------------------------------------------


def test_more_calls_than_a_key_has_are_asked_to_come_again(tmp_path: Path) -> None:
    house = House(tmp_path, calls_per_second=5)
    key, other = house.key(), house.key()
    answers = [house.client.get("/api/read", headers=key) for _ in range(40)]
    late = next(answer for answer in answers if answer.status_code != HTTPStatus.OK)
    assert late.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert 1 <= int(late.headers["retry-after"]) <= 2
    assert "come again" in detail(late)
    assert house.client.get("/api/read", headers=other).status_code == HTTPStatus.OK


def test_wrong_keys_are_soon_not_even_refused_and_right_ones_are_never_held_up(
    house: House,
) -> None:
    right = house.key()
    codes = [
        house.client.get("/api/read", headers=bearer(f"omni_{n}")).status_code for n in range(12)
    ]
    assert codes == [401] * 10 + [429] * 2
    assert house.client.post("/session", json={"key": "omni_x"}).status_code == 429
    assert house.client.post("/session", data={"key": "omni_x"}).headers["location"] == (
        "/sign-in?error=rate"
    )
    assert house.client.get("/api/read", headers=right).status_code == HTTPStatus.OK
    assert house.client.get("/api/read").status_code == HTTPStatus.UNAUTHORIZED


def test_of_ipv6_a_whole_network_is_one() -> None:
    assert network("2001:db8:1:2::7") == network("2001:db8:1:2:ffff::1") != network("2001:db8::1")
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") == "192.0.2.1"
    assert network("fe80::1%eth0") == "fe80::"
    assert network("testclient") == "testclient"


def test_a_body_that_is_too_large_is_not_read(house: House) -> None:
    key = house.key(role="agent")

    def chunks() -> Iterator[bytes]:
        for _ in range(LARGEST_BODY_BYTES // 65_536 + 2):
            yield b" " * 65_536

    said = house.client.post("/api/change", content=b"x" * (LARGEST_BODY_BYTES + 1), headers=key)
    unsaid = house.client.post("/api/change", content=chunks(), headers=key)
    signing_in = house.client.post("/session", content=chunks())
    for answer in (said, unsaid, signing_in):
        assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        assert "1 MiB" in detail(answer)
        assert answer.headers["content-security-policy"]


# -- answers ------------------------------------------------------------------------------------


def test_every_error_is_a_problem_that_says_what_to_do(house: House) -> None:
    key = house.key(role="agent")
    assert "openapi.json" in detail(house.client.get("/nowhere", headers=key))
    wrong_method = house.client.put("/api/read", headers=key)
    assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "GET")
    assert "Allow" in detail(wrong_method)
    value = house.client.post("/api/change", json={"size": "s3cret"}, headers=key)
    assert value.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert detail(value).startswith("body /size: ")
    assert value.json()["errors"][0]["at"] == "/size"
    assert "s3cret" not in value.text
    syntax = house.client.post(
        "/api/change", content=b'{"size": ', headers=key | {"Content-Type": "application/json"}
    )
    assert "no JSON" in detail(syntax)
    name = house.client.get("/pictures/x", headers=key)
    assert name.json()["errors"][0]["in"] == "path"


def test_a_fault_of_ours_tells_the_log_alone(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    answer = house.client.get("/api/broken", headers=house.key())
    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert "secret of the house" not in answer.text
    assert "fault of ours" in detail(answer)
    assert "the secret of the house" in caplog.text


def test_every_answer_has_the_headers_that_keep_browsers_safe(house: House) -> None:
    key = house.key()
    answers = [
        house.client.get("/health/live"),
        house.client.get("/api/read"),
        house.client.get("/api/read", headers=key),
        house.client.get("/api/broken", headers=key),
        house.client.get("/nowhere", headers=key),
        house.client.post("/webhooks/telegram/acme/none", content=b"{}"),
    ]
    for answer in answers:
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in answer.headers
    for answer in answers[1:]:
        assert answer.headers["cache-control"] == "no-store"


def test_the_document_says_who_may_call_what_and_how_errors_look(house: House) -> None:
    document = house.client.get("/openapi.json", headers=house.key()).json()
    schemes = document["components"]["securitySchemes"]
    assert schemes["key"]["scheme"] == "bearer"
    assert (schemes["session"]["in"], schemes["session"]["name"]) == ("cookie", "omni_session")
    read = document["paths"]["/api/read"]["get"]
    assert read["security"] == [{"key": []}, {"session": []}]
    change = document["paths"]["/api/change"]["post"]["responses"]
    assert {"200", "401", "403", "413", "422", "429", "500", "503"} <= set(change)
    for status, response in change.items():
        if status >= "400":
            schema = response["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert "security" not in document["paths"]["/health/live"]["get"]


def test_nothing_documents_itself_with_pages_of_another_host(house: House) -> None:
    key = house.key()
    for path in ("/docs", "/redoc"):
        assert house.client.get(path, headers=key).status_code == HTTPStatus.NOT_FOUND


# -- streams ------------------------------------------------------------------------------------


@contextmanager
def served(api: FastAPI) -> Iterator[str]:
    """Serve the application on a port of its own for the length of the block."""
    server = uvicorn.Server(uvicorn.Config(api, port=0, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            threading.Event().wait(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


def test_a_stream_is_not_held_back_and_ends_within_seconds_of_its_keys_end(house: House) -> None:
    key = house.key()
    with (
        served(house.api) as url,
        httpx2.Client(base_url=url, trust_env=False, timeout=10) as client,
        client.stream("GET", "/api/stream", headers=key) as answer,
    ):
        assert answer.headers["cache-control"] == "no-store"
        ticks = answer.iter_text()
        for _ in range(5):
            assert "tick" in next(ticks)
        key_id = key["Authorization"].split("_")[1]
        KeyFile(house.keys).change(lambda keys: revoked(keys, key_id, datetime.now(UTC)))
        began = time.monotonic()
        for _ in ticks:
            assert time.monotonic() - began < 5
