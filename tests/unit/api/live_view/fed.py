"""A live view that is fed by the test: real files, the real sink, no broker. A warehouse beside it
is fed the same, to hold both to each other.
"""

import asyncio
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from api.live_view.customers import (
    CustomersRequest,
    customers_among_all,
    customers_looked_up,
)
from api.live_view.derived import Change, Derived
from api.live_view.pages import Page
from api.live_view.protocol import Fed, Progress, framed, heard
from api.live_view.store import LiveStore, open_store
from api.live_view.tables import live_tables_by_topic
from api.live_view.view import Answer, LiveView, Question
from pipelines.batch import Partition
from pipelines.duckdb_sink import DuckDbSink
from pipelines.raw_tables import POLICIES, tables_by_topic
from streams.cluster import ClusterSettings
from tests.sql.conftest import TOPICS, Loaded
from tests.unit.pipelines.builders import FakeRecord, batch, chunk, erasure, record
from warehouse.connection import open_memory
from warehouse.parsed import Parsed
from warehouse.time_zones import TimeZones


class AskedHere:
    """Answers as the process does that keeps the view: what is asked and answered goes over a
    socket there, so it must be possible to pickle it.
    """

    def __init__(self, store: LiveStore) -> None:
        self._store = store

    async def ask(self, question: Question[Answer], *, is_long: bool) -> Answer:
        """Return the answer to the question, as it arrives."""
        del is_long

        def answer() -> Answer:
            with self._store.reader() as reader:
                return sent(sent(question)(reader))

        return await asyncio.to_thread(answer)


def sent(said: Answer) -> Answer:
    """Return it as it is once it went over a socket."""
    found: Any = heard(io.BytesIO(framed(said)))
    arrived: Answer = found
    return arrived


class FedView:
    """A view that is live, and whatever it is given."""

    def __init__(
        self, view: LiveView, store: LiveStore, warehouse: duckdb.DuckDBPyConnection
    ) -> None:
        self.view = view
        self.store = store
        self.warehouse = warehouse
        self._warehouse_sink = DuckDbSink(warehouse, tables_by_topic(""))
        parsed = Parsed(store.connection)
        self._derived = Derived(parsed, store.lookups_writer, is_silent=False)
        self._sink = DuckDbSink(store.connection, live_tables_by_topic(""), derive=self._derived)
        self._offsets: dict[str, int] = {}
        self._tenants = 0

    def records(self, *values: Loaded) -> list[Change]:
        """Load contracts as one batch; return what is told of it."""
        return self.records_and_tombstones(values, ())

    def records_and_tombstones(
        self, values: Iterable[Loaded], removed: Iterable[tuple[str, str]]
    ) -> list[Change]:
        """Load contracts, then what removes (topic, key), as one batch; return what is told."""
        by_topic: dict[str, list[FakeRecord]] = {}
        for value in values:
            topic = TOPICS[type(value)]
            by_topic.setdefault(topic, []).append(record(self._next_offset(topic), value))
        for topic, key in removed:
            one = record(self._next_offset(topic), None, key=key)
            by_topic.setdefault(topic, []).append(one)
        return self._write(by_topic)

    def take(self, *records: tuple[str, bytes | None, bytes | None]) -> list[Change]:
        """Load (topic, key, value) as one batch; return what is told of it."""
        by_topic: dict[str, list[FakeRecord]] = {}
        for topic, key, value in records:
            one = record(self._next_offset(topic), value, key=key)
            by_topic.setdefault(topic, []).append(one)
        return self._write(by_topic)

    def new_tenant(self) -> str:
        """Return a tenant that nobody else uses."""
        self._tenants += 1
        return f"tenant-{self._tenants}"

    def erased(self, customer_id: str) -> list[Change]:
        """Load what says that this customer is to be forgotten."""
        gone = record(self._next_offset("customers"), None, key=customer_id)
        said = erasure(customer_id, event_id=f"{customer_id} was erased")
        event = record(self._next_offset("customer-events"), said)
        return self._write({"customers": [gone], "customer-events": [event]})

    def page(self, request: CustomersRequest) -> Page:
        """Return the page of customers."""
        if (found := customers_looked_up(request, self.store.lookups)) is not None:
            return found
        with self.store.reader() as reader:
            return customers_among_all(reader, request=request)

    def _write(self, by_topic: dict[str, list[FakeRecord]]) -> list[Change]:
        given = batch(*(chunk(topic, found) for topic, found in by_topic.items()))
        self._warehouse_sink.write(given)
        loaded = self._sink.write(given)
        told = self._derived.told
        has_policies = any(one.table == POLICIES.qualified for one in loaded.tables)
        self.view.hear(Fed({**self.view.positions, **loaded.next_offsets}, told, has_policies))
        return told

    def _next_offset(self, topic: str) -> int:
        offset = self._offsets.get(topic, 0)
        self._offsets[topic] = offset + 1
        return offset


@contextmanager
def fed_view(folder: Path, zones: TimeZones | None = None) -> Iterator[FedView]:
    """Give an empty view that says it is live."""
    view = LiveView(ClusterSettings(), folder, zones or TimeZones())
    with open_store(folder) as store, open_memory() as warehouse:
        view._lookups, view._asker = store.lookups, AskedHere(store)
        view.progress = Progress("live")
        view.positions = {Partition("customers", 0): 0}
        yield FedView(view, store, warehouse)
