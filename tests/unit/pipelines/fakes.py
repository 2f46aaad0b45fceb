"""A source of given records and a sink that folds in plain Python: the oracle of the real one."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from pipelines.batch import Batch, Chunk, Partition, Record
from pipelines.errors import OffsetsMovedError
from pipelines.sink import LoadedBatch, Position, TopicState
from streams import topics
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent, ErasedIdentity
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.messages import MessageFact
from streams.contracts.policies import TenantPolicy
from streams.contracts.suggestions import LinkSuggestion
from streams.contracts.wire import Wire

SHAPES: dict[str, type[Wire]] = {
    topics.CUSTOMERS.name: Customer,
    topics.CONVERSATIONS.name: Conversation,
    topics.CUSTOMER_EVENTS.name: CustomerEvent,
    topics.CUSTOMER_MESSAGES.name: MessageFact,
    topics.LINK_SUGGESTIONS.name: LinkSuggestion,
    topics.POLICIES.name: TenantPolicy,
    topics.DEAD_LETTERS.name: DeadLetter,
}
KEEPS_NEWEST = frozenset(
    topic.name
    for topic in (
        *(topics.CUSTOMERS, topics.CONVERSATIONS, topics.LINK_SUGGESTIONS, topics.POLICIES),
        topics.DEAD_LETTERS,
    )
)


class FakeClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.seconds


class FakeSource:
    """Delivers a log of records, so many a poll, to those who began at an offset."""

    def __init__(
        self,
        log: Mapping[Partition, Sequence[Record]],
        *,
        per_poll: int = 2,
        clock: FakeClock | None = None,
        topic_id: str | None = "id-1",
        ends: Mapping[Partition, int] | None = None,
    ) -> None:
        self.log = {place: list(records) for place, records in log.items()}
        self.next: dict[Partition, int] = {}
        self._per_poll = per_poll
        self._clock = clock
        self._topic_id = topic_id
        self._ends = ends or {}

    def topics(self) -> dict[str, TopicState]:
        """Return the topics as they are in the log."""
        found: dict[str, dict[Partition, tuple[int, int]]] = {}
        for place, records in self.log.items():
            end = self._ends.get(place, records[-1].offset + 1 if records else 0)
            found.setdefault(place.topic, {})[place] = (0, end)
        return {topic: TopicState(self._topic_id, bounds) for topic, bounds in found.items()}

    def start(self, offsets: Mapping[Partition, int]) -> None:
        """Begin there."""
        self.next = dict(offsets)

    def poll(self, timeout_seconds: float) -> Chunk:
        """Return the next records of each partition; time passes where there are none."""
        records = {}
        for place, offset in self.next.items():
            found = [one for one in self.log[place] if one.offset >= offset][: self._per_poll]
            if found:
                records[place] = found
                self.next[place] = found[-1].offset + 1
        if not records and self._clock is not None:
            self._clock.seconds += timeout_seconds
        return Chunk(records, dict(self.next))


class FakeSink:
    """Keeps rows as decoded records, by the same rules as the real sink."""

    def __init__(self) -> None:
        self.offsets: dict[Partition, Position] = {}
        self.rows: dict[str, dict[str, Wire]] = {topic: {} for topic in SHAPES}
        self.rejected: set[tuple[str, int, int]] = set()
        self.erased: set[ErasedIdentity] = set()
        self.batches: list[Batch] = []

    def positions(self) -> dict[Partition, Position]:
        """Return how far each partition is loaded."""
        return dict(self.offsets)

    def write(self, batch: Batch) -> LoadedBatch:
        """Take rows and offsets, or refuse both."""
        for place, (start, _) in batch.moved.items():
            if place in self.offsets and self.offsets[place].next_offset != start:
                raise OffsetsMovedError(f"{place} is elsewhere")
        for topic, parts in batch.records_by_topic().items():
            for number, records in parts:
                for one in records:
                    self._take(topic, number, one)
        for place, (_, next_offset) in batch.moved.items():
            self.offsets[place] = Position(next_offset, batch.topic_ids.get(place.topic))
        self.batches.append(batch)
        return LoadedBatch("fake", (), 0.0, dict(batch.next_offsets))

    def _take(self, topic: str, number: int, one: Record) -> None:
        if one.value is None:
            self._remove(topic, number, one)
            return
        if topic == topics.POLICIES.name and one.key == b"_salt":
            return
        try:
            row = msgspec.json.decode(one.value, type=SHAPES[topic])
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.rejected.add((topic, number, one.offset))
            return
        self._keep(topic, row)

    def _keep(self, topic: str, row: Wire) -> None:
        if isinstance(row, CustomerEvent) and row.erased:
            self._erase(row)
        if self._is_erased(row):
            return
        if isinstance(row, Customer | Conversation | LinkSuggestion):
            known = self.rows[topic].get(row.id)
            if known is None or known.version <= row.version:  # type: ignore[attr-defined]
                self.rows[topic][row.id] = row
        elif isinstance(row, TenantPolicy):
            self.rows[topic][row.tenant_id] = row
        elif isinstance(row, MessageFact):
            key = f"{row.tenant_id}/{row.channel_id}/{row.message_id}"
            self.rows[topic].setdefault(key, row)
        elif isinstance(row, DeadLetter):
            self.rows[topic][row.id] = row
        elif isinstance(row, CustomerEvent):
            self.rows[topic].setdefault(row.id, row)

    def _remove(self, topic: str, number: int, one: Record) -> None:
        if one.key is None:
            self.rejected.add((topic, number, one.offset))
        elif topic in KEEPS_NEWEST:
            self.rows[topic].pop(one.key.decode(), None)

    def _erase(self, event: CustomerEvent) -> None:
        self.erased |= set(event.erased)
        for name, rows in self.rows.items():
            kept = {key: row for key, row in rows.items() if not self._is_erased(row)}
            self.rows[name] = kept

    def _is_erased(self, row: Wire) -> bool:
        person, at = _about(row)
        return any(
            one.identity_id == person
            and (one.since is None or (at is not None and at >= one.since))
            and (one.until is None or at is None or at < one.until)
            for one in self.erased
        )


def _about(row: Wire) -> tuple[str | None, datetime | None]:
    match row:
        case Customer():
            return row.id, None
        case Conversation():
            return row.identity_id, row.started_at
        case MessageFact():
            return row.identity_id, row.sent_at
        case CustomerEvent(type="command.refused"):
            return row.identity_id or row.customer_id, row.occurred_at
        case CustomerEvent():
            return row.identity_id, row.occurred_at
    return None, None
