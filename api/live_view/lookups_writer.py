"""Writes what is looked up of customers (`lookups`): the SQLite file beside the view's DuckDB file.

Owns the file and its shape; what a customer's words are, `schema.sql` says.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from api.live_view.lookups import COLUMNS, WAIT_SECONDS, Claim, StoredCustomer, batched, places

_WRITERS_CACHE_KIB: Final = 65_536
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
        subject text,
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


class Entry(NamedTuple):
    """Something in somebody's timeline: a message, a conversation or an event.

    `subject` is whose it is: an external id of the channel, or for an event the customer's id, if
    it is about one; else it stands in nobody's.
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


@dataclass(frozen=True, slots=True)
class LookupChanges:
    """What a batch brings: customers, and what lasts of some of them; those removed, by number, of
    whom nothing stays but what came of them. Entries of timelines; those removed, by number, and
    who is erased: nothing that was there of them stays.
    """

    customers: Sequence[StoredCustomer] = ()
    lasting: Sequence[Lasting] = ()
    removed: Collection[int] = ()
    entries: Sequence[Entry] = ()
    removed_entries: Collection[int] = ()
    erased: Sequence[Erased] = ()


def _put(*changing: str) -> str:
    return (
        f"insert into customers ({COLUMNS}) "  # noqa: S608 - our own names
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
    """Writes the file that `Lookups` reads, in a thread of its own; makes it where it is not."""

    def __init__(self, path: Path, *, is_synced: bool = True) -> None:
        """Open the file. Unless `is_synced`, a power cut may tear it."""
        self._thread = ThreadPoolExecutor(1, "lookups")
        self._writer = sqlite3.connect(path, check_same_thread=False, timeout=WAIT_SECONDS)
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
        self._thread.shutdown()
        self._writer.close()

    @contextmanager
    def putting(self, changes: LookupChanges) -> Iterator[None]:
        """Have all of it there once the block has ended; meanwhile it is written beside the block.
        The same again changes nothing.
        """
        put = self._thread.submit(self._put, changes)
        try:
            yield
        finally:
            put.result()

    def _put(self, changes: LookupChanges) -> None:
        gone = set(changes.removed)
        lasting = changes.lasting
        words = {one.number: one.words for one in lasting if one.words is not None}
        changed = gone.union(one.number for one in lasting)
        with self._writer:
            self._writer.executemany(
                "delete from customers where number = ?", [(number,) for number in gone]
            )
            self._writer.executemany(
                _PUT, [one for one in changes.customers if one.number in changed]
            )
            self._writer.executemany(
                _MOVE_ON, [one for one in changes.customers if one.number not in changed]
            )
            self._writer.executemany(
                "delete from claims where customer_number = ?", [(number,) for number in changed]
            )
            self._writer.executemany(_PUT_CLAIM, [claim for one in lasting for claim in one.claims])
            self._put_words(words, gone | (changed - words.keys()))
            self._put_entries(changes)

    def _put_entries(self, changes: LookupChanges) -> None:
        gone = [(entry.number,) for entry in changes.entries if entry.document is None]
        gone += [(number,) for number in changes.removed_entries]
        self._writer.executemany("delete from entries where number = ?", gone)
        self._writer.executemany(_ERASE, changes.erased)
        self._writer.executemany(
            _PUT_ENTRY, [entry for entry in changes.entries if entry.document is not None]
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
        for some in batched(numbers):
            known.update(
                self._writer.execute(
                    f"select rowid, said from words where rowid in ({places(some)})",  # noqa: S608
                    some,
                )
            )
        return known
