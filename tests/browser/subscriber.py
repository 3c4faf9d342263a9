"""A new subscriber in the running demo, and what happens to their payments at Stripe."""

from __future__ import annotations

from contextlib import suppress

import stripe
from playwright.sync_api import Page

from tests.browser.test_main_job import pay_at_checkout, register

ASKS_EVERY_TIME = "pm_card_threeDSecure2Required"
FAILS = "pm_card_chargeCustomerFail"


def client_of(sandbox: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_sandbox",
        http_client=stripe.RequestsClient(),
        base_addresses={"api": sandbox},
    )


def subscribe(page: Page, sandbox: str, email: str) -> str:
    """A new subscriber on Business, whose card pays; the subscription's id."""
    register(page, email, f"Company of {email}")
    page.goto("/plans")
    page.locator(".plan").filter(has_text="Business").get_by_role("button").click()
    pay_at_checkout(page)
    page.wait_for_url("**/subscription")
    client = client_of(sandbox)
    found = client.v1.subscriptions.list({"expand": ["data.customer"], "limit": 100}).data
    return next(str(one.id) for one in found if one.customer.email == email)


def use_card(sandbox: str, subscription_id: str, card: str) -> None:
    """The subscription is charged to that test card from now on."""
    client = client_of(sandbox)
    customer = client.v1.subscriptions.retrieve(subscription_id).customer
    method = client.v1.payment_methods.attach(card, {"customer": str(customer)})
    client.v1.subscriptions.update(subscription_id, {"default_payment_method": method.id})


def charge_in_absence(page: Page, sandbox: str, subscription_id: str, told: str) -> None:
    """A payment is due while nobody is there; ends on the overview, once that says `told`."""
    client = client_of(sandbox)
    item = client.v1.subscriptions.retrieve(subscription_id)["items"].data[0]
    with suppress(stripe.CardError):
        client.v1.subscriptions.update(
            subscription_id,
            {
                "items": [{"id": item.id, "quantity": 2}],
                "proration_behavior": "always_invoice",
                "payment_behavior": "allow_incomplete",
            },
        )
    # The webhook is on its way.
    for _ in range(100):
        page.goto("/", wait_until="load")
        if told in page.get_by_role("main").inner_text():
            return
    raise AssertionError(
        f"the overview never said {told!r}: {page.get_by_role('main').inner_text()}"
    )
