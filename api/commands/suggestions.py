"""Suggestions: who may be one person, for somebody to confirm or to refuse."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Path, Response

from api.access.callers import Viewer
from api.commands import asked
from api.commands.issuing import Applied, Pending
from api.commands.routes import RESPONSES, AgentCall, IdempotencyKey, TheCommands
from api.commands.view import Place
from api.customers import Cursor, Limit
from api.live_view.pages import cursor_of, place_in
from api.openapi import page, record
from api.problems import ProblemError
from streams.contracts.suggestions import LinkSuggestion, SuggestionStatus
from streams.contracts.wire import encode

router = APIRouter(prefix="/api/suggestions", tags=["suggestions"])

_ORDER: Final = "-saidAt"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_US: Final = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)

SuggestionId = Annotated[str, Path(max_length=64)]


@router.get("", summary="List suggestions", responses={200: page(LinkSuggestion)})
async def listed(
    commands: TheCommands,
    caller: Viewer,
    status: SuggestionStatus | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Return suggestions, the newest first."""
    after = None if cursor is None else _place(cursor)
    found = await commands.view.suggestions(caller.tenant_id, status, after, limit + 1)
    items, more = found[:limit], len(found) > limit
    content = {"items": items, "next": _cursor(items[-1]) if more else None}
    return Response(msgspec.json.encode(content), media_type="application/json")


@router.get(
    "/{suggestion_id}",
    summary="One suggestion",
    responses={200: record(LinkSuggestion), 404: {"description": "There is none"}},
)
async def one(suggestion_id: SuggestionId, commands: TheCommands, caller: Viewer) -> Response:
    """Return the suggestion."""
    found = await _found(commands, caller.tenant_id, suggestion_id)
    return Response(encode(found), media_type="application/json")


@router.post(
    "/{suggestion_id}/confirm",
    summary="Say that they are one person",
    responses={200: record(LinkSuggestion), **RESPONSES},
)
async def confirm(
    suggestion_id: SuggestionId,
    call: AgentCall,
    commands: TheCommands,
    _key: IdempotencyKey = None,
) -> Response:
    """Make the two customers one and return the suggestion as it is now."""
    return await _judged(suggestion_id, call, commands, are_one=True)


@router.post(
    "/{suggestion_id}/refuse",
    summary="Say that they are two people",
    responses={200: record(LinkSuggestion), **RESPONSES},
)
async def refuse(
    suggestion_id: SuggestionId,
    call: AgentCall,
    commands: TheCommands,
    _key: IdempotencyKey = None,
) -> Response:
    """Keep the two customers apart for good and return the suggestion as it is now."""
    return await _judged(suggestion_id, call, commands, are_one=False)


async def _judged(
    suggestion_id: str, call: AgentCall, commands: TheCommands, *, are_one: bool
) -> Response:
    tenant_id = call.caller.tenant_id
    asking = call.asking("confirm" if are_one else "refuse", suggestion_id)
    fate: Applied | Pending | None = await call.fate_until_now(asking)
    if fate is None:
        suggestion = await _found(commands, tenant_id, suggestion_id)
        fate = await call.carried_out(asked.judge(asking, suggestion, are_one=are_one))
    if isinstance(fate, Pending):
        return call.pending(fate)
    now = await commands.judged(tenant_id, suggestion_id)
    if now is None:
        raise _not_there(suggestion_id)
    return Response(encode(now), media_type="application/json", headers=call.headers)


async def _found(commands: TheCommands, tenant_id: str, suggestion_id: str) -> LinkSuggestion:
    found = await commands.view.suggestion(tenant_id, suggestion_id)
    if found is None:
        raise _not_there(suggestion_id)
    return found


def _not_there(suggestion_id: str) -> ProblemError:
    return ProblemError(
        HTTPStatus.NOT_FOUND,
        f"there is no suggestion {suggestion_id}: GET /api/suggestions has all",
    )


def _cursor(last: LinkSuggestion) -> str:
    return cursor_of(_ORDER, ((last.said_at - _EPOCH) // timedelta(microseconds=1), last.id))


def _place(cursor: str) -> Place:
    """Return where the page before ended. A cursor says nothing of a tenant: it opens none."""
    match place_in(_ORDER, cursor, int, str):
        case [int(said_at_us), str(suggestion_id)] if 0 <= said_at_us < _LAST_US:
            return Place(_EPOCH + timedelta(microseconds=said_at_us), suggestion_id)
    raise ProblemError(HTTPStatus.BAD_REQUEST, "this cursor is of another list: begin without")
