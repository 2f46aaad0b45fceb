"""The sink made real: a batch's rows and its offsets in one DuckDB transaction.

Owns what happens in which order; the SQL is `statements`', the tables are `raw_tables`'.
"""

import logging
import time
import uuid
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import duckdb
import pyarrow as pa

from pipelines import statements as sql
from pipelines.batch import Batch, Partition, Record
from pipelines.errors import OffsetsMovedError
from pipelines.raw_tables import CUSTOMER_EVENTS, RawTable
from pipelines.rows import table_of
from pipelines.sink import LoadedBatch, LoadedTable, Position
from warehouse.parsed import Parsed

logger = logging.getLogger(__name__)

# Where a crash may fall; tests end the process at each.
STEPS: Final = (
    "begun",
    "staged",
    "deleted",
    "inserted",
    "offsets",
    "before_commit",
    "committed",
)
_OTHER_LOADER: Final = (
    "another loader moved the offsets of {}: this batch was rolled back. Run one loader a "
    "warehouse; the other one's rows are all there"
)


class _Staged(NamedTuple):
    """How many records of a topic were parsed, cannot be used, and remove a row."""

    read: int
    rejected: int
    tombstones: int


def _ignore(_step: str) -> None:
    """Do nothing at a step."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def positions_in(
    connection: duckdb.DuckDBPyConnection, topics: Container[str]
) -> dict[Partition, Position]:
    """Return how far each of the topics' partitions is loaded."""
    rows = connection.execute(
        'select topic, "partition", next_offset, topic_id from raw.ingest_offsets'
    ).fetchall()
    return {
        Partition(topic, number): Position(next_offset, topic_id)
        for topic, number, next_offset, topic_id in rows
        if topic in topics
    }


def _derive_nothing(
    _tables: Collection[RawTable], _loaded_at: datetime
) -> AbstractContextManager[None]:
    """Have the raw tables alone."""
    return nullcontext()


class DuckDbSink:
    """Writes batches through one connection, which nobody else may use meanwhile.

    `derive` is called in each batch's transaction, once it is known which rows its tables take,
    with these tables and the time that the rows will bear. The batch's parsed rows, those that the
    tables had, and which are taken, are in temporary tables then. What it returns is entered before
    the rows are put in their tables and left before the batch is committed: in between it may do
    what is not the connection's.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        tables: Mapping[str, RawTable],
        *,
        now: Callable[[], datetime] = _utc_now,
        on_step: Callable[[str], None] = _ignore,
        derive: Callable[
            [Collection[RawTable], datetime], AbstractContextManager[None]
        ] = _derive_nothing,
    ) -> None:
        self._connection = connection
        self._parsed = Parsed(connection)
        self._tables = tables
        self._now = now
        self._on_step = on_step
        self._derive = derive

    def positions(self) -> dict[Partition, Position]:
        """Return how far each partition is loaded."""
        return positions_in(self._connection, self._tables)

    def write(self, batch: Batch) -> LoadedBatch:
        """Write rows and offsets; all of it or, whatever fails, nothing."""
        started = time.perf_counter()
        batch_id = str(uuid.uuid4())
        self._connection.begin()
        try:
            loaded = self._write_batch(batch, batch_id)
            self._on_step("before_commit")
            self._connection.commit()
        except duckdb.TransactionException as error:
            self._roll_back()
            topics = ", ".join(sorted({partition.topic for partition in batch.moved}))
            raise OffsetsMovedError(_OTHER_LOADER.format(topics)) from error
        except BaseException:
            self._roll_back()
            raise
        self._on_step("committed")
        result = LoadedBatch(
            batch_id, loaded, time.perf_counter() - started, dict(batch.next_offsets)
        )
        _log(result, batch)
        return result

    def _roll_back(self) -> None:
        try:
            self._connection.rollback()
        except duckdb.TransactionException:
            logger.debug("the transaction had ended by itself")

    def _write_batch(self, batch: Batch, batch_id: str) -> tuple[LoadedTable, ...]:
        self._on_step("begun")
        now = self._now()
        by_topic = batch.records_by_topic()
        work = [(t, table) for t, table in self._tables.items() if t in by_topic]
        staged = {
            topic: self._stage(topic, table, by_topic[topic], batch_id=batch_id, now=now)
            for topic, table in work
        }
        self._on_step("staged")
        self._erase(work, now)
        removed = {topic: self._find(table, staged[topic].tombstones) for topic, table in work}
        with self._derive([table for _, table in work], now):
            for _, table in work:
                if table.keeps == "newest":
                    self._run(sql.remove_replaced(table))
            self._on_step("deleted")
            inserted = {topic: self._insert(topic, table, now) for topic, table in work}
            self._on_step("inserted")
            self._move_offsets(batch, batch_id)
        return tuple(
            LoadedTable(
                table.qualified,
                topic,
                staged[topic].read,
                inserted[topic],
                removed[topic],
                staged[topic].rejected,
            )
            for topic, table in work
        )

    def _stage(
        self,
        topic: str,
        table: RawTable,
        parts: Sequence[tuple[int, Sequence[Record]]],
        *,
        batch_id: str,
        now: datetime,
    ) -> _Staged:
        records = table_of(parts)
        self._connection.register(sql.RECORDS, records)
        try:
            self._run(sql.stage(table))
            rejected, tombstones = self._run(sql.survey(table))[0]
            if rejected:
                given = {"topic": topic, "batch_id": batch_id, "loaded_at": now}
                self._run(sql.set_aside(table), given)
        finally:
            self._connection.unregister(sql.RECORDS)
        return _Staged(records.num_rows, rejected, tombstones)

    def _find(self, table: RawTable, tombstones: int) -> int:
        """Find what the batch replaces and what the table takes of it; return how many rows it
        removes for good.
        """
        removed = 0
        if table.keeps == "newest":
            if tombstones:
                removed = self._count(sql.remove_tombstoned(table))
            self._run(sql.keep_newest(table, has_tombstones=tombstones > 0))
            self._run(sql.find_stored(table))
        self._run(sql.take(table))
        return removed

    def _erase(self, work: Sequence[tuple[str, RawTable]], now: datetime) -> None:
        """Note whom the batch erases, and remove what is there of them."""
        events = next((table for _, table in work if table.name == CUSTOMER_EVENTS.name), None)
        if events and self._count(sql.remember_erased(events), {"loaded_at": now}):
            for table in self._tables.values():
                if table.person is not None:
                    self._run(sql.remove_erased(table))

    def _insert(self, topic: str, table: RawTable, now: datetime) -> int:
        return self._count(sql.insert(table), {"topic": topic, "loaded_at": now})

    def _move_offsets(self, batch: Batch, batch_id: str) -> None:
        moved = batch.moved
        self._connection.register("batch_offsets", _offsets_table(batch))
        try:
            given = {"batch_id": batch_id, "loaded_at": self._now()}
            changed = self._count(sql.MOVE_OFFSETS, given)
            if changed < len(moved):  # some are read for the first time
                changed += self._count(sql.ADD_OFFSETS, given)
        finally:
            self._connection.unregister("batch_offsets")
        if changed != len(moved):
            topics = ", ".join(sorted({partition.topic for partition in moved}))
            raise OffsetsMovedError(_OTHER_LOADER.format(topics))
        self._on_step("offsets")

    def _count(self, statement: str, given: Mapping[str, object] | None = None) -> int:
        return int(self._run(statement, given)[0][0])

    def _run(self, statement: str, given: Mapping[str, object] | None = None) -> list[Any]:
        """Run to the end: DuckDB 2 streams, and an unread result blocks the connection."""
        return self._parsed.execute(statement, given).fetchall()


def _offsets_table(batch: Batch) -> Any:
    rows = [
        {
            "topic": partition.topic,
            "partition": partition.number,
            "from_offset": from_offset,
            "next_offset": next_offset,
            "topic_id": batch.topic_ids.get(partition.topic),
        }
        for partition, (from_offset, next_offset) in batch.moved.items()
    ]
    return pa.Table.from_pylist(
        rows,
        schema=pa.schema(
            [
                ("topic", pa.string()),
                ("partition", pa.int32()),
                ("from_offset", pa.int64()),
                ("next_offset", pa.int64()),
                ("topic_id", pa.string()),
            ]
        ),
    )


def _log(loaded: LoadedBatch, batch: Batch) -> None:
    for table in loaded.tables:
        offsets = " ".join(
            f"{partition.number}:{next_offset}"
            for partition, (_, next_offset) in sorted(batch.moved.items())
            if partition.topic == table.topic
        )
        logger.info(
            "loaded %d rows into %s in %.0f ms, offsets %s",
            table.loaded,
            table.table,
            loaded.seconds * 1000,
            offsets,
        )
        if table.rejected:
            logger.warning(
                "set aside %d of %d records of %s in raw.rejected_rows: their reasons are there",
                table.rejected,
                table.read,
                table.topic,
            )
