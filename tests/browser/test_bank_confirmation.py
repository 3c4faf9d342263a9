"""3-D Secure in a real browser: at sign-up, on a payment in one's absence, and at an upgrade."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import assert_accessible, assert_fits
from tests.browser.subscriber import ASKS_EVERY_TIME, charge_in_absence, subscribe, use_card
from tests.browser.test_main_job import pay_at_checkout, register

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]


def upgrade(page: Page) -> None:
    confirm = page.locator(".quote-confirm").get_by_role("button")
    # The webhook of the card just attached is on its way; until then there is nothing to pay with.
    for _ in range(100):
        page.goto("/plan-change/business?interval=year")
        if confirm.count():
            break
    confirm.click()
    page.wait_for_url("**/bank-confirmation*")


def bank_says(page: Page, answer: str) -> None:
    frame = page.frame_locator('iframe[src*="/bank/"]')
    frame.get_by_role("button", name=re.compile(answer)).click()


def test_at_sign_up_the_bank_asks_before_the_plan_starts(visit, demo):
    page = visit()
    register(page, "signup@hopper.example", "Sign-up Computing")
    page.goto("/plans")
    page.locator(".plan").filter(has_text="Business").get_by_role("button").click()
    pay_at_checkout(page, "4000002760003184")
    page.get_by_role("button", name=re.compile("Complete")).click()
    page.wait_for_url("**/subscription")
    expect(page.get_by_role("main")).to_contain_text("Business")


def test_a_payment_in_ones_absence_is_confirmed_from_the_overview_in_one_press(visit, demo):
    page = visit()
    subscription = subscribe(page, demo.sandbox, "absent@hopper.example")
    use_card(demo.sandbox, subscription, ASKS_EVERY_TIME)
    charge_in_absence(page, demo.sandbox, subscription, "Your bank asks you to confirm the payment")
    assert_accessible(page)
    assert_fits(page)

    page.get_by_role("link", name="Confirm with your bank").click()
    bank_says(page, "Fail")
    main = page.get_by_role("main")
    expect(main).to_contain_text("The bank could not confirm that it was you.")
    assert_accessible(page)

    # The same card again, and this time the bank is told that it is right.
    page.get_by_label("Visa ending 3220").check()
    page.get_by_role("button", name=re.compile(r"^Pay \$[\d.,]+$")).click()
    bank_says(page, "Complete")
    expect(main).to_contain_text("Business is active again.")
    expect(main).to_contain_text("Paid")


def test_at_an_upgrade_the_change_is_made_when_the_bank_has_its_answer(visit, demo):
    page = visit()
    subscription = subscribe(page, demo.sandbox, "bank@hopper.example")
    use_card(demo.sandbox, subscription, ASKS_EVERY_TIME)

    upgrade(page)
    bank_says(page, "Fail")
    main = page.get_by_role("main")
    expect(main).to_contain_text("The bank could not confirm that it was you.")
    expect(main).to_contain_text("You were not charged yet.")
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("button", name="Do not change").click()
    expect(main).to_contain_text("You stay on Business and were not charged.")

    upgrade(page)
    bank_says(page, "Complete")
    expect(main).to_contain_text("You are now on Business.")


def test_without_scripts_the_page_leads_to_the_invoice_s_own_page(visit, demo):
    page = visit()
    subscription = subscribe(page, demo.sandbox, "noscript@hopper.example")
    use_card(demo.sandbox, subscription, ASKS_EVERY_TIME)
    state = page.context.storage_state()
    plain = visit(java_script_enabled=False, storage_state=state, width=360)
    upgrade(plain)
    assert_fits(plain)
    plain.get_by_role("link", name="Confirm with your bank").click()
    assert plain.url.startswith(f"{demo.sandbox}/i/")
