"""What the live view derives from each batch, in its transaction: whose each channel identity is,
and what is looked up of customers; and whom the batch is about, for those who listen.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import duckdb

from api.live_view.lookups import Lookups, StoredCustomer
from api.live_view.numbers import number_of
from pipelines.raw_tables import CUSTOMER_EVENTS, CUSTOMERS, RawTable

# So many keys are looked up by the index; for more, one scan is cheaper.
_LOOKED_UP: Final = 1_000
# A message changes when somebody was seen, and hardly ever what they own or are called.
_WRITTEN: Final = """
    select
        c.number, c.search_text, c.merged_into is not null,
        s.stored_row is not null
    from raw.customers as c
    join newest_customers as n using (number)
    left join stored_customers as s using (staged_row)
    where c.loaded_at = $loaded_at and s.lasting is distinct from c.lasting
"""
_STORED: Final = """
    select
        number, tenant_id, customer_id, version, merged_into,
        epoch_us(last_seen_at), epoch_us(created_at), name_rank, name_rank_2, document
    from raw.customers where loaded_at = $loaded_at order by "partition", "offset"
"""
_TOMBSTONED: Final = """
    select customer_id from staged_customers where is_tombstone and rejected_for is null
"""
_ERASED: Final = """
    select identity_id from raw.erased_customers where loaded_at = $loaded_at and since is null
"""
_IDENTITIES: Final = """
    insert into derived.identities
    select number, customer_id, tenant_id, own."channelId", own."channelType", own."externalId",
        own."identityId", own."firstSeenAt"
    from (
        select number, customer_id, tenant_id, unnest(from_json(document->'identities', '[{
            "channelId": "VARCHAR", "channelType": "VARCHAR", "externalId": "VARCHAR",
            "identityId": "VARCHAR", "firstSeenAt": "TIMESTAMPTZ"
        }]')) as own
        from raw.customers
        where loaded_at = $loaded_at and merged_into is null
            and number in (select unnest($numbers))
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


class _Written(NamedTuple):
    """A customer of whom the batch changes more than when they were seen."""

    number: int
    search_text: str
    is_merged: bool
    was_there: bool


@dataclass(slots=True)
class Derived:
    """Derives from batches through the sink's own connection; `told` is what the last one brought,
    unless `is_silent`: to a view that catches up all is new, and nobody listens yet.

    What is looked up is written before the transaction ends: a crash between the two repeats the
    batch, and the same once more changes nothing.
    """

    connection: duckdb.DuckDBPyConnection
    lookups: Lookups
    is_silent: bool = True
    told: list[Change] = field(default_factory=list)

    def __call__(self, tables: Collection[RawTable], loaded_at: datetime) -> None:
        """Derive from what was loaded at this time."""
        names = {table.name for table in tables}
        given = {"loaded_at": loaded_at}
        removed: list[str] = []
        stored: list[StoredCustomer] = []
        written: list[_Written] = []
        if CUSTOMER_EVENTS.name in names:
            removed += [row[0] for row in self._rows(_ERASED, given)]
        if CUSTOMERS.name in names:
            removed += [row[0] for row in self._rows(_TOMBSTONED)]
            stored = [StoredCustomer(*row) for row in self._rows(_STORED, given)]
            written = [_Written(*row) for row in self._rows(_WRITTEN, given)]
        gone = [number_of(customer_id) for customer_id in removed]
        self._replace_identities(written, gone, given)
        if stored or removed:
            self.lookups.put(
                stored,
                {one.number: one.search_text for one in written if not one.is_merged},
                removed=gone,
                unlisted=[one.number for one in written if one.is_merged],
            )
        self.told = [] if self.is_silent else self._told(names, stored, given)

    def _replace_identities(
        self, written: Sequence[_Written], gone: Sequence[int], given: Mapping[str, object]
    ) -> None:
        if old := [*gone, *(one.number for one in written if one.was_there)]:
            if len(old) <= _LOOKED_UP:
                # Literals, because DuckDB looks up no bound list in an index.
                self._rows(
                    f"delete from derived.identities where customer_number in {literals(old)}"  # noqa: S608
                )
            else:
                self._rows(
                    "delete from derived.identities "
                    "where customer_number in (select unnest($numbers))",
                    {"numbers": old},
                )
        if written:
            self._rows(_IDENTITIES, {**given, "numbers": [one.number for one in written]})

    def _told(
        self,
        names: Iterable[str],
        stored: Iterable[StoredCustomer],
        given: Mapping[str, object],
    ) -> list[Change]:
        kind = KINDS[CUSTOMERS.name]
        told = [Change(one.tenant_id, kind, one.document) for one in stored]
        for name, kind in KINDS.items():
            if name in names and name != CUSTOMERS.name:
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


def literals(numbers: Iterable[int]) -> str:
    """Return a list for SQL's `in`."""
    return f"({', '.join(map(str, numbers))})"
