"""Every page at three widths, light and dark: it fits, axe finds nothing, the console is silent."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import assert_accessible, assert_fits, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]

OUTSIDE = ("/", "/plans", "/plans?interval=year", "/login", "/register", "/reset", "/dev/mail")
INSIDE = (
    "/",
    "/plans",
    "/plans?interval=year",
    "/subscription",
    "/upcoming-charges",
    "/plan-change/business",
    "/plan-change/starter",
    "/seats",
    "/cancellation",
    "/pause",
    "/purchases",
    "/payment-methods",
    "/payment-methods/new",
    "/invoices",
    "/invoices?q=nothing-like-this",
    "/billing-details",
    "/members",
    "/settings",
)
WITHOUT_SUBSCRIPTION = (
    "/",
    "/plans",
    "/subscription",
    "/upcoming-charges",
    "/payment-methods",
    "/invoices",
)
# Axe is slow and sees the same page at every width: once in the dark and once in the light.
LOOKS = ((360, "dark", True), (768, "light", False), (1280, "light", True))


# Colours fade where motion is welcome; axe would read them half-way.
STILL = {"reduced_motion": "reduce"}


def look(page: Page) -> None:
    """Checks the page that is open at every width."""
    for width, scheme, examined in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert_fits(page)
        if examined:
            assert_accessible(page)


def walk(page: Page, paths: Iterable[str]) -> None:
    for path in paths:
        page.goto(path, wait_until="networkidle" if path.endswith("/new") else "load")
        look(page)


def test_pages_outside_fit_and_are_accessible(visit):
    walk(visit(**STILL), OUTSIDE)


def test_a_subscribers_pages_fit_and_are_accessible(visit):
    page = visit(**STILL)
    sign_in(page, "owner@demo.example")
    walk(page, INSIDE)
    page.goto("/invoices")
    page.locator("table a").first.click()
    page.wait_for_url("**/invoices/in_*")
    look(page)
    page.goto("/cancellation")
    page.get_by_label("It costs too much").check()
    look(page)


def test_the_pages_of_a_purchase(visit):
    page = visit(**STILL)
    sign_in(page, "owner@demo.example")
    page.goto("/purchases")
    page.get_by_role("link", name="Buy Credit pack").click()
    look(page)
    page.get_by_role("button", name="Go on to pay").click()
    look(page)
    page.get_by_role("button", name="Pay", exact=False).last.click()
    page.wait_for_load_state()
    look(page)
    page.goto("/purchases")
    look(page)


def test_the_pages_of_an_account_without_a_subscription(visit):
    page = visit(**STILL)
    sign_in(page, "new@demo.example")
    walk(page, WITHOUT_SUBSCRIPTION)


def test_the_pages_of_staff(visit):
    page = visit(**STILL)
    sign_in(page, "finance@demo.example")
    walk(page, ("/", "/plans", "/settings"))
