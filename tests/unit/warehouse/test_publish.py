"""Publishing with real files, and real readers in other processes."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.duckdb_sink import DuckDbSink
from pipelines.raw_tables import tables_by_topic
from tests.unit.pipelines.builders import START, batch, chunk, customer, fact, record
from warehouse import open_warehouse, publish
from warehouse.connection import open_writer
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

# Reads the copy over and over; a count that differs between two tables would be a torn read.
READER = """
import sys
from pathlib import Path
from warehouse import open_warehouse
path, seen = Path(sys.argv[1]), set()
print("ready", flush=True)
while not Path(sys.argv[2]).exists():
    with open_warehouse(path) as warehouse:
        customers, total = warehouse.connection.execute(
            "select (select count(*) from customers), "
            "(select sum(total_customers) from customer_stats)"
        ).fetchall()[0]
    assert customers == total, (customers, total)
    seen.add(customers)
print(len(seen))
"""


def load(connection: duckdb.DuckDBPyConnection, offset: int) -> None:
    sink = DuckDbSink(connection, tables_by_topic(""))
    sink.write(
        batch(
            chunk("customers", [record(offset, customer(f"c{offset}"))]),
            chunk("customer-messages", [record(offset, fact(f"m{offset}"))]),
        )
    )
    refresh(connection, now=START, time_zones=TimeZones())


def published(folder: Path) -> publish.PublishReport:
    """Publish a customer who wrote once."""
    with open_writer(folder / "w.duckdb") as connection:
        load(connection, 0)
        return publish.publish(connection, folder / "analytics.duckdb")


def test_analysts_read_tables_without_schema_as_frames(tmp_path: Path) -> None:
    report = published(tmp_path)
    target = report.path
    assert report.rows["customers"] == 1
    assert report.size_bytes == target.stat().st_size
    with open_warehouse(target) as warehouse:
        assert warehouse.customers()["display_name"].tolist() == ["Ana"]
        assert warehouse.channels()["messages_in"].tolist() == [1]
        assert warehouse.customer_stats()["total_customers"].tolist() == [1]
        found = warehouse.sql(
            "select * from customer_identities where customer_id = $id", {"id": "c0"}
        )
        assert found["external_id"].tolist() == ["+5511999998888"]


def test_figures_come_as_frames_by_name(tmp_path: Path) -> None:
    with open_warehouse(published(tmp_path).path) as warehouse:
        assert warehouse.growth(grain="week")["new_customers"].tolist() == [1]
        assert warehouse.channel_performance(grain="month")["messages_in"].tolist() == [1]
        assert warehouse.activity()["daily_active"].tolist() == [1]
        assert warehouse.lifecycle()["new_customers"].tolist() == [1, 0]
        assert warehouse.retention()["retention"].tolist() == [1.0]
        assert warehouse.activity_heat_map()["hour"].tolist() == [9]
        assert warehouse.identity_health()["identities"].tolist() == [1]
        with pytest.raises(ValueError, match="day, week, month, not 'year'"):
            warehouse.growth(grain="year")  # type: ignore[arg-type]


def test_the_copy_says_what_its_tables_and_columns_mean(tmp_path: Path) -> None:
    with open_warehouse(published(tmp_path).path) as warehouse:
        tables = warehouse.sql("select table_name, comment from duckdb_tables()")
        columns = warehouse.sql("select comment from duckdb_columns() where not internal")
    assert "customers" in set(tables["table_name"])
    assert tables["comment"].notna().all()
    assert columns["comment"].notna().all()


def test_the_copy_is_in_a_format_that_the_1_x_line_reads(tmp_path: Path) -> None:
    with open_warehouse(published(tmp_path).path) as warehouse:
        tags = warehouse.sql("select tags from duckdb_databases() where readonly")
    assert tags["tags"].tolist() == [{"storage_version": "v1.2.0+"}]


def test_readers_are_never_blocked_nor_torn_while_it_is_published(tmp_path: Path) -> None:
    target, done = tmp_path / "analytics.duckdb", tmp_path / "done"
    with open_writer(tmp_path / "w.duckdb") as connection:
        load(connection, 0)
        publish.publish(connection, target)
        with subprocess.Popen(
            [sys.executable, "-c", READER, str(target), str(done)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        ) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == b"ready\n"
            for offset in range(1, 31):
                load(connection, offset)
                publish.publish(connection, target)
            done.touch()
            seen, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    assert int(seen) > 1


def test_a_reader_keeps_the_copy_it_opened_and_the_next_one_has_the_new(tmp_path: Path) -> None:
    target = tmp_path / "analytics.duckdb"
    with open_writer(tmp_path / "w.duckdb") as connection:
        load(connection, 0)
        publish.publish(connection, target)
        with open_warehouse(target) as old:
            load(connection, 1)
            publish.publish(connection, target)
            with open_warehouse(target) as new:
                assert len(new.customers()) == 2
                assert new.cursor().execute("select count(*) from customers").fetchall() == [(2,)]
            assert len(old.customers()) == 1


def test_a_run_that_fails_leaves_the_old_copy_and_the_next_one_cleans_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "analytics.duckdb"
    with open_writer(tmp_path / "w.duckdb") as connection:
        load(connection, 0)
        publish.publish(connection, target)
        load(connection, 1)
        with monkeypatch.context() as patch:
            patch.setattr(publish, "_sync", _fail)
            with pytest.raises(OSError, match="disk full"):
                publish.publish(connection, target)
        assert len(list(tmp_path.glob("*.building"))) == 1
        with open_warehouse(target) as warehouse:
            assert len(warehouse.customers()) == 1
        publish.publish(connection, target)
    assert not list(tmp_path.glob("*.building*"))
    with open_warehouse(target) as warehouse:
        assert len(warehouse.customers()) == 2


def _fail(_path: Path) -> None:
    raise OSError("disk full")
