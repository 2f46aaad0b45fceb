"""Publishing with real files, and real readers in other processes."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.duckdb_sink import DuckDbSink
from pipelines.raw_tables import tables_by_topic
from tests.unit.pipelines.builders import START, batch, chunk, customer, fact, identity, record
from warehouse import open_warehouse, publish
from warehouse.connection import open_writer
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

REFRESHES = 100
# Reads the copy over and over. The n-th refresh has n customers and is as of minute n: whatever
# else a read finds in any table is not one refresh's state.
READER = """
import sys, time
from pathlib import Path
from warehouse import open_warehouse
path, start, seen, slowest, last = Path(sys.argv[1]), float(sys.argv[3]), set(), 0.0, 0
print("ready", flush=True)
while not Path(sys.argv[2]).exists():
    begun = time.monotonic()
    with open_warehouse(path) as warehouse:
        found = warehouse.connection.execute(
            "select (select count(*) from customers), (select count(*) from customer_identities), "
            "(select sum(total_customers) from customer_stats), (select sum(identities) from "
            "identity_health), (select sum(new_customers) from growth where grain = 'month'), "
            "(select epoch(max(as_of)) from customer_stats)"
        ).fetchall()[0]
        again = warehouse.connection.execute("select count(*) from customers").fetchall()[0][0]
    slowest = max(slowest, time.monotonic() - begun)
    *counts, as_of = found
    assert set(counts) == {again}, found
    assert as_of == start + 60 * again, found
    assert again >= last, (again, last)
    last = again
    seen.add(again)
    time.sleep(0.05)  # leaves the refreshes some of the processor
print(len(seen), slowest)
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


def test_readers_are_never_blocked_nor_torn_while_a_hundred_refreshes_run(tmp_path: Path) -> None:
    target, done = tmp_path / "analytics.duckdb", tmp_path / "done"
    with open_writer(tmp_path / "w.duckdb") as connection:
        sink = DuckDbSink(connection, tables_by_topic(""))

        def refreshed(number: int) -> None:
            own = f"+55{number}"
            one = customer(f"c{number}", identities=(identity(own),))
            sink.write(batch(chunk("customers", [record(number, one)])))
            now = START + number * timedelta(minutes=1)
            refresh(connection, now=now, time_zones=TimeZones())
            publish.publish(connection, target)

        refreshed(1)
        with subprocess.Popen(
            [sys.executable, "-c", READER, str(target), str(done), str(START.timestamp())],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        ) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == b"ready\n"
            for number in range(2, REFRESHES + 1):
                refreshed(number)
            done.touch()
            said, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    states, slowest = said.split()
    assert int(states) > REFRESHES / 4
    # A reader that waited for a writer would wait for as long as there is one.
    assert float(slowest) < 5


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
            patch.setattr(publish, "sync", _fail)
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
