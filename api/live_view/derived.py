"""What the live view derives from each batch, in its transaction: whose each channel identity is,
and what is looked up of customers; and whom the batch is about, for those who listen.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import duckdb
import msgspec

from api.live_view.instants import microseconds_of
from api.live_view.lookups import Claim, Lasting, LookupsWriter, StoredCustomer
from api.live_view.numbers import number_of
from pipelines.raw_tables import CUSTOMER_EVENTS, CUSTOMERS, RawTable

# A message changes when somebody was seen, and hardly ever what they own or are called.
_WRITTEN: Final = """
    select c.number, c.search_text
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
KINDS: Final = {
    "customers": "customer",
    "customer_events": "event",
    "customer_messages": "message",
    "link_suggestions": "suggestion",
}


class Change(NamedTuple):
    """A record that the view has now and had not before: its tenant, its kind, and its JSON."""

    tenant_id: str
    kind: str
    document: str


class _Identity(msgspec.Struct, rename="camel"):
    channel_id: str
    external_id: str
    identity_id: str
    first_seen_at: datetime


class _Claiming(msgspec.Struct):
    """What a customer's record claims."""

    identities: tuple[_Identity, ...]


_claiming: Final = msgspec.json.Decoder(_Claiming)


@dataclass(slots=True)
class Derived:
    """Derives from batches through the sink's own connection; `told` is what the last one brought,
    unless `is_silent`: to a view that catches up all is new, and nobody listens yet.

    What is looked up is written before the transaction ends: a crash between the two repeats the
    batch, and the same once more changes nothing.
    """

    connection: duckdb.DuckDBPyConnection
    lookups: LookupsWriter
    is_silent: bool = True
    told: list[Change] = field(default_factory=list)

    def __call__(self, tables: Collection[RawTable], loaded_at: datetime) -> None:
        """Derive from what was loaded at this time."""
        names = {table.name for table in tables}
        given = {"loaded_at": loaded_at}
        removed: list[str] = []
        stored: list[StoredCustomer] = []
        lasting: list[Lasting] = []
        if CUSTOMER_EVENTS.name in names:
            removed += [row[0] for row in self._rows(_ERASED, given)]
        if CUSTOMERS.name in names:
            removed += [row[0] for row in self._rows(_TOMBSTONED)]
            stored = [StoredCustomer(*row) for row in self._rows(_STORED, given)]
            words: dict[int, str] = dict(self._rows(_WRITTEN, given))
            lasting = [_lasting(one, words[one.number]) for one in stored if one.number in words]
        if stored or removed:
            self.lookups.put(stored, lasting, removed=map(number_of, removed))
        self.told = [] if self.is_silent else self._told(names, stored, given)

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


def _lasting(stored: StoredCustomer, words: str) -> Lasting:
    """Return what lasts of a customer."""
    if stored.merged_into is not None:
        return Lasting(stored.number, None, ())
    claims = [
        Claim(
            stored.number,
            stored.tenant_id,
            one.channel_id,
            one.external_id,
            one.identity_id,
            stored.customer_id,
            microseconds_of(one.first_seen_at),
        )
        for one in _claiming.decode(stored.document).identities
    ]
    return Lasting(stored.number, words, claims)
