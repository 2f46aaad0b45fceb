"""Where partitions end, and what they hold until there: as a fetch sees it.

The broker's own list of ends is not enough: Tansu answers with the first offset of the last batch.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import stamina
from kafka import TopicPartition

_ANSWER_SECONDS: Final = 5.0
_POLL_MS: Final = 50
_POLL_LONG_MS: Final = 500
_STALLED_SECONDS: Final = 60.0


def end_offsets(consumer: Any, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """Return the end of each partition. The consumer is left without an assignment.

    The last record is fetched of each that has one, for the high-water mark that comes with it.
    """
    ends = _answered(consumer.end_offsets, partitions)
    firsts = first_offsets(consumer, partitions)
    filled = [partition for partition in partitions if ends[partition] > firsts[partition]]
    if not filled:
        return ends
    consumer.assign(filled)
    for partition in filled:
        consumer.seek(partition, ends[partition] - 1)
    deadline = time.monotonic() + _ANSWER_SECONDS
    waiting = set(filled)
    while waiting and time.monotonic() < deadline:
        consumer.poll(timeout_ms=_POLL_MS)
        for partition in tuple(waiting):
            if (mark := consumer.highwater(partition)) is not None:
                ends[partition] = max(ends[partition], mark)
                waiting.discard(partition)
    consumer.unsubscribe()
    return ends


def first_offsets(consumer: Any, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """Return the first offset of each partition."""
    return _answered(consumer.beginning_offsets, partitions)


def _answered(
    ask: Callable[[Sequence[TopicPartition]], Mapping[TopicPartition, int]],
    partitions: Sequence[TopicPartition],
) -> dict[TopicPartition, int]:
    """Return the answer about all partitions. Of one whose leader it has just lost sight of, the
    client has none, and stumbles over that (KeyError): a moment later it has.
    """
    for attempt in stamina.retry_context(on=KeyError, timeout=_ANSWER_SECONDS, attempts=None):
        with attempt:
            return dict(ask(partitions))
    raise AssertionError("unreachable: the last attempt raises")


class StalledError(Exception):
    """The broker holds records of this topic that it does not deliver."""


def read_between(
    consumer: Any,
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    *,
    at_most: int | None = None,
) -> Iterator[tuple[TopicPartition, list[Any]]]:
    """Yield what the partitions hold from start to end, in order within each, as it comes.

    Raises StalledError where nothing comes for a minute.
    """
    consumer.assign(list(starts))
    for partition, offset in starts.items():
        consumer.seek(partition, offset)
    deadline = time.monotonic() + _STALLED_SECONDS
    while left := [p for p in starts if consumer.position(p) < ends[p]]:
        found = consumer.poll(timeout_ms=_POLL_LONG_MS, max_records=at_most)
        for partition, records in found.items():
            yield partition, [record for record in records if record.offset < ends[partition]]
        if found:
            deadline = time.monotonic() + _STALLED_SECONDS
        elif time.monotonic() > deadline:
            raise StalledError(
                f"{left[0].topic} holds more records than the broker delivers: nothing came for "
                f"{_STALLED_SECONDS:.0f} s. Look at the broker's log, then try again"
            )
