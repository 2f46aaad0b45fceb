"""Puts records on the cluster, fast, and returns when the brokers have all of them.

Owns pace, progress and what an error tells the sender; batches are `streams.engine`'s.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    UnknownTopicOrPartitionError,
)

from streams.cluster import ClusterSettings
from streams.contracts.messages import Message
from streams.engine.batches import OutRecord
from streams.engine.producer import BulkProducer
from streams.topics import MESSAGES_INBOUND, MESSAGES_OUTBOUND, TopicSpec, full_name

# Half of what brokers take by default (1 MiB), so that a batch is never the one refused.
_BATCH_BYTES: Final = 512 * 1024
# One round of acknowledgements for so many: some 5 MB held, and waiting hardly shows.
_CHUNK_RECORDS: Final = 10_000
# Paced traffic that is this far ahead is sent and waits: smooth to the eye, cheap for the broker.
_AHEAD_SECONDS: Final = 0.05
_REQUEST_TIMEOUT_MS: Final = 20_000


class SendingError(Exception):
    """The records did not reach the cluster; the message says what to do."""


class Outgoing(Protocol):
    """A record to produce, wherever it comes from."""

    @property
    def topic(self) -> TopicSpec: ...
    @property
    def key(self) -> bytes: ...
    @property
    def value(self) -> bytes: ...


def send_all(
    records: Iterable[Outgoing],
    cluster: ClusterSettings,
    *,
    records_per_second: float | None = None,
    on_sent: Callable[[int], None] | None = None,
) -> Mapping[str, int]:
    """Send every record and return how many each topic took, all acknowledged by all replicas.

    Interrupted, it first sends what it has already taken from `records`, then raises
    KeyboardInterrupt: nothing taken is lost. `on_sent` hears the number acknowledged so far.
    """
    return asyncio.run(_send_all(records, cluster, records_per_second, on_sent))


def message_key(message: Message) -> bytes:
    """Return a key that keeps one person's messages on a channel in one partition."""
    person = message.from_ if message.direction == "inbound" else message.to
    return f"{message.tenant_id}/{message.channel.id}/{person}".encode()


def message_topic(message: Message) -> TopicSpec:
    """Return the topic of the message's direction."""
    return MESSAGES_INBOUND if message.direction == "inbound" else MESSAGES_OUTBOUND


async def _send_all(
    records: Iterable[Outgoing],
    cluster: ClusterSettings,
    records_per_second: float | None,
    on_sent: Callable[[int], None] | None,
) -> Mapping[str, int]:
    producer = AIOKafkaProducer(
        **cluster.client_options(),
        acks="all",
        max_batch_size=_BATCH_BYTES,
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
    )
    where = f"at {cluster.bootstrap_servers}"
    sender = _Sender(producer, cluster.topic_prefix, on_sent)
    try:
        try:
            await producer.start()
            await sender.send(records, records_per_second or math.inf)
        finally:
            await producer.stop()
    except KafkaConnectionError as err:
        raise SendingError(
            f"no Kafka broker answers {where}; start one with `omnichannel broker`, or set "
            "KAFKA_BOOTSTRAP_SERVERS"
        ) from err
    except (UnknownTopicOrPartitionError, LookupError) as err:
        raise SendingError(
            f"the topics do not exist {where}; create them with `omnichannel topics`"
        ) from err
    except MessageSizeTooLargeError as err:
        raise SendingError(
            "a record is larger than the broker takes; shorten it, or raise the topic's "
            "max.message.bytes"
        ) from err
    except KafkaError as err:
        raise SendingError(
            f"the cluster {where} did not take the records ({type(err).__name__}); look at its "
            "log, then send again: repeated messages are harmless"
        ) from err
    return sender.acknowledged


class _Sender:
    """Takes records in chunks; what it has taken it also sends."""

    def __init__(self, producer: Any, prefix: str, on_sent: Callable[[int], None] | None) -> None:
        self.acknowledged: Counter[str] = Counter()
        self._bulk = BulkProducer(producer)
        self._prefix = prefix
        self._on_sent = on_sent
        self._chunk: list[OutRecord] = []

    async def send(self, records: Iterable[Outgoing], records_per_second: float) -> None:
        """Send all of them, no faster than asked; where they end in an error, what came before."""
        started = time.monotonic()
        try:
            for taken, record in enumerate(records, start=1):
                name = full_name(record.topic, self._prefix)
                self._chunk.append(OutRecord(name, record.key, record.value))
                ahead_seconds = taken / records_per_second - (time.monotonic() - started)
                if ahead_seconds > _AHEAD_SECONDS or len(self._chunk) == _CHUNK_RECORDS:
                    await self._flush()
                    if ahead_seconds > 0:
                        await asyncio.sleep(ahead_seconds)
        finally:
            if self._chunk:
                await self._flush()

    async def _flush(self) -> None:
        """Send the chunk to its end, even when cancelled meanwhile: it has been taken."""
        chunk, self._chunk = self._chunk, []
        sending = asyncio.create_task(self._bulk.send(chunk))
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            await sending
            self._note(chunk)
            raise
        self._note(chunk)

    def _note(self, chunk: list[OutRecord]) -> None:
        self.acknowledged.update(record.topic for record in chunk)
        if self._on_sent is not None:
            self._on_sent(self.acknowledged.total())
