"""Errors as RFC 9457 problem details: what is wrong, and what to do about it.

Whatever an answer's status above 399 comes from - a route, a value, the router, a fault of ours -
it has this shape.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
_MOST_PLACES: Final = 20
_ADVICE: Final[Mapping[int, str]] = {
    HTTPStatus.NOT_FOUND: "there is nothing at this address: /openapi.json lists what there is",
    HTTPStatus.METHOD_NOT_ALLOWED: "this address knows other methods: the header Allow has them",
}


class Place(BaseModel):
    """One value that cannot be, and where it stands."""

    in_: str = Field(alias="in", examples=["query"], description="body, query, path or header")
    at: str = Field(examples=["limit"], description="its name, or its JSON Pointer in a body")
    detail: str = Field(examples=["Input should be less than or equal to 200"])


class Problem(BaseModel):
    """Problem details (RFC 9457); `detail` says what to do."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is no such customer"])
    errors: list[Place] | None = Field(default=None, description="of values that cannot be")


class ProblemError(Exception):
    """An answer other than the one that was asked for; `detail` says what to do."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = tuple(errors)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to make it in another process."""
        make = partial(ProblemError, headers=self.headers, errors=self.errors)
        return (make, (self.status, self.detail))


def problem(
    status: HTTPStatus,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, str]] = (),
) -> JSONResponse:
    """Return the document of a problem."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
    }
    if errors:
        document["errors"] = list(errors)
    return JSONResponse(
        document, status_code=int(status), headers=dict(headers or {}), media_type=MEDIA_TYPE
    )


def answer_for(error: ProblemError) -> JSONResponse:
    """Return the problem that was raised as its document."""
    return problem(error.status, error.detail, headers=error.headers, errors=error.errors)


def answer_problems(api: FastAPI) -> None:
    """Have every error of the application answered as a problem."""
    api.add_exception_handler(ProblemError, _answer_problem)
    api.add_exception_handler(HTTPException, _answer_http_error)
    api.add_exception_handler(RequestValidationError, _answer_invalid)


class Unexpected:
    """Answers 500 where nobody foresaw an error, and tells the log alone what it was."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_begun = False

        async def send_noting(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception:
            if is_begun:
                raise  # the server cuts the connection, so that nobody takes a part for the whole
            logger.exception("Cannot answer %s %s", scope["method"], scope["path"])
            answer = problem(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "this is a fault of ours: the log says more; trying again may help",
            )
            await answer(scope, receive, send)


async def _answer_problem(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ProblemError):
        raise error
    return answer_for(error)


async def _answer_http_error(_request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework raises; its words are a status' name, which helps nobody."""
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    said = error.detail if error.detail != status.phrase else ""
    return problem(status, said or _ADVICE.get(status, status.phrase), headers=error.headers)


async def _answer_invalid(_request: Request, error: Exception) -> JSONResponse:
    """Say where each value is that cannot be; never what it was: it may be a secret."""
    if not isinstance(error, RequestValidationError):
        raise error
    places = [_place(fault) for fault in error.errors()[:_MOST_PLACES]]
    first = places[0] if places else {"in": "body", "at": "", "detail": "it cannot be read"}
    where = f"{first['in']} {first['at']}".strip()
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{where}: {first['detail']}; correct it and send it again",
        errors=places,
    )


def _place(fault: Mapping[str, Any]) -> dict[str, str]:
    part, *path = fault["loc"] or ("body",)
    detail = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "json_invalid":
        reason = fault.get("ctx", {}).get("error", "")
        return {"in": "body", "at": "", "detail": f"no JSON ({reason}, character {path[0]})"}
    if part == "body":
        pointer = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
        return {"in": "body", "at": pointer, "detail": detail}
    return {"in": str(part), "at": ".".join(map(str, path)), "detail": detail}
