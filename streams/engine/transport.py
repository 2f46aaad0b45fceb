"""A Faust transport whose source topics deliver one event per fetched partition batch.

Everything else (changelogs in recovery, groups, commits) is Faust's own. The event's value is a
`PartitionBatch`, its offset that of the last record.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from faust.serializers.schemas import Schema
from faust.transport.drivers import aiokafka
from faust.types import TP, ConsumerMessage
from mode.utils.futures import notify

from streams.engine.batches import Era, PartitionBatch
from streams.engine.progress import Progress

# A fetch asks only for partitions of which nothing waits to be handed out, and a broker answers one
# fetch at a time: while it waits for an idle topic, the busy ones get nothing. Faust waits 1.5 s.
FETCH_MAX_WAIT_MS = 20


class BatchConsumerThread(aiokafka.AIOKafkaConsumerThread):
    """Fetches whole batches, and knows which of them a seek has made worthless.

    A fetch and a going back to the committed offsets never overlap: each batch was fetched wholly
    before or wholly after it.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._seeks = 0
        self._fetch_or_seek = asyncio.Lock()

    @property
    def era(self) -> Era:
        """Return the era in which a fetch would be made now."""
        return self._seeks, self.app.consumer_generation_id

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        return consumer

    async def _fetch_records(self, *args: Any, **kwargs: Any) -> Any:
        async with self._fetch_or_seek:
            fetched = await super()._fetch_records(*args, **kwargs)
            era = self.era
        batched_topics = self.transport.batched_topics
        return {
            tp: [PartitionBatch(records, era)]
            if records and tp.topic in batched_topics
            else records
            for tp, records in fetched.items()
        }

    async def seek_to_committed(self) -> Any:
        """Set all positions back to what is committed; what was fetched before is stale."""
        return await self.call_thread(self._seek_to_committed)

    async def _seek_to_committed(self) -> Any:
        async with self._fetch_or_seek:
            consumer = self._ensure_consumer()
            offsets = await consumer.seek_to_committed()
            # aiokafka leaves a partition where it stands while nothing is committed of it.
            uncommitted = [
                tp
                for tp, offset in offsets.items()
                if not offset and tp.topic in self.transport.batched_topics
            ]
            if uncommitted:
                await consumer.seek_to_beginning(*uncommitted)
            self._seeks += 1
        return offsets


class _ReadOffsets(defaultdict[TP, int | None]):
    """What Faust last read of each partition, but nothing of the batched ones.

    Faust drops what it takes to be read already, by the last offset. A batch that comes again may
    be cut shorter than before; `Progress` keeps these in order.
    """

    def __init__(self, batched_topics: Collection[str]) -> None:
        super().__init__(lambda: None)
        self._batched_topics = batched_topics

    def __getitem__(self, tp: TP) -> int | None:
        return None if tp.topic in self._batched_topics else super().__getitem__(tp)


class BatchConsumer(aiokafka.Consumer):
    """Hands out whole batches of the batched topics, and commits them by `Progress`."""

    _thread: BatchConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.progress: Progress[TP] = Progress()
        self._read_offset = _ReadOffsets(self.transport.batched_topics)
        self._may_hand_out = asyncio.Event()

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _is_batched(self, tp: TP) -> bool:
        return tp.topic in self.transport.batched_topics

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's signature
        fetched = await super()._getmany(active_partitions, timeout)
        await self._may_hand_out.wait()
        return fetched

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, PartitionBatch):
            return super()._to_message(tp, record)
        record.stale = record.fetched_in != self._thread.era
        if not record.stale:
            self.progress.deliver(tp, record)
        message = super()._to_message(tp, record.records[-1])
        message.key, message.value = None, record
        return message

    async def perform_seek(self) -> None:
        """Go back to what is committed: what was handed out beyond it comes again.

        Faust seeks at the end of a rebalance with the flow already on, and then turns it on once
        more, which empties the agents' queues: what is handed out in between would be lost to
        them, for ever. So nothing is, until the flow is on again.
        """
        self._may_hand_out.clear()
        await super().perform_seek()
        self.progress.forget()

    def resume_flow(self) -> None:
        """Hand out again."""
        super().resume_flow()
        self._may_hand_out.set()

    def ack(self, message: ConsumerMessage) -> bool:
        """Note that Faust is done with the message; only a processed batch makes progress."""
        if not isinstance(message.value, PartitionBatch):
            return bool(super().ack(message))
        message.acked = True
        self._unacked_messages.discard(message)
        self._n_acked += 1
        notify(self._waiting_for_ack)
        return message.value.processed

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        for tp in self.progress.partitions():
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        if self._is_batched(tp):
            return self.progress.next_offset(tp)
        offset: int | None = super()._new_offset(tp)
        return offset

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if not self._is_batched(tp):
            await super()._add_gap(tp, offset_from, offset_to)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Give partitions up, after what was in work is finished and committed."""
        await super().on_partitions_revoked(revoked)
        self.progress.forget(revoked)


class BatchTransport(aiokafka.Transport):
    """The transport to give to an app; `batched_topics` are delivered in batches."""

    Consumer = BatchConsumer

    def __init__(self, *args: Any, batched_topics: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batched_topics = frozenset(batched_topics)


class BatchSchema(Schema):
    """Leaves key and value as they are: the value of a batched topic is a `PartitionBatch`."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> Any:
        """Return the key of the message."""
        del app
        return message.key

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        """Return the value of the message."""
        del app
        return message.value
