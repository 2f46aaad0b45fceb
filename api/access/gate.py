"""The gate before all routes: without a key nothing but what is listed here.

It stands before anything of a call is read, and stays while an answer lasts: an event stream ends
when its key is revoked.
"""

import time
from collections.abc import Callable
from http import HTTPMethod, HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.callers import (
    CSRF_FIELD,
    CSRF_HEADER,
    SAFE_METHODS,
    Access,
    Admitted,
    form_field,
)
from api.problems import ProblemError, answer_for, problem

SIGN_IN_PATH: Final = "/sign-in"
SESSION_PATH: Final = "/session"
# Health tells nothing of anybody, webhooks are signed, and who signs in has no session yet.
_STATIC: Final = "/static/"
_OPEN_PREFIXES: Final = ("/health/", "/webhooks/", _STATIC)
_OPEN_PATHS: Final = frozenset({SIGN_IN_PATH})
_LOOK_AGAIN_SECONDS: Final = 1.0


def is_open(method: str, path: str) -> bool:
    """Say whether everybody may call this."""
    if path == SESSION_PATH:
        return method == HTTPMethod.POST
    return path in _OPEN_PATHS or path.startswith(_OPEN_PREFIXES)


def is_static(path: str) -> bool:
    """Say whether this is a file of the page's, the same for everybody."""
    return path.startswith(_STATIC)


class Gate:
    """Lets calls pass whose caller is known, and writes down who it is."""

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._access = access
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, or answer it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no websockets here: nobody checks who opens one
        request = Request(scope, receive)
        if is_open(request.method, scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            admitted = await self._access.admitted(request)
            receive = await self._checked(request, admitted, receive)
        except (ProblemError, HTTPException) as error:
            await _refusal(request, error)(scope, receive, send)
            return
        scope.setdefault("state", {})["admitted"] = admitted
        await self._pass_on(admitted, scope, receive, send)

    async def _checked(self, request: Request, admitted: Admitted, receive: Receive) -> Receive:
        """Return what the call is read from, once a page of ours is known to have made it.

        Browsers send cookies along whoever asks; keys they do not. Raises ProblemError (403).
        """
        if admitted.session is None or request.method in SAFE_METHODS:
            return receive
        token = request.headers.get(CSRF_HEADER, "")
        if not token:
            body = await request.body()
            receive = _replayed(body, receive)
            token = form_field(body, request.headers.get("content-type", ""), CSRF_FIELD)
        sessions = self._access.sessions
        if self._access.is_from_here(request) and sessions.is_csrf_token(token, admitted.cookie):
            return receive
        raise ProblemError(
            HTTPStatus.FORBIDDEN,
            f"a call with a session's cookie must come from a page of this host, with the "
            f"session's token (`GET {SESSION_PATH}` has it) in {CSRF_HEADER} or in the form field "
            f"{CSRF_FIELD}; load the page again, or use a bearer key",
        )

    async def _pass_on(
        self, admitted: Admitted, scope: Scope, receive: Receive, send: Send
    ) -> None:
        looked_at = self._monotonic()

        async def send_while_allowed(message: Message) -> None:
            nonlocal looked_at
            if message["type"] == "http.response.body" and message.get("more_body"):
                now = self._monotonic()
                if now - looked_at >= _LOOK_AGAIN_SECONDS:
                    looked_at = now
                    self._still(admitted)
            await send(message)

        try:
            await self._app(scope, receive, send_while_allowed)
        except Exception as error:
            if not _is_over(error):
                raise
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _still(self, admitted: Admitted) -> None:
        session = admitted.session
        is_over = session is not None and session.ends_at <= self._access.now()
        if is_over or not self._access.is_still_valid(admitted.caller):
            raise _OverError


class _OverError(Exception):
    """The key was revoked or the session ended while the answer was still being sent."""


def _is_over(error: BaseException) -> bool:
    """Say whether this is why an answer stopped: a response's tasks wrap it in groups."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_over(part) for part in error.exceptions)
    return isinstance(error, _OverError)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return what gives the body, read already, once more."""
    is_given = False

    async def again() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _refusal(request: Request, error: ProblemError | HTTPException) -> Response:
    """Return the answer: a person who opens a page is led to sign in, a program is told."""
    if isinstance(error, HTTPException):
        return problem(HTTPStatus(error.status_code), error.detail, headers=error.headers)
    answer = answer_for(error)
    if error.status is not HTTPStatus.UNAUTHORIZED:
        return answer
    if request.headers.get("hx-request") == "true":
        answer.headers["HX-Redirect"] = SIGN_IN_PATH
    elif request.method in SAFE_METHODS and _wants_a_page(request):
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(
            f"{SIGN_IN_PATH}?next={quote(path, safe='')}", status_code=HTTPStatus.SEE_OTHER
        )
    return answer


def _wants_a_page(request: Request) -> bool:
    is_of_programs = request.url.path.startswith("/api/")
    return not is_of_programs and "text/html" in request.headers.get("accept", "")
