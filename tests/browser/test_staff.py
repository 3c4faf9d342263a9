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
        "/finance/metrics > /finance/metrics/subscribers",
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


def test_support_finds_a_customer_refunds_a_payment_and_looks_as_the_customer(at_work):
    page = at_work("support")
    main = page.get_by_role("main")
    tab(page, "Customers")
    page.get_by_role("searchbox").fill("tidal works")
    page.get_by_role("button", name="Search").click()
    main.get_by_role("link", name="Tidal Works Inc.").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tidal Works Inc.")
    account = page.url

    main.locator('a[href^="/admin/invoices/in_"]').first.click()
    main.get_by_role("link", name="Refund a payment").click()
    main.get_by_label("Amount").fill("10")
    main.get_by_role("button", name="Show what would happen").click()
    expect(main).to_contain_text("What will happen today")
    look(page)
    main.get_by_role("button", name="Refund $10.00").click()
    expect(main).to_contain_text("$10.00 refunded")
    look(page)

    page.goto(account)
    main.get_by_role("link", name="View as customer").click()
    main.get_by_role("button", name="View as customer").click()
    expect(page.get_by_text("You are viewing Tidal Works Inc.")).to_be_visible()
    look(page)
    page.get_by_role("button", name="End", exact=True).click()
    expect(page.get_by_text("You are viewing")).to_have_count(0)


def test_finance_exports_a_period_that_ties_out_and_sees_who_is_behind_a_figure(at_work):
    page = at_work("finance")
    main = page.get_by_role("main")
    tab(page, "Finance")
    main.get_by_role("link", name="Tie-out").click()
    main.get_by_role("link", name="All time").click()
    expect(main.get_by_text("Ties out", exact=True)).to_have_count(3)
    look(page)
    main.locator("table.equation a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Invoices")
    with page.expect_download() as coming:
        main.get_by_role("button", name="Download CSV").click()
    rows = coming.value.path().read_text().splitlines()
    assert len(rows) > 50

    tab(page, "Finance")
    main.locator("#movements a[href*='subscribers']").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert main.locator("table a").count()
    look(page)


def test_an_admin_rehearses_a_price_and_makes_a_coupon_which_the_audit_log_tells(at_work):
    page = at_work("admin")
    main = page.get_by_role("main")
    tab(page, "Plans")
    page.goto("/admin/plans/demo_team")
    main.locator('a[href^="/admin/price-changes/new/price_"]').first.click()
    main.get_by_label("USD").fill("54")
    main.get_by_role("button", name="Rehearse it").click()
    page.wait_for_url(re.compile(r"/admin/price-changes/\d+$"))
    expect(main).to_contain_text("Each subscriber, before and after")
    expect(main).to_contain_text("New sign-ups pay $54 at once.")
    look(page)

    page.goto("/admin/coupons/new")
    main.get_by_label("Name").fill("A day's work")
    main.get_by_label("Percent off").fill("15")
    main.get_by_role("button", name="Make the coupon").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("A day's work")
    look(page)
    tab(page, "Audit log")
    expect(main.get_by_role("row").filter(has_text="Coupon: created").first).to_contain_text("Ines")
    tab(page, "Webhooks")
    expect(page.get_by_role("heading", level=1)).to_have_text("Webhooks")
