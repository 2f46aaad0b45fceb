"""The dead letters on their topic: read, and put back where they came from.

A replay puts a record back on its topic as it was, named by `replayOf`, and marks its letter once
the broker has it. Repeating it is harmless: messages that did arrive are known by their ids.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.wire import encode
from streams.ends import end_offsets, first_offsets, read_between
from streams.outbox import REPLAY_OF

_DEADLINE_SECONDS: Final = 30.0
_CHUNK: Final = 500
_LARGEST_BYTES: Final = 8 * 1024 * 1024  # native bodies come up to 5 MiB
_decoder: Final = msgspec.json.Decoder(DeadLetter)

Chosen = Callable[[DeadLetter], bool]
_Record = tuple[bytes | None, bytes, list[tuple[str, bytes]]]


class DeadLettersError(Exception):
    """The letters could not be read or put back; the message says what to do."""


class _LeftError(Exception):
    """A letter whose record cannot be put back; the message says why."""


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
        firsts = first_offsets(consumer, partitions)
        for _, records in read_between(consumer, firsts, ends):
            for record in records:
                letter = _decoded(record.value)
                if letter is not None and chosen(letter):
                    yield letter


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


def replay(cluster: ClusterSettings, ids: frozenset[str], *, now: datetime) -> Replay:
    """Put the records of these letters back on their topics, each record once.

    Raises DeadLettersError where the broker does not take them; what it took before stays marked.
    """
    with closing(_Replaying(cluster, now)) as replaying:
        letters = read_letters(cluster, lambda one: one.id in ids and one.replayed_at is None)
        while chunk := list(islice(letters, _CHUNK)):
            replaying.put_back(chunk)
        return replaying.done()


class _Replaying:
    """Letters on their way back, and what became of them so far."""

    def __init__(self, cluster: ClusterSettings, now: datetime) -> None:
        self._cluster = cluster
        self._now = now
        prefix = cluster.topic_prefix
        self._sources = {topics.full_name(topic, prefix) for topic in topics.SOURCES}
        self._marks_to = topics.full_name(topics.DEAD_LETTERS, prefix)
        self._places: set[tuple[str, int, int]] = set()
        self._letters = 0
        self._left: list[tuple[str, str]] = []
        self._producer = KafkaProducer(
            **cluster.client_options(), acks="all", max_request_size=_LARGEST_BYTES
        )

    def close(self) -> None:
        """Leave the broker."""
        self._producer.close()

    def done(self) -> Replay:
        """Return what was done."""
        return Replay(len(self._places), self._letters, self._left)

    def put_back(self, letters: Sequence[DeadLetter]) -> None:
        """Have the records on their topics, then the letters marked."""
        sent: list[Any] = []
        back: list[DeadLetter] = []
        for letter in letters:
            try:
                sent += self._sent(letter)
            except _LeftError as why:
                self._left.append((letter.id, str(why)))
            else:
                back.append(letter)
        self._acknowledged(sent)
        self._acknowledged([self._marked(letter) for letter in back])
        self._letters += len(back)

    def _sent(self, letter: DeadLetter) -> Iterable[Any]:
        """Return the sending of the record; none where another part of it was a letter too."""
        place = (letter.topic, letter.partition, letter.offset)
        if letter.topic not in self._sources:
            raise _LeftError(f"{letter.topic} is our own: mend what filled it")
        if place in self._places:
            return ()
        key, value, headers = self._record(letter)
        self._places.add(place)
        named = [*headers, (REPLAY_OF, letter.id.encode())]
        return (self._producer.send(letter.topic, key=key, value=value, headers=named),)

    def _marked(self, letter: DeadLetter) -> Any:
        mark = msgspec.structs.replace(letter, raw=b"", replayed_at=self._now)
        key = f"{letter.topic}/{letter.partition}".encode()
        return self._producer.send(self._marks_to, key=key, value=encode(mark))

    def _record(self, letter: DeadLetter) -> _Record:
        """Return key, value and headers; from the record itself where the letter is cut."""
        if not letter.is_cut:
            return letter.key, letter.raw, [(n, v.encode()) for n, v in letter.headers.items()]
        partition = TopicPartition(letter.topic, letter.partition)
        with closing(_consumer(self._cluster)) as consumer:
            starts, ends = {partition: letter.offset}, {partition: letter.offset + 1}
            if first_offsets(consumer, [partition])[partition] <= letter.offset:
                for _, records in read_between(consumer, starts, ends, at_most=1):
                    for record in records:
                        return record.key, record.value or b"", list(record.headers)
        raise _LeftError("it was cut, and its topic no longer has it whole")

    def _acknowledged(self, sent: Sequence[Any]) -> None:
        self._producer.flush()
        for future in sent:
            try:
                future.get(timeout=_DEADLINE_SECONDS)
            except KafkaError as error:
                raise DeadLettersError(
                    f"the cluster did not take a record ({type(error).__name__}): look at its "
                    "log, then replay again; repeating is harmless"
                ) from error


def _consumer(cluster: ClusterSettings) -> Any:
    return KafkaConsumer(
        **cluster.client_options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_LARGEST_BYTES,
    )


def _decoded(value: bytes | None) -> DeadLetter | None:
    try:
        return _decoder.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
