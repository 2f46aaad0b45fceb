"""How much of the topics is loaded: the loader's offsets against the log's."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from pipelines.batch import Partition
from pipelines.duckdb_sink import positions_in
from pipelines.kafka import topic_states
from pipelines.raw_tables import tables_by_topic
from pipelines.sink import Position, TopicState
from streams.cluster import ClusterSettings


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far a partition is loaded, and what the broker holds of it."""

    partition: Partition
    first_offset: int
    loaded_offset: int
    end_offset: int

    @property
    def waiting(self) -> int:
        """Return how many offsets are not loaded yet: none is lost by that."""
        return max(self.end_offset - max(self.loaded_offset, self.first_offset), 0)

    @property
    def is_sound(self) -> bool:
        """Say whether no record was deleted unloaded, and none is loaded that the log has not."""
        return self.first_offset <= self.loaded_offset <= self.end_offset


def coverage_of(
    states: Mapping[str, TopicState], positions: Mapping[Partition, Position]
) -> tuple[Coverage, ...]:
    """Return every partition's state; one that was never loaded stands at its first offset."""
    return tuple(
        Coverage(
            partition,
            first,
            known.next_offset if (known := positions.get(partition)) else first,
            end,
        )
        for state in states.values()
        for partition, (first, end) in state.bounds.items()
    )


def coverage(
    cluster: ClusterSettings, connection: duckdb.DuckDBPyConnection
) -> tuple[Coverage, ...]:
    """Return the state of every partition that is loaded; the file may be open for reading only.

    Raises as a load does where Kafka is away.
    """
    tables = tables_by_topic(cluster.topic_prefix)
    positions = positions_in(connection, tables)
    return coverage_of(topic_states(cluster, tuple(tables)), positions)
