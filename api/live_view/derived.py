"""What the live view derives from each batch, in its transaction: whose each channel identity is,
and what is looked up of customers; and whom the batch is about, for those who listen.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from api.live_view.instants import microseconds_of
from api.live_view.lookups import Claim, StoredCustomer
from api.live_view.lookups_writer import Entry, Erased, Lasting, LookupChanges, LookupsWriter
from api.live_view.numbers import number_of
from pipelines.raw_tables import (
    CONVERSATIONS,
    CUSTOMER_EVENTS,
    CUSTOMER_MESSAGES,
    CUSTOMERS,
    LINK_SUGGESTIONS,
    RawTable,
)
from warehouse.parsed import Parsed

_CUSTOMERS: Final = """
    number, tenant_id, customer_id, version, merged_into, epoch_us(last_seen_at),
    epoch_us(created_at), name_rank, name_rank_2, document,
    -- A message changes when somebody was seen, and hardly ever what they own or are called.
    if(stored.lasting is distinct from s.lasting, search_text, null)
"""
_STORED: Final = "left join stored_customers as stored on staged_row = s.rowid"
_TOMBSTONED: Final = """
    select {key} from staged_{table} where is_tombstone and rejected_for is null
"""
_ERASED: Final = """
    select identity_id, number_of(identity_id), epoch_us(since), epoch_us("until")
    from raw.erased_customers where loaded_at = $loaded_at
"""
# What happened, as `Entry` has it.
_ENTRIES: Final = {
    CUSTOMER_EVENTS.name: """
        number, 'event', tenant_id, null, customer_id, epoch_us(occurred_at),
        event_id, null, number_of(identity_id), document
    """,
    CUSTOMER_MESSAGES.name: """
        number, 'message', tenant_id, channel_id, external_id, epoch_us(sent_at),
        channel_id || ' ' || message_id, conversation_id, number_of(identity_id), document
    """,
    CONVERSATIONS.name: """
        number, 'conversation', tenant_id, channel_id, external_id, epoch_us(started_at),
        conversation_id, null, number_of(identity_id), if(merged_into is null, document, null)
    """,
}
_SUGGESTED: Final = "tenant_id, document"
KINDS: Final = {
    "customers": "customer",
    "customer_events": "event",
    "customer_messages": "message",
    "link_suggestions": "suggestion",
}
_TOLD: Final = frozenset(KINDS.values())


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

    parsed: Parsed
    lookups: LookupsWriter
    is_silent: bool = True
    told: list[Change] = field(default_factory=list)

    @contextmanager
    def __call__(self, tables: Collection[RawTable], loaded_at: datetime) -> Iterator[None]:
        """Derive from what is loaded at this time, beside what is done until the block ends."""
        names = {table.name for table in tables}
        changes = self._changes(names, loaded_at)
        with self.lookups.putting(changes):
            self.told = [] if self.is_silent else self._told(names, changes)
            yield

    def _changes(self, names: Collection[str], loaded_at: datetime) -> LookupChanges:
        removed: list[str] = []
        erased: list[Erased] = []
        stored: list[StoredCustomer] = []
        lasting: list[Lasting] = []
        entries = [
            Entry(*row)
            for name, columns in _ENTRIES.items()
            if name in names
            for row in self._rows(_taken(name, columns))
        ]
        if CUSTOMER_EVENTS.name in names:
            rows = self._rows(_ERASED, {"loaded_at": loaded_at})
            removed += [identity_id for identity_id, _, since, _ in rows if since is None]
            erased = [Erased(*row) for _, *row in rows]
        if CUSTOMERS.name in names:
            removed += self._tombstoned(CUSTOMERS)
            for *row, words in self._rows(_taken(CUSTOMERS.name, _CUSTOMERS, _STORED)):
                stored.append(one := StoredCustomer(*row))
                if words is not None:
                    lasting.append(_lasting(one, words))
        gone = self._tombstoned(CONVERSATIONS) if CONVERSATIONS.name in names else []
        return LookupChanges(
            stored,
            lasting,
            [number_of(one) for one in removed],
            entries,
            [number_of(one) for one in gone],
            erased,
        )

    def _told(self, names: Collection[str], changes: LookupChanges) -> list[Change]:
        told = [
            Change(one.tenant_id, KINDS[CUSTOMERS.name], one.document) for one in changes.customers
        ]
        told += [
            Change(one.tenant_id, one.kind, one.document)
            for one in changes.entries
            if one.kind in _TOLD and one.document is not None
        ]
        if LINK_SUGGESTIONS.name in names:
            kind = KINDS[LINK_SUGGESTIONS.name]
            told += [
                Change(tenant_id, kind, document)
                for tenant_id, document in self._rows(_taken(LINK_SUGGESTIONS.name, _SUGGESTED))
            ]
        return told

    def _tombstoned(self, table: RawTable) -> list[str]:
        rows = self._rows(_TOMBSTONED.format(key=table.key[0], table=table.name))
        return [own_id for (own_id,) in rows]

    def _rows(self, statement: str, given: Mapping[str, object] | None = None) -> list[tuple]:  # type: ignore[type-arg]
        return self.parsed.execute(statement, given).fetchall()


def _taken(name: str, columns: str, beside: str = "") -> str:
    """Return the SQL of the batch's parsed rows that the table takes."""
    return f"""
        select {columns}
        from staged_{name} as s
        {beside}
        where s.rowid in (select staged_row from taken_{name})
        order by "partition", "offset"
    """  # noqa: S608 - our own names


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
