"""How far a partition may be committed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from streams.engine.batches import PartitionBatch
from streams.engine.progress import Progress


@dataclass
class Record:
    offset: int
    topic: str = "t"
    partition: int = 0
    timestamp: int = 0
    headers: Sequence[tuple[str, bytes]] = ()
    key: bytes | None = None
    value: bytes | None = None


def batch(first: int, last: int) -> PartitionBatch:
    return PartitionBatch([Record(first), Record(last)])


def test_nothing_delivered_is_nothing_to_commit() -> None:
    assert Progress[int]().next_offset(0) is None


def test_a_first_batch_from_offset_zero_is_committed_behind_its_last_record() -> None:
    progress = Progress[int]()
    first = batch(0, 9)
    progress.deliver(0, first)
    assert progress.next_offset(0) is None
    first.processed = True
    assert progress.next_offset(0) == 10


def test_a_later_batch_that_is_done_first_waits_for_the_one_before_it() -> None:
    progress = Progress[int]()
    first, second = batch(0, 9), batch(10, 19)
    progress.deliver(0, first)
    progress.deliver(0, second)
    second.processed = True
    assert progress.next_offset(0) is None
    first.processed = True
    assert progress.next_offset(0) == 20


def test_gaps_between_batches_are_passed_over() -> None:
    progress = Progress[int]()
    for delivered in (batch(0, 9), batch(1000, 1009)):
        delivered.processed = True
        progress.deliver(0, delivered)
    assert progress.next_offset(0) == 1010


def test_a_batch_from_before_a_rebalance_commits_nothing_after_it() -> None:
    progress = Progress[int]()
    old = batch(0, 9)
    progress.deliver(0, old)
    progress.forget()
    progress.deliver(0, batch(0, 9))
    old.processed = True
    assert progress.next_offset(0) is None


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.data())
def test_a_commit_never_passes_a_batch_in_work(sizes: list[int], data: st.DataObject) -> None:
    progress = Progress[int]()
    batches = []
    offset = 0
    for size in sizes:
        batches.append(batch(offset, offset + size - 1))
        progress.deliver(0, batches[-1])
        offset += size
    for index in data.draw(st.permutations(range(len(batches)))):
        batches[index].processed = True
        done = progress.next_offset(0) or 0
        assert done == next(
            (b.records[0].offset for b in batches if not b.processed), batches[-1].next_offset
        )
