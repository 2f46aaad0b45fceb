"""The live view's files: made where they are missing, and anew where an older version made them."""

import hashlib
import logging
import os
import queue
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import duckdb
import msgspec

from api.live_view import words
from api.live_view.lookups import Lookups
from api.live_view.lookups_writer import SHAPE, LookupsWriter
from api.live_view.reader import Reader
from api.live_view.tables import TABLES
from api.live_view.windows import Windows
from api.live_view.words import teach_words
from warehouse.connection import connect_again, open_writer
from warehouse.disk import sync
from warehouse.migrate import migrations
from warehouse.parsed import Parsed

logger = logging.getLogger(__name__)

_SCHEMA: Final = Path(__file__).parent / "schema.sql"
# At once; who comes then waits, instead of all being slow, and the feed with them. Files of all
# customers are made beside.
READERS: Final = max(2, os.cpu_count() or 2)
LONG_READERS: Final = 2
# Linux's name for the time since it was started.
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_CLOSED: Final = "closed"
# Each request has a thread of its own: were its query to spread over the others, all would wait for
# each other. A load takes one of the cores, the requests the rest.
_SETTINGS: Final = ("set threads = 1",)
# A customer who writes leaves a dead row behind, and to be rid of it DuckDB writes those around it
# anew, while the feed waits. With groups of its own size that is a second and a half for a hundred
# thousand dead rows; with these a fifth of one for twenty thousand, as often as it has to be.
_ROWS_A_GROUP: Final = 16_384
_SETTLED: Final = ("set checkpoint_threshold = '1TB'", "set max_vacuum_tasks = 2")
_LOG_BYTES: Final = 8_000_000
# Not while somebody still reads what there was before the last batch. Where that never ends, at so
# many all wait: for those who read, then for the file.
_MOST_LOG_BYTES: Final = 8 * _LOG_BYTES


class StoreClosedError(Exception):
    """The files are closed: nothing can be read from them."""


class LiveStore:
    """The opened files: one connection for the feed, some for those who ask."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        database: Path,
        lookups: Path,
        *,
        is_synced: bool,
    ) -> None:
        self.connection = connection
        self._log = database.with_name(f"{database.name}.wal")
        self._is_settled = False
        self.lookups_path = lookups
        self.lookups_writer = LookupsWriter(lookups, is_synced=is_synced)
        self.lookups = Lookups(lookups)
        self.windows = Windows()
        self._readers: queue.SimpleQueue[Parsed | None] = queue.SimpleQueue()
        for _ in range(READERS + LONG_READERS):
            self._readers.put(Parsed(connect_again(connection)))

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """Give a reader for a moment: each query sees one state of the view, whatever comes. Raises
        StoreClosedError.
        """
        parsed = self._readers.get()
        if parsed is None:
            self._readers.put(None)  # for the next one who comes too late
            raise StoreClosedError
        try:
            yield Reader(parsed, self.lookups, self.windows)
        finally:
            self._readers.put(parsed)

    def settle(self) -> None:
        """Tidy up what a load has left, and from now on between batches, a little at a time."""
        for setting in _SETTLED:
            self.connection.execute(setting)
        self._is_settled = True
        self.tidy_up()

    def tidy_up(self) -> None:
        """Bring what DuckDB's log holds to its place, once that is worth it. No transaction of the
        feed's may be open.
        """
        log_bytes = self._log.stat().st_size if self._is_settled and self._log.exists() else 0
        if log_bytes < _LOG_BYTES:
            return
        try:
            self.connection.execute(
                "force checkpoint" if log_bytes > _MOST_LOG_BYTES else "checkpoint"
            )
        except duckdb.TransactionException:
            logger.debug("Somebody reads: the file is tidied up after another batch")

    def close(self) -> None:
        """Wait for those who read, then close the files."""
        for _ in range(READERS + LONG_READERS):
            if (parsed := self._readers.get()) is not None:
                parsed.connection.close()
        self._readers.put(None)
        self.lookups.close()
        self.lookups_writer.close()


@contextmanager
def open_store(folder: Path) -> Iterator[LiveStore]:
    """Open the folder's files for as long as the block lasts; what another version of us made is
    left alone until ours are there, then thrown away, as is what a power cut may have torn. Raises
    WarehouseBusyError where another process has them.
    """
    own, boot = folder / _shape(), _boot()
    database, lookups, made = (own / name for name in ("view.duckdb", "lookups.sqlite", "made"))
    with ExitStack() as opened:
        if not _is_whole(made, boot):
            shutil.rmtree(own, ignore_errors=True)
        connection = opened.enter_context(open_writer(database, rows_a_group=_ROWS_A_GROUP))
        for setting in _SETTINGS:
            connection.execute(setting)
        teach_words(connection)
        if not made.exists():
            logger.info("The live view is made from the topics")
            connection.execute(_SCHEMA.read_text(encoding="utf-8"))
            connection.execute("checkpoint")
        _note(made, boot)
        if boot:
            # Readers wait for the disk when the feed does; and the topics have it all.
            connection.execute("set global fsync_mode = 'none'")
        store = LiveStore(connection, database, lookups, is_synced=not boot)
        opened.callback(store.close)
        for other in folder.iterdir():
            if other != own:
                shutil.rmtree(other, ignore_errors=True)
        yield store
    for written in own.iterdir():
        sync(written)
    _note(made, _CLOSED)


def _is_whole(made: Path, boot: str) -> bool:
    """Say whether the files were made to the end, and the disk has what was written since: they
    were closed, or the machine has been up all the while.
    """
    return made.exists() and made.read_text(encoding="utf-8") in {_CLOSED, boot}


def _note(made: Path, text: str) -> None:
    """Have the disk say so before anything else is written: a power cut must not find more there
    than it says.
    """
    made.write_text(text, encoding="utf-8")
    sync(made)
    sync(made.parent)


def _boot() -> str:
    """Return what names this run of the machine; nothing where it does not say."""
    return _BOOT.read_text(encoding="utf-8").strip() if _BOOT.exists() else ""


def throw_away(folder: Path) -> None:
    """Have none of the files: the next one who opens the folder begins anew."""
    shutil.rmtree(folder, ignore_errors=True)


def _shape() -> str:
    """Return what the files depend on, beside the topics."""
    said = [
        duckdb.__version__,
        [migration.checksum for migration in migrations()],
        _SCHEMA.read_text(encoding="utf-8"),
        SHAPE,
        Path(words.__file__).read_text(encoding="utf-8"),
        unicodedata.unidata_version,
        _ROWS_A_GROUP,
        [[table.qualified, [column.expression for column in table.parsed]] for table in TABLES],
    ]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:16]
