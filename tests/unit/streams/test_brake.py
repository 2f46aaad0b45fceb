"""A worker that understands little of what comes stops; one odd webhook stops nobody."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.brake import LEAST_RECORDS, Braked, BrakeError
from streams.contracts.dead_letters import Reason
from streams.engine.batches import Effects, InRecord


def braked(reasons: dict[int, Sequence[Reason]], share: float = 0.5) -> Braked:
    """Return a translation that sets aside as said, by the number of records in the batch."""

    def translate(records: Sequence[InRecord]) -> Effects:
        return Effects(told=reasons.get(len(records), ()))

    return Braked(translate, share)


def batch(count: int) -> Sequence[InRecord]:
    return [None] * count  # type: ignore[list-item]


def test_more_than_the_share_of_faults_stops_before_anything_is_sent() -> None:
    step = braked({LEAST_RECORDS: ("unreadable",) * 501})
    with pytest.raises(BrakeError, match=r"501 cannot be understood.*dead-letters list"):
        step(batch(LEAST_RECORDS))


def test_the_share_itself_is_let_through() -> None:
    step = braked({LEAST_RECORDS: ("invalid",) * 500})
    assert len(step(batch(LEAST_RECORDS)).told) == 500


def test_few_records_say_nothing_of_a_share() -> None:
    step = braked({9: ("unreadable",) * 9})
    for _ in range(LEAST_RECORDS // 9):
        step(batch(9))
    with pytest.raises(BrakeError):
        step(batch(9))


def test_who_is_no_person_and_many_parts_of_one_body_are_no_faults() -> None:
    step = braked({LEAST_RECORDS: ("not_a_person",) * LEAST_RECORDS, 1: ("unreadable",) * 5_000})
    step(batch(LEAST_RECORDS))
    step(batch(1))


def test_a_share_of_one_lets_everything_through() -> None:
    step = braked({LEAST_RECORDS: ("unreadable",) * LEAST_RECORDS}, share=1)
    for _ in range(5):
        step(batch(LEAST_RECORDS))


def test_however_much_went_well_long_ago_a_flood_of_faults_stops() -> None:
    good, bad = LEAST_RECORDS, LEAST_RECORDS + 1
    faults: list[Reason] = ["unreadable"]
    step = braked({bad: faults * bad})
    for _ in range(100):
        step(batch(good))
    with pytest.raises(BrakeError):
        step(batch(bad))


@given(st.lists(st.integers(1, 400), max_size=30))
def test_a_stream_without_faults_never_stops(sizes: list[int]) -> None:
    step = braked({})
    for size in sizes:
        step(batch(size))
