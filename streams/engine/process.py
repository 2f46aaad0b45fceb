"""One step over a batch, in the order of effects that makes a crash anywhere harmless.

Records first, awaited; then the changelog, awaited; then the store; then the ack. Whatever is
interrupted is done again from the old state, so nothing is lost; what is repeated must be
harmless to repeat. The other way round, state could move on without what it promised to others.
"""

import logging
import os
from collections.abc import Callable, Sequence
from typing import Generic, Literal, Protocol, TypeVar

from streams.engine.batches import Effects, InRecord, PartitionBatch
from streams.engine.producer import BulkProducer
from streams.engine.table import BulkTable

logger = logging.getLogger(__name__)

# EX_SOFTWARE of sysexits.h: a supervisor restarts the process, which replays the batch.
EXIT_CODE = 70

Moment = Literal["decided", "records_sent", "changelog_sent", "stored"]
OnMoment = Callable[[Moment], None]


def ignore(moment: Moment) -> None:
    """Watch nothing: what a step does when no test is looking."""


Gathered = TypeVar("Gathered")


class Fold(Protocol, Generic[Gathered]):
    """What a step does with a batch: two pure halves around one read of the table."""

    def gather(self, records: Sequence[InRecord]) -> tuple[Gathered, Sequence[bytes]]:
        """Return the batch understood, and the keys it touches."""

    def decide(self, gathered: Gathered, values: Sequence[bytes | None]) -> Effects:
        """Return the effects, given the value of each key."""


async def process(
    batch: PartitionBatch,
    fold: Fold[Gathered],
    *,
    producer: BulkProducer,
    table: BulkTable,
    on_moment: OnMoment = ignore,
) -> Effects:
    """Carry out one batch against the table; every effect returned is acknowledged.

    An error ends the process before the ack: the restart replays the batch from the old state.
    """
    if batch.stale:
        return Effects()
    with _or_exit(batch):
        gathered, keys = fold.gather(batch.records)
        effects = fold.decide(gathered, table.read(batch.partition, keys))
        on_moment("decided")
        await producer.send(effects.records, effects.runs)
        on_moment("records_sent")
        if effects.changes:
            await table.require_ours(batch.partition)
            changelog_offset = await producer.send_to(
                table.changelog_topic, batch.partition, list(effects.changes.items())
            )
            on_moment("changelog_sent")
            table.write(batch.partition, effects.changes, changelog_offset)
        on_moment("stored")
        batch.processed = True
    return effects


async def forward(
    batch: PartitionBatch,
    translate: Callable[[Sequence[InRecord]], Effects],
    *,
    producer: BulkProducer,
) -> None:
    """Carry out one batch that needs no state; afterwards its records are acknowledged."""
    if batch.stale:
        return
    with _or_exit(batch):
        await producer.send(translate(batch.records).records)
        batch.processed = True


class _or_exit:  # noqa: N801 - reads as a phrase
    """End the process on an error: Faust would ack what raised, and lose it (its `events()`)."""

    def __init__(self, batch: PartitionBatch) -> None:
        self._batch = batch

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, Exception):
            batch = self._batch
            logger.critical(
                "cannot process %s partition %d up to offset %d; the worker stops, and its "
                "restart tries again from there",
                *(batch.topic, batch.partition, batch.next_offset),
                exc_info=error,
            )
            logging.shutdown()
            os._exit(EXIT_CODE)
