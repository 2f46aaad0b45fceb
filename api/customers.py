"""Customers over REST: lists, one of them, what they said, the figures."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Path, Query, Response

from api.access.callers import Viewer
from api.customer_query import FILTER_PARAMETERS, Wanted
from api.live_view import timeline
from api.live_view.customers import Sort
from api.live_view.pages import Page
from api.live_view.stats import CustomerStats, customer_stats
from api.live_view.view import LiveView
from api.openapi import page, record
from api.problems import ProblemError
from api.view import View
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


@router.get(
    "",
    summary="List customers",
    responses={200: page(Customer)},
    openapi_extra={"parameters": FILTER_PARAMETERS},
)
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
        partial(
            customer_stats,
            tenant_id=caller.tenant_id,
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
    page: Callable[..., Page],
) -> Response:
    """Return a page about the customer that the id leads to."""
    if (found := view.living(tenant_id, customer_id)) is None:
        raise no_such_customer()
    answer = page(view.lookups(), owner=found.record)
    return _json(answer.as_json())


def _json(content: bytes, *, etag: str | None = None) -> Response:
    headers: dict[str, Any] = {"Cache-Control": "no-store"}
    if etag is not None:
        headers["ETag"] = etag
    return Response(content, media_type=_JSON, headers=headers)
