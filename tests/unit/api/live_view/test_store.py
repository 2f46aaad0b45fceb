"""The view's files over restarts, kills and power cuts."""

import random
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from api.live_view import store
from tests.unit.api.live_view.fed import FedView, fed_view
from tests.unit.pipelines.builders import customer


class _KilledError(Exception):
    """The process ended in the middle."""


@contextmanager
def opened(folder: Path, boot: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FedView]:
    """Open the view on a machine that was started under this name."""
    (named := folder / "boot").write_text(boot)
    monkeypatch.setattr(store, "_BOOT", named)
    with fed_view(folder / "live") as fed:
        yield fed


def killed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a view with one customer as a kill leaves it."""
    with suppress(_KilledError), opened(folder, "one", monkeypatch) as fed:
        fed.records(customer("c1"))
        raise _KilledError


def customers_in(fed: FedView) -> int:
    """Count the view's customers."""
    with fed.store.reader() as reader:
        return int(reader.execute("select count(*) from raw.customers").fetchall()[0][0])


def test_what_a_killed_process_left_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(tmp_path, monkeypatch)
    with opened(tmp_path, "one", monkeypatch) as fed:
        assert customers_in(fed) == 1


def test_what_a_power_cut_may_have_torn_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(tmp_path, monkeypatch)
    with opened(tmp_path, "two", monkeypatch) as fed:
        assert customers_in(fed) == 0


def test_what_was_closed_is_kept_over_a_restart_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, "one", monkeypatch) as fed:
        fed.records(customer("c1"))
    with opened(tmp_path, "two", monkeypatch) as fed:
        assert customers_in(fed) == 1


def test_a_batch_that_cannot_be_looked_up_is_not_in_the_lists_either(fed: FedView) -> None:
    fed.records(customer("c1"))
    with closing(sqlite3.connect(fed.store.lookups_path)) as other, other:
        other.execute("drop table claims")
    with pytest.raises(sqlite3.OperationalError):
        fed.records(customer("c2"))
    assert customers_in(fed) == 1


def test_rows_that_were_replaced_do_not_pile_up_in_a_view_that_is_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_LOG_BYTES", 1)
    people, rng = 20_000, random.Random(1)
    with opened(tmp_path, "one", monkeypatch) as fed:
        fed.records(*(customer(f"c{n}") for n in range(people)))
        fed.store.settle()
        for version in range(2, 12):
            some = rng.sample(range(people), 3_000)
            fed.records(*(customer(f"c{n}", version=version) for n in some))
            fed.store.tidy_up()
        ((stored, largest),) = fed.store.connection.execute(
            """
            select sum(rows), max(rows) from (
                select row_group_id, sum(count) as rows
                from pragma_storage_info('raw.customers')
                where column_name = 'version' and segment_type != 'VALIDITY' group by all
            )
            """
        ).fetchall()
        assert customers_in(fed) == people
        assert stored < 1.5 * people  # of 50,000 that were written
        assert largest <= 16_384  # or tidying up takes as long as all of them do


def log_bytes(folder: Path) -> int:
    """Return how long DuckDB's log is."""
    return sum(path.stat().st_size for path in folder.glob("live/*/view.duckdb.wal"))


def test_whoever_reads_goes_on_reading_while_the_file_waits_to_be_tidied_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_LOG_BYTES", 1)
    with opened(tmp_path, "one", monkeypatch) as fed:
        fed.store.settle()
        fed.records(customer("c1"))
        with fed.store.reader() as reader:
            reader.connection.begin()
            reader.execute("select count(*) from raw.customers").fetchall()
            fed.records(customer("c1", version=2))
            fed.store.tidy_up()
            assert log_bytes(tmp_path) > 0
            assert customers_in(fed) == 1
            reader.connection.commit()
        fed.store.tidy_up()
        assert log_bytes(tmp_path) == 0


def test_whoever_reads_for_long_does_not_keep_a_long_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_LOG_BYTES", 1)
    monkeypatch.setattr(store, "_MOST_LOG_BYTES", 1)
    with opened(tmp_path, "one", monkeypatch) as fed:
        fed.store.settle()
        fed.records(customer("c1"))
        with ThreadPoolExecutor() as pool, fed.store.reader() as reader:
            reader.connection.begin()
            reader.execute("select count(*) from raw.customers").fetchall()
            fed.records(customer("c1", version=2))
            tidied_up = pool.submit(fed.store.tidy_up)
            with pytest.raises(TimeoutError):
                tidied_up.result(0.2)
            reader.connection.commit()
            tidied_up.result(20)
        assert log_bytes(tmp_path) == 0
