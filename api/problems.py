"""Errors as RFC 9457 problem details: what is wrong, and what to do about it."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """An answer other than the one that was asked for; `detail` says what to do."""

    def __init__(
        self, status: HTTPStatus, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


async def answer_problem(_request: Request, error: Exception) -> JSONResponse:
    """Return the problem as its document."""
    if not isinstance(error, ProblemError):
        raise error
    return JSONResponse(
        {
            "type": "about:blank",
            "title": error.status.phrase,
            "status": int(error.status),
            "detail": error.detail,
        },
        status_code=int(error.status),
        headers=error.headers,
        media_type=MEDIA_TYPE,
    )
