"""Suggestions: who may be one person, for somebody to confirm or to refuse."""

import base64
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Path, Query, Response

from api.access.callers import Viewer
from api.commands import asked
from api.commands.issuing import Applied, Pending
from api.commands.routes import RESPONSES, AgentCall, IdempotencyKey, TheCommands
from api.commands.view import Place
from api.openapi import page, record
from api.problems import ProblemError
from streams.contracts.suggestions import LinkSuggestion, SuggestionStatus
from streams.contracts.wire import encode

router = APIRouter(prefix="/api/suggestions", tags=["suggestions"])

_LARGEST_PAGE: Final = 200
_LONGEST_CURSOR: Final = 300
_Time = Annotated[datetime, msgspec.Meta(tz=True)]

SuggestionId = Annotated[str, Path(max_length=64)]


@router.get("", summary="List suggestions", responses={200: page(LinkSuggestion)})
async def listed(
    commands: TheCommands,
    caller: Viewer,
    status: SuggestionStatus | None = None,
    cursor: Annotated[
        str | None, Query(max_length=_LONGEST_CURSOR, description="`next` of the page before")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=_LARGEST_PAGE)] = 50,
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
    text = msgspec.json.encode([last.said_at, last.id])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _place(cursor: str) -> Place:
    """Return where the page before ended. A cursor says nothing of a tenant: it opens none."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        said_at, suggestion_id = msgspec.json.decode(text, type=tuple[_Time, str])
    except (ValueError, msgspec.MsgspecError) as error:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "query cursor: take `next` of the page before as it is, or begin without",
            errors=[{"in": "query", "at": "cursor", "detail": "no cursor of this list"}],
        ) from error
    return Place(said_at, suggestion_id)
