"""What could not be understood, on `dead-letters`: where it stood, why, and its raw bytes."""

from datetime import datetime
from typing import Literal

import msgspec

from streams.contracts.wire import SCHEMA_VERSION, Wire

Reason = Literal[
    "unreadable",  # not JSON, or not the shape of a message; fix the producer, then replay
    "invalid",  # readable, but a value cannot be used; the detail names it
    "not_a_person",  # service sender, blocked value, own number: never a customer
    "too_large",  # larger than the broker takes; the raw bytes are cut
]


class DeadLetter(Wire, frozen=True, kw_only=True):
    """A record that was set aside, or a part of one. `id` is its topic, partition and offset, and
    the part's number where a body has several: reading the source again repeats it under that id.

    `isCut` says that `raw` or `headers` are not whole. A letter that comes again with `replayedAt`
    was put back on its topic then; `replayOf` names the letter whose replay was set aside again.
    """

    id: str
    topic: str
    partition: int
    offset: int
    reason: Reason
    detail: str
    received_at: datetime
    key: bytes | None
    raw: bytes = msgspec.field(default=b"")  # base64 in JSON
    tenant_id: str | None = None
    platform: str | None = None  # of a native body
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    is_cut: bool = False
    replay_of: str | None = None
    replayed_at: datetime | None = None
    schema_version: int = SCHEMA_VERSION
