"""Records out in bulk: whole batches a partition, each acknowledged by all in-sync replicas."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

from streams.engine.batches import OutRecord, OutRun

KeyValue = tuple[bytes, bytes | None]


def partition_of(key: bytes, partition_count: int) -> int:
    """Return the partition of a key: CRC32 modulo, librdkafka's `consistent` partitioner.

    In C, where the Java client's murmur2 would be Python run once a record.
    """
    return crc32(key) % partition_count


class BulkProducer:
    """Sends through an aiokafka producer; every send returns only when all is acknowledged."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._partition_counts: dict[str, int] = {}

    async def send(self, records: Iterable[OutRecord], runs: Iterable[OutRun] = ()) -> None:
        """Have every record acknowledged; order is kept within a partition key, runs come last.

        Raises what the broker answered, and then any number of them may have been written: the
        caller repeats the whole.
        """
        by_partition: defaultdict[tuple[str, int], list[KeyValue]] = defaultdict(list)
        counts = self._partition_counts
        for record in records:
            topic, key = record.topic, record.key
            count = counts.get(topic) or await self._partition_count(topic)
            partition = crc32(record.partition_key or key) % count
            by_partition[topic, partition].append((key, record.value))
        for run in runs:
            topic = run.topic
            count = counts.get(topic) or await self._partition_count(topic)
            if run.partition_key is not None:
                by_partition[topic, crc32(run.partition_key) % count] += run.records
                continue
            for pair in run.records:
                by_partition[topic, crc32(pair[0]) % count].append(pair)
        await asyncio.gather(
            *(
                self.send_to(topic, partition, batch)
                for (topic, partition), batch in by_partition.items()
            )
        )

    async def send_to(self, topic: str, partition: int, records: Sequence[KeyValue]) -> int:
        """Have the records acknowledged in one partition, in order; return the last offset."""
        last_offset = -1
        for batch in self._batches(records):
            future = await self._producer.send_batch(batch, topic, partition=partition)
            acknowledged = await future
            last_offset = acknowledged.offset + batch.record_count() - 1
        return last_offset

    def _batches(self, records: Sequence[KeyValue]) -> Iterable[Any]:
        batch = self._producer.create_batch()
        for key, value in records:
            if batch.append(timestamp=None, key=key, value=value) is None:
                batch.close()
                yield batch
                batch = self._producer.create_batch()
                batch.append(timestamp=None, key=key, value=value)
        if batch.record_count():
            batch.close()
            yield batch

    async def _partition_count(self, topic: str) -> int:
        partitions = await self._producer.partitions_for(topic)
        if not partitions:
            raise LookupError(
                f"topic {topic} does not exist; run `omnichannel topics` to create it"
            )
        self._partition_counts[topic] = len(partitions)
        return len(partitions)
