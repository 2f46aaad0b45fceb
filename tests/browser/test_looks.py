"""Every page in both themes and at phone width: axe finds nothing serious, nothing overflows.

With BROWSER_PICTURES set to a folder, what was looked at is kept there as pictures.
"""

import os
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import AXE, SignedIn
from tests.browser.stack import NEW_TENANT, TENANT, Stack, claimed, phone, written
from tests.keys import bearer

PHONE_WIDTH = 390
DESK_WIDTH = 1280
PAGES = (
    "customers",
    "filtered",
    "nobody",
    "customer",
    "edit",
    "split",
    "suggestions",
    "channels",
    "dashboard",
)


@pytest.fixture(scope="module")
def people(stack: Stack) -> dict[str, str]:
    """Give a customer of several identities, and a suggestion."""
    email = f"rita{phone()}@example.com"
    stack.say(written("Rita Moreira", person=email, channel_id="mail-1", channel_type="email"))
    stack.say(written("Rita Moreira", person=phone(), text="Chegou o meu pedido?"))
    stack.wait_for("Rita Moreira", 2)
    stack.say(claimed("Rita M.", email))
    ids = [one["id"] for one in stack.wait_for("Rita Moreira", 2)]
    _merge(stack, *ids)
    (customer,) = stack.wait_for("Rita Moreira")
    return {"customer": customer["id"]}


def _merge(stack: Stack, one: str, other: str) -> None:
    answer = httpx2.post(
        f"{stack.address}/api/customers/{one}/merge",
        json={"otherCustomerId": other},
        headers=bearer(stack.keys[TENANT, "agent"]),
        trust_env=False,
        timeout=30,
    )
    answer.raise_for_status()


def show(page: Page, name: str, people: dict[str, str]) -> None:
    """Bring the page to what shall be looked at."""
    customer = f"/customers/{people['customer']}"
    paths = {
        "filtered": "/customers?channelType=whatsapp&activity=active",
        "nobody": "/customers?search=qqqqqq",
        "customer": customer,
        "edit": customer,
        "split": customer,
    }
    page.goto(paths.get(name, f"/{name}"))
    if name in {"edit", "split"}:
        page.locator(f"[data-opens={name}]").click()
        expect(page.get_by_role("dialog")).to_be_visible()
    if name == "dashboard":
        expect(page.locator("[data-chart] canvas")).to_have_count(4)
        page.wait_for_timeout(500)


def faults(page: Page) -> list[tuple[str, str, list[str]]]:
    """Return what axe finds that keeps people from using the page."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        (fault["id"], fault["impact"], [node["html"][:160] for node in fault["nodes"][:3]])
        for fault in found["violations"]
        if fault["impact"] in {"serious", "critical"}
    ]


def keep(page: Page, name: str) -> None:
    """Keep what is seen, where somebody wants to look."""
    if folder := os.environ.get("BROWSER_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESK_WIDTH, PHONE_WIDTH])
def test_everybody_can_use_every_page(
    signed_in: SignedIn, people: dict[str, str], theme: str, width: int
) -> None:
    page = signed_in("admin", theme=theme, width=width, height=844 if width == PHONE_WIDTH else 860)
    wrong = {}
    for name in PAGES:
        show(page, name, people)
        if found := faults(page):
            wrong[name] = found
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            wrong[f"{name} overflows"] = wide
        keep(page, f"{name}-{theme}-{width}")
    page.context.clear_cookies()
    page.goto("/sign-in?error=key")
    if found := faults(page):
        wrong["sign-in"] = found
    keep(page, f"sign-in-{theme}-{width}")
    assert not wrong


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_who_has_nothing_yet_reads_what_to_do(
    signed_in: SignedIn, stack: Stack, theme: str
) -> None:
    page = signed_in(tenant=NEW_TENANT, theme=theme, complains_of="404")
    for path, title in (
        ("/customers", "Nobody has written yet"),
        ("/dashboard", "The warehouse has nothing of yours yet"),
        ("/suggestions", "Nothing to decide"),
        ("/channels", "No channel yet"),
        ("/customers/none", "There is nothing here"),
    ):
        page.goto(path)
        expect(page.get_by_role("heading", name=title)).to_be_visible()
        assert not faults(page), path
        keep(page, f"empty{path.replace('/', '-')}-{theme}")
    page.goto("/customers")
    expect(page.locator("[data-connection=live]")).to_be_visible()
    name = f"First {theme.title()}"
    stack.say(written(name, tenant_id=f"{NEW_TENANT}" if theme == "dark" else TENANT))
    if theme == "dark":
        expect(page.locator(".person")).to_contain_text(name)
    else:
        page.wait_for_timeout(1_000)
        assert page.locator(".person").count() == 0, "another tenant's"


def test_the_keyboard_reaches_what_the_mouse_reaches(
    signed_in: SignedIn, people: dict[str, str]
) -> None:
    page = signed_in(path=f"/customers/{people['customer']}")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Customers").last).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Edit")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Edit customer")
    expect(dialog.get_by_label("Name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Edit")).to_be_focused()
