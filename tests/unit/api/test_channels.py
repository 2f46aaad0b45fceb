"""A tenant's channels: from their traffic, from the channels file, and what went wrong on them.

Real: the application, the live view's files, the gateway. Not real: Kafka.
"""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_api
from api.settings import ApiSettings
from streams.cluster import ClusterSettings
from tests.keys import bearer, make_key
from tests.unit.api.live_view.fed import FedView, fed_view
from tests.unit.pipelines.builders import START, customer, fact, identity

CHANNELS = """
[[channels]]
tenant = "acme"
id = "bot-1"
platform = "telegram"
name = "The bot"
secrets = ["s3cret"]

[[channels]]
tenant = "umbrella"
id = "theirs"
platform = "telegram"
secrets = ["other"]
"""


class Desk:
    """The API over a view that the test feeds."""

    def __init__(self, folder: Path, fed: FedView) -> None:
        (folder / "channels.toml").write_text(CHANNELS)
        keys = folder / "keys.json"
        settings = ApiSettings(channels_file=folder / "channels.toml", keys_file=keys)
        api = create_api(settings, ClusterSettings())
        api.state.view = fed.view
        self.client = TestClient(api)
        self._key = bearer(make_key(keys))

    def channels(self) -> dict[str, dict[str, Any]]:
        """Return acme's channels by their ids."""
        answer = self.client.get("/api/channels", headers=self._key)
        assert answer.status_code == HTTPStatus.OK, answer.text
        return {one["channelId"]: one for one in answer.json()["items"]}


@pytest.fixture
def fed(tmp_path: Path) -> Iterator[FedView]:
    """Give an empty live view."""
    with fed_view(tmp_path / "live") as view:
        yield view


def test_channel_appears_by_its_traffic_alone(tmp_path: Path, fed: FedView) -> None:
    fed.records(
        customer("c1", identities=(identity(),)),
        fact("m1"),
        fact("m2", direction="outbound"),
        fact("m3", tenant_id="umbrella", channel_id="wa-9"),
    )
    channels = Desk(tmp_path, fed).channels()

    assert channels.keys() == {"bot-1", "wa-1"}
    seen = channels["wa-1"]
    assert (seen["customers"], seen["messagesIn"], seen["messagesOut"]) == (1, 1, 1)
    assert seen["lastMessageAt"] == START.isoformat().replace("+00:00", "Z")
    assert not seen["isConfigured"]


def test_configured_channel_shows_its_webhook_and_the_calls_that_were_refused(
    tmp_path: Path, fed: FedView
) -> None:
    desk = Desk(tmp_path, fed)
    for secret in ("wrong", "s3cre", ""):
        refused = desk.client.post(
            "/webhooks/telegram/acme/bot-1",
            content=b"{}",
            headers={"x-telegram-bot-api-secret-token": secret},
        )
        assert refused.status_code == HTTPStatus.UNAUTHORIZED
    bot = desk.channels()["bot-1"]

    assert (bot["name"], bot["webhook"]) == ("The bot", "/webhooks/telegram/acme/bot-1")
    assert bot["verificationFailures"] == 3
    assert bot["lastVerificationFailureAt"] >= bot["countedSince"]
    assert bot["lastMessageAt"] is None
