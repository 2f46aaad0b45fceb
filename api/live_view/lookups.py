"""The records themselves, and what is asked of one customer, of the few that a rare word may mean,
or of the first of all: SQLite, beside the view's DuckDB file.

DuckDB reads a column of a million customers in milliseconds, takes one of them to plan the lookup
of a single row, and would read all of a million texts for a rare word. Here a row takes
microseconds. Owns what is asked of the file; `lookups_writer` writes it.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from api.live_view.numbers import number_of
from streams.contracts.customers import Customer

# Fewer are looked up one by one in no time; more are common enough to be met soon in a scan.
MOST_CANDIDATES: Final = 500
_REMEMBERED: Final = 10_000
LOOKED_UP: Final = 500  # at once; SQLite takes no more than some thousand values
# Shorter beginnings are common: only the scan is for them.
_SHORTEST_PREFIX: Final = 3
_MOST_STEPS: Final = 20  # of merged ids that lead to merged ids
WAIT_SECONDS: Final = 30

_decoder: Final = msgspec.json.Decoder(Customer)


class StoredCustomer(NamedTuple):
    """A customer's record, with what lists are ordered by; times in microseconds."""

    number: int
    tenant_id: str
    customer_id: str
    version: int
    merged_into: str | None
    last_seen_at: int | None
    created_at: int | None
    name_rank: int | None
    name_rank_2: int | None
    document: str

    @property
    def record(self) -> Customer:
        """Return the record decoded."""
        return _decoder.decode(self.document)


class Claim(NamedTuple):
    """What one customer's record says of a channel identity; the time is in microseconds."""

    customer_number: int
    tenant_id: str
    channel_id: str
    external_id: str
    identity_id: str
    customer_id: str
    first_seen_at: int


COLUMNS: Final = ", ".join(StoredCustomer._fields)


class Lookups:
    """Customers by their id, and by the beginnings of their words: of the file that another writes,
    in this process or elsewhere. Any number of threads read.
    """

    def __init__(self, path: Path) -> None:
        """Read the file, which is there."""
        self._path = path
        self._readers = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._common: set[str] = set()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            for connection in self._opened:
                connection.close()

    def customer(self, tenant_id: str, customer_id: str) -> StoredCustomer | None:
        """Return a customer's record; None where the tenant has none of this id."""
        row = (
            self._reader()
            .execute(
                f"select {COLUMNS} from customers where number = ?",  # noqa: S608
                (number_of(customer_id),),
            )
            .fetchone()
        )
        found = StoredCustomer(*row) if row else None
        is_meant = found and (found.tenant_id, found.customer_id) == (tenant_id, customer_id)
        return found if is_meant else None

    def living(self, tenant_id: str, customer_id: str) -> StoredCustomer | None:
        """Return the customer that the id leads to: itself, or who it was merged into."""
        found = self.customer(tenant_id, customer_id)
        for _ in range(_MOST_STEPS):
            if found is None or found.merged_into is None:
                break
            found = self.customer(tenant_id, found.merged_into)
        return found

    def customers(self, numbers: Sequence[int]) -> list[tuple[StoredCustomer, str]]:
        """Return those of the customers that have words, each with them."""
        rows = self._reader().execute(
            f"select {COLUMNS}, said from customers join words on words.rowid = number "  # noqa: S608
            f"where number in ({places(numbers)})",
            numbers,
        )
        return [(StoredCustomer(*row[:-1]), row[-1]) for row in rows]

    def page(
        self,
        tenant_id: str,
        keys: Sequence[str],
        *,
        is_falling: bool,
        behind: Sequence[int | None] | None = None,
        limit: int,
    ) -> list[tuple[Any, ...]]:
        """Return keys and JSON of the tenant's customers in the order of these keys, behind a place
        in it; who has no first key comes last, either way.
        """
        order = ", ".join(f"{key} {'desc' if is_falling else 'asc'}" for key in keys)
        first, sign = keys[0], "<" if is_falling else ">"
        rows: list[tuple[Any, ...]] = []
        for is_known in (True, False):
            where = [
                "tenant_id = ? and merged_into is null",
                f"{first} is {'not ' if is_known else ''}null",
            ]
            given: list[object] = [tenant_id]
            if behind is not None and (behind[0] is not None) == is_known:
                compared = keys if is_known else keys[-1:]
                place = behind[: len(keys)] if is_known else behind[len(keys) - 1 : len(keys)]
                where.append(f"({', '.join(compared)}) {sign} ({places(place)})")
                given += place
            elif behind is not None and is_known:
                continue  # it stands among those who have none
            rows += (
                self._reader()
                .execute(
                    f"select {', '.join(keys)}, document from customers "  # noqa: S608
                    f"where {' and '.join(where)} order by {order} limit ?",
                    [*given, limit - len(rows)],
                )
                .fetchall()
            )
            if len(rows) == limit:
                break
        return rows

    def claims(self, tenant_id: str, channel_id: str, external_id: str) -> list[Claim]:
        """Return what is claimed of a channel identity."""
        rows = self._reader().execute("select * from claims where external_id = ?", (external_id,))
        found = [Claim(*row) for row in rows]
        return [one for one in found if (one.tenant_id, one.channel_id) == (tenant_id, channel_id)]

    def entries(
        self,
        kind: str,
        subject: str,
        *,
        tenant_id: str,
        channel_id: str | None = None,
        since: int | None = None,
        until: int | None = None,
        behind: tuple[int, str] | None = None,
        conversation_id: str | None = None,
        limit: int,
    ) -> list[tuple[int, str, str]]:
        """Return when, tie and JSON of a subject's entries, the newest first: of these times, and
        behind a place.
        """
        where = ["subject = ?", "kind = ?", "tenant_id = ?"]
        values: list[object] = [subject, kind, tenant_id]
        asked: list[tuple[str, object]] = [
            ("channel_id = ?", channel_id),
            ("conversation_id = ?", conversation_id),
            ("at >= ?", since),
            ("at < ?", until),
        ]
        for condition, value in asked:
            if value is not None:
                where.append(condition)
                values.append(value)
        if behind is not None:
            where += ["at <= ?", "(at, tie) < (?, ?)"]
            values += [behind[0], *behind]
        rows = self._reader().execute(
            f"select at, tie, document from entries where {' and '.join(where)} "  # noqa: S608
            "order by at desc, tie desc limit ?",
            [*values, limit],
        )
        return rows.fetchall()

    def message(
        self, tenant_id: str, channel_id: str, external_id: str, message_id: str
    ) -> str | None:
        """Return a message's JSON; None where it is not theirs."""
        row = (
            self._reader()
            .execute(
                "select document from entries where subject = ? and kind = 'message' "
                "and tenant_id = ? and channel_id = ? and tie = ?",
                (external_id, tenant_id, channel_id, f"{channel_id} {message_id}"),
            )
            .fetchone()
        )
        return row[0] if row else None

    def documents(self, numbers: Iterable[int]) -> dict[int, str]:
        """Return the customers' JSON, by number."""
        return self._documents("customers", numbers)

    def entry_documents(self, numbers: Iterable[int]) -> dict[int, str]:
        """Return the JSON of messages, conversations and events, by number."""
        return self._documents("entries", numbers)

    def _documents(self, table: str, numbers: Iterable[int]) -> dict[int, str]:
        found: dict[int, str] = {}
        for some in batched(numbers):
            found.update(
                self._reader().execute(
                    f"select number, document from {table} where number in ({places(some)})",  # noqa: S608
                    some,
                )
            )
        return found

    def candidates(self, alternatives: Sequence[Sequence[str]]) -> list[int] | None:
        """Return the numbers of all customers who may be meant, and of some who are not: the
        longest word of an alternative, or each long one, begins one of theirs. None where they are
        too many, or the words too short to tell.
        """
        long = [
            sorted((word for word in words if len(word) >= _SHORTEST_PREFIX), key=len)
            for words in alternatives
        ]
        if not all(long):
            return None
        found = self._matching([words[-1:] for words in long])
        if found is None and any(len(words) > 1 for words in long):
            found = self._matching(long)
        return found

    def _matching(self, alternatives: Sequence[Sequence[str]]) -> list[int] | None:
        query = " OR ".join(
            "(" + " AND ".join(f'"{word}"*' for word in words) + ")" for words in alternatives
        )
        if query in self._common:  # to find that out again takes longer than the scan
            return None
        found = (
            self._reader()
            .execute(
                "select rowid from words where words match ? limit ?",
                (query, MOST_CANDIDATES + 1),
            )
            .fetchall()
        )
        if len(found) > MOST_CANDIDATES:
            if len(self._common) >= _REMEMBERED:
                self._common.clear()
            self._common.add(query)
            return None
        return [number for (number,) in found]

    def _reader(self) -> sqlite3.Connection:
        reader: sqlite3.Connection | None = getattr(self._readers, "connection", None)
        if reader is None:
            reader = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=ro",
                uri=True,
                check_same_thread=False,
                timeout=WAIT_SECONDS,
            )
            self._readers.connection = reader
            with self._lock:
                self._opened.append(reader)
        return reader


def batched(numbers: Iterable[int]) -> Iterator[list[int]]:
    """Yield the numbers, so many at a time as are looked up at once."""
    rest = iter(numbers)
    while some := list(islice(rest, LOOKED_UP)):
        yield some


def places(values: Sequence[object]) -> str:
    """Return the places of so many values in SQL."""
    return ", ".join("?" * len(values))
