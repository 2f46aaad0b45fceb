"""What is to be looked up and what was, in a file: a restart forgets neither.

One row a channel identity. A person without a picture is remembered too, so that nobody is asked
again and again; a channel that does not answer is asked later and later.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Result = Literal["found", "nothing", "refused"]

# Seconds until the next try: from half a minute to six hours.
_FIRST_DELAY: Final = 30.0
_LONGEST_DELAY: Final = 6 * 3600.0
_MOST_TRIES: Final = 40  # about a week

_SCHEMA: Final = """
create table if not exists lookups (
    tenant_id text not null,
    channel_id text not null,
    external_id text not null,
    customer_id text not null,
    tries integer not null default 0,
    due_at real,
    result text,
    picture text,
    done_at real,
    primary key (tenant_id, channel_id, external_id)
) strict;
create index if not exists lookups_due on lookups (due_at) where due_at is not null;
"""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A channel identity whose profile is wanted."""

    tenant_id: str
    channel_id: str
    external_id: str
    customer_id: str
    tries: int = 0


class Lookups:
    """The file of lookups; whatever a method returns from is on the disk."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = full")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Leave the file."""
        self._database.close()

    def add(self, wanted: Iterable[Lookup], *, now: float, fresh_seconds: float) -> int:
        """Have these looked up, but for those that wait already or were looked up lately; return
        how many are new.
        """
        before = self._database.total_changes
        rows = [
            (w.tenant_id, w.channel_id, w.external_id, w.customer_id, now, now - fresh_seconds)
            for w in wanted
        ]
        self._database.execute("begin immediate")
        self._database.executemany(
            """
            insert into lookups (tenant_id, channel_id, external_id, customer_id, due_at)
            values (?1, ?2, ?3, ?4, ?5)
            on conflict do update set customer_id = ?4, due_at = ?5, tries = 0, result = null
            where due_at is null and done_at < ?6
            """,
            rows,
        )
        self._database.execute("commit")
        return self._database.total_changes - before

    def due(self, now: float, at_most: int) -> list[Lookup]:
        """Return what is to be looked up by now, what waited longest first."""
        found = self._database.execute(
            """
            select tenant_id, channel_id, external_id, customer_id, tries from lookups
            where due_at <= ? order by due_at limit ?
            """,
            (now, at_most),
        )
        return [Lookup(*row) for row in found]

    def done(
        self, lookup: Lookup, result: Result, *, now: float, picture: str | None = None
    ) -> None:
        """Note what came of it."""
        self._database.execute(
            """
            update lookups set due_at = null, result = ?, done_at = ?, picture = ?
            where tenant_id = ? and channel_id = ? and external_id = ?
            """,
            (result, now, picture, lookup.tenant_id, lookup.channel_id, lookup.external_id),
        )

    def put_off(self, lookup: Lookup, *, now: float, at_least_seconds: float = 0.0) -> None:
        """Have it looked up later, each time later; after a week of it, give up."""
        if lookup.tries + 1 >= _MOST_TRIES:
            self.done(lookup, "refused", now=now)
            return
        delay = max(min(_FIRST_DELAY * 2**lookup.tries, _LONGEST_DELAY), at_least_seconds)
        self._database.execute(
            """
            update lookups set due_at = ?, tries = tries + 1
            where tenant_id = ? and channel_id = ? and external_id = ?
            """,
            (now + delay, lookup.tenant_id, lookup.channel_id, lookup.external_id),
        )

    def forget(self, customer_ids: Iterable[str]) -> list[str]:
        """Remove everything of these customers; return the pictures that are nobody's any more."""
        gone: set[str] = set()
        for customer_id in customer_ids:
            deleted = self._database.execute(
                "delete from lookups where customer_id = ? returning picture", (customer_id,)
            )
            gone |= {picture for (picture,) in deleted if picture is not None}
        return sorted(picture for picture in gone if not self._is_somebodys(picture))

    def _is_somebodys(self, picture: str) -> bool:
        found = self._database.execute("select 1 from lookups where picture = ?", (picture,))
        return found.fetchone() is not None
