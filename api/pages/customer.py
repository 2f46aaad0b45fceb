"""One customer: who they are and why, what was said, and the forms that change them."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

import msgspec
from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse

from api.customers import CustomerId, no_such_customer
from api.live_view.filters import CustomerFilter
from api.live_view.search import LONGEST_SEARCH
from api.live_view.view import LiveView
from api.pages import timeline
from api.pages.site import AgentsVisit, PageRoute, TheVisit
from api.view import View
from streams.contracts.customers import Customer, CustomerIdentity, CustomerLink

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_TIMELINE_ENTRIES: Final = 40
_CANDIDATES: Final = 8
_decoder = msgspec.json.Decoder(Customer)

Place = Annotated[str | None, Query(max_length=2000)]


@router.get("/customers/{customer_id}")
async def shown(visit: TheVisit, view: View, customer_id: CustomerId) -> Response:
    """Show the customer; who was merged leads on to who lives."""
    customer = _living(visit.tenant_id, customer_id, view)
    if customer.id != customer_id:
        return RedirectResponse(f"/customers/{quote(customer.id)}", HTTPStatus.PERMANENT_REDIRECT)
    found = timeline.entries(view.lookups(), owner=customer, place=None, limit=_TIMELINE_ENTRIES)
    return visit.html(
        "customer.html",
        customer=customer,
        keys=by_key(customer),
        links=links_of(customer),
        **_entries(customer.id, found),
    )


@router.get("/customers/{customer_id}/parts/{part}")
async def part(
    visit: TheVisit, view: View, customer_id: CustomerId, part: str, place: Place = None
) -> Response:
    """Return a part of the page anew: `facts`, or `timeline` behind a place."""
    if part == "facts":
        customer = _living(visit.tenant_id, customer_id, view)
        content: dict[str, Any] = {
            "customer": customer,
            "keys": by_key(customer),
            "links": links_of(customer),
        }
        return visit.html("customer_facts.html", **content)

    lives = _living(visit.tenant_id, customer_id, view)
    found = timeline.entries(view.lookups(), owner=lives, place=place, limit=_TIMELINE_ENTRIES)
    return visit.html("timeline.html", **_entries(lives.id, found))


@router.get("/customers/{customer_id}/others")
async def others(
    visit: AgentsVisit,
    view: View,
    customer_id: CustomerId,
    search: Annotated[str, Query(max_length=LONGEST_SEARCH)] = "",
) -> Response:
    """Return customers who are meant by a search, to merge one of them with this customer."""
    found = await _others(view, visit.tenant_id, customer_id, search) if search.strip() else []
    return visit.html("others.html", others=found, search=search)


async def _others(
    view: LiveView, tenant_id: str, customer_id: str, search: str
) -> Sequence[Customer]:
    wanted = CustomerFilter(tenant_id=tenant_id, search=search)
    page = await view.customers(wanted, sort="-lastSeenAt", cursor=None, limit=_CANDIDATES + 1)
    found = [_decoder.decode(document) for document in page.documents]
    return [customer for customer in found if customer.id != customer_id][:_CANDIDATES]


def by_key(customer: Customer) -> Mapping[str, Sequence[CustomerIdentity]]:
    """Return the channel identities by the identity key they share: what a split moves together."""
    found: dict[str, list[CustomerIdentity]] = {}
    for identity in customer.identities:
        found.setdefault(identity.identity_key, []).append(identity)
    return found


def links_of(customer: Customer) -> Sequence[CustomerLink]:
    """Return why the keys are one person, what was said first at the top."""
    return sorted(customer.links, key=lambda link: link.said_at)


def _living(tenant_id: str, customer_id: str, view: LiveView) -> Customer:
    found = view.living(tenant_id, customer_id)
    if found is None:
        raise no_such_customer()
    return found.record


def _entries(customer_id: str, found: timeline.Timeline) -> dict[str, Any]:
    more = None
    if found.place is not None:
        where = urlencode({"place": found.place})
        more = f"/customers/{quote(customer_id)}/parts/timeline?{where}"
    return {
        "entries": [
            (timeline.kind_of(entry), timeline.at_of(entry), entry) for entry in found.entries
        ],
        "more": more,
    }
