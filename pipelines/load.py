"""Loading as a whole: what a schedule, a command or the demo calls.

Wires source, sink and warehouse together; decides nothing itself.
"""

import gc
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb

from pipelines.batch import BatchLimits, Partition
from pipelines.duckdb_sink import DuckDbSink
from pipelines.kafka import open_source
from pipelines.raw_tables import tables_by_topic
from pipelines.settings import AnalyticsSettings
from pipelines.sink import LoadedBatch, run_until_caught_up, run_until_stopped
from streams.cluster import ClusterSettings
from warehouse.connection import open_writer
from warehouse.publish import PublishReport, publish
from warehouse.runner import RefreshReport, refresh

logger = logging.getLogger(__name__)

_RECORDS_BETWEEN_COLLECTIONS: Final = 200_000


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did. Rows are counted by topic; offsets are given from and to, by partition."""

    read: Mapping[str, int]
    loaded: Mapping[str, int]
    rejected: Mapping[str, int]
    batches: int
    seconds: float
    offsets: Mapping[Partition, tuple[int, int]]
    lag_at_start: int


@dataclass(frozen=True, slots=True)
class LoadAndRefreshReport:
    """What a load, the refresh and the publishing after it did."""

    load: LoadReport
    refresh: RefreshReport
    publish: PublishReport


@dataclass(frozen=True, slots=True)
class AnalyticsOff:
    """Nothing was done, because CUSTOMER_ANALYTICS_ENABLED is false."""


def ignore_batch(_batch: LoadedBatch) -> None:
    """Take no note of a batch."""


def ignore_step(_step: str) -> None:
    """Take no note of a step."""


def load_until_caught_up(
    cluster: ClusterSettings,
    connection: duckdb.DuckDBPyConnection,
    *,
    on_batch: Callable[[LoadedBatch], None] = ignore_batch,
    limits: BatchLimits | None = None,
    on_step: Callable[[str], None] = ignore_step,
) -> LoadReport:
    """Load all that the topics held when this began, each record exactly once."""
    started = time.perf_counter()
    limits = limits or BatchLimits()
    tables = tables_by_topic(cluster.topic_prefix)
    topics = tuple(reversed(tables))
    batches: list[LoadedBatch] = []

    def note(batch: LoadedBatch) -> None:
        batches.append(batch)
        on_batch(batch)

    # Facts' ends are frozen before their customers': so no fact is loaded without its customer.
    with (
        _rare_collections(),
        open_source(cluster, topics, poll_records=limits.rows) as source,
    ):
        planned = run_until_caught_up(
            source,
            DuckDbSink(connection, tables, on_step=on_step),
            clock=time.monotonic,
            limits=limits,
            on_batch=note,
        )
    if batches:
        connection.execute("checkpoint")  # a long log is slow to replay, and may not fit in memory
    read, loaded, rejected = Counter[str](), Counter[str](), Counter[str]()
    for table in (table for batch in batches for table in batch.tables):
        read[table.topic] += table.read
        loaded[table.topic] += table.loaded
        rejected[table.topic] += table.rejected
    return LoadReport(
        read=dict(read),
        loaded=dict(loaded),
        rejected=dict(rejected),
        batches=len(batches),
        seconds=time.perf_counter() - started,
        offsets={p: (start, planned.ends[p]) for p, start in planned.starts.items()},
        lag_at_start=planned.lag,
    )


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Have Python look for garbage in circles rarely: records come by the ten thousand and hold
    none, and looking through them takes a fifth of a plain consumer's time.
    """
    usual = gc.get_threshold()
    gc.set_threshold(_RECORDS_BETWEEN_COLLECTIONS, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def load_until_stopped(
    cluster: ClusterSettings,
    connection: duckdb.DuckDBPyConnection,
    *,
    stop: threading.Event,
    on_batch: Callable[[LoadedBatch], None] = ignore_batch,
    limits: BatchLimits | None = None,
) -> None:
    """Load what comes until `stop` is set."""
    limits = limits or BatchLimits()
    tables = tables_by_topic(cluster.topic_prefix)
    with open_source(cluster, tuple(tables), poll_records=limits.rows) as source:
        run_until_stopped(
            source,
            DuckDbSink(connection, tables),
            clock=time.monotonic,
            limits=limits,
            on_batch=on_batch,
            stop=stop,
        )


def load_and_refresh(
    cluster: ClusterSettings,
    settings: AnalyticsSettings,
    *,
    now: Callable[[], datetime],
    on_batch: Callable[[LoadedBatch], None] = ignore_batch,
) -> LoadAndRefreshReport | AnalyticsOff:
    """Load to the end, bring the marts up to date as of then, and publish them."""
    if not settings.customer_analytics_enabled:
        logger.info("analytics are off (CUSTOMER_ANALYTICS_ENABLED=false): nothing was loaded")
        return AnalyticsOff()
    with open_writer(settings.warehouse_path) as connection:
        loaded = load_until_caught_up(
            cluster, connection, on_batch=on_batch, limits=settings.batch_limits
        )
        refreshed = refresh(connection, now=now(), time_zones=settings.time_zones)
        published = publish(connection, settings.published_path)
    return LoadAndRefreshReport(loaded, refreshed, published)
