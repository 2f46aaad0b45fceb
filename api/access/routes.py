"""Signing in and out with a key: `/session`."""

import logging
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.access.callers import (
    Access,
    Admitted,
    Viewer,
    address_of,
    admitted_of,
    caller_with,
    form_field,
    unauthorized,
)
from api.access.gate import SESSION_PATH, SIGN_IN_PATH
from api.access.key_file import KeyFileError
from api.access.keys import Role
from api.access.sessions import SESSION_HOURS
from api.problems import ProblemError

logger = logging.getLogger(__name__)

router = APIRouter(tags=["access"])

_LONGEST_KEY: Final = 256
_SECONDS_AN_HOUR: Final = 3600


class SessionAnswer(BaseModel):
    """Who is signed in, or whose key was sent."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    tenant_id: str = Field(examples=["acme"])
    role: Role
    name: str = Field(examples=["Front desk"])
    ends_at: datetime | None = Field(description="when the session ends; null for a bearer key")
    csrf_token: str | None = Field(
        description="for X-CSRF-Token, with every call that changes something; null for a bearer"
    )


class _SignIn(msgspec.Struct):
    key: str


async def access_of(request: Request) -> Access:
    """Return what this process knows of keys and sessions."""
    access: Access = request.app.state.access
    return access


TheAccess = Annotated[Access, Depends(access_of)]

_SIGN_IN_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            media_type: {
                "schema": {
                    "type": "object",
                    "required": ["key"],
                    "properties": {"key": {"type": "string", "maxLength": _LONGEST_KEY}, **more},
                }
            }
            for media_type, more in (
                ("application/json", {}),
                ("application/x-www-form-urlencoded", {"next": {"type": "string"}}),
            )
        },
    }
}


@router.post(
    SESSION_PATH,
    summary="Sign in with a key",
    response_model=SessionAnswer,
    responses={
        303: {"description": "To a form: signed in, on to `next`; or back to the sign-in page"},
        401: {"description": "No valid key"},
        403: {"description": "A page of another host asked"},
        429: {"description": "Too many wrong keys from this address"},
    },
    openapi_extra=_SIGN_IN_BODY,
)
async def sign_in(request: Request, response: Response, access: TheAccess) -> Any:
    """Begin a session of twelve hours; its cookie is for browsers, and never read by scripts."""
    body = await request.body()
    content_type = request.headers.get("content-type", "")
    is_form = content_type.startswith("application/x-www-form-urlencoded")
    token = form_field(body, content_type, "key") if is_form else _key_in(body)
    try:
        answer, cookie = await _begun(request, access, token.strip())
    except ProblemError as error:
        if not is_form or error.status is HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        why: Literal["rate", "key"] = (
            "rate" if error.status is HTTPStatus.TOO_MANY_REQUESTS else "key"
        )
        return RedirectResponse(f"{SIGN_IN_PATH}?error={why}", HTTPStatus.SEE_OTHER)
    if is_form:
        to = _local(form_field(body, content_type, "next"))
        response = RedirectResponse(to, HTTPStatus.SEE_OTHER)
    response.set_cookie(
        access.sessions.cookie_name,
        cookie,
        max_age=SESSION_HOURS * _SECONDS_AN_HOUR,
        httponly=True,
        samesite="strict",
        secure=access.sessions.is_secure,
    )
    return response if is_form else answer


@router.get(SESSION_PATH, summary="Say who is signed in")
async def who(request: Request, _caller: Viewer, access: TheAccess) -> SessionAnswer:
    """Return tenant and role of the key, and the session's token."""
    return _answer(access, admitted_of(request))


@router.delete(SESSION_PATH, summary="Sign out", status_code=HTTPStatus.NO_CONTENT)
async def sign_out(_caller: Viewer, access: TheAccess) -> Response:
    """Take the session's cookie away. The page is led to where one signs in."""
    response = Response(
        status_code=HTTPStatus.NO_CONTENT,
        headers={"HX-Redirect": SIGN_IN_PATH},
    )
    response.delete_cookie(
        access.sessions.cookie_name,
        httponly=True,
        samesite="strict",
        secure=access.sessions.is_secure,
    )
    return response


async def _begun(request: Request, access: Access, token: str) -> tuple[SessionAnswer, str]:
    """Return whose session begins, and its cookie. Raises ProblemError."""
    if not access.is_from_here(request):
        raise ProblemError(HTTPStatus.FORBIDDEN, "sign in on this host's own page")
    key = access.key(token)
    if key is None:
        await access.rates.count_failure(address_of(request))
        raise unauthorized()
    await access.rates.count_call(key.id)
    try:
        cookie, session = access.sessions.begin(key.id, access.now())
    except KeyFileError as error:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "nobody can sign in, the sessions' secret cannot be kept: set API_SESSION_SECRET; keys "
            "work as bearers meanwhile",
        ) from error
    logger.info("Signed in with key %s (tenantId=%s)", key.id, key.tenant_id)
    return _answer(access, Admitted(caller_with(key), session, cookie)), cookie


def _answer(access: Access, admitted: Admitted) -> SessionAnswer:
    caller, session = admitted.caller, admitted.session
    return SessionAnswer(
        tenant_id=caller.tenant_id,
        role=caller.role,
        name=caller.name,
        ends_at=session.ends_at if session else None,
        csrf_token=access.sessions.csrf_token(admitted.cookie) if session else None,
    )


def _key_in(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_SignIn).key
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            'send {"key": "omni_…"} as JSON, or a form with the field key',
            errors=[{"in": "body", "at": "/key", "detail": "a key, as text"}],
        ) from error


def _local(path: str) -> str:
    """Return where to go after signing in: nowhere but on this host."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local else "/"
