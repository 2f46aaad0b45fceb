"""A warehouse in memory that is filled from contracts, refreshed, and asked."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import duckdb
import pytest

from pipelines.duckdb_sink import DuckDbSink
from pipelines.raw_tables import tables_by_topic
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.messages import MessageFact
from streams.contracts.suggestions import LinkSuggestion
from tests.unit.pipelines.builders import START, FakeRecord, batch, chunk, erasure, record
from warehouse.checks import run_checks
from warehouse.connection import open_memory
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

Loaded = Customer | Conversation | CustomerEvent | MessageFact | LinkSuggestion

TOPICS: dict[type, str] = {
    Customer: "customers",
    Conversation: "conversations",
    CustomerEvent: "customer-events",
    MessageFact: "customer-messages",
    LinkSuggestion: "link-suggestions",
}


class Given:
    """Rows go in as records; marts come out as tuples.

    With a `copied` one's, the connection is to a copy of its file: what is loaded comes behind.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, copied: "Given | None" = None
    ) -> None:
        self.connection = connection
        self._sink = DuckDbSink(connection, tables_by_topic(""))
        self._offsets: dict[str, int] = dict(copied._offsets) if copied else {}

    def records(self, *values: Loaded) -> None:
        """Load contracts."""
        by_topic: dict[str, list[FakeRecord]] = {}
        for value in values:
            topic = TOPICS[type(value)]
            by_topic.setdefault(topic, []).append(record(self._next_offset(topic), value))
        self._sink.write(batch(*(chunk(topic, records) for topic, records in by_topic.items())))

    def erased(self, *identity_ids: str) -> None:
        """Load what says that this customer is to be forgotten, by all ids of their identities."""
        gone = [record(self._next_offset("customers"), None, key=one) for one in identity_ids]
        event = erasure(*identity_ids, event_id=f"{identity_ids[0]} was erased")
        said = [record(self._next_offset("customer-events"), event)]
        self._sink.write(batch(chunk("customers", gone), chunk("customer-events", said)))

    def _next_offset(self, topic: str) -> int:
        offset = self._offsets.get(topic, 0)
        self._offsets[topic] = offset + 1
        return offset

    def refreshed(self, now: datetime = START, zones: TimeZones | None = None) -> None:
        """Rebuild the marts."""
        refresh(self.connection, now=now, time_zones=zones or TimeZones())

    def rows(self, query: str) -> list[Any]:
        """Return a query's rows."""
        return self.connection.execute(query).fetchall()

    def failed_checks(self) -> list[str]:
        """Return the names of the checks that something breaks."""
        return [one.check.name for one in run_checks(self.connection) if not one.holds]

    def run(self, statements: Sequence[str]) -> None:
        """Change the tables directly."""
        for statement in statements:
            self.connection.execute(statement).fetchall()


@pytest.fixture
def given() -> Iterator[Given]:
    """Give an empty warehouse."""
    with open_memory() as connection:
        yield Given(connection)
