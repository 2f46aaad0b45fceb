"""What is asked of one customer, of the few that a rare word may mean, or of the first of all:
SQLite, beside the view's DuckDB file. Who a customer is, and what was said and happened.

DuckDB reads a column of a million customers in milliseconds, takes one of them to plan the lookup
of a single row, and would read all of a million texts for a rare word. Here a row takes
microseconds. Owns its file; what a customer's words are, `schema.sql` says.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from api.live_view.numbers import number_of
from streams.contracts.customers import Customer

# Fewer are looked up one by one in no time; more are common enough to be met soon in a scan.
MOST_CANDIDATES: Final = 500
_REMEMBERED: Final = 10_000
_LOOKED_UP: Final = 500  # at once; SQLite takes no more than some thousand values
# Shorter beginnings are common: only the scan is for them.
_SHORTEST_PREFIX: Final = 3
_MOST_STEPS: Final = 20  # of merged ids that lead to merged ids
_WRITERS_CACHE_KIB: Final = 65_536
_WAIT_SECONDS: Final = 30
# Pages of the log before they go to the file: a batch writes a thousand, some of them every time.
_LOG_PAGES: Final = 8_000
_LOG_BYTES: Final = 64 * 1024 * 1024  # that stay of a long one
# The words are in comparable form already. Marks are parts of words: Hindi is written with them.
# Customers stand in the order in which they came: in that of their numbers, which are random, each
# new one would be a page to write.
SHAPE: Final = """
    create virtual table if not exists words using fts5(
        said, prefix = '3 4', detail = none,
        tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
    );
    create table if not exists customers (
        number integer unique,
        tenant_id text not null,
        customer_id text not null,
        version integer not null,
        merged_into text,
        last_seen_at integer,
        created_at integer,
        name_rank integer,
        name_rank_2 integer,
        document text not null
    );
    create index if not exists customers_by_last_seen
        on customers (tenant_id, last_seen_at, number) where merged_into is null;
    create index if not exists customers_by_creation
        on customers (tenant_id, created_at, number) where merged_into is null;
    create index if not exists customers_by_name
        on customers (tenant_id, name_rank, name_rank_2, number) where merged_into is null;
    create table if not exists claims (
        customer_number integer not null,
        tenant_id text not null,
        channel_id text not null,
        external_id text not null,
        identity_id text not null,
        customer_id text not null,
        first_seen_at integer not null
    );
    create table if not exists entries (
        number integer unique,
        kind text not null,
        tenant_id text not null,
        channel_id text,
        subject text not null,
        at integer not null,
        tie text not null,
        conversation_id text,
        identity_number integer,
        document text not null
    );
    create index if not exists entries_by_subject on entries (subject, kind, at);
    create index if not exists entries_by_identity on entries (identity_number);
    create index if not exists claims_by_customer on claims (customer_number);
    create index if not exists claims_by_external_id on claims (external_id);
"""
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


class Entry(NamedTuple):
    """Something in somebody's timeline: a message, a conversation or an event.

    `subject` is whose it is: an external id of the channel, or for an event the customer's id, if
    it is about one; else it stands nowhere.
    `identity_number` stands for the identity that it is about, and goes with. Times are in
    microseconds; `tie` tells entries of one moment apart. Without a document it is no more.
    """

    number: int
    kind: str
    tenant_id: str
    channel_id: str | None
    subject: str | None
    at: int
    tie: str
    conversation_id: str | None
    identity_number: int | None
    document: str | None


class Erased(NamedTuple):
    """An identity of which nothing may be known, of the times given; None: ever."""

    identity_number: int
    since: int | None
    until: int | None


class Lasting(NamedTuple):
    """What no message changes of a customer: by which words they are found, and what they claim;
    of who was merged neither.
    """

    number: int
    words: str | None
    claims: Sequence[Claim]


_COLUMNS: Final = ", ".join(StoredCustomer._fields)


def _put(*changing: str) -> str:
    return (
        f"insert into customers ({_COLUMNS}) "  # noqa: S608 - our own names
        f"values ({', '.join('?' * len(StoredCustomer._fields))}) "
        f"on conflict (number) do update set {', '.join(f'{n} = excluded.{n}' for n in changing)}"
    )


_PUT: Final = _put(*StoredCustomer._fields[1:])
# Of whom nothing that lasts has changed: what is set to what it was would be taken out of its
# indexes and put there again.
_MOVE_ON: Final = _put("version", "last_seen_at", "document")
_PUT_CLAIM: Final = f"insert into claims values ({', '.join('?' * len(Claim._fields))})"  # noqa: S608
_PUT_ENTRY: Final = f"insert or replace into entries values ({', '.join('?' * len(Entry._fields))})"  # noqa: S608
_ERASE: Final = """
    delete from entries
    where identity_number = ?1 and (?2 is null or at >= ?2) and (?3 is null or at < ?3)
"""


class LookupsWriter:
    """Writes the file that `Lookups` reads, in one thread; makes it where it is missing."""

    def __init__(self, path: Path, *, is_synced: bool = True) -> None:
        """Open the file. Unless `is_synced`, a power cut may tear it."""
        self._writer = sqlite3.connect(path, check_same_thread=False, timeout=_WAIT_SECONDS)
        self._writer.execute("pragma journal_mode = wal")
        self._writer.execute(f"pragma journal_size_limit = {_LOG_BYTES}")
        # What a power cut takes, the topics still have; DuckDB's file is then behind as well.
        self._writer.execute(f"pragma synchronous = {'normal' if is_synced else 'off'}")
        self._writer.execute(f"pragma wal_autocheckpoint = {_LOG_PAGES}")
        self._writer.execute("pragma secure_delete = on")  # who is erased is overwritten
        self._writer.execute(f"pragma cache_size = -{_WRITERS_CACHE_KIB}")
        self._writer.executescript(SHAPE)

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def put(
        self,
        customers: Sequence[StoredCustomer],
        lasting: Sequence[Lasting],
        *,
        removed: Iterable[int] = (),
        entries: Sequence[Entry] = (),
        removed_entries: Iterable[int] = (),
        erased: Iterable[Erased] = (),
    ) -> None:
        """Have these customers, and what lasts of some of them; and nothing of those removed, by
        number, but what is put of them. Have these entries of timelines, and none that was there
        of those removed, or about who is erased. The same again changes nothing.
        """
        gone = set(removed)
        words = {one.number: one.words for one in lasting if one.words is not None}
        changed = gone.union(one.number for one in lasting)
        with self._writer:
            self._writer.executemany(
                "delete from customers where number = ?", [(number,) for number in gone]
            )
            self._writer.executemany(_PUT, [one for one in customers if one.number in changed])
            self._writer.executemany(
                _MOVE_ON, [one for one in customers if one.number not in changed]
            )
            self._writer.executemany(
                "delete from claims where customer_number = ?", [(number,) for number in changed]
            )
            self._writer.executemany(_PUT_CLAIM, [claim for one in lasting for claim in one.claims])
            self._put_words(words, gone | (changed - words.keys()))
            self._put_entries(entries, removed_entries, erased)

    def _put_entries(
        self, entries: Sequence[Entry], removed: Iterable[int], erased: Iterable[Erased]
    ) -> None:
        gone = [(entry.number,) for entry in entries if entry.document is None]
        gone += [(number,) for number in removed]
        self._writer.executemany("delete from entries where number = ?", gone)
        self._writer.executemany(_ERASE, erased)
        self._writer.executemany(
            _PUT_ENTRY, [entry for entry in entries if entry.document is not None]
        )

    def _put_words(self, words: Mapping[int, str], gone: set[int]) -> None:
        known = self._known_words(words.keys() - gone)
        new = {
            number: text
            for number, text in sorted(words.items())  # out of order, each is a flush
            if known.get(number) != text
        }
        out = [(number,) for number in gone | (known.keys() & new.keys())]
        self._writer.executemany("delete from words where rowid = ?", out)
        self._writer.executemany("insert into words (rowid, said) values (?, ?)", new.items())

    def _known_words(self, numbers: Iterable[int]) -> dict[int, str]:
        known: dict[int, str] = {}
        for some in batched(numbers, _LOOKED_UP):
            known.update(
                self._writer.execute(
                    f"select rowid, said from words where rowid in ({_places(some)})",  # noqa: S608
                    some,
                )
            )
        return known


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
                f"select {_COLUMNS} from customers where number = ?",  # noqa: S608
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
            f"select {_COLUMNS}, said from customers join words on words.rowid = number "  # noqa: S608
            f"where number in ({_places(numbers)})",
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
                where.append(f"({', '.join(compared)}) {sign} ({_places(place)})")
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

    def documents(self, numbers: Sequence[int]) -> dict[int, str]:
        """Return the customers' JSON, by number; of at most some thousand."""
        rows = self._reader().execute(
            f"select number, document from customers where number in ({_places(numbers)})",  # noqa: S608
            numbers,
        )
        return dict(rows.fetchall())

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
                timeout=_WAIT_SECONDS,
            )
            self._readers.connection = reader
            with self._lock:
                self._opened.append(reader)
        return reader


def batched(numbers: Iterable[int], size: int) -> Iterator[list[int]]:
    """Yield the numbers, so many at a time."""
    rest = iter(numbers)
    while some := list(islice(rest, size)):
        yield some


def _places(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
