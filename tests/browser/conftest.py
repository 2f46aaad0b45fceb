"""One whole system and one Chromium for all tests of the page; each test has a browser profile of
its own, and fails where the console complains or the content security policy is violated.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from api.access.keys import Role
from api.pages.front_end import FrontEnd
from streams.cluster import ClusterSettings
from streams.topic_admin import delete_topics
from tests.browser.stack import TENANT, Stack, whole_system

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
NO_CHROMIUM = "no Chromium: apt-get install chromium"
NOT_BUILT = "the page is not built: install Node.js 20+ with npm, and run `make page`"
# A browser that calls nobody but us.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NOTE_VIOLATIONS = """
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
        window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""

SignedIn = Callable[..., Page]


def _skip_or_fail(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


# Of the package and not of the session: Playwright keeps an event loop running, in which no test
# after these could begin one of its own.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Give the machine's own Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        _skip_or_fail(NO_CHROMIUM)
    if not (FrontEnd().is_built and AXE.exists()):
        _skip_or_fail(NOT_BUILT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def stack(
    kafka_bootstrap: str,
    chromium: Browser,  # noqa: ARG001 - nothing is started for a browser that is not there
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """Give the running system."""
    cluster = ClusterSettings(
        bootstrap_servers=kafka_bootstrap,
        topic_prefix=f"test-{uuid4().hex[:8]}-",
        topic_partitions=2,
    )
    with whole_system(cluster, tmp_path_factory.mktemp("page")) as running:
        yield running
    delete_topics(cluster)


@pytest.fixture
def signed_in(chromium: Browser, stack: Stack) -> Iterator[SignedIn]:
    """Give what opens a page for somebody with a key, in a profile of their own."""
    opened: list[tuple[Page, list[str]]] = []

    def open_page(
        role: Role = "agent",
        *,
        tenant: str = TENANT,
        path: str = "/customers",
        theme: str = "light",
        language: str = "en-GB",
        width: int = 1280,
        height: int = 860,
        complains_of: str = "nothing",
    ) -> Page:
        context = chromium.new_context(
            base_url=stack.address,
            color_scheme=theme,  # type: ignore[arg-type]
            locale=language,
            viewport={"width": width, "height": height},
        )
        context.set_default_timeout(10_000)
        context.add_init_script(_NOTE_VIOLATIONS)
        page = context.new_page()
        complaints: list[str] = []

        def note(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"} and complains_of not in message.text:
                complaints.append(message.text)

        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        opened.append((page, complaints))
        page.goto("/sign-in")
        page.get_by_label("Key" if language.startswith("en") else "Chave").fill(
            stack.keys[tenant, role]
        )
        page.get_by_role(
            "button", name="Sign in" if language.startswith("en") else "Entrar"
        ).click()
        page.wait_for_url("**/customers")
        if path != "/customers":
            page.goto(path)
        return page

    yield open_page
    for page, complaints in opened:
        violations = page.evaluate("window.violations")
        page.context.close()
        assert (complaints, violations) == ([], [])
