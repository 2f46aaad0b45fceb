"""The loop and its plan, with a source and a sink in memory and a clock that we move."""

import threading

import pytest

from pipelines.batch import Batch, BatchLimits, Chunk, Partition
from pipelines.errors import LoadStalledError, OffsetsExpiredError, TopicRecreatedError
from pipelines.sink import (
    LoadedBatch,
    Position,
    Source,
    TopicState,
    plan,
    run_until_caught_up,
    run_until_stopped,
)
from tests.unit.pipelines.builders import FakeRecord, customer, fact, record
from tests.unit.pipelines.fakes import FakeClock, FakeSink, FakeSource

P0, P1 = Partition("customer-messages", 0), Partition("customer-messages", 1)


def messages(count: int, *, start: int = 0) -> list[FakeRecord]:
    return [record(n, fact(f"m{start + n}")) for n in range(count)]


def load(
    source: Source, sink: FakeSink, *, rows: int = 4, clock: FakeClock | None = None
) -> list[LoadedBatch]:
    seen: list[LoadedBatch] = []
    run_until_caught_up(
        source,
        sink,
        clock=clock or FakeClock(),
        limits=BatchLimits(rows=rows, age_seconds=5),
        on_batch=seen.append,
    )
    return seen


def test_everything_at_the_start_is_loaded_in_bounded_batches() -> None:
    sink = FakeSink()
    seen = load(FakeSource({P0: messages(7), P1: messages(5, start=7)}), sink)
    assert len(sink.rows["customer-messages"]) == 12
    assert max(one.rows for one in sink.batches) <= 4 + 2 * 2
    assert seen[-1].next_offsets == {P0: 7, P1: 5}


def test_what_comes_after_the_start_is_left_for_the_next_run() -> None:
    source = FakeSource({P0: messages(10)}, ends={P0: 5}, per_poll=3)
    sink = FakeSink()
    load(source, sink)
    assert sink.offsets[P0].next_offset == 5
    assert len(sink.rows["customer-messages"]) == 5


def test_a_second_run_has_nothing_to_do() -> None:
    source, sink = FakeSource({P0: messages(3)}), FakeSink()
    load(source, sink)
    assert load(source, sink) == []


def test_a_gap_before_the_end_does_not_hold_the_run_up() -> None:
    class Gap(FakeSource):
        def poll(self, timeout_seconds: float) -> Chunk:
            found = super().poll(timeout_seconds)
            done = found.next_offsets[P0] == 3
            return Chunk(found.records, {P0: 6}) if done else found

    sink = FakeSink()
    load(Gap({P0: messages(3)}, ends={P0: 6}), sink)
    assert sink.offsets[P0].next_offset == 6


def test_a_broker_that_delivers_nothing_ends_the_run() -> None:
    clock = FakeClock()
    source = FakeSource({P0: messages(2)}, ends={P0: 5}, clock=clock)
    with pytest.raises(LoadStalledError, match=r"customer-messages\[0\] 2 of 5"):
        load(source, FakeSink(), clock=clock)


def test_a_continuous_run_writes_by_age_and_what_is_left_when_stopped() -> None:
    clock, stop, sink = FakeClock(), threading.Event(), FakeSink()
    source = FakeSource({P0: messages(3)}, clock=clock)

    def grow_then_stop(batch: LoadedBatch) -> None:
        if batch.next_offsets[P0] == 3:
            source.log[P0].append(record(3, fact("late")))
        if batch.next_offsets[P0] == 4:
            stop.set()

    run_until_stopped(
        source,
        sink,
        clock=clock,
        limits=BatchLimits(rows=1000, age_seconds=5),
        on_batch=grow_then_stop,
        stop=stop,
    )
    assert sink.offsets[P0].next_offset == 4
    assert clock.seconds < 12


@pytest.mark.parametrize(("seconds", "second_at"), [(1, 5 + 5), (7, 5 + 7 + 2.5)])
def test_what_came_while_a_batch_was_seen_to_waits_half_its_age_or_less(
    seconds: float, second_at: float
) -> None:
    clock, stop = FakeClock(), threading.Event()
    source = FakeSource({P0: messages(2)}, clock=clock)
    written_at: list[float] = []

    def take_some_seconds(batch: LoadedBatch) -> None:
        written_at.append(clock.seconds)
        if batch.next_offsets[P0] == 4:
            stop.set()
        else:
            source.log[P0] += [record(n, fact(f"m{n}")) for n in (2, 3)]
        clock.seconds += seconds

    run_until_stopped(
        source,
        FakeSink(),
        clock=clock,
        limits=BatchLimits(rows=1000, age_seconds=5),
        on_batch=take_some_seconds,
        stop=stop,
    )
    assert written_at == [5, second_at]


def test_a_continuous_run_finds_a_new_partition() -> None:
    clock, stop, sink = FakeClock(), threading.Event(), FakeSink()
    source = FakeSource({P0: messages(1)}, clock=clock)

    def grow_then_stop(batch: LoadedBatch) -> None:
        source.log[P1] = [record(0, fact("m9"))]
        if batch.next_offsets.get(P1) == 1:
            stop.set()

    run_until_stopped(
        source,
        sink,
        clock=clock,
        limits=BatchLimits(),
        on_batch=grow_then_stop,
        stop=stop,
    )
    assert sink.offsets[P1].next_offset == 1


def topic(topic_id: str | None, first: int, end: int) -> dict[str, TopicState]:
    return {P0.topic: TopicState(topic_id, {P0: (first, end)})}


def test_a_new_partition_begins_where_the_topic_does() -> None:
    planned = plan(topic("a", 3, 9), {})
    assert (planned.starts, planned.ends, planned.lag) == ({P0: 3}, {P0: 9}, 6)


def test_a_topic_made_anew_stops_the_load() -> None:
    with pytest.raises(TopicRecreatedError, match="deleted and made anew"):
        plan(topic("b", 0, 9), {P0: Position(4, "a")})


def test_without_ids_a_topic_shorter_than_loaded_stops_the_load() -> None:
    with pytest.raises(TopicRecreatedError, match="ends at 3"):
        plan(topic(None, 0, 3), {P0: Position(4, None)})


def test_expired_offsets_stop_the_load() -> None:
    with pytest.raises(OffsetsExpiredError, match="2 offsets are gone"):
        plan(topic("a", 6, 9), {P0: Position(4, "a")})


def test_a_chunk_ends_before_the_given_end() -> None:
    found = Chunk({P0: messages(5), P1: messages(5)}, {P0: 5, P1: 5}).up_to({P0: 3})
    assert [one.offset for one in found.records[P0]] == [0, 1, 2]
    assert found.next_offsets == {P0: 3}


def test_a_batch_is_due_by_rows_or_by_age_and_never_empty() -> None:
    limits = BatchLimits(rows=3, age_seconds=5)
    empty = Batch.empty(0.0, {P0: 0}, {})
    assert not empty.is_due(99, limits)
    two = empty.add(Chunk({P0: messages(2)}, {P0: 2}))
    assert not two.is_due(4.9, limits)
    assert two.is_due(5, limits)
    assert two.add(Chunk({P0: [record(2, customer())]}, {P0: 3})).is_due(0, limits)
