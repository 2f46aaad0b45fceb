"""Where partitions end: the offset behind the last record, as a fetch sees it.

The broker's own list of ends is not enough: Tansu answers with the first offset of the last batch.
"""

import time
from collections.abc import Sequence
from typing import Any, Final

from kafka import TopicPartition

_ANSWER_SECONDS: Final = 5.0
_POLL_MS: Final = 50


def end_offsets(consumer: Any, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """Return the end of each partition. The consumer is left without an assignment.

    The last record is fetched of each that has one, for the high-water mark that comes with it.
    """
    ends: dict[TopicPartition, int] = dict(consumer.end_offsets(partitions))
    firsts = consumer.beginning_offsets(partitions)
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
