"""A copy to which only what was touched was brought is the one that is made whole. Real files."""

import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.sql.conftest import Given
from tests.sql.test_refresh import MARTS, ZONES, contents, steps
from tests.unit.pipelines.builders import START, customer, fact
from warehouse import open_warehouse, publish
from warehouse.connection import open_reader, open_writer
from warehouse.publish import PublishReport
from warehouse.runner import refresh


def published(path: Path) -> dict[str, list[Any]]:
    """Return every table's rows as a reader has them."""
    with open_reader(path) as connection:
        return {
            model.name: sorted(connection.execute(f"from {model.name}").fetchall(), key=repr)
            for model in MARTS
        }


@settings(
    max_examples=examples(4),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    steps,
    st.lists(st.sampled_from(["publish", "publish", "skip", "rebuild"]), min_size=10, max_size=10),
)
def test_after_any_history_the_copy_is_what_the_marts_are(
    history: list[Any], turns: list[str]
) -> None:
    now: datetime = START
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "analytics.duckdb"
        with open_writer(Path(folder) / "w.duckdb") as connection:
            world = Given(connection)
            is_whole = True
            for step, turn in zip(history, turns, strict=False):
                world.erased(step) if isinstance(step, str) else world.records(*step)
                now += timedelta(hours=50)
                is_rebuild = refresh(
                    connection, now=now, time_zones=ZONES, rebuild=turn == "rebuild"
                ).is_rebuild
                is_whole = is_whole or is_rebuild
                if turn != "skip":
                    assert publish.publish(connection, target).is_whole == is_whole
                    is_whole = False
                    assert published(target) == contents(connection)


class Publishing:
    """A warehouse that grows by a customer at a time."""

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.target = folder / "analytics.duckdb"
        self.connection = connection
        self.world = Given(connection)
        self.people = 0

    def refreshed(self) -> None:
        self.people += 1
        own = f"c{self.people}"
        self.world.records(customer(own), fact(own, customer_id=own))
        refresh(self.connection, now=START, time_zones=ZONES)

    def published(self) -> PublishReport:
        self.refreshed()
        report = publish.publish(self.connection, self.target)
        assert published(self.target) == contents(self.connection)
        assert report.rows["customers"] == self.people
        return report


@pytest.fixture
def publishing(tmp_path: Path) -> Iterator[Publishing]:
    with open_writer(tmp_path / "w.duckdb") as connection:
        yield Publishing(tmp_path, connection)


def test_first_copy_is_whole_and_the_next_ones_are_not(publishing: Publishing) -> None:
    assert [publishing.published().is_whole for _ in range(3)] == [True, False, False]


def test_copy_keeps_its_words_and_the_format_that_the_1_x_line_reads(
    publishing: Publishing,
) -> None:
    publishing.published()
    assert not publishing.published().is_whole
    with open_warehouse(publishing.target) as warehouse:
        tables = warehouse.sql("select comment from duckdb_tables()")
        columns = warehouse.sql("select comment from duckdb_columns() where not internal")
        shown = warehouse.sql("show tables")
        tags = warehouse.sql("select tags from duckdb_databases() where readonly")
    assert tables["comment"].notna().all()
    assert columns["comment"].notna().all()
    assert sorted(shown["name"]) == sorted(model.name for model in MARTS)
    assert tags["tags"].tolist() == [{"storage_version": "v1.2.0+"}]


def test_copy_of_another_edition_is_made_whole(publishing: Publishing) -> None:
    publishing.published()
    old = publishing.target.read_bytes()
    publishing.published()
    publishing.target.write_bytes(old)
    assert publishing.published().is_whole
    assert not publishing.published().is_whole


@pytest.mark.parametrize("content", [None, b"", b"no file of DuckDB's"])
def test_what_is_no_copy_of_ours_is_made_whole(
    content: bytes | None, publishing: Publishing
) -> None:
    publishing.published()
    publishing.target.unlink()
    if content is not None:
        publishing.target.write_bytes(content)
    assert publishing.published().is_whole


def test_file_of_somebody_elses_is_made_whole(publishing: Publishing) -> None:
    publishing.published()
    publishing.target.unlink()
    with duckdb.connect(str(publishing.target)) as other:
        other.execute("create table mine as select 1 as n")
    assert publishing.published().is_whole


def test_what_was_refreshed_before_a_crash_is_brought_over_after_it(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    publishing.published()
    publishing.refreshed()
    with monkeypatch.context() as patch:
        patch.setattr(publish, "begin_anew", _crash)
        with pytest.raises(RuntimeError):
            publish.publish(publishing.connection, publishing.target)
    assert publishing.published().is_whole  # it had been swapped in, and nobody had noted it
    publishing.refreshed()
    with monkeypatch.context() as patch:
        patch.setattr(publish, "sync", _crash)
        with pytest.raises(RuntimeError):
            publish.publish(publishing.connection, publishing.target)
    assert not publishing.published().is_whole


def _crash(*_: object) -> None:
    raise RuntimeError("dead")


def test_copy_that_has_grown_too_far_is_made_whole(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "_SMALL_BYTES", 0)
    publishing.published()
    publishing.connection.execute("update refresh.published set whole_bytes = 1000")
    assert publishing.published().is_whole


def test_nothing_is_kept_for_a_copy_that_nobody_makes(publishing: Publishing) -> None:
    publishing.refreshed()
    publishing.refreshed()
    kept = "select count(*) from duckdb_tables() where table_name like 'unpublished%'"
    assert publishing.connection.execute(kept).fetchall() == [(0,)]
