"""The webhook routes over HTTP, with an outbox that remembers or refuses in Kafka's place.

Real: the application, its routes, signatures and limits. The outbox on a real broker is in
tests/integration/test_outbox.py.
"""

from base64 import b64encode
from collections.abc import Sequence
from hmac import digest
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_api
from api.live_view.protocol import Progress
from api.live_view.view import LiveView
from api.outbox import Header, NotTakenError
from api.settings import ApiSettings
from api.webhooks.gateway import LARGEST_BODY_BYTES, Gateway
from streams.channel_file import channels_in
from streams.cluster import ClusterSettings
from tests.unit.api.webhooks.calls import NOW_SECONDS, VECTORS, call_of

CHANNELS = """
[[channels]]
tenant = "acme"
id = "wa-1"
platform = "whatsapp"
secrets = ["meta_app_secret_example_1"]
verify_token = "agreed"

[[channels]]
tenant = "acme"
id = "sms-1"
platform = "twilio"
secrets = ["twilio_auth_token_example"]
public_url = "https://ingest.example.com"

[[channels]]
tenant = "acme"
id = "vonage-1"
platform = "vonage"
secrets = ["vonage_sig_secret_example"]

[[channels]]
tenant = "acme"
id = "open-1"
platform = "zapi"
"""
WHATSAPP = "/webhooks/whatsapp/acme/wa-1"


class RememberingOutbox:
    """Takes bodies, or refuses them while `is_away`."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes, dict[str, bytes]]] = []
        self.keys: list[bytes | None] = []
        self.is_away = False
        self.is_ready = True

    async def put(
        self,
        topic: str,
        value: bytes,
        headers: Sequence[Header] = (),
        *,
        key: bytes | None = None,
    ) -> None:
        """Remember the body."""
        if self.is_away:
            raise NotTakenError("Kafka did not take it")
        self.taken.append((topic, value, dict(headers)))
        self.keys.append(key)


@pytest.fixture
def outbox() -> RememberingOutbox:
    """Give what stands in Kafka's place."""
    return RememberingOutbox()


@pytest.fixture
def client(tmp_path: Path, outbox: RememberingOutbox) -> TestClient:
    """Give a client of the application; nothing reaches for a broker."""
    return _client(tmp_path, outbox, calls_per_second=50)


def _client(tmp_path: Path, outbox: RememberingOutbox, *, calls_per_second: int) -> TestClient:
    path = tmp_path / "channels.toml"
    path.write_text(CHANNELS)
    settings = ApiSettings(channels_file=path)
    api = create_api(settings, ClusterSettings(topic_prefix="t-"))
    api.state.outbox = outbox
    api.state.gateway = Gateway(
        channels_in(path),
        outbox,
        calls_per_second=calls_per_second,
        topic_prefix="t-",
        now_seconds=lambda: NOW_SECONDS,
    )
    return TestClient(api)


def signed(index: int = 0) -> tuple[bytes, dict[str, str]]:
    """Return a body of WhatsApp and its signature."""
    call = call_of(VECTORS[index])
    return call.body, dict(call.headers)


def test_a_signed_body_is_on_kafka_as_it_came_before_the_platform_is_answered(
    client: TestClient, outbox: RememberingOutbox
) -> None:
    body, headers = signed()
    answer = client.post(
        WHATSAPP, content=body, headers=headers | {"content-type": "application/json"}
    )
    assert answer.status_code == HTTPStatus.OK
    assert outbox.taken == [
        (
            "t-channels.whatsapp",
            body,
            {"tenantId": b"acme", "channelId": b"wa-1", "contentType": b"application/json"},
        )
    ]


def test_a_signed_body_that_can_never_be_read_is_taken_so_that_it_is_not_repeated_for_days(
    client: TestClient, outbox: RememberingOutbox
) -> None:
    for index, vector in enumerate(VECTORS):
        if "malformed" in vector["file"]:
            body, headers = signed(index)
            assert client.post(WHATSAPP, content=body, headers=headers).status_code == HTTPStatus.OK
    assert len(outbox.taken) == 2


def test_a_body_that_kafka_has_not_got_is_asked_for_again(
    client: TestClient, outbox: RememberingOutbox
) -> None:
    outbox.is_away = True
    body, headers = signed()
    answer = client.post(WHATSAPP, content=body, headers=headers)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.headers["retry-after"]
    outbox.is_away = False
    assert client.post(WHATSAPP, content=body, headers=headers).status_code == HTTPStatus.OK
    assert [value for _, value, _ in outbox.taken] == [body]


def test_a_call_that_is_not_signed_reaches_nothing_and_says_what_to_do(
    client: TestClient, outbox: RememberingOutbox
) -> None:
    body, _ = signed()
    answer = client.post(WHATSAPP, content=body)
    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" in answer.json()["detail"]
    assert outbox.taken == []


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/telegram/acme/wa-1",
        "/webhooks/whatsapp/acme/wa-2",
        "/webhooks/whatsapp/umbrella/wa-1",
    ],
)
def test_a_channel_that_is_not_configured_takes_nothing(client: TestClient, path: str) -> None:
    body, headers = signed()
    answer = client.post(path, content=body, headers=headers)
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert "channels file" in answer.json()["detail"]


def test_a_channel_without_a_secret_takes_nothing(client: TestClient) -> None:
    answer = client.post("/webhooks/zapi/acme/open-1", content=b"{}")
    assert answer.status_code == HTTPStatus.UNAUTHORIZED


def test_a_body_larger_than_any_platforms_is_not_read(
    client: TestClient, outbox: RememberingOutbox
) -> None:
    def chunks() -> Any:
        for _ in range(LARGEST_BODY_BYTES // 65_536 + 2):
            yield b"x" * 65_536

    said = client.post(WHATSAPP, content=b"x" * (LARGEST_BODY_BYTES + 1))
    unsaid = client.post(WHATSAPP, content=chunks())
    assert said.status_code == unsaid.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert outbox.taken == []


def test_more_calls_than_agreed_are_asked_to_come_again(
    tmp_path: Path, outbox: RememberingOutbox
) -> None:
    client = _client(tmp_path, outbox, calls_per_second=3)
    body, headers = signed()
    codes = [client.post(WHATSAPP, content=body, headers=headers).status_code for _ in range(40)]
    assert set(codes) == {HTTPStatus.OK, HTTPStatus.TOO_MANY_REQUESTS}
    assert codes.count(HTTPStatus.OK) == len(outbox.taken)


def test_who_keeps_calling_without_a_signature_takes_nothing_from_the_platform(
    client: TestClient, outbox: RememberingOutbox, caplog: pytest.LogCaptureFixture
) -> None:
    body, headers = signed()
    codes = {client.post(WHATSAPP, content=body).status_code for _ in range(80)}
    assert codes == {HTTPStatus.UNAUTHORIZED}
    assert client.post(WHATSAPP, content=body, headers=headers).status_code == HTTPStatus.OK
    assert len(outbox.taken) == 1
    assert 0 < len([line for line in caplog.messages if "Refused" in line]) <= 20


def test_metas_handshake_is_answered_only_with_the_agreed_token(client: TestClient) -> None:
    ask = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "agreed"}
    answer = client.get(WHATSAPP, params=ask)
    assert (answer.status_code, answer.text) == (HTTPStatus.OK, "1158201444")
    for wrong in ({"hub.verify_token": "other"}, {"hub.mode": "x"}, {"hub.verify_token": ""}):
        assert client.get(WHATSAPP, params=ask | wrong).status_code == HTTPStatus.FORBIDDEN
    # A channel without a token answers nobody.
    ask["hub.verify_token"] = ""
    assert client.get("/webhooks/zapi/acme/open-1", params=ask).status_code == HTTPStatus.FORBIDDEN


def test_twilio_is_answered_with_markup_that_says_nothing(
    client: TestClient, outbox: RememberingOutbox
) -> None:
    # What Twilio signs is the address it calls, which a proxy hides from us.
    signed_text = "https://ingest.example.com/webhooks/twilio/acme/sms-1?a=bBodyHiFrom+12025550161"
    signature = b64encode(digest(b"twilio_auth_token_example", signed_text.encode(), "sha1"))
    answer = client.post(
        "/webhooks/twilio/acme/sms-1?a=b",
        data={"From": "+12025550161", "Body": "Hi"},
        headers={"x-twilio-signature": signature.decode()},
    )
    assert (answer.status_code, answer.text) == (HTTPStatus.OK, "<Response/>")
    assert answer.headers["content-type"].startswith("text/xml")
    assert len(outbox.taken) == 1


def test_vonage_may_deliver_by_get(client: TestClient, outbox: RememberingOutbox) -> None:
    call = next(call_of(v) for v in VECTORS if v["scheme"] == "vonage-sms")
    answer = client.get(f"/webhooks/vonage/acme/vonage-1?{call.body.decode()}")
    assert answer.status_code == HTTPStatus.OK
    ((topic, body, headers),) = outbox.taken
    assert (topic, body, headers["query"]) == ("t-channels.vonage", b"", call.body)


def test_readiness_waits_for_kafka_and_the_view_and_life_does_not(
    client: TestClient, outbox: RememberingOutbox
) -> None:
    view: LiveView = client.app.state.view  # type: ignore[attr-defined]
    view.progress = Progress("catching_up", 30, 120)
    waiting = client.get("/health/ready")
    view.progress = Progress("live")
    ready = client.get("/health/ready")
    outbox.is_ready = False
    away = client.get("/health/ready")

    assert waiting.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "30 of 120 records (25%)" in waiting.json()["detail"]
    assert ready.status_code == HTTPStatus.OK
    assert away.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert client.get("/health/live").status_code == HTTPStatus.OK
