"""A warehouse in memory that is filled from contracts, refreshed, and asked."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import duckdb
import pytest

from pipelines.duckdb_sink import DuckDbSink
from pipelines.raw_tables import tables_by_topic
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer
from streams.contracts.messages import MessageFact
from tests.unit.pipelines.builders import START, FakeRecord, batch, chunk, record
from warehouse.connection import open_memory
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

TOPICS: dict[type, str] = {
    Customer: "customers",
    Conversation: "conversations",
    MessageFact: "customer-messages",
}


class Given:
    """Rows go in as records; marts come out as tuples."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._sink = DuckDbSink(connection, tables_by_topic(""))
        self._offsets: dict[str, int] = {}

    def records(self, *values: Customer | Conversation | MessageFact) -> None:
        """Load contracts."""
        by_topic: dict[str, list[FakeRecord]] = {}
        for value in values:
            topic = TOPICS[type(value)]
            offset = self._offsets.get(topic, 0)
            self._offsets[topic] = offset + 1
            by_topic.setdefault(topic, []).append(record(offset, value))
        self._sink.write(batch(*(chunk(topic, records) for topic, records in by_topic.items())))

    def refreshed(self, now: datetime = START, zones: TimeZones | None = None) -> None:
        """Rebuild the marts."""
        refresh(self.connection, now=now, time_zones=zones or TimeZones())

    def rows(self, query: str) -> list[Any]:
        """Return a query's rows."""
        return self.connection.execute(query).fetchall()

    def run(self, statements: Sequence[str]) -> None:
        """Change the tables directly."""
        for statement in statements:
            self.connection.execute(statement).fetchall()


@pytest.fixture
def given() -> Iterator[Given]:
    """Give an empty warehouse."""
    with open_memory() as connection:
        yield Given(connection)
