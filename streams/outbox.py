"""Records on their way out of a step: their topics' names, and what is set aside instead."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from streams import topics
from streams.contracts.dead_letters import DeadLetter, Reason
from streams.contracts.wire import encode
from streams.engine.batches import InRecord, OutRecord
from streams.identity.instants import to_datetime
from streams.identity.policy import Policy

# Kafka takes 1,048,588 bytes a batch by default; this leaves room for its envelope.
RECORD_BYTES_LIMIT: Final = 900_000
# Raw bytes are base64 in a dead letter: a third larger.
_RAW_BYTES_KEPT: Final = 512 * 1024
_DETAIL_KEPT: Final = 500
_HEADER_KEPT: Final = 8_192
_HEADERS_KEPT: Final = 16
REPLAY_OF: Final = "replayOf"  # the header of a record that was put back
_NATIVE: Final = "channels."

# All that decoding hostile bytes raises: not JSON or not the shape, bad UTF-8, nested too deep.
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

PolicyOf = Callable[[str], Policy]


@dataclass(frozen=True, slots=True)
class TopicNames:
    """The names of the topics on the broker, prefix and all."""

    prefix: str

    def __call__(self, topic: topics.TopicSpec) -> str:
        """Return the topic's name on the broker."""
        return topics.full_name(topic, self.prefix)

    def platform_of(self, topic: str) -> str | None:
        """Return whose bodies the topic on the broker holds; None of canonical records."""
        name = topic.removeprefix(self.prefix)
        return name.removeprefix(_NATIVE) if name.startswith(_NATIVE) else None


def dead_letter(
    record: InRecord, reason: Reason, detail: str, *, platform: str | None, part: int | None
) -> DeadLetter:
    """Return the record, or a part of it, set aside with why; what is too long is cut."""
    raw = record.value or b""
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    kept = {name: value[:_HEADER_KEPT] for name, value in list(headers.items())[:_HEADERS_KEPT]}
    replay_of = kept.pop(REPLAY_OF, None)
    headers.pop(REPLAY_OF, None)
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return DeadLetter(
        id=place if part is None else f"{place}/{part}",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        reason=reason,
        detail=detail[:_DETAIL_KEPT],
        received_at=to_datetime(max(record.timestamp, 0)),
        key=record.key[:_DETAIL_KEPT] if record.key else None,
        raw=raw[:_RAW_BYTES_KEPT],
        tenant_id=kept.get("tenantId"),
        platform=platform,
        headers=kept,
        is_cut=len(raw) > _RAW_BYTES_KEPT
        or len(record.key or b"") > _DETAIL_KEPT
        or kept != headers,
        replay_of=replay_of,
    )


class Outbox:
    """Records on their way to a topic; one that the broker would refuse becomes a dead letter."""

    def __init__(self, names: TopicNames) -> None:
        self.records: list[OutRecord] = []
        self.reasons: list[Reason] = []
        self._names = names
        self._dead_letters = names(topics.DEAD_LETTERS)

    def put(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        cause: InRecord,
        partition_key: bytes | None = None,
    ) -> None:
        """Send the value, or set its cause aside where the broker would refuse it."""
        if len(value) + len(key) > RECORD_BYTES_LIMIT:
            self.set_aside(cause, "too_large", f"{len(value)} bytes for {topic}")
        else:
            self.records.append(OutRecord(topic, key, value, partition_key))

    def set_aside(
        self, record: InRecord, reason: Reason, detail: str, *, part: int | None = None
    ) -> None:
        """Keep the record, or that part of its body, with why it goes no further."""
        letter = dead_letter(
            record, reason, detail, platform=self._names.platform_of(record.topic), part=part
        )
        self.reasons.append(reason)
        key = f"{record.topic}/{record.partition}".encode()
        self.records.append(OutRecord(self._dead_letters, key, encode(letter)))
