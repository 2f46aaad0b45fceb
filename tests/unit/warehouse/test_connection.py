"""Opening, locking and migrating real DuckDB files in a temporary folder."""

import ctypes
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from warehouse import open_warehouse
from warehouse.connection import open_memory, open_reader, open_writer
from warehouse.errors import MigrationChangedError, WarehouseBusyError, WarehouseMissingError
from warehouse.migrate import migrate, migrations

HOLD = """
import sys
from pathlib import Path
from warehouse.connection import open_writer
with open_writer(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_in_this_process_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with open_writer(path), pytest.raises(WarehouseBusyError, match="wait until it ends"):
        open_writer(path).__enter__()


def test_a_second_writer_in_another_process_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(WarehouseBusyError, match="another process"):
            open_writer(path).__enter__()
        with pytest.raises(WarehouseBusyError, match="open the published copy"):
            open_reader(path).__enter__()
        holder.communicate(b"")
    with open_writer(path) as connection:
        assert connection.execute("select 1").fetchall() == [(1,)]


def test_a_writer_that_fails_leaves_the_file_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with pytest.raises(OSError, match="disk"), open_writer(path):
        raise OSError("disk")
    with open_writer(path) as connection:
        assert connection.execute("select count(*) from raw.customers").fetchall() == [(0,)]


def test_a_reader_beside_the_writer_in_one_process_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with open_writer(path), pytest.raises(WarehouseBusyError, match="open the published copy"):
        open_reader(path).__enter__()


@pytest.mark.skipif(sys.platform != "linux", reason="counts opens with Linux's inotify: run there")
def test_a_reader_opens_the_copy_once_so_that_no_swap_comes_in_between(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with open_writer(path):
        pass

    def opened() -> None:
        with open_reader(path) as reader:
            reader.execute("from duckdb_tables()").fetchall()

    assert opens_of(path, opened) == 1


def opens_of(path: Path, act: Callable[[], None]) -> int:
    """Count how often the file is opened meanwhile, as the kernel tells it."""
    libc, event = ctypes.CDLL(None, use_errno=True), struct.Struct("iIII")
    on_open, on_close = 0x20, 0x10  # closings too: equal events in a row are told once
    watch = libc.inotify_init1(os.O_NONBLOCK)
    try:
        watched = libc.inotify_add_watch(watch, os.fsencode(path), on_open | on_close)
        assert watched > 0, ctypes.get_errno()
        act()
        return sum(mask == on_open for _, mask, _, _ in event.iter_unpack(os.read(watch, 4096)))
    finally:
        os.close(watch)


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with open_writer(path):
        pass
    with open_reader(path) as connection, pytest.raises(duckdb.Error, match="read-only"):
        connection.execute("delete from raw.customers").fetchall()


def test_without_a_file_the_reader_is_told_to_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_FOLDER", str(tmp_path / "nowhere"))
    with pytest.raises(WarehouseMissingError, match="omnichannel load --until-caught-up"):
        open_warehouse()


def test_a_missing_table_is_an_error_and_no_python_variable() -> None:
    customers_frame = open_warehouse  # would be found by a replacement scan
    with open_memory() as connection, pytest.raises(duckdb.CatalogException):
        connection.execute("from customers_frame").fetchall()
    del customers_frame


def test_instants_are_read_in_utc_wherever_the_machine_stands() -> None:
    with open_memory() as connection:
        assert connection.execute("select current_setting('TimeZone')").fetchall() == [("UTC",)]


def write(folder: Path, name: str, sql: str) -> None:
    (folder / name).write_text(sql, encoding="utf-8")


def test_migrations_run_once_and_in_order(tmp_path: Path) -> None:
    write(tmp_path, "0002_more.sql", "alter table t add column b integer;")
    write(tmp_path, "0001_first.sql", "create table t (a integer);")
    connection = duckdb.connect()
    migrate(connection, tmp_path)
    migrate(connection, tmp_path)
    assert connection.execute("select number, name from migrations order by 1").fetchall() == [
        (1, "0001_first.sql"),
        (2, "0002_more.sql"),
    ]
    connection.close()


def test_an_edited_migration_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "0001_first.sql", "create table t (a integer);")
    connection = duckdb.connect()
    migrate(connection, tmp_path)
    write(tmp_path, "0001_first.sql", "create table t (a bigint);")
    with pytest.raises(MigrationChangedError, match="0002_"):
        migrate(connection, tmp_path)
    connection.close()


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "0001_first.sql", "create table t (a integer);")
    write(tmp_path, "0002_newer.sql", "create table u (a integer);")
    connection = duckdb.connect()
    migrate(connection, tmp_path)
    (tmp_path / "0002_newer.sql").unlink()
    with pytest.raises(MigrationChangedError, match="newer version"):
        migrate(connection, tmp_path)
    connection.close()


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path, "0001_first.sql", "create table t (a integer); select * from nothing;")
    connection = duckdb.connect()
    with pytest.raises(duckdb.CatalogException):
        migrate(connection, tmp_path)
    assert connection.execute("select count(*) from migrations").fetchall() == [(0,)]
    with pytest.raises(duckdb.CatalogException):
        connection.execute("from t").fetchall()
    connection.close()


def test_our_migrations_are_numbered_without_gaps() -> None:
    assert [one.number for one in migrations()] == list(range(1, len(migrations()) + 1))
