"""Customers over REST: lists, one of them, what they said, the figures."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import duckdb
import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.access.callers import Viewer
from api.live_view import timeline
from api.live_view.customers import Sort
from api.live_view.filters import Activity, CustomerFilter
from api.live_view.pages import Page
from api.live_view.search import LONGEST_SEARCH
from api.live_view.stats import CustomerStats, customer_stats
from api.live_view.view import LiveView
from api.openapi import page, record
from api.problems import ProblemError
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.messages import MessageFact

router = APIRouter(prefix="/api/customers", tags=["customers"])

_JSON: Final = "application/json"
_LONGEST_ID: Final = 200
_LONGEST_NAME: Final = 256
MOST_ITEMS: Final = 200

CustomerId = Annotated[str, Path(max_length=_LONGEST_ID, description="a customer's id")]
Cursor = Annotated[
    str | None, Query(max_length=2000, description="`next` of the page before; without, the first")
]
Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="how many at the most")]
_Name = Annotated[str | None, Query(min_length=1, max_length=_LONGEST_NAME)]
_Time = Annotated[
    date | datetime | None,
    Query(description="RFC 3339, or a day of the tenant's calendar", examples=["2026-11-01"]),
]


async def view_of(request: Request) -> LiveView:
    """Return the process's view."""
    view: LiveView = request.app.state.view
    return view


View = Annotated[LiveView, Depends(view_of)]


async def wanted_customers(
    caller: Viewer,
    view: View,
    *,
    search: Annotated[
        str | None,
        Query(
            max_length=LONGEST_SEARCH,
            description="beginnings of words of the name, an e-mail address, a username or an id; "
            "a phone number in any notation, or its end",
            examples=["maria", "(11) 99999-8888"],
        ),
    ] = None,
    channel: _Name = None,
    channel_type: Annotated[
        str | None, Query(alias="channelType", min_length=1, max_length=_LONGEST_NAME)
    ] = None,
    status: Literal["active", "contacted"] | None = None,
    activity: Annotated[
        Activity | None, Query(description="active: wrote within thirty of the tenant's days")
    ] = None,
    created_from: Annotated[_Time, Query(alias="createdFrom")] = None,
    created_before: Annotated[_Time, Query(alias="createdBefore")] = None,
    last_seen_from: Annotated[_Time, Query(alias="lastSeenFrom")] = None,
    last_seen_before: Annotated[_Time, Query(alias="lastSeenBefore")] = None,
    source: _Name = None,
    tag: _Name = None,
    blocked: bool | None = None,
) -> CustomerFilter:
    """Return which customers the query asks for; always of the caller's own tenant."""
    zone = view.time_zone(caller.tenant_id)
    return CustomerFilter(
        tenant_id=caller.tenant_id,
        search=search,
        channel=channel,
        channel_type=channel_type,
        status=status,
        activity=activity,
        created_from=_instant(created_from, zone),
        created_before=_instant(created_before, zone),
        last_seen_from=_instant(last_seen_from, zone),
        last_seen_before=_instant(last_seen_before, zone),
        source=source,
        tag=tag,
        blocked=blocked,
    )


Wanted = Annotated[CustomerFilter, Depends(wanted_customers)]


@router.get("", summary="List customers", responses={200: page(Customer)})
async def list_customers(
    wanted: Wanted,
    view: View,
    *,
    sort: Annotated[Sort, Query(description="what they are ordered by; - for the last first")] = (
        "-lastSeenAt"
    ),
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Return a page of customers, each as the stream has it. Pages stay right under writes."""
    found = await view.customers(wanted, sort=sort, cursor=cursor, limit=limit)
    return _json(found.as_json())


@router.get("/stats", summary="The three figures of now", responses={200: record(CustomerStats)})
async def stats(caller: Viewer, view: View) -> Response:
    """Return how many customers there are, how many are new this month, and how many wrote this
    week, with the bounds of both in the tenant's own calendar.
    """
    found = await view.ask_once(
        ("stats", caller.tenant_id),
        lambda reader: customer_stats(
            caller.tenant_id,
            reader,
            now=datetime.now(UTC),
            time_zone=view.time_zone(caller.tenant_id),
        ),
    )
    return _json(msgspec.json.encode(found))


@router.get(
    "/{customer_id}",
    summary="One customer",
    responses={
        200: record(Customer),
        308: {"description": "merged: `Location` is the customer that lives on"},
        404: {"description": "the tenant has no such customer"},
    },
)
async def one_customer(caller: Viewer, view: View, customer_id: CustomerId) -> Response:
    """Return the customer with identities, links and metadata. `ETag` is its version."""
    found = view.customer(caller.tenant_id, customer_id)
    if found is None:
        raise no_such_customer()
    if found.merged_into is not None:
        lives = view.living(caller.tenant_id, customer_id)
        into = lives.customer_id if lives else found.merged_into
        return Response(
            status_code=HTTPStatus.PERMANENT_REDIRECT,
            headers={"Location": f"/api/customers/{into}", "Cache-Control": "no-store"},
        )
    return _json(found.document.encode(), etag=f'"{found.version}"')


@router.get("/{customer_id}/messages", summary="Their messages", responses={200: page(MessageFact)})
async def their_messages(
    caller: Viewer,
    view: View,
    customer_id: CustomerId,
    *,
    conversation: _Name = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Return a page of messages across all channels, either way, the newest first."""
    return await _of_customer(
        view,
        caller.tenant_id,
        customer_id,
        partial(timeline.messages, cursor=cursor, limit=limit, conversation_id=conversation),
    )


@router.get(
    "/{customer_id}/conversations",
    summary="Their conversations",
    responses={200: page(Conversation)},
)
async def their_conversations(
    caller: Viewer,
    view: View,
    customer_id: CustomerId,
    *,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Return a page of conversations on all channels, the one that began last first."""
    return await _of_customer(
        view,
        caller.tenant_id,
        customer_id,
        partial(timeline.conversations, cursor=cursor, limit=limit),
    )


@router.get(
    "/{customer_id}/events", summary="What happened to them", responses={200: page(CustomerEvent)}
)
async def their_events(
    caller: Viewer,
    view: View,
    customer_id: CustomerId,
    *,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Return a page of events of the customer and of all that were merged into it, newest first."""
    return await _of_customer(
        view, caller.tenant_id, customer_id, partial(timeline.events, cursor=cursor, limit=limit)
    )


def no_such_customer() -> ProblemError:
    """Return what is said of an id that the tenant does not have: whoever else may have it."""
    return ProblemError(
        HTTPStatus.NOT_FOUND,
        "there is no such customer: it may have been erased; GET /api/customers lists who is there",
    )


async def _of_customer(
    view: LiveView,
    tenant_id: str,
    customer_id: str,
    page: Callable[[Customer, duckdb.DuckDBPyConnection], Page],
) -> Response:
    """Return a page about the customer that the id leads to."""
    if (found := view.living(tenant_id, customer_id)) is None:
        raise no_such_customer()
    owner = found.record
    answer = await view.ask(lambda reader: page(owner, reader))
    return _json(answer.as_json())


def _instant(said: date | datetime | None, zone: str) -> datetime | None:
    """Return the moment: a day begins at the tenant's midnight, a time without zone is theirs."""
    if said is None:
        return None
    if not isinstance(said, datetime):
        said = datetime.combine(said, time.min)
    return said if said.tzinfo else said.replace(tzinfo=ZoneInfo(zone))


def _json(content: bytes, *, etag: str | None = None) -> Response:
    headers: dict[str, Any] = {"Cache-Control": "no-store"}
    if etag is not None:
        headers["ETag"] = etag
    return Response(content, media_type=_JSON, headers=headers)
