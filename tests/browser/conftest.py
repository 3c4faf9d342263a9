"""A real browser on the running demo. Every page it opens must leave the console silent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.demo_process import Demo

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]
DEMO_PASSWORD = "demo-portal-2026"
REFUSAL = re.compile(r"Failed to load resource: .* status of 4(02|03|04|09|22)")
# The rules of WCAG 2.2 A and AA, and axe's own good practice. Stripe's frames are of another origin
# and have tests of their own.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "iframes": False,
}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    yield demo
    demo.stop()


@pytest.fixture(scope="session")
def company_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo as a newcomer starts it: with its company of 150 accounts."""
    demo = Demo(tmp_path_factory.mktemp("company"), company="full")
    yield demo
    demo.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Ends with its module: Playwright allows one of its loops at a time.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, demo: Demo) -> Iterator[Callable[..., Page]]:
    yield from profiles(chromium, demo)


@pytest.fixture
def visit_company(chromium: Browser, company_demo: Demo) -> Iterator[Callable[..., Page]]:
    yield from profiles(chromium, company_demo)


def profiles(chromium: Browser, demo: Demo) -> Iterator[Callable[..., Page]]:
    """Opens new profiles: `visit(width=360, color_scheme="dark")` is a page of one.

    The test fails at its end when any of their consoles said something. A page that answers a
    refusal with its status, as it should, is not held against it: Chromium notes that by itself.
    """
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def hear(page: Page, text: str) -> None:
        if not REFUSAL.search(text):
            said.append(f"{page.url}: {text}")

    def open_profile(width: int = 1280, height: int = 900, **options: Any) -> Page:
        viewport = {"width": width, "height": height}
        context = chromium.new_context(viewport=viewport, base_url=demo.portal, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: hear(page, message.text))
        page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
        return page

    yield open_profile
    for context in contexts:
        context.close()
    assert said == []


def sign_in(page: Page, email: str) -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    # Members come to their overview, staff to theirs.
    page.wait_for_url(re.compile(r":\d+/(admin)?$"))


def loaded(page: Page) -> None:
    """Waits for the style sheets, without which a page has neither its width nor its colours."""
    page.wait_for_load_state("load")


def assert_accessible(page: Page) -> None:
    """No axe violation, in the page as it stands."""
    loaded(page)
    violations = Axe().run(page, options=RULES).response["violations"]
    assert not violations, "\n".join(
        f"{page.url}: {v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes']][:3]}"
        for v in violations
    )


def assert_fits(page: Page) -> None:
    """Nothing makes the page wider than its window."""
    loaded(page)
    wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window, f"{page.url} is {wide} px wide in a window of {window} px"
