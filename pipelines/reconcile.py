"""What the stream says of every customer against what the warehouse holds, tenant by tenant.

A second way to the same figures, on purpose: the topic is read from its beginning and folded in
Python, by the log's order, where the sink parses and replaces in SQL. Nothing is written.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import duckdb
import msgspec
import pyarrow as pa

from pipelines.batch import Partition, Record
from pipelines.coverage import Coverage, coverage_of
from pipelines.duckdb_sink import positions_in
from pipelines.errors import LoadStalledError
from pipelines.kafka import open_source
from pipelines.raw_tables import CUSTOMERS, tables_by_topic
from pipelines.sink import POLL_SECONDS, STALL_SECONDS, Source
from streams.cluster import ClusterSettings
from streams.topics import full_name

_EXAMPLES: Final = 20
_STREAM: Final = "stream_customers"
_STREAM_SCHEMA: Final = pa.schema(
    [
        ("customer_id", pa.string()),
        ("tenant_id", pa.string()),
        ("is_merged", pa.bool_()),
        ("identities", pa.int64()),
        ("last_seen_at", pa.timestamp("us", tz="UTC")),
        ("version", pa.int64()),
    ]
)
# Whom an erasure names is gone from the warehouse a moment before the topic's record of them is.
_BOTH_SIDES: Final = """
    create or replace temp view stream_side as
    from stream_customers as s
    where not exists (
        from raw.erased_customers as e where e.identity_id = s.customer_id and e.since is null
    );
    create or replace temp view warehouse_side as
    select
        customer_id, tenant_id, status = 'merged' as is_merged,
        len(identities)::bigint as identities, last_seen_at, version
    from raw.customers;
"""
_FIGURES: Final = """
    select
        tenant_id,
        count(*) filter (not is_merged) as customers,
        count(*) filter (is_merged) as merged_customers,
        coalesce(sum(identities), 0)::bigint as identities,
        bit_xor(hash(customer_id, epoch_us(last_seen_at))) as last_seen_checksum
    from {} group by tenant_id
"""
_DIFFERING: Final = """
    select coalesce(s.tenant_id, w.tenant_id) as tenant_id, customer_id
    from stream_side as s full join warehouse_side as w using (customer_id)
    where row(s.tenant_id, s.is_merged, s.identities, s.last_seen_at, s.version)
        is distinct from row(w.tenant_id, w.is_merged, w.identities, w.last_seen_at, w.version)
    order by all
"""


class _Metadata(msgspec.Struct, rename="camel"):
    last_seen_at: datetime


class _Customer(msgspec.Struct, rename="camel"):
    """The record as far as the comparison goes, decoded apart from the contracts' own classes."""

    id: str
    tenant_id: str
    status: str
    identities: list[msgspec.Raw]
    metadata: _Metadata
    version: int


_decoder: Final = msgspec.json.Decoder(_Customer)


@dataclass(frozen=True, slots=True)
class TenantFigures:
    """What one side says of a tenant. The checksum is over every customer's id and last-seen."""

    customers: int = 0
    merged_customers: int = 0
    identities: int = 0
    last_seen_checksum: int = 0


@dataclass(frozen=True, slots=True)
class TenantComparison:
    """A tenant's figures on both sides, how many customers differ, and the first ids of them."""

    tenant_id: str
    stream: TenantFigures
    warehouse: TenantFigures
    differing: int
    examples: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Say whether both sides are the same, customer by customer."""
        return self.stream == self.warehouse and not self.differing


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a comparison of stream and warehouse found."""

    tenants: tuple[TenantComparison, ...]
    coverage: tuple[Coverage, ...]
    records_read: int
    seconds: float

    @property
    def agrees(self) -> bool:
        """Say whether nothing differs."""
        return all(one.agrees for one in self.tenants) and all(
            one.is_sound for one in self.coverage
        )

    @property
    def waiting(self) -> int:
        """Return how many offsets are not loaded yet."""
        return sum(one.waiting for one in self.coverage)


def ignore_progress(_read: int) -> None:
    """Take no note of how far it is."""


def reconcile(
    cluster: ClusterSettings,
    connection: duckdb.DuckDBPyConnection,
    *,
    on_progress: Callable[[int], None] = ignore_progress,
) -> Reconciliation:
    """Compare the loader's file, which may be open for reading only, with the stream up to where
    it is loaded; what came later counts as waiting. Raises as a load does where Kafka is away.
    """
    started = time.perf_counter()
    tables = tables_by_topic(cluster.topic_prefix)
    customers_topic = full_name(CUSTOMERS.topic, cluster.topic_prefix)
    positions = positions_in(connection, tables)
    with open_source(cluster, tuple(tables)) as source:
        coverage = coverage_of(source.topics(), positions)
        ends = {
            one.partition: (one.first_offset, one.loaded_offset)
            for one in coverage
            if one.partition.topic == customers_topic and one.loaded_offset > one.first_offset
        }
        folded, read = _fold(source, ends, on_progress)
    comparisons = compare(connection, folded)
    return Reconciliation(comparisons, coverage, read, time.perf_counter() - started)


def compare(
    connection: duckdb.DuckDBPyConnection, folded: Mapping[str, Mapping[str, Any]]
) -> tuple[TenantComparison, ...]:
    """Return a comparison for every tenant that either side knows, by name."""
    table = pa.Table.from_pylist(list(folded.values()), schema=_STREAM_SCHEMA)
    connection.register(_STREAM, table)
    try:
        connection.execute(_BOTH_SIDES)
        stream, warehouse = (
            {tenant: TenantFigures(*figures) for tenant, *figures in rows}
            for rows in (
                connection.execute(_FIGURES.format(side)).fetchall()
                for side in ("stream_side", "warehouse_side")
            )
        )
        differing: dict[str, list[str]] = {}
        for tenant, customer_id in connection.execute(_DIFFERING).fetchall():
            differing.setdefault(tenant, []).append(customer_id)
        connection.execute("drop view stream_side; drop view warehouse_side")
    finally:
        connection.unregister(_STREAM)
    return tuple(
        TenantComparison(
            tenant,
            stream.get(tenant, TenantFigures()),
            warehouse.get(tenant, TenantFigures()),
            len(differing.get(tenant, ())),
            tuple(differing.get(tenant, ())[:_EXAMPLES]),
        )
        for tenant in sorted(stream.keys() | warehouse.keys() | differing.keys())
    )


def fold(folded: dict[str, dict[str, Any]], records: Iterable[Record]) -> None:
    """Have what the records say: the newest version of each customer; without a value, none."""
    for record in records:
        if record.value is None:
            folded.pop((record.key or b"").decode(errors="replace"), None)
            continue
        try:
            customer = _decoder.decode(record.value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue  # the loader sets it aside, and a check tells of that
        known = folded.get(customer.id)
        if known is None or known["version"] <= customer.version:
            folded[customer.id] = {
                "customer_id": customer.id,
                "tenant_id": customer.tenant_id,
                "is_merged": customer.status == "merged",
                "identities": len(customer.identities),
                "last_seen_at": customer.metadata.last_seen_at,
                "version": customer.version,
            }


def _fold(
    source: Source,
    bounds: Mapping[Partition, tuple[int, int]],
    on_progress: Callable[[int], None],
) -> tuple[dict[str, dict[str, Any]], int]:
    """Return every customer as the partitions have them between these offsets."""
    folded: dict[str, dict[str, Any]] = {}
    ends = {partition: end for partition, (_, end) in bounds.items()}
    reached = {partition: first for partition, (first, _) in bounds.items()}
    read = 0
    if not ends:
        return folded, read
    source.start(reached)
    progress_at = time.monotonic()
    while reached != ends:
        chunk = source.poll(POLL_SECONDS).up_to(ends)
        for records in chunk.records.values():
            fold(folded, records)
            read += len(records)
        if any(reached[p] != offset for p, offset in chunk.next_offsets.items()):
            progress_at = time.monotonic()
            on_progress(read)
        elif time.monotonic() - progress_at > STALL_SECONDS:
            raise LoadStalledError(
                f"no record for {STALL_SECONDS:.0f} s, though the topic of customers goes on. Look "
                "at the broker's log, then reconcile again"
            )
        reached |= chunk.next_offsets
    return folded, read
