"""The view's files over restarts, kills and power cuts."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
