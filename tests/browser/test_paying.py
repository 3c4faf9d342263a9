"""A payment that failed, settled in a real browser: with the backup card, and with a new one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import assert_accessible, assert_fits
from tests.browser.subscriber import FAILS, charge_in_absence, subscribe, use_card

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]


def test_one_press_on_the_overview_pays_with_the_other_card(visit, demo):
    page = visit(width=360)
    subscription = subscribe(page, demo.sandbox, "backup@hopper.example")
    use_card(demo.sandbox, subscription, FAILS)
    charge_in_absence(page, demo.sandbox, subscription, "The bank declined it")
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("button", name=re.compile("with Visa ending 4242 instead")).click()
    expect(page.get_by_role("main")).to_contain_text("Paid. Business is active again.")


def test_a_new_card_is_saved_and_pays_in_one_press(visit, demo):
    page = visit()
    subscription = subscribe(page, demo.sandbox, "newcard@hopper.example")
    use_card(demo.sandbox, subscription, FAILS)
    charge_in_absence(page, demo.sandbox, subscription, "The bank declined it")
    page.get_by_role("link", name="Pay another way").click()
    page.get_by_role("link", name="Pay with a new card").click()
    card = page.frame_locator("iframe").first
    # Typing does not wait for a field to be shown; a click does.
    for label, text in (
        ("Card number", "5555555555554444"),
        (re.compile("Expir"), "12 / 34"),
        (re.compile("CVC|Security"), "123"),
    ):
        field = card.get_by_label(label)
        field.click()
        field.press_sequentially(text)
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("button", name=re.compile("Save and pay")).click()
    expect(page.get_by_role("main")).to_contain_text("Paid. Business is active again.")
    page.goto("/payment-methods")
    expect(page.get_by_role("main")).to_contain_text("Mastercard ending 4444")
