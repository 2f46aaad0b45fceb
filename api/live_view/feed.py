"""The view's files, fed from Kafka for as long as the process lives. Owns how far they are."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from api.live_view.derived import Derived
from api.live_view.protocol import Closed, Event, Fed, Opened, Progress
from api.live_view.store import LiveStore, open_store, throw_away
from api.live_view.tables import live_tables_by_topic
from pipelines.batch import BatchLimits, Partition
from pipelines.duckdb_sink import DuckDbSink
from pipelines.errors import LoadError, OffsetsExpiredError, TopicRecreatedError
from pipelines.kafka import open_source
from pipelines.raw_tables import POLICIES
from pipelines.sink import LoadedBatch, Source, plan, run_until_caught_up, run_until_stopped
from streams.cluster import ClusterSettings
from warehouse.errors import WarehouseError
from warehouse.parsed import Parsed

logger = logging.getLogger(__name__)

_CATCHING_UP: Final = BatchLimits()
# What a person takes for at once, and enough for the work of a batch to be a fraction of it.
_LIVE: Final = BatchLimits(rows=20_000, age_seconds=0.25)
_GATHER_SECONDS: Final = 0.05
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 15.0
_SAID_EVERY_SECONDS: Final = 5.0


class _StoppedError(Exception):
    """The feed was told to stop while it caught up."""


@dataclass(slots=True)
class Feed:
    """Feeds the files of a folder that is its own, and says what happens to whoever shall `hear`.
    `store` is the opened files, while they are. After a load of more than `most_loaded` records it
    leaves it to another process to go on.
    """

    cluster: ClusterSettings
    folder: Path
    hear: Callable[[Event], None]
    most_loaded: int
    store: LiveStore | None = None
    _progress: Progress = field(default_factory=Progress)
    _positions: dict[Partition, int] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Feed them until told to stop, whatever happens to Kafka meanwhile; or until so much was
        loaded that another process shall go on.
        """
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
            else:
                return
            if time.monotonic() - began > _LONGEST_PAUSE_SECONDS:
                pause_seconds = _FIRST_PAUSE_SECONDS
            self._stop.wait(pause_seconds)
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)

    def stop(self) -> None:
        """Have `run` return once the batch in hand is written and the files are closed."""
        self._stop.set()

    def _say(self, progress: Progress) -> None:
        self._progress = progress
        self.hear(progress)

    def _pause_for(self, reason: str) -> None:
        logger.warning("The live view waits: %s", reason)
        self._say(Progress("starting", reason=reason))

    def _feed(self) -> None:
        """Feed the view until it is stopped, cannot go on, or has loaded too much to do so well."""
        tables = live_tables_by_topic(self.cluster.topic_prefix)
        topics = tuple(reversed(tables))
        with open_store(self.folder) as store:
            derived = Derived(Parsed(store.connection), store.lookups_writer)
            sink = DuckDbSink(store.connection, tables, derive=derived)
            with self._offered(store):
                while not self._stop.is_set():
                    try:
                        with open_source(
                            self.cluster, topics, gather_seconds=_GATHER_SECONDS
                        ) as source:
                            loaded = self._catch_up(source, sink, derived)
                            store.settle()
                            if loaded > self.most_loaded and not self._progress.is_ready:
                                return
                            derived.is_silent = False
                            self._go_on(source, sink, derived)
                    except (TopicRecreatedError, OffsetsExpiredError):
                        raise
                    except LoadError as error:
                        if not self._progress.is_ready:
                            raise
                        # What is there can be read meanwhile; nobody is told that it is the newest.
                        logger.warning("The live view is not fed: %s", error)
                        self._say(replace(self._progress, phase="away", reason=str(error)))
                        self._stop.wait(_FIRST_PAUSE_SECONDS)

    @contextmanager
    def _offered(self, store: LiveStore) -> Iterator[None]:
        self.store = store
        self.hear(Opened(store.lookups_path))
        try:
            yield
        finally:
            self.store = None
            self._say(Progress())
            self.hear(Closed())

    def _catch_up(self, source: Source, sink: DuckDbSink, derived: Derived) -> int:
        """Load what there is at this moment, and return how much; a view that is read meanwhile
        stays readable.
        """
        positions = sink.positions()
        total = plan(source.topics(), positions).lag
        was_ready = self._progress.is_ready
        if not was_ready:
            self._say(Progress("catching_up", 0, total))
        said_at = time.monotonic()

        def note(batch: LoadedBatch) -> None:
            nonlocal said_at
            self._note(batch, derived)
            if self._stop.is_set():
                raise _StoppedError
            if was_ready:
                return
            read = sum(table.read for table in batch.tables)
            loaded = min(self._progress.loaded + read, total)
            self._say(replace(self._progress, loaded=loaded))
            if time.monotonic() - said_at > _SAID_EVERY_SECONDS:
                said_at = time.monotonic()
                logger.info("%s", self._progress.sentence)

        self._positions = {place: position.next_offset for place, position in positions.items()}
        self.hear(Fed(dict(self._positions)))
        run_until_caught_up(source, sink, clock=time.monotonic, limits=_CATCHING_UP, on_batch=note)
        logger.info("The live view has caught up: %d records were loaded", total)
        return total

    def _go_on(self, source: Source, sink: DuckDbSink, derived: Derived) -> None:
        self._say(replace(self._progress, phase="live", reason=""))
        run_until_stopped(
            source,
            sink,
            clock=time.monotonic,
            limits=_LIVE,
            on_batch=lambda batch: self._note(batch, derived),
            stop=self._stop,
        )

    def _note(self, batch: LoadedBatch, derived: Derived) -> None:
        self._positions |= batch.next_offsets
        has_policies = any(table.table == POLICIES.qualified for table in batch.tables)
        self.hear(Fed(dict(self._positions), derived.told, has_policies))
        if self.store is not None:
            self.store.tidy_up()  # after it is told: that does not wait
