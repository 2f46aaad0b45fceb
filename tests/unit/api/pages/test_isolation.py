"""What another tenant has makes no difference to any page, whatever its address carries.

The two worlds, and what is real in them, are tests/unit/api/test_isolation.py's.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.pages import channels, customer, customers, dashboard, entrance, suggestions
from api.pages.front_end import FrontEnd
from tests.isolation import sweep
from tests.unit.api.test_isolation import Two, two_worlds

_TIMES = re.compile(r"<time.*?</time>|\b[0-9a-f]{12}\b", re.DOTALL)
SUBJECTS = (entrance, customers, customer, dashboard, suggestions, channels)
OPEN = {"/sign-in"}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """Give a world with our tenant alone, and one where umbrella is beside it."""
    with pytest.MonkeyPatch.context() as patch, two_worlds(tmp_path_factory.mktemp("two")) as both:
        patch.setattr(FrontEnd, "is_built", True)
        yield both


def the_document() -> dict[str, Any]:
    """Return an OpenAPI document of the pages that need a key: they stand in no other."""
    api = FastAPI()
    for subject in SUBJECTS:
        for route in subject.router.routes:
            if isinstance(route, APIRoute) and route.path not in OPEN:
                api.add_api_route(route.path, route.endpoint, response_model=None)
    return api.openapi()


def same(answer: httpx2.Response) -> tuple[int, str, str | None]:
    """Return a page as it compares: without times, and without which key it was."""
    return answer.status_code, _TIMES.sub("", answer.text), answer.headers.get("location")


def test_no_parameter_of_a_page_leads_to_another_tenant(two: Two) -> None:
    document = the_document()
    assert len(document["paths"]) >= len(SUBJECTS)
    for one in sweep(document, two.words, methods=("get",)):
        alone, beside = one.put_to(two.alone.admin), one.put_to(two.beside.admin)
        assert same(alone) == same(beside), one
        assert alone.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, one


def test_their_pages_are_not_there(two: Two) -> None:
    for customer_of_theirs in two.theirs:
        where = f"/customers/{customer_of_theirs.id}"
        for part in ("", "/parts/facts", "/parts/timeline"):
            answer = two.beside.admin.get(where + part)
            assert answer.status_code == HTTPStatus.NOT_FOUND, part
            assert customer_of_theirs.display_name not in answer.text


def test_the_pages_of_ours_are_shown(two: Two) -> None:
    for path, text in (
        ("/customers", "João"),
        ("/suggestions", "visitor-0"),
        ("/channels", "wa-1"),
        ("/customers?search=maria", "Maria"),
    ):
        answer = two.alone.viewer.get(path)
        assert (answer.status_code, text in answer.text) == (HTTPStatus.OK, True), path
