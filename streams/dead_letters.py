"""The dead letters on their topic: read, and put back where they came from.

A replay puts a record back on its topic as it was, named by `replayOf`, and marks its letter once
the broker has it. Repeating it is harmless: messages that did arrive are known by their ids.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.wire import encode
from streams.ends import end_offsets
from streams.outbox import REPLAY_OF

_POLL_MS: Final = 500
_DEADLINE_SECONDS: Final = 30.0
_CHUNK: Final = 500
_FETCH_BYTES: Final = 8 * 1024 * 1024
_decoder: Final = msgspec.json.Decoder(DeadLetter)

Chosen = Callable[[DeadLetter], bool]


class DeadLettersError(Exception):
    """The letters could not be read or put back; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay did: records put back, and letters that could not be, with why."""

    records: int
    letters: int
    left: Sequence[tuple[str, str]]


def read_letters(cluster: ClusterSettings, chosen: Chosen) -> Iterator[DeadLetter]:
    """Yield the chosen letters that the topic holds, each partition in order; marks among them."""
    name = topics.full_name(topics.DEAD_LETTERS, cluster.topic_prefix)
    with closing(_consumer(cluster)) as consumer:
        numbers = consumer.partitions_for_topic(name)
        if not numbers:
            raise DeadLettersError(f"there is no topic {name}: make it with `omnichannel topics`")
        partitions = [TopicPartition(name, number) for number in sorted(numbers)]
        ends = end_offsets(consumer, partitions)
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while any(consumer.position(p) < ends[p] for p in partitions):
            found = consumer.poll(timeout_ms=_POLL_MS)
            for records in found.values():
                for record in records:
                    letter = _decoded(record.value)
                    if letter is not None and chosen(letter):
                        yield letter
            if found:
                deadline = time.monotonic() + _DEADLINE_SECONDS
            elif time.monotonic() > deadline:
                raise DeadLettersError(
                    f"{name} holds letters that the broker does not deliver; look at its log"
                )


def open_letters(cluster: ClusterSettings, chosen: Chosen) -> dict[str, DeadLetter]:
    """Return the chosen letters that were not put back yet, by id, without their raw bytes."""
    found: dict[str, DeadLetter] = {}
    replayed: set[str] = set()
    for letter in read_letters(cluster, lambda one: one.replayed_at is not None or chosen(one)):
        if letter.replayed_at is not None:
            replayed.add(letter.id)
        else:
            found[letter.id] = msgspec.structs.replace(letter, raw=b"")
    return {name: letter for name, letter in found.items() if name not in replayed}


def replay(cluster: ClusterSettings, ids: frozenset[str], *, now: datetime | None = None) -> Replay:
    """Put the records of these letters back on their topics, each record once.

    Raises DeadLettersError where the broker does not take them; what it took before stays marked.
    """
    moment = now or datetime.now(UTC)
    prefix = cluster.topic_prefix
    sources = {topics.full_name(topic, prefix) for topic in topics.SOURCES}
    marks_to = topics.full_name(topics.DEAD_LETTERS, prefix)
    left: list[tuple[str, str]] = []
    done: set[tuple[str, int, int]] = set()
    letters = 0
    options = cluster.client_options() | {"max_request_size": _FETCH_BYTES}
    with closing(KafkaProducer(**options, acks="all")) as producer:
        for batch in _chunks(
            read_letters(cluster, lambda one: one.id in ids and not one.replayed_at)
        ):
            marked: list[DeadLetter] = []
            futures: list[Any] = []
            for letter in batch:
                place = (letter.topic, letter.partition, letter.offset)
                if letter.topic not in sources:
                    left.append((letter.id, f"{letter.topic} is our own: mend what filled it"))
                    continue
                if place not in done:
                    body = _body(letter, cluster)
                    if body is None:
                        left.append((letter.id, "it was cut, and its topic no longer has it whole"))
                        continue
                    done.add(place)
                    futures.append(_put_back(producer, letter, *body))
                marked.append(msgspec.structs.replace(letter, raw=b"", replayed_at=moment))
            _acknowledged(producer, futures)
            _acknowledged(
                producer,
                [
                    producer.send(
                        marks_to, key=f"{m.topic}/{m.partition}".encode(), value=encode(m)
                    )
                    for m in marked
                ],
            )
            letters += len(marked)
    return Replay(len(done), letters, left)


Body = tuple[bytes | None, bytes, list[tuple[str, bytes]]]


def _body(letter: DeadLetter, cluster: ClusterSettings) -> Body | None:
    """Return key, value and headers of the record; from its topic where the letter is cut."""
    if not letter.is_cut:
        return letter.key, letter.raw, [(n, v.encode()) for n, v in letter.headers.items()]
    partition = TopicPartition(letter.topic, letter.partition)
    with closing(_consumer(cluster)) as consumer:
        consumer.assign([partition])
        firsts = consumer.beginning_offsets([partition])
        if firsts[partition] > letter.offset:
            return None
        consumer.seek(partition, letter.offset)
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < deadline:
            for record in consumer.poll(timeout_ms=_POLL_MS, max_records=1).get(partition, ()):
                whole = record.offset == letter.offset
                return (record.key, record.value or b"", list(record.headers)) if whole else None
    return None


def _put_back(
    producer: Any, letter: DeadLetter, key: bytes | None, value: bytes, headers: list[Any]
) -> Any:
    named = [*headers, (REPLAY_OF, letter.id.encode())]
    return producer.send(letter.topic, key=key, value=value, headers=named)


def _acknowledged(producer: Any, futures: Sequence[Any]) -> None:
    producer.flush()
    for future in futures:
        try:
            future.get(timeout=_DEADLINE_SECONDS)
        except Exception as error:
            raise DeadLettersError(
                f"the cluster did not take a record ({type(error).__name__}): look at its log, "
                "then replay again; repeating is harmless"
            ) from error


def _chunks(letters: Iterator[DeadLetter]) -> Iterator[list[DeadLetter]]:
    chunk: list[DeadLetter] = []
    for letter in letters:
        chunk.append(letter)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _consumer(cluster: ClusterSettings) -> Any:
    return KafkaConsumer(
        **cluster.client_options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
    )


def _decoded(value: bytes | None) -> DeadLetter | None:
    try:
        return _decoder.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
