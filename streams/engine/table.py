"""A Faust table's RocksDB store, read and written a partition batch at a time.

Faust keeps the changelog topic, its recovery and the partition's database files; this goes
straight to those files, with the changelog offset in the same atomic write as the values.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from faust.types import TP
from rocksdict import WriteBatch


class PartitionLostError(RuntimeError):
    """Somebody else owns what was about to be changed."""


class BulkTable:
    """The keys of one partition at a time; the caller sends the changelog itself."""

    def __init__(self, table: Any) -> None:
        self._table = table

    @property
    def changelog_topic(self) -> str:
        """Return the topic that the state is rebuilt from."""
        return str(self._table.changelog_topic_name)

    def read(self, partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where there is none."""
        if not keys:
            return []
        values: list[bytes | None] = self._database(partition).get(list(keys))
        return values

    async def require_ours(self, partition: int) -> None:
        """Raise PartitionLostError where somebody else has written to the partition's changelog
        since we last did.

        A worker that slept past its session may still believe that it owns the partition; its
        older values must not be the last word in the changelog.
        """
        tp = TP(self.changelog_topic, partition)
        consumer = self._table.app.consumer
        applied: int | None = self._table.data.persisted_offset(tp)
        end: int = (await consumer.highwaters(tp))[tp]
        if applied is not None:
            known_end = applied + 1
        else:  # recovery found nothing to apply, so there was nothing
            known_end = (await consumer.earliest_offsets(tp))[tp]
        if end > known_end:
            raise PartitionLostError(
                f"another worker has taken over partition {partition}: {self.changelog_topic} ends "
                f"at {end}, and all that this one knows at {known_end}"
            )

    def write(
        self, partition: int, changes: Mapping[bytes, bytes | None], changelog_offset: int
    ) -> None:
        """Store the changes and how far the changelog is applied, in one atomic write."""
        batch = WriteBatch(raw_mode=True)
        for key, value in changes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(self._table.data.offset_key, str(changelog_offset).encode())
        self._database(partition).write(batch)

    def _database(self, partition: int) -> Any:
        return self._table.data._db_for_partition(partition)
