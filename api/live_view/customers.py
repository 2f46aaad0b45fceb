"""Customers as lists show them: a page in some order, of the few that a search names, of everybody,
or of whoever fulfils some conditions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from api.live_view.filters import CustomerFilter, conditions, predicate
from api.live_view.lookups import Lookups
from api.live_view.pages import Page, cursor_of, place_in
from api.live_view.reader import Reader
from api.live_view.search import search_for

Sort = Literal["-lastSeenAt", "lastSeenAt", "-createdAt", "createdAt", "displayName"]

# What rows are ordered by; the last one is unique, so that every row has one place. Names go by
# their first sixteen bytes: numbers all, because a million texts take too long to unpack.
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "lastSeenAt": ("last_seen_at", "number"),
    "createdAt": ("created_at", "number"),
    "displayName": ("name_rank", "name_rank_2", "number"),
}
_TIMES: Final = frozenset({"last_seen_at", "created_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersRequest:
    """Which page of which customers is asked for, when, and by people of which zone and region."""

    wanted: CustomerFilter
    sort: Sort = "-lastSeenAt"
    cursor: str | None = None
    limit: int = 50
    now: datetime
    time_zone: str = "UTC"
    region: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the names of what the rows are ordered by."""
        return _KEYS[self.sort.removeprefix("-")]

    @property
    def is_falling(self) -> bool:
        """Say whether the greatest comes first."""
        return self.sort.startswith("-")

    def place(self) -> Sequence[Any] | None:
        """Return the keys of the row that the page comes behind. Raises ProblemError: a cursor of
        another list.
        """
        if self.cursor is None:
            return None
        return place_in(self.sort, self.cursor, *[int] * len(self.keys))

    def page(self, rows: Sequence[Sequence[Any]]) -> Page:
        """Return the page of rows in order, of which there is one more if others follow: each has
        its keys, and at last its JSON, or None where the customer went in between.
        """
        shown = rows[: self.limit]
        more = cursor_of(self.sort, shown[-1][:-1]) if len(rows) > self.limit else None
        return Page([row[-1] for row in shown if row[-1] is not None], more)


def customers_looked_up(request: CustomersRequest, lookups: Lookups) -> Page | None:
    """Return the page where everybody is asked for, or words that few have are searched; None
    elsewhere. Raises ProblemError: a wrong cursor.
    """
    wanted, place = request.wanted, request.place()
    if (search := search_for(wanted.search, request.region)) is None:
        if wanted != CustomerFilter(tenant_id=wanted.tenant_id, search=wanted.search):
            return None
        return request.page(
            lookups.page(
                wanted.tenant_id,
                request.keys,
                is_falling=request.is_falling,
                behind=place,
                limit=request.limit + 1,
            )
        )
    if (candidates := search.candidates(lookups)) is None:
        return None
    is_wanted = predicate(wanted, now=request.now, time_zone=request.time_zone)
    found = [
        (_in_order(keys, is_falling=request.is_falling), (*keys, customer.document))
        for customer, words in lookups.customers(candidates)
        if customer.tenant_id == wanted.tenant_id
        and search.is_met_by(words)
        and (is_wanted is None or is_wanted(customer.record))
        for keys in [[getattr(customer, key) for key in request.keys]]
    ]
    if place is not None:
        behind = _in_order(place[: len(request.keys)], is_falling=request.is_falling)
        found = [row for row in found if row[0] > behind]
    found.sort(key=lambda row: row[0])
    return request.page([row for _, row in found])


def _in_order(keys: Sequence[int | None], *, is_falling: bool) -> list[tuple[bool, int]]:
    """Return what sorts like the keys do in SQL: what is not known comes last, either way."""
    return [(key is None, (-key if is_falling else key) if key is not None else 0) for key in keys]


def customers_among_all(reader: Reader, *, request: CustomersRequest) -> Page:
    """Return the page, whatever is asked. Raises ProblemError: a wrong cursor.

    DuckDB says who is meant, in order; the JSON is looked up, as of now: a sort of a million rows
    carries their keys cheaply, and their JSON not.
    """
    keys, is_falling, place = request.keys, request.is_falling, request.place()
    asked = conditions(request.wanted, now=request.now, time_zone=request.time_zone)
    where, given = asked.where, asked.given
    if (search := search_for(request.wanted.search, request.region)) is not None:
        where.append(search.condition(given))
    if place is not None:
        where.append(_behind(keys, place, given, is_falling=is_falling))
    limit = request.limit + 1
    shown_keys = [f"epoch_us({key})" if key in _TIMES else key for key in keys]
    order = ", ".join(f"{key} {'desc' if is_falling else 'asc'}" for key in keys)
    for bound in reader.windows.bounds(
        keys[0],
        reader.connection,
        is_time=keys[0] in _TIMES,
        is_falling=is_falling,
        behind=None if place is None else place[0],
        asked=(request.wanted, request.sort, place is None),
    ):
        within: list[str] = []
        if bound is not None:
            given["bound"] = bound
            within = [f"{keys[0]} {'>=' if is_falling else '<='} {_as_key(keys[0], 'bound')}"]
        rows = reader.execute(
            f"select {', '.join(shown_keys)} from raw.customers "  # noqa: S608 - our own names
            f"where {' and '.join([*within, *where])} order by {order} limit {limit:d}",
            given,
        ).fetchall()
        if len(rows) == limit or bound is None:
            documents = reader.lookups.documents([row[-1] for row in rows])
            return request.page([(*row, documents.get(row[-1])) for row in rows])
        del given["bound"]
    return Page([], None)


def _as_key(key: str, name: str) -> str:
    """Return the SQL of a value that is given as a number, as its column has it."""
    return f"make_timestamptz(${name}::bigint)" if key in _TIMES else f"${name}"


def _behind(
    keys: Sequence[str], place: Sequence[Any], given: dict[str, Any], *, is_falling: bool
) -> str:
    """Return the SQL for rows behind a place: the plain bound first, by which parts are skipped."""
    if place[0] is None:
        given["place_number"] = place[len(keys) - 1]
        return f"({keys[0]} is null and {keys[-1]} {'<' if is_falling else '>'} $place_number)"
    names = [f"place_{number}" for number in range(len(keys))]
    given.update(dict(zip(names, place, strict=False)))
    sign = "<" if is_falling else ">"
    first = _as_key(keys[0], names[0])
    rest_keys, rest_names = ", ".join(keys[1:]), ", ".join(f"${name}" for name in names[1:])
    return (  # who has no first key comes last
        f"({keys[0]} is null or {keys[0]} {sign}= {first}) and ({keys[0]} is null or "
        f"{keys[0]} {sign} {first} or ({rest_keys}) {sign} ({rest_names}))"
    )
