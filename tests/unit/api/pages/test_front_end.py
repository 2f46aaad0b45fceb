"""What browsers load: for ever under this version's address, and never out of the folder."""

import gzip
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.pages.front_end import STATIC_PATH, FrontEnd

ROOT = Path(__file__).parents[4]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder of files, and one beside it that is nobody's business."""
    (tmp_path / "secret.txt").write_text("secret")
    static = tmp_path / "static"
    (static / "vendor").mkdir(parents=True)
    (static / "page.js").write_text("export {}")
    return static


def client_of(front_end: FrontEnd) -> TestClient:
    """Return what calls an application that has nothing but the files."""
    api = FastAPI()
    api.mount(STATIC_PATH, front_end)
    return TestClient(api)


def test_a_file_may_be_kept_for_ever_under_the_address_that_names_its_content(
    folder: Path,
) -> None:
    front_end = FrontEnd(folder)
    client = client_of(front_end)
    named = client.get(front_end.address("page.js"))
    assert (named.status_code, named.text) == (200, "export {}")
    assert named.headers["content-type"].startswith("text/javascript")
    assert "immutable" in named.headers["cache-control"]
    assert client.get(f"{STATIC_PATH}/page.js").headers["cache-control"] == "no-cache"
    (folder / "page.js").write_text("export default 1")
    assert FrontEnd(folder).version != front_end.version


def test_a_packed_file_is_sent_to_browsers_that_unpack_it(folder: Path) -> None:
    (folder / "vendor" / "large.js").write_text("plain")
    (folder / "vendor" / "large.js.gz").write_bytes(gzip.compress(b"packed"))
    front_end = FrontEnd(folder)
    client = client_of(front_end)
    address = front_end.address("vendor/large.js")
    packed = client.get(address, headers={"accept-encoding": "gzip"})
    assert (packed.text, packed.headers["content-encoding"]) == ("packed", "gzip")
    assert packed.headers["content-type"].startswith("text/javascript")
    assert "immutable" in packed.headers["cache-control"]
    assert client.get(address, headers={"accept-encoding": "identity"}).text == "plain"


@pytest.mark.parametrize("path", ["../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "none"])
def test_nothing_else_is_served(folder: Path, path: str) -> None:
    front_end = FrontEnd(folder)
    for prefix in (STATIC_PATH, f"{STATIC_PATH}/{front_end.version}"):
        assert client_of(front_end).get(f"{prefix}/{path}").status_code == 404


def test_the_page_knows_whether_its_libraries_are_there(folder: Path) -> None:
    assert not FrontEnd(folder).is_built
    for name in ("htmx", "echarts"):
        (folder / "vendor" / f"{name}.min.js").write_text("")
    assert FrontEnd(folder).is_built


def test_the_lock_names_no_registry_and_has_every_checksum() -> None:
    lock = (ROOT / "package-lock.json").read_text()
    assert "://" not in lock
    assert lock.count('"integrity"') == lock.count('"node_modules/')


def test_no_source_of_the_page_names_another_host_or_has_inline_code() -> None:
    pages = ROOT / "api" / "pages"
    for path in [*pages.glob("templates/*.html"), *pages.glob("static/*.*")]:
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, path
        assert " style=" not in text, path
        assert " onclick=" not in text, path
