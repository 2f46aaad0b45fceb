"""The outbox on a real broker: what is handed over is there, or is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from api.outbox import KafkaOutbox, Outbox
from streams.cluster import ClusterSettings
from tests.e2e.harness import wait_until
from tests.unit.api.outbox_contract import OutboxContract, Taken

pytestmark = pytest.mark.kafka
_PARTITIONS = 3


class _Named:
    """An outbox whose topics lie under the test's prefix."""

    def __init__(self, outbox: KafkaOutbox, prefix: str) -> None:
        self._outbox = outbox
        self._prefix = prefix

    @property
    def is_ready(self) -> bool:
        return self._outbox.is_ready

    async def put(self, topic: str, value: bytes, headers: Any = (), **more: Any) -> None:
        await self._outbox.put(self._prefix + topic, value, headers, **more)


class TestKafkaOutbox(OutboxContract):
    """The promises, kept by Kafka."""

    @pytest.fixture(autouse=True)
    def _topic(self, cluster: ClusterSettings) -> None:
        self.cluster = cluster
        self.name = f"{cluster.topic_prefix}t"
        with KafkaAdminClient(**cluster.client_options()) as admin:
            admin.create_topics([NewTopic(self.name, _PARTITIONS, 1)])

    def use(self, user: Callable[[Outbox], Awaitable[None]], *, is_away: bool = False) -> None:
        """Run the user with an outbox that has reached the broker, or will never."""
        cluster = self.cluster
        if is_away:
            cluster = cluster.model_copy(update={"bootstrap_servers": "127.0.0.1:1"})

        async def run() -> None:
            outbox = KafkaOutbox(cluster, ack_seconds=5)
            await outbox.start()
            try:
                while not (is_away or outbox.is_ready):  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.05)
                await user(_Named(outbox, cluster.topic_prefix))
            finally:
                await outbox.stop()

        asyncio.run(asyncio.wait_for(run(), 60))

    def taken(self) -> list[Taken]:
        """Return what the broker has, partition by partition."""
        consumer: Any = KafkaConsumer(**self.cluster.client_options(), enable_auto_commit=False)
        try:
            partitions = [TopicPartition(self.name, number) for number in range(_PARTITIONS)]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends = consumer.end_offsets(partitions)
            found: list[Any] = []

            def is_read() -> bool:
                for records in consumer.poll(timeout_ms=200).values():
                    found.extend(records)
                return all(consumer.position(p) >= ends[p] for p in partitions)

            wait_until(is_read, "the topic is read to its end")
            found.sort(key=lambda record: (record.partition, record.offset))
            return [(record.key, record.value) for record in found]
        finally:
            consumer.close()
