"""What the live view derives from each batch, in its transaction: whose each channel identity is,
and by which words customers are found; and whom the batch is about, for those who listen.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import duckdb

from api.live_view.search_index import SearchIndex
from pipelines.raw_tables import CUSTOMER_EVENTS, CUSTOMERS, RawTable
from warehouse.connection import quoted

# So many keys are looked up by the index; for more, one scan is cheaper.
_LOOKED_UP: Final = 1_000
_WRITTEN: Final = """
    select customer_id, search_text, merged_into is not null
    from raw.customers where loaded_at = $loaded_at
"""
_TOMBSTONED: Final = """
    select customer_id from staged_customers where is_tombstone and rejected_for is null
"""
_ERASED: Final = """
    select identity_id from raw.erased_customers where loaded_at = $loaded_at and since is null
"""
_IDENTITIES: Final = """
    insert into derived.identities
    select customer_id, tenant_id, identity.channel_id, identity.channel_type,
        identity.external_id, identity.identity_id, identity.first_seen_at,
        identity.last_seen_at, version
    from (
        select customer_id, tenant_id, version, unnest(identities) as identity
        from raw.customers
        where loaded_at = $loaded_at and merged_into is null
    )
"""
KINDS: Final = {
    "customers": "customer",
    "customer_events": "event",
    "customer_messages": "message",
    "link_suggestions": "suggestion",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A record that the view has now and had not before: its tenant, its kind, and its JSON."""

    tenant_id: str
    kind: str
    document: str


@dataclass(slots=True)
class Derived:
    """Derives from batches through the sink's own connection; `told` is what the last one brought,
    unless `is_silent`: to a view that catches up all is new, and nobody listens yet.

    The index of words is written before the transaction ends: a crash between the two repeats the
    batch, and the same words once more change nothing.
    """

    connection: duckdb.DuckDBPyConnection
    search_index: SearchIndex
    is_silent: bool = True
    told: list[Change] = field(default_factory=list)

    def __call__(self, tables: Collection[RawTable], loaded_at: datetime) -> None:
        """Derive from what was loaded at this time."""
        names = {table.name for table in tables}
        given = {"loaded_at": loaded_at}
        removed: list[str] = []
        if CUSTOMER_EVENTS.name in names:
            removed += [row[0] for row in self._rows(_ERASED, given)]
        written: list[tuple[str, str, bool]] = []
        if CUSTOMERS.name in names:
            removed += [row[0] for row in self._rows(_TOMBSTONED)]
            written = self._rows(_WRITTEN, given)
        if written or removed:
            self._replace_identities([row[0] for row in written] + removed, given)
            merged = [customer_id for customer_id, _, is_merged in written if is_merged]
            self.search_index.put(
                ((customer_id, text) for customer_id, text, is_merged in written if not is_merged),
                [*merged, *removed],
            )
        self.told = [] if self.is_silent else self._told(names, given)

    def _replace_identities(self, customer_ids: list[str], given: Mapping[str, object]) -> None:
        if len(customer_ids) <= _LOOKED_UP:
            # Literals, because DuckDB looks up no bound list in an index; quoted, so never SQL.
            self._rows(
                f"delete from derived.identities where customer_id in {literals(customer_ids)}"  # noqa: S608
            )
        else:
            self._rows(
                "delete from derived.identities where customer_id in (select unnest($ids))",
                {"ids": customer_ids},
            )
        self._rows(_IDENTITIES, given)

    def _told(self, names: Iterable[str], given: Mapping[str, object]) -> list[Change]:
        told: list[Change] = []
        for name, kind in KINDS.items():
            if name in names:
                told += [
                    Change(tenant_id, kind, document)
                    for tenant_id, document in self._rows(
                        f"select tenant_id, document from raw.{name} where loaded_at = $loaded_at "  # noqa: S608 - our own names
                        'order by "partition", "offset"',
                        given,
                    )
                ]
        return told

    def _rows(self, statement: str, given: Mapping[str, object] | None = None) -> list[tuple]:  # type: ignore[type-arg]
        return self.connection.execute(statement, given or {}).fetchall()


def literals(texts: Iterable[str]) -> str:
    """Return a list for SQL's `in`, each text quoted."""
    return "(" + ", ".join(map(quoted, texts)) + ")"
