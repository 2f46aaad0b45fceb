"""The file of lookups: nothing asked twice, nothing forgotten by a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.enrichment.lookups import Lookup, Lookups

ANA = Lookup("acme", "wa-1", "5511999998888", "c1")
BIA = Lookup("acme", "wa-1", "5511999990000", "c2")
DAY = 86_400.0


@pytest.fixture
def lookups(tmp_path: Path) -> Iterator[Lookups]:
    """Give an empty file."""
    found = Lookups(tmp_path / "folder" / "lookups.sqlite")
    yield found
    found.close()


def test_somebody_is_looked_up_once_and_again_when_that_is_long_ago(lookups: Lookups) -> None:
    assert lookups.add([ANA, ANA, BIA], now=0, fresh_seconds=DAY) == 2
    assert [one.external_id for one in lookups.due(0, 9)] == [ANA.external_id, BIA.external_id]
    lookups.done(ANA, "nothing", now=1)
    lookups.add([ANA], now=DAY, fresh_seconds=DAY)
    assert lookups.due(DAY, 9) == [BIA]
    lookups.add([ANA], now=DAY + 2, fresh_seconds=DAY)
    assert set(lookups.due(DAY + 2, 9)) == {ANA, BIA}


def test_a_restart_forgets_neither_who_waits_nor_who_has_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "lookups.sqlite"
    first = Lookups(path)
    first.add([ANA, BIA], now=0, fresh_seconds=DAY)
    first.done(BIA, "nothing", now=0)
    first.close()
    again = Lookups(path)
    again.add([ANA, BIA], now=5, fresh_seconds=DAY)
    assert again.due(5, 9) == [ANA]
    again.close()


def test_what_fails_waits_longer_each_time_and_ends(lookups: Lookups) -> None:
    lookups.add([ANA], now=0, fresh_seconds=DAY)
    now, waits = 0.0, []
    while due := lookups.due(now + 10 * DAY, 1):
        lookups.put_off(due[0], now=now)
        step = next((s for s in (30 * 2**n for n in range(14)) if lookups.due(now + s, 1)), 21_600)
        waits.append(step)
        now += 10 * DAY
        assert len(waits) < 50
    assert waits[:3] == [30, 60, 120]
    assert len(waits) == 40


def test_what_the_platform_asks_for_is_waited_at_least(lookups: Lookups) -> None:
    lookups.add([ANA], now=0, fresh_seconds=DAY)
    lookups.put_off(ANA, now=0, at_least_seconds=500)
    assert not lookups.due(499, 1)
    assert lookups.due(500, 1)


def test_who_is_erased_leaves_nothing_and_names_the_pictures_that_are_nobodys(
    lookups: Lookups,
) -> None:
    cleo = Lookup("acme", "wa-1", "5511999991111", "c3")
    lookups.add([ANA, BIA, cleo], now=0, fresh_seconds=DAY)
    lookups.done(ANA, "found", now=0, picture="shared.png")
    lookups.done(BIA, "found", now=0, picture="shared.png")
    lookups.done(cleo, "found", now=0, picture="own.png")
    assert lookups.forget(["c1", "c3"]) == ["own.png"]
    assert lookups.forget(["c2"]) == ["shared.png"]
    assert lookups.add([ANA], now=1, fresh_seconds=DAY) == 1
