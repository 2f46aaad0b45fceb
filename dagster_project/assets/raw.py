"""The raw tables: one load from Kafka fills them all, rows and offsets together.

Owns when that happens and what Dagster is told of it; how it is done is pipelines'.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import dagster as dg

from dagster_project.assets.layers import (
    OWNERS,
    RETRIES,
    WAREHOUSE_POOL,
    schema_of,
    table_metadata,
)
from dagster_project.assets.topics import topic_key
from dagster_project.resources import KafkaCluster, WarehouseFile
from pipelines.errors import OffsetsExpiredError, TopicMissingError, TopicRecreatedError
from pipelines.load import LoadReport, load_until_caught_up
from pipelines.raw_tables import ALL, CUSTOMERS, RawTable, tables_by_topic

_PLACE: Final = {
    "topic": "the Kafka topic it came from",
    "partition": "its partition there",
    "offset": "its offset in that partition",
    "loaded_at": "when it was loaded",
}
# What the loader keeps beside the rows, in the same transaction, the tables it is about, and what
# its columns mean.
_BOOKKEEPING: Final[dict[str, tuple[str, Sequence[RawTable], dict[str, str]]]] = {
    "ingest_offsets": (
        "How far each partition is loaded.",
        ALL,
        {
            "topic": "the Kafka topic",
            "partition": "its partition",
            "next_offset": "the first offset that is not loaded yet",
            "topic_id": "Kafka's id of the topic: another one means that it was made anew",
            "batch_id": "of the batch that moved it",
            "loaded_at": "when that was",
        },
    ),
    "rejected_rows": (
        "Records that the loader could not read: their bytes, and why.",
        ALL,
        _PLACE
        | {
            "reason": "what is wrong with it",
            "recorded_at": "when the broker had it",
            "key": "its key, as bytes",
            "value": "its value, as bytes",
            "batch_id": "of the batch that it came in",
        },
    ),
    "erased_customers": (
        "Ids of erased people's identity keys: nothing of theirs is ever loaded again.",
        (CUSTOMERS,),
        {
            "identity_id": "of the identity key that is erased",
            "since": "from when on, of a number that changed hands; null: from ever",
            "until": "until when, that moment excluded; null: for ever",
            "tenant_id": "the business whose customer it was",
            "erased_at": "when that was decided",
            "loaded_at": "when it was loaded",
        },
    ),
}
_KEEPS: Final = {
    "newest": "the newest version for each {}",
    "first": "what came first for each {}",
}


def raw_key(name: str) -> dg.AssetKey:
    """Return a raw table's key."""
    return dg.AssetKey(["raw", name])


def _spec(
    name: str, description: str, loaded_with: Sequence[RawTable], columns: Mapping[str, str]
) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=raw_key(name),
        deps=[topic_key(table.topic) for table in loaded_with],
        description=description,
        group_name="raw",
        owners=OWNERS,
        kinds={"duckdb", "kafka"},
        metadata=schema_of({}, columns),
    )


def _about(table: RawTable) -> str:
    key = ", ".join(table.key).replace("_", " ")
    return f"The topic {table.topic.name}: {_KEEPS[table.keeps].format(key)}."


def _columns(table: RawTable) -> dict[str, str]:
    return {column.name: f"`{column.field}` in the record" for column in table.columns} | _PLACE


SPECS: Final = (
    *(_spec(table.name, _about(table), (table,), _columns(table)) for table in ALL),
    *(_spec(name, *about) for name, about in _BOOKKEEPING.items()),
)


@dg.multi_asset(specs=SPECS, name="raw_tables", pool=WAREHOUSE_POOL, retry_policy=RETRIES)
def raw_tables(
    kafka: KafkaCluster, warehouse: WarehouseFile
) -> Iterator[dg.MaterializeResult[Any]]:
    """Load all that the topics held when this began; a retry goes on where the last try ended."""
    with warehouse.connection() as connection:
        try:
            report = load_until_caught_up(
                kafka.settings, connection, limits=warehouse.settings.batch_limits
            )
        except (TopicMissingError, TopicRecreatedError, OffsetsExpiredError) as error:
            # Trying again changes nothing: a person has to decide.
            raise dg.Failure(str(error), allow_retries=False) from error
        for topic, table in tables_by_topic(kafka.settings.topic_prefix).items():
            yield dg.MaterializeResult(
                asset_key=raw_key(table.name),
                metadata=table_metadata(connection, table.qualified, _columns(table))
                | _loaded(report, topic),
            )
        for name, (_, _, columns) in _BOOKKEEPING.items():
            yield dg.MaterializeResult(
                asset_key=raw_key(name), metadata=table_metadata(connection, f"raw.{name}", columns)
            )


def _loaded(report: LoadReport, topic: str) -> dict[str, Any]:
    """Return what the load did to one topic's table, and how far it was behind."""
    offsets = {p.number: moved for p, moved in report.offsets.items() if p.topic == topic}
    return {
        "records_read": report.read.get(topic, 0),
        "rows_loaded": report.loaded.get(topic, 0),
        "records_rejected": report.rejected.get(topic, 0),
        "lag_at_start": sum(end - start for start, end in offsets.values()),
        "offsets": dg.MetadataValue.table(
            [
                dg.TableRecord({"partition": number, "from": start, "to": end})
                for number, (start, end) in sorted(offsets.items())
            ]
            or [dg.TableRecord({"partition": "none", "from": 0, "to": 0})]
        ),
        "load_batches": report.batches,
        "load_seconds": round(report.seconds, 3),
    }
