"""The sample payloads of tests/payloads as deliveries, and what each is expected to do."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from streams.channels.adapters import ADAPTERS
from streams.channels.delivery import Delivery
from streams.channels.reading import Reading
from streams.contracts.messages import Message
from streams.contracts.notices import Notice

FOLDER: Final = Path(__file__).parents[2] / "payloads"
# 2026-09-02: the samples are of the day before.
RECEIVED_AT_MS: Final = 1_788_307_200_000
FORM: Final = "application/x-www-form-urlencoded"
_PLATFORMS: Final = {
    "whatsapp_cloud": "whatsapp",
    "meta_messenger": "messenger",
    "instagram": "instagram",
    "telegram": "telegram",
    "twilio": "twilio",
    "vonage": "vonage",
    "email": "postmark",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One file: its platform, and what INDEX.json says of it."""

    path: str
    content_type: str
    customer: str
    inbound_messages: int

    @property
    def platform(self) -> str:
        """Return the platform's name; of web chats and gateways the file's name begins with it."""
        folder, _, name = self.path.partition("/")
        return _PLATFORMS.get(folder) or name.partition("_")[0]

    def body(self) -> bytes:
        """Return the bytes as the platform sends them."""
        raw = (FOLDER / self.path).read_bytes()
        is_form = self.content_type == FORM and self.path.endswith(".json")
        return urlencode(json.loads(raw)).encode() if is_form else raw

    def delivery(self, **known: str | frozenset[str]) -> Delivery:
        """Return the body as it arrives on a channel of its platform."""
        return Delivery(
            tenant_id="acme",
            channel_id=f"{self.platform}-1",
            body=self.body(),
            received_at_ms=RECEIVED_AT_MS,
            content_type=self.content_type,
            **known,  # type: ignore[arg-type]
        )


def samples(platform: str | None = None) -> list[Sample]:
    """Return all samples, or a platform's; not those that are no event of it."""
    index = json.loads((FOLDER / "INDEX.json").read_text())["samples"]
    found = [
        Sample(s["path"], s["content_type"], s["customer"], s["inbound_messages"]) for s in index
    ]
    return [s for s in found if s.customer != "n/a" and platform in (None, s.platform)]


class SamplesOf:
    """The samples of some platforms by their names, read as their adapters read them."""

    def __init__(self, *platforms: str) -> None:
        found = [sample for platform in platforms for sample in samples(platform)]
        self._by_name = {sample.path.partition("/")[2]: sample for sample in found}

    def sample(self, name: str) -> Sample:
        """Return the sample of that file; the name needs no `.json`."""
        return self._by_name[f"{name}.json"]

    def reading(self, name: str) -> Reading:
        """Return what its adapter says of it."""
        sample = self.sample(name)
        return ADAPTERS[sample.platform](sample.delivery())

    def only(self, name: str) -> Message:
        """Return the one message in it."""
        (message,) = self.reading(name).messages
        return message

    def noticed(self, name: str) -> Notice:
        """Return the one notice in it."""
        (notice,) = self.reading(name).notices
        return notice
