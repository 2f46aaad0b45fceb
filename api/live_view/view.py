"""The live view at work: fed from Kafka by a thread of its own, read by everybody else.

Owns when it may be read. What is asked of it stands in the modules beside: functions of a reader.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import anyio.to_thread
import duckdb
from anyio import CapacityLimiter

from api.live_view.changes import Changes
from api.live_view.commands import CommandOutcome, outcome_of
from api.live_view.customers import CustomersRequest, Sort, customers_among_all, customers_among_few
from api.live_view.derived import Derived
from api.live_view.filters import CustomerFilter
from api.live_view.lookups import StoredCustomer
from api.live_view.pages import Page
from api.live_view.policies import region_of
from api.live_view.store import LONG_READERS, READERS, LiveStore, open_store, throw_away
from api.live_view.tables import TABLES, live_tables_by_topic
from api.problems import ProblemError
from pipelines.batch import BatchLimits, Partition
from pipelines.duckdb_sink import DuckDbSink
from pipelines.errors import LoadError, OffsetsExpiredError, TopicRecreatedError
from pipelines.kafka import open_source
from pipelines.raw_tables import POLICIES
from pipelines.sink import LoadedBatch, Source, plan, run_until_caught_up, run_until_stopped
from streams.cluster import ClusterSettings
from streams.topics import TopicSpec
from warehouse.errors import WarehouseError
from warehouse.time_zones import TimeZones

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Phase = Literal["starting", "catching_up", "live", "away"]

_CATCHING_UP: Final = BatchLimits()
# What a person takes for at once, and enough for the work of a batch to be a fraction of it.
_LIVE: Final = BatchLimits(rows=20_000, age_seconds=0.2)
_GATHER_SECONDS: Final = 0.05
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 15.0
_SAID_EVERY_SECONDS: Final = 5.0
_LOOK_AGAIN_SECONDS: Final = 0.5
_MOST_ANSWERS: Final = 1_000
_ANSWER_SECONDS = 1.0  # the clock goes on where no batch comes: a day ends, a week begins


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the view is. `away` is live, but Kafka does not answer: it may be out of date."""

    phase: Phase = "starting"
    loaded: int = 0
    total: int = 0
    reason: str = ""

    @property
    def sentence(self) -> str:
        """Return it for people."""
        if self.phase == "catching_up":
            share = f" ({self.loaded / self.total:.0%})" if self.total else ""
            return (
                f"the view is catching up: {self.loaded:,} of {self.total:,} records{share}; "
                "ask again in a moment"
            )
        if self.phase == "starting":
            return self.reason or "the view is starting; ask again in a moment"
        return self.reason or "live"


class _StoppedError(Exception):
    """The view was told to stop while it caught up."""


@dataclass(slots=True)
class LiveView:
    """The view of one process, over a folder that is its own."""

    cluster: ClusterSettings
    folder: Path
    time_zones: TimeZones
    progress: Progress = field(default_factory=Progress)
    changes: Changes = field(default_factory=Changes)
    positions: dict[Partition, int] = field(default_factory=dict)
    batches: int = 0  # grows with each batch: the same number, the same answers
    _answers: dict[object, "asyncio.Future[Any]"] = field(default_factory=dict)
    _policies: int = 0  # grows with each batch that has any
    _regions: dict[tuple[str, int], str | None] = field(default_factory=dict)
    _answered_at: int = -1
    _answered_since: float = 0.0
    _readers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(READERS))
    _long_readers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(LONG_READERS))
    _store: LiveStore | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Begin to feed it; it may be read once `is_ready`."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._feed_for_ever, name="live-view", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Let the batch in hand be written, and close the files."""
        self._stop.set()
        if self._thread is not None:
            await anyio.to_thread.run_sync(self._thread.join)

    @property
    def is_ready(self) -> bool:
        """Say whether it has caught up once with what there was when it began."""
        return self.progress.phase in {"live", "away"}

    async def ask(
        self,
        question: Callable[[duckdb.DuckDBPyConnection], Answer],
        *,
        is_long: bool = False,
    ) -> Answer:
        """Return the question's answer from one consistent state; one that takes seconds says so.
        Raises ProblemError (503) while the view catches up.
        """

        def answer() -> Answer:
            with self.store().reader() as reader:
                return question(reader)

        # Who waits does so here: threads that wait would hold up those that work.
        limiter = self._long_readers if is_long else self._readers
        return await anyio.to_thread.run_sync(answer, limiter=limiter)

    def customer(self, tenant_id: str, customer_id: str) -> StoredCustomer | None:
        """Return a customer's record; None where the tenant has none of this id. Raises
        ProblemError (503).

        In the event loop, as all lookups: to hand one to a thread would take longer than it.
        """
        return self.store().lookups.customer(tenant_id, customer_id)

    def living(self, tenant_id: str, customer_id: str) -> StoredCustomer | None:
        """Return the customer that the id leads to: itself, or who it was merged into. Raises
        ProblemError (503).
        """
        return self.store().lookups.living(tenant_id, customer_id)

    async def customers(
        self, wanted: CustomerFilter, *, sort: Sort, cursor: str | None, limit: int
    ) -> Page:
        """Return a page of customers. Raises ProblemError: a wrong cursor; 503."""
        store = self.store()
        request = CustomersRequest(
            wanted=wanted,
            sort=sort,
            cursor=cursor,
            limit=limit,
            now=datetime.now(UTC),
            time_zone=self.time_zone(wanted.tenant_id),
            region=await self.region(wanted.tenant_id) if wanted.search else None,
        )
        if (found := customers_among_few(request, store.lookups)) is not None:
            return found
        return await self.ask_once(
            (wanted, sort, cursor, limit),
            lambda reader: customers_among_all(request, reader, store.windows, store.lookups),
        )

    async def region(self, tenant_id: str) -> str | None:
        """Return where the tenant's people dial from; None where its policy does not say."""
        asked = (tenant_id, self._policies)
        if asked not in self._regions:
            region = await self.ask(lambda reader: region_of(tenant_id, reader))
            if len(self._regions) >= _MOST_ANSWERS:
                self._regions.clear()
            self._regions[asked] = region
            return region
        return self._regions[asked]

    async def outcome_of(self, tenant_id: str, command_id: str) -> CommandOutcome | None:
        """Return what became of a command; None where the view does not know yet."""
        return await self.ask(lambda reader: outcome_of(tenant_id, command_id, reader))

    async def wait_for_command(
        self, tenant_id: str, command_id: str, timeout_seconds: float
    ) -> CommandOutcome | None:
        """Return what became of a command once the view shows it; None where that takes longer."""
        deadline = time.monotonic() + timeout_seconds
        while (found := await self.outcome_of(tenant_id, command_id)) is None:
            left = deadline - time.monotonic()
            # Looked at again now and then: a batch may have come between the look and the wait.
            if left <= 0:
                return None
            await self.changes.next_batch(min(left, _LOOK_AGAIN_SECONDS))
        return found

    def topic(self, table: str) -> TopicSpec:
        """Return the topic that fills a raw table."""
        return next(one.topic for one in TABLES if one.name == table)

    def time_zone(self, tenant_id: str) -> str:
        """Return whose days a tenant's are."""
        return self.time_zones.by_tenant.get(tenant_id, self.time_zones.default)

    async def ask_once(
        self, key: object, question: Callable[[duckdb.DuckDBPyConnection], Answer]
    ) -> Answer:
        """Return the question's answer, worked out once for all who ask the same until the next
        batch, for a second at most. The key says what is asked, the tenant included. Raises as
        `ask` does.
        """
        self.store()  # while it catches up nothing is an answer that could be kept
        is_old = time.monotonic() - self._answered_since > _ANSWER_SECONDS
        if is_old or self._answered_at != self.batches or len(self._answers) > _MOST_ANSWERS:
            self._answers.clear()
            self._answered_at, self._answered_since = self.batches, time.monotonic()
        if (known := self._answers.get(key)) is None:
            known = self._answers[key] = asyncio.ensure_future(self.ask(question))
        # Whoever leaves must not take the answer from the others.
        found: Answer = await asyncio.shield(known)
        return found

    def store(self) -> LiveStore:
        """Return the opened files. Raises ProblemError (503) while the view catches up."""
        if (store := self._store) is None or not self.is_ready:
            raise ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE, self.progress.sentence, headers={"Retry-After": "2"}
            )
        return store

    def _feed_for_ever(self) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._feed()
            except (TopicRecreatedError, OffsetsExpiredError) as error:
                logger.warning("The live view is made anew: %s", error)
                throw_away(self.folder)
            except (LoadError, WarehouseError) as error:
                self._pause_for(str(error))
            except _StoppedError:
                return
            except Exception:
                logger.exception("The live view stopped; it goes on in a moment")
                self._pause_for("the view has stopped: its log says why")
            if time.monotonic() - began > _LONGEST_PAUSE_SECONDS:
                pause_seconds = _FIRST_PAUSE_SECONDS
            self._stop.wait(pause_seconds)
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)

    def _pause_for(self, reason: str) -> None:
        logger.warning("The live view waits: %s", reason)
        self.progress = replace(self.progress, phase="starting", reason=reason)

    def _feed(self) -> None:
        """Feed the view until it is stopped, or cannot go on."""
        tables = live_tables_by_topic(self.cluster.topic_prefix)
        topics = tuple(reversed(tables))
        with open_store(self.folder) as store:
            derived = Derived(store.connection, store.lookups)
            sink = DuckDbSink(store.connection, tables, derive=derived)
            with self._offered(store):
                while not self._stop.is_set():
                    try:
                        with open_source(
                            self.cluster, topics, gather_seconds=_GATHER_SECONDS
                        ) as source:
                            self._catch_up(source, sink)
                            derived.is_silent = False
                            self._go_on(source, sink, derived)
                    except (TopicRecreatedError, OffsetsExpiredError):
                        raise
                    except LoadError as error:
                        if not self.is_ready:
                            raise
                        # What is there can be read meanwhile; nobody is told that it is the newest.
                        logger.warning("The live view is not fed: %s", error)
                        self.progress = replace(self.progress, phase="away", reason=str(error))
                        self._stop.wait(_FIRST_PAUSE_SECONDS)

    @contextmanager
    def _offered(self, store: LiveStore) -> Iterator[None]:
        self._store = store
        try:
            yield
        finally:
            self._store = None
            self.progress = Progress()

    def _catch_up(self, source: Source, sink: DuckDbSink) -> None:
        """Load what there is at this moment; a view that is read meanwhile stays readable."""
        positions = sink.positions()
        total = plan(source.topics(), positions).lag
        was_ready = self.is_ready
        if not was_ready:
            self.progress = Progress("catching_up", 0, total)
        said_at = time.monotonic()

        def note(batch: LoadedBatch) -> None:
            nonlocal said_at
            self.note(batch)
            if self._stop.is_set():
                raise _StoppedError
            if was_ready:
                return
            read = sum(table.read for table in batch.tables)
            loaded = min(self.progress.loaded + read, total)
            self.progress = replace(self.progress, loaded=loaded)
            if time.monotonic() - said_at > _SAID_EVERY_SECONDS:
                said_at = time.monotonic()
                logger.info("%s", self.progress.sentence)

        self.positions = {place: position.next_offset for place, position in positions.items()}
        run_until_caught_up(source, sink, clock=time.monotonic, limits=_CATCHING_UP, on_batch=note)
        logger.info("The live view is live: %d records were loaded", total)

    def _go_on(self, source: Source, sink: DuckDbSink, derived: Derived) -> None:
        self.progress = replace(self.progress, phase="live", reason="")

        def note(batch: LoadedBatch) -> None:
            self.note(batch)
            told, loop = derived.told, self._loop
            if loop is not None and not loop.is_closed():
                loop.call_soon_threadsafe(self.changes.publish, told, dict(self.positions))

        run_until_stopped(
            source, sink, clock=time.monotonic, limits=_LIVE, on_batch=note, stop=self._stop
        )

    def note(self, batch: LoadedBatch) -> None:
        """Have known that the batch is in the files."""
        self.positions |= batch.next_offsets
        self._policies += any(table.table == POLICIES.qualified for table in batch.tables)
        self.batches += 1
