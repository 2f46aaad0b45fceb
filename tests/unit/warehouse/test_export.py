"""Parquet from a real published copy, read by another DuckDB, pandas and Arrow."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from api.command_line.main import app
from tests.unit.pipelines.builders import START
from tests.unit.warehouse.test_publish import load
from warehouse import export as exporting
from warehouse import open_warehouse
from warehouse.connection import open_writer
from warehouse.errors import ExportFolderError, WarehouseOutdatedError
from warehouse.export import export
from warehouse.model_files import models
from warehouse.publish import publish

MARTS = [model for model in models() if model.schema == "marts"]


@pytest.fixture(scope="module")
def _published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    with open_writer(folder / "w.duckdb") as connection:
        for offset in range(3):
            load(connection, offset)
        return publish(connection, folder / "analytics.duckdb").path


@pytest.fixture
def published(_published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(_published, tmp_path))


def test_every_table_is_read_elsewhere_as_it_is_here(published: Path, tmp_path: Path) -> None:
    report = export(published, tmp_path / "parquet", now=START)
    latest = tmp_path / "parquet" / "latest"
    assert latest.resolve() == report.folder
    with open_warehouse(published) as warehouse, duckdb.connect() as other:
        for model in MARTS:
            ours = warehouse.connection.execute(f"from {model.name} order by all").fetchall()
            path = latest / f"{model.name}.parquet"
            there = other.execute(f"from '{path}' order by all").fetchall()
            assert there == ours, model.name
            assert pq.read_metadata(path).num_rows == report.rows[model.name] == len(ours)
        frame = pd.read_parquet(latest / "customers.parquet")
        pd.testing.assert_frame_equal(
            frame[["customer_id", "created_at"]],
            warehouse.sql("select customer_id, created_at from customers order by customer_id"),
            check_dtype=False,
        )


def test_an_export_says_what_its_tables_and_columns_mean(published: Path, tmp_path: Path) -> None:
    report = export(published, tmp_path / "parquet", now=START)
    said = json.loads((report.folder / "tables.json").read_text())
    customers = next(one for one in said["tables"] if one["table"] == "customers")
    assert said["exportedAt"] == "2026-10-01T09:00:00+00:00"
    assert (customers["rows"], customers["oneRowPer"]) == (3, ["customer_id"])
    assert set(customers["columns"]) == set(pd.read_parquet(report.folder / customers["file"]))


def test_the_same_rows_make_the_same_files(published: Path, tmp_path: Path) -> None:
    one, other = (export(published, tmp_path / name, now=START).folder for name in "ab")
    for path in one.glob("*.parquet"):
        assert path.read_bytes() == (other / path.name).read_bytes(), path.name


def test_who_reads_the_export_before_keeps_it_and_older_ones_go(
    published: Path, tmp_path: Path
) -> None:
    target = tmp_path / "parquet"
    folders = [
        export(published, target, now=START + n * timedelta(hours=1)).folder for n in range(3)
    ]
    assert [folder.exists() for folder in folders] == [False, True, True]
    assert (target / "latest").resolve() == folders[-1]


def test_an_export_that_fails_leaves_the_last_one_and_the_next_cleans_up(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "parquet"
    first = export(published, target, now=START).folder
    with monkeypatch.context() as patch:
        patch.setattr(exporting, "sync", _full)
        with pytest.raises(OSError, match="disk full"):
            export(published, target, now=START)
    assert (target / "latest").resolve() == first
    assert len(list(target.glob("*.building"))) == 1
    export(published, target, now=START)
    assert not list(target.glob("*.building*"))


def _full(_path: Path) -> None:
    raise OSError("disk full")


def test_what_is_somebody_elses_is_left_alone(published: Path, tmp_path: Path) -> None:
    target = tmp_path / "parquet"
    (target / "2020 mine").mkdir(parents=True)
    for _ in range(3):
        export(published, target, now=START, keep=1)
    assert (target / "2020 mine").exists()
    assert len(list(target.iterdir())) == 3
    (tmp_path / "other" / "latest").mkdir(parents=True)
    with pytest.raises(ExportFolderError, match="choose another folder"):
        export(published, tmp_path / "other", now=START)


def test_a_copy_of_an_older_version_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "old.duckdb")) as connection:
        connection.execute("create table customers as select 1 as customer_id")
    with pytest.raises(WarehouseOutdatedError, match=r"lacks .*growth.*omnichannel load"):
        export(tmp_path / "old.duckdb", tmp_path / "parquet", now=START)


@pytest.fixture
def command(published: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    monkeypatch.setenv("WAREHOUSE_FOLDER", str(published.parent))
    return lambda *arguments: app.meta(["export", *arguments])


def test_the_command_says_where_it_is(
    command: Callable[..., object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command("--to", str(tmp_path / "out"))
    assert not ended.value.code
    said = capsys.readouterr().out
    assert said.startswith(f"Exported {len(MARTS)} tables, ")
    assert f"({tmp_path / 'out' / 'latest'} leads there)" in said
