"""The list of customers: a page of it, its further rows, and the newest ones as they come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec
from fastapi import APIRouter, Query, Response

from api.customer_query import Wanted
from api.customers import Cursor
from api.live_view.choices import Remembered
from api.live_view.customers import Sort
from api.live_view.filters import CustomerFilter
from api.live_view.stats import customer_stats
from api.live_view.view import LiveView
from api.pages import words
from api.pages.site import PageRoute, TheVisit
from api.view import View
from streams.contracts.customers import Customer

router = APIRouter(include_in_schema=False, route_class=PageRoute)

PAGE_ROWS: Final = 40
LATEST_SORT: Final = "-lastSeenAt"
SORTS: Final[Mapping[str, str]] = {
    "-lastSeenAt": words.N_("Seen last"),
    "-createdAt": words.N_("Newest customers"),
    "createdAt": words.N_("Oldest customers"),
    "displayName": words.N_("Name"),
}
# What the filters of an address are called on the page.
FILTERS: Final[Mapping[str, str]] = {
    "search": words.N_("Search"),
    "channel": words.N_("Channel"),
    "channelType": words.N_("Channel type"),
    "status": words.N_("Status"),
    "activity": words.N_("Activity"),
    "createdFrom": words.N_("Customer since"),
    "createdBefore": words.N_("Customer before"),
    "lastSeenFrom": words.N_("Seen since"),
    "lastSeenBefore": words.N_("Not seen since"),
    "tag": words.N_("Tag"),
    "source": words.N_("Source"),
    "blocked": words.N_("Blocked"),
}
_decoder = msgspec.json.Decoder(Customer)


@dataclass(frozen=True, slots=True)
class Rows:
    """Customers in order, and the address of those behind them."""

    customers: Sequence[Customer]
    more: str | None


@router.get("/customers")
async def listed(
    visit: TheVisit,
    view: View,
    wanted: Wanted,
    *,
    sort: Annotated[Sort, Query()] = LATEST_SORT,
    cursor: Cursor = None,
) -> Response:
    """Show the customers that the address asks for; to HTMX, the list alone."""
    rest = without(visit.query, "cursor")
    content: dict[str, Any] = {
        "rows": await rows_of(view, wanted, sort=sort, cursor=cursor, query=rest),
        "filters": filters_in(visit.query),
        "sort": sort,
        "is_first": cursor is None,
        "query": rest,
        "export": without(rest, "sort"),
        "names": FILTERS,
    }
    if visit.is_for_part:
        return visit.html("customer_rows.html" if cursor else "customer_list.html", **content)
    remembered: Remembered = visit.request.app.state.choices
    stats = await view.ask(
        partial(
            customer_stats,
            tenant_id=visit.tenant_id,
            now=datetime.now(UTC),
            time_zone=view.time_zone(visit.tenant_id),
        )
    )
    return visit.html(
        "customers.html",
        **content,
        choices=await remembered.of(visit.tenant_id, view),
        total=stats.total_customers,
        sorts=SORTS,
    )


async def rows_of(
    view: LiveView, wanted: CustomerFilter, *, sort: Sort, cursor: str | None, query: str
) -> Rows:
    """Return a page of rows."""
    found = await view.customers(wanted, sort=sort, cursor=cursor, limit=PAGE_ROWS)
    more = None
    if found.next is not None:
        more = f"/customers?{query}{'&' if query else ''}{urlencode({'cursor': found.next})}"
    return Rows([_decoder.decode(document) for document in found.documents], more)


def filters_in(query: str) -> dict[str, str]:
    """Return the filters that an address names."""
    return {name: value for name, value in parse_qsl(query) if name in FILTERS}


def without(query: str, *names: str) -> str:
    """Return the query without these parameters."""
    return urlencode([pair for pair in parse_qsl(query) if pair[0] not in names])
