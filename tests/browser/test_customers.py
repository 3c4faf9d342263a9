"""Support finds a customer, reads why they have access, and looks at the portal as they do."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import sign_in
from tests.browser.test_looks import STILL, look

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]


def test_a_customer_is_found_understood_and_looked_at_as_they_look(visit):
    page = visit(**STILL)
    sign_in(page, "admin@demo.example")
    page.goto("/admin/customers")
    look(page)
    page.get_by_label("Search").fill("north")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Northwind Traders").click()
    expect(page.get_by_role("heading", name="Why does this account have access?")).to_be_visible()
    look(page)
    page.get_by_role("link", name="All of it").click()
    page.get_by_role("link", name="Invoices and payments").click()
    expect(page.get_by_text("paid").first).to_be_visible()
    look(page)
    page.get_by_role("link", name="Northwind Traders").click()
    page.get_by_role("link", name="View as customer").click()
    look(page)
    page.get_by_role("button", name="View as customer").click()
    banner = page.get_by_role("complementary", name="Viewing as a customer")
    expect(banner).to_contain_text("You are viewing Northwind Traders")
    look(page)
    page.get_by_role("link", name="Details", exact=True).click()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", name="You are only looking")).to_be_visible()
    look(page)
    banner.get_by_role("button", name="End").click()
    expect(page.get_by_role("heading", name="Northwind Traders")).to_be_visible()
    expect(banner).to_have_count(0)
