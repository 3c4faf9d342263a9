"""Each of the staff, in the demo with its company: what they see, and a day's work by clicking."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_looks import STILL, look

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("company")]

TABS = {
    "admin": ["Overview", "Plans", "Customers", "Finance", "Webhooks", "Audit log"],
    "support": ["Overview", "Customers"],
    "finance": ["Overview", "Customers", "Finance"],
}
# What each role's pages are looked at, with the work they are for. An address with " > " leads on
# by the first link whose address fits what follows.
PAGES = {
    "admin": (
        "/admin",
        "/admin/plans",
        "/admin/plans/new",
        "/admin/plans/demo_team",
        "/admin/plans/demo_team/prices/new",
        "/admin/plans/demo_team > /admin/price-changes/new/price_",
        "/admin/price-changes",
        "/admin/coupons",
        "/admin/coupons/new",
        "/admin/coupons/founders",
        "/admin/promotion-codes",
        "/admin/promotion-codes > /admin/promotion-codes/promo_",
        "/admin/webhooks",
        "/admin/webhooks > /admin/webhooks/",
        "/admin/outbox",
        "/admin/outbox > /admin/outbox/",
        "/admin/health",
        "/admin/quote-differences",
        "/admin/audit",
    ),
    "support": (
        "/admin",
        "/admin/customers",
        "/admin/customers?q=nothing-like-this",
        "/admin/customers?q=Donaudampf > /admin/customers/",
        "/admin/customers?q=Meridian > /admin/customers/",
        "/admin/customers?q=andalus > /admin/customers/",
    ),
    "finance": (
        "/admin",
        "/finance/metrics",
        "/finance/metrics?currency=jpy",
        "/finance/metrics/subscribers",
        "/finance/metrics/failed-payments",
        "/finance/invoices",
        "/finance/credit-notes",
        "/finance/refunds",
        "/finance/tie-out",
        "/finance/exports",
        "/finance/export-presets",
        "/finance/export-presets/new",
    ),
}


@pytest.fixture
def at_work(visit_company):
    """`at_work("support")` is that role's page, signed in, at its overview."""

    def begin(role: str) -> Page:
        page = visit_company(**STILL)
        sign_in(page, f"{role}@demo.example")
        page.goto("/admin")
        return page

    return begin


def tab(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=name, exact=True).first.click()
    page.wait_for_load_state()


def go(page: Page, address: str) -> None:
    """Opens an address of the table."""
    address, _, leads_on = address.partition(" > ")
    page.goto(address)
    if leads_on:
        page.locator(f'main a[href^="{leads_on}"]').first.click()
        page.wait_for_url(re.compile(re.escape(leads_on)))


@pytest.mark.parametrize("role", TABS)
def test_each_role_sees_its_own_tabs(at_work, role):
    page = at_work(role)
    bar = page.locator(".tabs").first
    assert [one.strip() for one in bar.get_by_role("link").all_inner_texts()] == TABS[role]


@pytest.mark.parametrize("role", PAGES)
def test_staffs_pages_fit_are_accessible_and_say_nothing_to_the_console(at_work, role):
    page = at_work(role)
    for address in PAGES[role]:
        go(page, address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        look(page)
