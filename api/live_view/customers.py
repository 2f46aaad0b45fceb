"""Customers as lists show them, and one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import duckdb
import msgspec

from api.live_view.derived import literals
from api.live_view.numbers import number_of
from api.live_view.pages import Page, cursor_of, place_in
from api.live_view.search import search_for
from api.live_view.search_index import SearchIndex
from api.live_view.store import LiveStore
from streams.contracts.customers import Customer

Sort = Literal["-lastSeenAt", "lastSeenAt", "-createdAt", "createdAt", "displayName"]
Activity = Literal["active", "inactive"]
ACTIVE_DAYS: Final = 30  # as in docs/metrics.md: active is who wrote within so many days

# What rows are ordered by; the last one is unique, so that every row has one place. Names go by
# their first sixteen bytes: numbers all, because a million texts take too long to unpack.
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "lastSeenAt": ("last_seen_at", "number"),
    "createdAt": ("created_at", "number"),
    "displayName": ("name_rank", "name_rank_2", "number"),
}
_TIMES: Final = frozenset({"last_seen_at", "created_at"})
_decoder: Final = msgspec.json.Decoder(Customer)
_NOBODY: Final = -1  # a number that no customer has
_MOST_STEPS: Final = 20  # of merged ids that lead to merged ids


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFilter:
    """Which customers a list has; what is None does not matter. Times bound: from, and before."""

    tenant_id: str
    search: str | None = None
    channel: str | None = None
    channel_type: str | None = None
    status: Literal["active", "contacted"] | None = None
    activity: Activity | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    last_seen_from: datetime | None = None
    last_seen_before: datetime | None = None
    source: str | None = None
    tag: str | None = None
    blocked: bool | None = None


_CONDITIONS: Final[Mapping[str, str]] = {
    "channel": "list_contains(channel_ids, $channel)",
    "channel_type": "list_contains(channel_types, $channel_type)",
    "status": "status = $status",
    "created_from": "created_at >= $created_from",
    "created_before": "created_at < $created_before",
    "last_seen_from": "last_seen_at >= $last_seen_from",
    "last_seen_before": "last_seen_at < $last_seen_before",
    "source": "source = $source",
    "tag": "list_contains(tags, $tag)",
    "blocked": "blocked = $blocked",
}


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One customer's record: its JSON, and what one looks at to answer with it."""

    customer_id: str
    version: int
    merged_into: str | None
    document: str

    @property
    def record(self) -> Customer:
        """Return the record decoded."""
        return _decoder.decode(self.document)


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows a list has: what each must fulfil, and the values that this names. `candidates`
    are the numbers of all that may; None where any may.
    """

    where: list[str]
    given: dict[str, Any]
    candidates: Sequence[int] | None = None

    @property
    def source(self) -> str:
        """Return the SQL of what to read."""
        if self.candidates is None:
            return "raw.customers"
        return f"(from raw.customers where number in {literals([*self.candidates, _NOBODY])})"


def rows_wanted(
    wanted: CustomerFilter,
    index: SearchIndex,
    *,
    now: datetime,
    time_zone: str,
    region: str | None,
) -> Rows:
    """Return which rows a list has."""
    given: dict[str, Any] = {"tenant_id": wanted.tenant_id}
    where = ["tenant_id = $tenant_id", "merged_into is null"]
    for name, condition in _CONDITIONS.items():
        if (value := getattr(wanted, name)) is not None:
            given[name] = value
            where.append(condition)
    if wanted.activity is not None:
        given["active_from"] = active_from(now, time_zone)
        is_active = "coalesce(last_inbound_at >= $active_from, false)"
        where.append(is_active if wanted.activity == "active" else f"not {is_active}")
    if wanted.search is None or not wanted.search.strip():
        return Rows(where, given)
    search = search_for(wanted.search, region)
    where.append(search.condition(given))
    return Rows(where, given, search.candidates(index))


def customers(
    wanted: CustomerFilter,
    reader: duckdb.DuckDBPyConnection,
    store: LiveStore,
    *,
    sort: Sort,
    cursor: str | None,
    limit: int,
    now: datetime,
    time_zone: str = "UTC",
    region: str | None = None,
) -> Page:
    """Return a page of customers in the order asked for. Raises ProblemError: a wrong cursor."""
    asked = rows_wanted(wanted, store.search_index, now=now, time_zone=time_zone, region=region)
    keys = _KEYS[sort.removeprefix("-")]
    is_falling = sort.startswith("-")
    behind = None
    if cursor is not None:
        place = place_in(sort, cursor)
        asked.where.append(_behind(keys, place, asked.given, is_falling=is_falling))
        behind = place[0]
    shown_keys = [f"epoch_us({key})" if key in _TIMES else key for key in keys]
    if asked.candidates is not None:
        found = _looked_up(asked, shown_keys, reader)
        rows = sorted(found, key=lambda row: _in_order(row[:-1], is_falling=is_falling))
    else:
        rows = _scanned(
            asked,
            keys,
            shown_keys,
            store,
            reader,
            is_falling=is_falling,
            behind=behind,
            limit=limit + 1,
        )
    shown = rows[:limit]
    more = cursor_of(sort, shown[-1][:-1]) if len(rows) > limit else None
    return Page([row[-1] for row in shown if row[-1] is not None], more)


def _looked_up(
    asked: Rows, shown_keys: Sequence[str], reader: duckdb.DuckDBPyConnection
) -> list[tuple[Any, ...]]:
    """Return keys and documents of the candidates who are meant. They are told apart here: DuckDB
    takes the index only where nothing else is asked of the table.
    """
    if not asked.candidates:
        return []
    rows = reader.execute(
        f"select {' and '.join(asked.where)}, {', '.join(shown_keys)}, document "  # noqa: S608
        f"from raw.customers where number in {literals(asked.candidates)}",
        asked.given,
    ).fetchall()
    return [tuple(row) for is_meant, *row in rows if is_meant]


def _in_order(keys: Sequence[int | None], *, is_falling: bool) -> list[tuple[bool, int]]:
    """Return what sorts like the keys do in SQL: what is not known comes last, either way."""
    return [(key is None, (-key if is_falling else key) if key is not None else 0) for key in keys]


def _scanned(
    asked: Rows,
    keys: Sequence[str],
    shown_keys: Sequence[str],
    store: LiveStore,
    reader: duckdb.DuckDBPyConnection,
    *,
    is_falling: bool,
    behind: int | None,
    limit: int,
) -> list[tuple[Any, ...]]:
    """Return keys and documents of the first who are meant."""
    direction = "desc" if is_falling else "asc"
    order = ", ".join(f"{key} {direction}" for key in keys)
    for bound in store.windows.bounds(
        keys[0], reader, is_time=keys[0] in _TIMES, is_falling=is_falling, behind=behind
    ):
        where, given = asked.where, asked.given
        if bound is not None:
            sign = ">=" if is_falling else "<="
            where = [f"{keys[0]} {sign} {_as_key(keys[0], 'bound')}", *where]
            given = {**given, "bound": bound}
        # Who was seen last stands together. Of others the JSON is read once it is known who they
        # are: a sort of a million rows carries their keys cheaply, and their JSON not.
        is_near = bound is not None and keys[0] in _TIMES
        rows = reader.execute(
            f"select {', '.join([*shown_keys, 'document'] if is_near else shown_keys)} "  # noqa: S608
            f"from raw.customers where {' and '.join(where)} order by {order} limit {limit:d}",
            given,
        ).fetchall()
        if len(rows) == limit or bound is None:
            return rows if is_near else _with_documents(rows, reader)
    return []


def _with_documents(
    rows: Sequence[tuple[Any, ...]], reader: duckdb.DuckDBPyConnection
) -> list[tuple[Any, ...]]:
    """Return each with its document, looked up by the number that is its last key; None where the
    customer went in between.
    """
    if not rows:
        return []
    numbers = literals(row[-1] for row in rows)
    found = dict(
        reader.execute(
            f"select number, document from raw.customers where number in {numbers}"  # noqa: S608
        ).fetchall()
    )
    return [(*row, found.get(row[-1])) for row in rows]


def _as_key(key: str, name: str) -> str:
    """Return the SQL of a value that is given as a number, as its column has it."""
    return f"make_timestamptz(${name}::bigint)" if key in _TIMES else f"${name}"


def _behind(
    keys: Sequence[str], place: Sequence[Any], given: dict[str, Any], *, is_falling: bool
) -> str:
    """Return the SQL for rows behind a place: the plain bound first, by which parts are skipped."""
    names = [f"place_{number}" for number in range(len(keys))]
    given.update(dict(zip(names, place, strict=False)))
    sign = "<" if is_falling else ">"
    first = _as_key(keys[0], names[0])
    rest_keys, rest_names = ", ".join(keys[1:]), ", ".join(f"${name}" for name in names[1:])
    return (
        f"{keys[0]} {sign}= {first} and "
        f"({keys[0]} {sign} {first} or ({rest_keys}) {sign} ({rest_names}))"
    )


def customer(
    tenant_id: str, customer_id: str, reader: duckdb.DuckDBPyConnection
) -> CustomerRow | None:
    """Return a customer's record; None where the tenant has none of this id."""
    rows = reader.execute(
        # The number alone: DuckDB takes the index only where nothing else is asked of the table.
        "select tenant_id, customer_id, version, merged_into, document from raw.customers "
        "where number = $number",
        {"number": number_of(customer_id)},
    ).fetchall()
    for tenant, *row in rows:
        if tenant == tenant_id and row[0] == customer_id:
            return CustomerRow(*row)
    return None


def living(
    tenant_id: str, customer_id: str, reader: duckdb.DuckDBPyConnection
) -> CustomerRow | None:
    """Return the customer that the id leads to: itself, or who it was merged into."""
    found = customer(tenant_id, customer_id, reader)
    for _ in range(_MOST_STEPS):
        if found is None or found.merged_into is None:
            break
        found = customer(tenant_id, found.merged_into, reader)
    return found


def active_from(now: datetime, time_zone: str) -> datetime:
    """Return since when who wrote is active: the first of thirty of the tenant's days."""
    zone = ZoneInfo(time_zone)
    first: date = now.astimezone(zone).date() - timedelta(days=ACTIVE_DAYS - 1)
    return datetime.combine(first, time.min, zone)
