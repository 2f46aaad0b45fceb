"""The OpenAPI document: what FastAPI knows of the routes, with every error as it is answered."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.access.callers import CSRF_HEADER, KEY_SCHEME
from api.access.sessions import COOKIE, SECURE_COOKIE
from api.live_view.channels import Channel
from api.live_view.stats import CustomerStats
from api.problems import MEDIA_TYPE, Place, Problem
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.messages import MessageFact
from streams.contracts.suggestions import LinkSuggestion

_REFERENCE: Final = {"$ref": "#/components/schemas/Problem"}
_FASTAPIS_OWN: Final = ("HTTPValidationError", "ValidationError")
_RECORDS: Final = (
    *(Customer, Conversation, CustomerEvent, MessageFact, LinkSuggestion),
    *(CustomerStats, Channel),
)
# Whatever a key opens, the page's session does.
_SESSION_SCHEME: Final = "session"
_SESSION: Final = {
    "type": "apiKey",
    "in": "cookie",
    "name": COOKIE,
    "description": f"The page's session, from `POST /session`; `{SECURE_COOKIE}` behind https. "
    f"Methods that change something need its token in `{CSRF_HEADER}` too.",
}
_DESCRIPTION: Final = """\
Every person who starts a conversation becomes exactly one customer, at once.

Send a key as `Authorization: Bearer omni_…`. It belongs to one tenant and sees that tenant only.
Its role is `viewer` (reads), `agent` (changes customers too) or `admin` (erases them too). Errors
are problem details (RFC 9457); lists are `{"items": […], "next": "…"}`, where `next` is handed
back as `cursor`.
"""
_MEANING: Final = {
    HTTPStatus.BAD_REQUEST: "The cursor is of another list",
    HTTPStatus.UNAUTHORIZED: "No valid key",
    HTTPStatus.NOT_FOUND: "The tenant has nothing of this id",
    HTTPStatus.FORBIDDEN: "The role is too low, or a page of another host asked",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A value cannot be; `errors` says which",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many calls; `Retry-After` says when to come again",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A fault of ours",
    HTTPStatus.SERVICE_UNAVAILABLE: "Kafka or the view is not there; come again",
}


def documented(api: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return what makes the document, once."""

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            document = get_openapi(
                title=api.title, version=api.version, description=_DESCRIPTION, routes=api.routes
            )
            api.openapi_schema = with_sessions(with_problems(document))
        return api.openapi_schema

    return openapi


def record(kind: type[msgspec.Struct], description: str = "The record") -> dict[str, Any]:
    """Return how a route documents that it answers with a record, as the topics have it."""
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def page(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return how a route documents that it answers with a page of records."""
    schema = {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": f"#/components/schemas/{kind.__name__}"}},
            "next": {"type": ["string", "null"], "description": "for `cursor`; null at the end"},
        },
    }
    return {"description": "A page", "content": {"application/json": {"schema": schema}}}


def with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with its errors as problem details."""
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPIS_OWN:
        schemas.pop(name, None)
    _, records = msgspec.json.schema_components(
        _RECORDS, ref_template="#/components/schemas/{name}"
    )
    schemas.update(records)
    schemas["Problem"] = _schema(Problem)
    schemas["Place"] = _schema(Place)
    for path in document["paths"].values():
        for operation in path.values():
            responses: dict[str, Any] = operation["responses"]
            for status in _statuses(operation):
                responses.setdefault(str(int(status)), {"description": _MEANING[status]})
            for status_text, response in responses.items():
                if status_text >= "400":
                    response["content"] = {MEDIA_TYPE: {"schema": _REFERENCE}}
    return document


def with_sessions(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the page's session as the other way in."""
    document["components"].setdefault("securitySchemes", {})[_SESSION_SCHEME] = _SESSION
    for path in document["paths"].values():
        for operation in path.values():
            if {KEY_SCHEME: []} in operation.get("security", ()):
                operation["security"] = [{KEY_SCHEME: []}, {_SESSION_SCHEME: []}]
    return document


def _statuses(operation: dict[str, Any]) -> list[HTTPStatus]:
    """Return the errors that any call of this kind may be answered with."""
    statuses = [HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE]
    if operation.get("security"):
        statuses += [
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.TOO_MANY_REQUESTS,
        ]
    if "requestBody" in operation:
        statuses.append(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    parameters = operation.get("parameters", ())
    if any(one["name"] == "cursor" for one in parameters):
        statuses.append(HTTPStatus.BAD_REQUEST)
    if any(one["in"] == "path" for one in parameters):
        statuses.append(HTTPStatus.NOT_FOUND)
    if "requestBody" in operation or "parameters" in operation:
        statuses.append(HTTPStatus.UNPROCESSABLE_ENTITY)
    return statuses


def _schema(model: type[Problem | Place]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return schema
