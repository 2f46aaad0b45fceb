"""Calls of every route with whatever could lead to another tenant: its ids, names, numbers and
cursors in every parameter and in bodies. What must come of them is the test's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
from fastapi.testclient import TestClient
from hypothesis import strategies as st

_BODY = "requestBody"
# Signing in and webhooks have no caller yet; the event stream never ends: its sweep is
# tests/unit/api/test_isolation_of_streams.py.
_LEFT_OUT = ("/webhooks", "/session", "/api/events")


@dataclass(frozen=True)
class Asked:
    """One call."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None

    def put_to(self, client: TestClient) -> httpx2.Response:
        """Return the answer; a call made twice is one command."""
        headers = {"Idempotency-Key": "k", "X-Tenant-Id": "umbrella", "Tenant": "umbrella"}
        if self.content is not None:
            headers["Content-Type"] = "text/csv"
        return client.request(
            self.method,
            self.path,
            params=dict(self.query),
            json=self.json,
            content=self.content,
            headers=headers,
        )

    @property
    def text(self) -> str:
        """Return all that the call says itself."""
        return repr(self)


def calls(
    document: Mapping[str, Any],
    words: Sequence[str],
    bodies: Sequence[Any],
    files: Sequence[bytes] = (),
    *,
    methods: Sequence[str] = ("get", "post", "patch", "delete"),
) -> st.SearchStrategy[Asked]:
    """Return calls of all routes of these methods; `words` stand in every parameter."""
    word = st.sampled_from(words)
    made = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method not in methods or path.startswith(_LEFT_OUT):
                continue
            made.append(_calls(path, method, operation, word, bodies, files))
    assert made
    return st.one_of(made)


def sweep(
    document: Mapping[str, Any],
    words: Sequence[str],
    bodies: Sequence[Any] = (),
    files: Sequence[bytes] = (),
    *,
    methods: Sequence[str] = ("get", "post", "patch", "delete"),
) -> Iterator[Asked]:
    """Yield calls in which one thing at a time is of another tenant: what changes nothing first,
    so that what is changed stands in the way of no other call.
    """
    found = [
        (path, method, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in methods and not path.startswith(_LEFT_OUT)
    ]
    for path, method, operation in sorted(found, key=lambda one: methods.index(one[1])):
        said = operation.get("parameters", [])
        in_path = [one["name"] for one in said if one["in"] == "path"]
        in_query = [one["name"] for one in said if one["in"] == "query"]
        takes = operation.get(_BODY, {}).get("content", {})
        sent = [
            *((body, None) for body in (bodies if "application/json" in takes else ())),
            *((None, file) for file in (files if "text/csv" in takes else ())),
        ]
        for word in words if in_path else words[:1]:
            where = path.format(**dict.fromkeys(in_path, word))
            for json, content in sent or [(None, None)]:
                yield Asked(method.upper(), where, {}, json, content)
        if method == "get":
            where = path.format(**dict.fromkeys(in_path, words[-1]))
            for name in (*in_query, "tenant", "tenantId"):
                for word in words:
                    yield Asked("GET", where, {name: word})


def _calls(  # noqa: PLR0917 - a call's parts
    path: str,
    method: str,
    operation: Mapping[str, Any],
    word: st.SearchStrategy[str],
    bodies: Sequence[Any],
    files: Sequence[bytes],
) -> st.SearchStrategy[Asked]:
    said = operation.get("parameters", [])
    in_path = {one["name"]: word for one in said if one["in"] == "path"}
    in_query = {one["name"]: _value(one["schema"], word) for one in said if one["in"] == "query"}
    # Names that somebody might read, and nobody should.
    in_query |= {"tenant": word, "tenantId": word}
    takes = operation.get(_BODY, {}).get("content", {})
    json = st.sampled_from(bodies) if "application/json" in takes else st.none()
    content = st.sampled_from(files) if "text/csv" in takes and files else st.none()

    def asked(parts: Mapping[str, str], query: Mapping[str, str], body: Any, file: Any) -> Asked:
        return Asked(method.upper(), path.format(**parts), query, body, file)

    return st.builds(
        asked,
        st.fixed_dictionaries(in_path),
        st.fixed_dictionaries({}, optional=in_query),
        json,
        content,
    )


def _value(schema: Mapping[str, Any], word: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return what may stand in a parameter: a value that it takes, or anything at all."""
    options = schema.get("anyOf", [schema])
    takes: list[st.SearchStrategy[str]] = [word]
    for option in options:
        if "enum" in option:
            takes.append(st.sampled_from([str(value) for value in option["enum"]]))
        elif option.get("type") == "boolean":
            takes.append(st.sampled_from(["true", "false"]))
        elif option.get("type") == "integer":
            takes.append(st.sampled_from(["1", "2", "200"]))
    return st.one_of(takes)
