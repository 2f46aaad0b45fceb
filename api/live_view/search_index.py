"""Which customers a rare word may mean: SQLite's full-text index, beside the view's DuckDB file.

DuckDB finds a common word within milliseconds, for it reads the newest customers first, and would
read all of a million for a rare one. Owns its file; which words there are, `schema.sql` says.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

# Fewer are looked up one by one in no time; more are common enough to be met soon in a scan.
MOST_CANDIDATES: Final = 500
_REMEMBERED: Final = 10_000
_LOOKED_UP: Final = 500  # at once; SQLite takes no more than some thousand values
# Shorter beginnings are common: only the scan is for them.
_SHORTEST_PREFIX: Final = 3
# The words are in comparable form already. Marks are parts of words: Hindi is written with them.
_SHAPE: Final = """
    create virtual table if not exists words using fts5(
        said, prefix = '3 4', detail = none,
        tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
    );
"""


class SearchIndex:
    """Finds customers' numbers by the beginnings of their words. One thread writes, any number
    read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = self._connect()
        self._writer.executescript(_SHAPE)
        self._readers = threading.local()
        self._opened: list[sqlite3.Connection] = [self._writer]
        self._lock = threading.Lock()
        self._common: set[str] = set()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            for connection in self._opened:
                connection.close()

    def put(self, words: Mapping[int, str], *, removed: Iterable[int] = ()) -> None:
        """Have these customers' words, by their numbers, and none of those that are removed: on
        disk when this returns. The same again changes nothing.
        """
        gone = set(removed)
        with self._writer:
            known = self._known(words.keys() - gone)
            new = {
                number: text
                for number, text in sorted(words.items())  # out of order, each is a flush
                if known.get(number) != text
            }
            out = [(number,) for number in gone | (known.keys() & new.keys())]
            self._writer.executemany("delete from words where rowid = ?", out)
            self._writer.executemany("insert into words (rowid, said) values (?, ?)", new.items())

    def _known(self, numbers: Iterable[int]) -> dict[int, str]:
        known: dict[int, str] = {}
        for some in batched(numbers, _LOOKED_UP):
            places = ",".join("?" * len(some))
            known.update(
                self._writer.execute(
                    f"select rowid, said from words where rowid in ({places})",  # noqa: S608
                    some,
                )
            )
        return known

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
            reader = self._connect()
            self._readers.connection = reader
            with self._lock:
                self._opened.append(reader)
        return reader

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False, timeout=30)
        connection.execute("pragma journal_mode = wal")
        # What a power cut takes, the topics still have; DuckDB's file is then behind as well.
        connection.execute("pragma synchronous = normal")
        connection.execute("pragma secure_delete = on")  # who is erased is overwritten
        return connection


def batched(numbers: Iterable[int], size: int) -> Iterator[list[int]]:
    """Yield the numbers, so many at a time."""
    rest = iter(numbers)
    while some := list(islice(rest, size)):
        yield some
