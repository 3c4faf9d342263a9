"""Every page at three widths, light and dark: it fits, axe finds nothing, the console is silent."""

from __future__ import annotations

import pytest

from tests.browser.conftest import assert_accessible, assert_fits, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]

SIZES = [(360, "dark"), (768, "light"), (1280, "light")]
OUTSIDE = ("/", "/plans", "/plans?interval=year", "/login", "/register", "/reset", "/dev/mail")
INSIDE = (
    "/",
    "/plans",
    "/plans?interval=year",
    "/subscription",
    "/plan-change/business",
    "/plan-change/starter",
    "/seats",
    "/cancellation",
    "/payment-methods",
    "/payment-methods/new",
    "/invoices",
    "/invoices?q=nothing-like-this",
    "/billing-details",
    "/members",
    "/settings",
)


# Axe is slow and sees the same page at every width: once in the dark and once in the light.
EXAMINED = {(360, "dark"), (1280, "light")}


def check(page, paths, size):
    for path in paths:
        page.goto(path, wait_until="networkidle" if path.endswith("/new") else "load")
        assert_fits(page)
        if size in EXAMINED:
            assert_accessible(page)


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_pages_outside_fit_and_are_accessible(visit, width, scheme):
    check(visit(width, color_scheme=scheme), OUTSIDE, (width, scheme))


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_a_subscribers_pages_fit_and_are_accessible(visit, width, scheme):
    page = visit(width, color_scheme=scheme)
    sign_in(page, "owner@demo.example")
    check(page, INSIDE, (width, scheme))
    page.goto("/invoices")
    page.locator("table a").first.click()
    page.wait_for_url("**/invoices/in_*")
    assert_fits(page)
    assert_accessible(page)


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_the_pages_of_an_account_without_a_subscription(visit, width, scheme):
    page = visit(width, color_scheme=scheme)
    sign_in(page, "new@demo.example")
    check(page, ["/", "/plans", "/subscription", "/payment-methods", "/invoices"], (width, scheme))
