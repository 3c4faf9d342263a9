"""An upgrade whose payment the bank wants confirmed, in a real browser."""

from __future__ import annotations

import re

import pytest
import stripe
from playwright.sync_api import Page, expect

from tests.browser.conftest import assert_accessible, assert_fits
from tests.browser.test_main_job import pay_at_checkout, register

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]

ASKS_EVERY_TIME = "pm_card_threeDSecure2Required"


def subscribe_and_change_card(page: Page, sandbox: str, email: str) -> None:
    """A new subscriber on Starter whose card now asks the bank at every payment."""
    register(page, email, f"Company of {email}")
    page.goto("/plans")
    page.locator(".plan").filter(has_text="Starter").get_by_role("button").click()
    pay_at_checkout(page)
    page.wait_for_url("**/subscription")
    client = stripe.StripeClient(
        "sk_test_sandbox",
        http_client=stripe.RequestsClient(),
        base_addresses={"api": sandbox},
    )
    (subscription,) = [
        one
        for one in client.v1.subscriptions.list({"expand": ["data.customer"]}).data
        if one.customer.email == email
    ]
    card = client.v1.payment_methods.attach(ASKS_EVERY_TIME, {"customer": subscription.customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": card.id})


def upgrade(page: Page) -> None:
    page.goto("/plan-change/team")
    page.locator(".quote-confirm").get_by_role("button").click()
    page.wait_for_url("**/pending-change*")


def bank_says(page: Page, answer: str) -> None:
    frame = page.frame_locator('iframe[src*="/bank/"]')
    frame.get_by_role("button", name=re.compile(answer)).click()


def test_the_bank_asks_on_our_page_and_the_change_is_made_when_it_has_its_answer(visit, demo):
    page = visit()
    subscribe_and_change_card(page, demo.sandbox, "bank@hopper.example")

    upgrade(page)
    bank_says(page, "Fail")
    expect(page.get_by_role("alert")).to_contain_text("You were not charged.")
    expect(page.get_by_role("link", name="Go to the payment page")).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("button", name="Do not change").click()
    expect(page.get_by_role("main")).to_contain_text("You stay on Starter and were not charged.")

    upgrade(page)
    bank_says(page, "Complete")
    expect(page.get_by_role("main")).to_contain_text("You are now on Team.")


def test_without_scripts_the_page_leads_to_the_invoice_s_own_page(visit, demo):
    page = visit()
    subscribe_and_change_card(page, demo.sandbox, "noscript@hopper.example")
    state = page.context.storage_state()
    plain = visit(java_script_enabled=False, storage_state=state, width=360)
    upgrade(plain)
    assert_fits(plain)
    plain.get_by_role("link", name="Confirm with your bank").click()
    assert plain.url.startswith(f"{demo.sandbox}/i/")
