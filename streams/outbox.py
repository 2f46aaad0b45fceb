"""Records on their way out of a step: their topics' names, and what is set aside instead."""

from collections.abc import Callable, Sequence
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


def dead_letter(record: InRecord, reason: Reason, detail: str) -> DeadLetter:
    """Return the record set aside, with why; what is too long is cut."""
    return DeadLetter(
        id=f"{record.topic}/{record.partition}/{record.offset}",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        reason=reason,
        detail=detail[:_DETAIL_KEPT],
        received_at=to_datetime(max(record.timestamp, 0)),
        key=record.key[:_DETAIL_KEPT] if record.key else None,
        raw=(record.value or b"")[:_RAW_BYTES_KEPT],
    )


class Outbox:
    """Records on their way to a topic; one that the broker would refuse becomes a dead letter."""

    def __init__(self, names: TopicNames, records: Sequence[OutRecord] = ()) -> None:
        self.records: list[OutRecord] = list(records)
        self._dead_letters = names(topics.DEAD_LETTERS)

    def put(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        cause: InRecord,
        *,
        partition_key: bytes | None = None,
    ) -> None:
        if len(value) + len(key) > RECORD_BYTES_LIMIT:
            self.set_aside(cause, "too_large", f"{len(value)} bytes for {topic}")
        else:
            self.records.append(OutRecord(topic, key, value, partition_key))

    def set_aside(self, record: InRecord, reason: Reason, detail: str) -> None:
        key = f"{record.topic}/{record.partition}".encode()
        value = encode(dead_letter(record, reason, detail))
        self.records.append(OutRecord(self._dead_letters, key, value))
