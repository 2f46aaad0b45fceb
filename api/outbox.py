"""Webhooks' bodies and commands on their way to Kafka: what is handed over is on the broker, or is
refused. The only place of the API that writes to Kafka.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.cluster import ClusterSettings

logger = logging.getLogger(__name__)

Header = tuple[str, bytes]

# 4 MiB of body; the producer counts headers and its envelope too.
_LARGEST_REQUEST_BYTES: Final = 5 * 1024 * 1024
_LOOK_AGAIN_SECONDS: Final = 1.0
# Records that wait for their acknowledgement while the broker is away: what they take is bounded,
# and whoever comes then is asked to come again.
_MOST_WAITING: Final = 256


class NotTakenError(Exception):
    """Kafka may not have the record: whoever handed it over must do so again."""


class Outbox(Protocol):
    """Where verified bodies and commands go."""

    @property
    def is_ready(self) -> bool:
        """Say whether the broker has answered."""
        ...

    async def put(
        self, topic: str, value: bytes, headers: Sequence[Header] = (), *, key: bytes | None = None
    ) -> None:
        """Return once every in-sync replica has it. Raises NotTakenError.

        Records of one key are read in the order in which they were handed over; without one they
        spread over the partitions.
        """
        ...


class KafkaOutbox:
    """An outbox on Kafka; it starts without a broker, and refuses until one is there."""

    def __init__(self, cluster: ClusterSettings, *, ack_seconds: float) -> None:
        self._cluster = cluster
        self._ack_seconds = ack_seconds
        self._producer: AIOKafkaProducer | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._waiting = 0

    async def start(self) -> None:
        """Begin to reach for the broker, and go on until it answers."""
        self._connecting = asyncio.create_task(self._connect())

    async def stop(self) -> None:
        """Have everything that was handed over acknowledged, then leave the broker."""
        if self._connecting is not None:
            self._connecting.cancel()
            with suppress(asyncio.CancelledError):
                await self._connecting
        if self._producer is not None:
            await self._producer.stop()

    @property
    def is_ready(self) -> bool:
        """Say whether the broker has answered."""
        return self._producer is not None

    async def put(
        self, topic: str, value: bytes, headers: Sequence[Header] = (), *, key: bytes | None = None
    ) -> None:
        """Return once every in-sync replica has it. Raises NotTakenError."""
        if self._producer is None:
            raise NotTakenError("Kafka has not answered yet")
        if self._waiting >= _MOST_WAITING:
            raise NotTakenError(f"{_MOST_WAITING} records wait for Kafka already")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._ack_seconds):
                await self._producer.send_and_wait(topic, value, key=key, headers=list(headers))
        except (KafkaError, TimeoutError) as error:
            raise NotTakenError(f"Kafka did not take it ({type(error).__name__})") from error
        finally:
            self._waiting -= 1

    async def _connect(self) -> None:
        has_complained = False
        while True:
            producer = AIOKafkaProducer(
                **self._cluster.client_options(),
                acks="all",
                enable_idempotence=True,
                linger_ms=5,  # calls that come together are written together
                max_request_size=_LARGEST_REQUEST_BYTES,
                request_timeout_ms=max(1_000, int(self._ack_seconds * 1000)),
            )
            try:
                await producer.start()
            except (KafkaError, OSError) as error:
                await producer.stop()
                if not has_complained:
                    logger.warning(
                        "Kafka at %s does not answer (%s): callers are asked to come again",
                        self._cluster.bootstrap_servers,
                        error,
                    )
                    has_complained = True
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            else:
                self._producer = producer
                logger.info(
                    "Kafka at %s takes webhooks and commands", self._cluster.bootstrap_servers
                )
                return
