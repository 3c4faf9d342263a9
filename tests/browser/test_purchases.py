"""Buying with a card that is not saved, and staying for an offer, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import assert_accessible, assert_fits
from tests.browser.test_main_job import pay_at_checkout, register

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]


def type_card(page: Page, number: str) -> None:
    """Types a card into Stripe's form."""
    card = page.frame_locator("iframe").first
    card.get_by_label("Card number").click()
    card.get_by_label("Card number").press_sequentially(number)
    card.get_by_label("Expiry").press_sequentially("1234")
    card.get_by_label("CVC").press_sequentially("123")


def test_a_credit_pack_is_bought_with_a_new_card_after_a_declined_one(visit):
    page = visit()
    register(page, "radia@perlman.example", "Perlman Networks")
    page.get_by_role("link", name="Purchases").click()
    page.get_by_role("link", name="Buy Credit pack").click()
    page.get_by_label("How many").fill("2")
    page.get_by_role("button", name="Update").click()
    expect(page.get_by_role("main")).to_contain_text("Total, charged once")
    assert_accessible(page)
    page.get_by_role("button", name="Go on to pay $40.00").click()
    page.get_by_role("link", name="Pay with a card").click()
    type_card(page, "4000000000009995")
    page.get_by_role("button", name="Pay $40.00").click()
    expect(page.get_by_role("alert")).to_contain_text("You were not charged.")
    assert_accessible(page)
    assert_fits(page)
    page.reload()
    type_card(page, "4242424242424242")
    page.get_by_role("button", name="Pay $40.00").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("$40.00 paid, thank you")
    expect(page.get_by_role("main")).to_contain_text("You have 2,000 credits from it.")
    assert_accessible(page)
    page.go_back()
    page.goto("/purchases")
    expect(page.get_by_role("row").filter(has_text="Credit pack")).to_have_count(1)
    with page.expect_navigation():
        page.get_by_role("link", name=re.compile("Receipt for Credit pack")).click()
    expect(page.get_by_text("Receipt for $40.00")).to_be_visible()


def test_who_finds_it_too_expensive_stays_for_less_without_scripts_too(visit):
    page = visit()
    register(page, "mary@keller.example", "Keller Computing")
    page.goto("/plans")
    page.locator(".plan").filter(has_text="Business").get_by_role("button").click()
    pay_at_checkout(page)
    page.wait_for_url("**/subscription")
    state = page.context.storage_state()
    plain = visit(java_script_enabled=False, storage_state=state, width=360)
    plain.goto("/cancellation")
    expect(plain.get_by_text("Stay for less")).to_be_hidden()
    plain.get_by_label("It is too complicated").check()
    expect(plain.get_by_text("We may be able to help").locator("visible=true")).to_have_count(1)
    plain.get_by_label("It costs too much").check()
    expect(plain.get_by_text("We may be able to help").locator("visible=true")).to_have_count(0)
    expect(plain.get_by_text("Stay for less")).to_contain_text("$79.20 instead of $99.00")
    expect(plain.get_by_role("button", name="Cancel Business")).to_be_visible()
    assert_fits(plain)
    plain.get_by_role("button", name="Keep Business for $79.20").click()
    expect(plain.get_by_role("main")).to_contain_text("you pay $79.20 instead of $99.00")
    page.goto("/cancellation")
    page.get_by_label("It costs too much").check()
    expect(page.get_by_text("Stay for less")).to_have_count(0)
    assert_accessible(page)
