"""What the consumer hands out around a seek, with Faust's machinery stood in for. No broker.

The seams are those that Faust calls; a worker on a real broker is in tests/e2e.
"""

import asyncio
from typing import Any

import pytest
from faust.transport.drivers import aiokafka
from faust.types import TP

from streams.engine.batches import PartitionBatch
from streams.engine.progress import Progress
from streams.engine.transport import BatchConsumer
from tests.unit.engine.test_progress import batch

PARTITION = TP("interactions", 0)


class Thread:
    """Stands in for the consumer's thread: the era of a fetch made now."""

    def __init__(self) -> None:
        self.era = (0, 1)


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a consumer whose fetch returns `fetched` and whose seek begins a new era."""
    made: Any = object.__new__(BatchConsumer)
    made.progress = Progress()
    made._may_hand_out = asyncio.Event()
    made._may_hand_out.set()
    made._thread = Thread()
    made.fetched = {}

    async def getmany(_: Any, active: Any, timeout: float) -> Any:  # noqa: ASYNC109
        del active, timeout
        return made.fetched

    async def perform_seek(_: Any) -> None:
        seeks, generation = made._thread.era
        made._thread.era = (seeks + 1, generation)

    def to_message(_: Any, tp: TP, record: Any) -> Any:
        del tp
        return record

    monkeypatch.setattr(aiokafka.Consumer, "_getmany", getmany)
    monkeypatch.setattr(aiokafka.Consumer, "perform_seek", perform_seek)
    monkeypatch.setattr(aiokafka.Consumer, "resume_flow", lambda _: None)
    monkeypatch.setattr(aiokafka.Consumer, "_to_message", to_message)
    return made


def fetched_in(era: tuple[int, int], first: int, last: int) -> PartitionBatch:
    return PartitionBatch(batch(first, last).records, era)


def test_nothing_is_handed_out_between_a_seek_and_the_flow(consumer: Any) -> None:
    async def scenario() -> None:
        consumer.fetched = {PARTITION: [fetched_in((1, 1), 0, 9)]}
        await consumer.perform_seek()
        waiting = asyncio.ensure_future(consumer._getmany(set(), 1.0))
        done, _ = await asyncio.wait([waiting], timeout=0.05)
        assert not done
        consumer.resume_flow()
        assert await asyncio.wait_for(waiting, 1.0) == consumer.fetched

    asyncio.run(scenario())


def test_what_was_fetched_before_a_seek_is_stale_and_holds_up_no_commit(consumer: Any) -> None:
    early, again = fetched_in((0, 1), 0, 9), fetched_in((1, 1), 0, 9)
    asyncio.run(consumer.perform_seek())
    consumer._to_message(PARTITION, early)
    consumer._to_message(PARTITION, again)
    again.processed = True
    assert early.stale
    assert not again.stale
    assert consumer.progress.next_offset(PARTITION) == 10


def test_a_batch_handed_out_before_the_seek_is_forgotten_and_comes_again(consumer: Any) -> None:
    handed_out = fetched_in((0, 1), 0, 9)
    consumer._to_message(PARTITION, handed_out)
    asyncio.run(consumer.perform_seek())
    handed_out.processed = True
    assert consumer.progress.next_offset(PARTITION) is None


def test_what_an_older_generation_fetched_is_stale(consumer: Any) -> None:
    old = fetched_in((0, 0), 0, 9)
    consumer._to_message(PARTITION, old)
    assert old.stale
