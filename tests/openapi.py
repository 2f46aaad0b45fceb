"""Every operation of an OpenAPI document called with made-up values, and its answers held against
what the document says. Schemathesis makes the values; the application is called in process.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as known

# What is said of every answer: no fault of ours, and nothing that the document does not say.
CHECKS = [
    not_a_server_error,
    known.status_code_conformance,
    known.content_type_conformance,
    known.response_headers_conformance,
    known.response_schema_conformance,
]


def routes_of(api: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield the method and the path of everything that the application serves, its pages apart."""
    for route in api.routes:
        included: Any = getattr(route, "original_router", None)
        routes: Sequence[Any] = included.routes if included else [route]
        for one in routes:
            if getattr(one, "endpoint", routes_of).__module__.startswith("api.pages"):
                continue
            for method in getattr(one, "methods", None) or ():
                if method not in {"HEAD", "OPTIONS"}:
                    yield method, one.path


def operations(document: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the operations of the document."""
    schema: Any = schemathesis.openapi.from_dict(dict(document))
    for found in schema.get_all_operations():
        yield found.ok()


def hold_to_its_word(
    operation: Any,
    client: TestClient,
    *,
    examples: int,
    known: Mapping[str, Sequence[str]],
) -> None:
    """Call the operation with values that it takes; fail where an answer breaks its word.

    `known` has, by a parameter's name, values that there are: made-up ids are nobody's.
    """

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), data=st.data())
    def call(case: Any, data: st.DataObject) -> None:
        for parameters in (case.path_parameters, case.query):
            for name in parameters or {}:
                if name in known and data.draw(st.booleans()):
                    parameters[name] = data.draw(st.sampled_from(known[name]))
        asked = case.as_transport_kwargs()
        answer = client.request(
            asked["method"],
            asked["url"].removeprefix("http://localhost"),
            params=asked.get("params"),
            headers={**asked.get("headers", {}), **dict(client.headers)},
            json=asked.get("json"),
            **{"data" if isinstance(asked.get("data"), dict) else "content": asked.get("data")},
        )
        case.validate_response(answer, checks=CHECKS)

    call()
