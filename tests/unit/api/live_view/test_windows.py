"""How far down a list is looked, and from where when the same is asked again."""

import pytest

from api.live_view import windows
from api.live_view.windows import Windows
from tests.unit.api.live_view.fed import FedView
from tests.unit.pipelines.builders import customer


def test_who_asks_again_begins_where_it_was_found_and_soon_looks_in_narrower_windows_too(
    fed: FedView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "WIDTHS", (1, 2, 4))
    fed.records(*(customer(f"c{number}") for number in range(9)))
    now = 0.0
    looked_in = Windows(lambda: now)

    def looks(asked: str, enough_at: int) -> int:
        """Return in how many windows was looked until one was wide enough."""
        with fed.store.reader() as reader:
            bounds = looked_in.bounds(
                "number", reader.connection, is_time=False, is_falling=True, asked=asked
            )
            for count, bound in enumerate(bounds, 1):
                if bound is None or _held(fed, bound) >= enough_at:
                    return count
        raise AssertionError

    assert looks("rare", 4) == 3
    assert looks("rare", 4) == 1
    assert looks("rarer", 9) == 4
    assert looks("rarer", 9) == 1
    assert looks("common", 1) == 1
    now += 6.0
    assert looks("rare", 4) == 3


def _held(fed: FedView, bound: int) -> int:
    with fed.store.reader() as reader:
        return int(
            reader.execute(
                "select count(*) from raw.customers where number >= $bound", {"bound": bound}
            ).fetchall()[0][0]
        )
