"""Pages of a process that has little: no view yet, no warehouse, no libraries, no key.

Real: the application with its gate. No Kafka is reached and no view is fed.
"""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_api
from api.pages.front_end import FrontEnd
from api.pages.languages import LANGUAGES, catalog
from api.pages.site import TEMPLATES, _environment
from api.settings import ApiSettings
from streams.cluster import ClusterSettings
from tests.keys import bearer, make_key

PERSON = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """Give an application that was never started, its libraries there."""
    monkeypatch.setattr(FrontEnd, "is_built", True)
    settings = ApiSettings(keys_file=tmp_path / "keys.json", live_view_folder=tmp_path / "live")
    return create_api(settings, ClusterSettings(), warehouse=tmp_path / "none.duckdb")


@pytest.fixture
def visit(api: FastAPI, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Give what opens an address as a person with a key."""
    client = TestClient(api)
    key = make_key(tmp_path / "keys.json")

    def get(path: str, **headers: str) -> tuple[int, str]:
        answer = client.get(path, headers=PERSON | bearer(key) | headers)
        return answer.status_code, answer.text

    return get


def test_while_the_view_catches_up_the_page_says_so_and_looks_again(
    api: FastAPI, tmp_path: Path
) -> None:
    answer = TestClient(api).get("/customers", headers=bearer(make_key(tmp_path / "keys.json")))
    assert (answer.status_code, answer.headers["refresh"]) == (503, "2")
    assert "One moment, please" in answer.text


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "The warehouse has nothing of yours yet"), ("pt", "ainda não tem nada seu")],
)
def test_a_dashboard_without_a_warehouse_says_what_to_do(
    visit: Callable[..., tuple[int, str]], language: str, words: str
) -> None:
    status, text = visit("/dashboard", **{"accept-language": language})
    assert (status, words in text, "omnichannel load" in text) == (200, True, True)


@pytest.mark.parametrize("path", ["/nowhere", "/customers/x/y/z"])
def test_an_address_that_leads_nowhere_is_a_page_to_people_and_a_problem_to_programs(
    api: FastAPI, visit: Callable[..., tuple[int, str]], path: str, tmp_path: Path
) -> None:
    status, text = visit(path)
    assert (status, "There is nothing here" in text) == (404, True)
    key = bearer(make_key(tmp_path / "keys.json"))
    answer = TestClient(api).get(path, headers=key)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["?sort=nonsense", "?createdFrom=yesterday", "?status=x"])
def test_an_address_that_cannot_be_is_told_as_a_page(
    visit: Callable[..., tuple[int, str]], query: str
) -> None:
    status, text = visit(f"/customers{query}")
    assert (status, "Something in the address cannot be" in text) == (422, True)


def test_fields_that_were_left_empty_do_not_matter(visit: Callable[..., tuple[int, str]]) -> None:
    status, _ = visit("/customers?status=&createdFrom=&tag=&sort=displayName")
    assert status == HTTPStatus.SERVICE_UNAVAILABLE, "as far as the view, which is not there"


def test_without_libraries_the_page_says_what_to_install_and_programs_notice_nothing(
    api: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FrontEnd, "is_built", False)
    answer = TestClient(api).get("/sign-in")
    assert (answer.status_code, "make page" in answer.text) == (503, True)
    assert TestClient(api).get("/health/live").status_code == HTTPStatus.OK


def test_nobody_sees_a_page_without_a_key(api: FastAPI) -> None:
    client = TestClient(api, follow_redirects=False)
    for path in ("/", "/customers", "/customers/x", "/dashboard", "/suggestions", "/channels"):
        answer = client.get(path, headers=PERSON)
        assert answer.status_code == HTTPStatus.SEE_OTHER, path
        assert answer.headers["location"].startswith("/sign-in?next="), path


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_signing_in_leads_to_no_other_host(api: FastAPI, tmp_path: Path, to: str) -> None:
    key = make_key(tmp_path / "keys.json")
    client = TestClient(api, follow_redirects=False)
    answer = client.post("/session", data={"key": key, "next": to})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_can_be_read(language: str) -> None:
    environment = _environment(catalog(language), FrontEnd())
    for path in TEMPLATES.glob("*.html"):
        environment.get_template(path.name)
