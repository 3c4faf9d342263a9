"""The sandbox's own pages in a real browser: usable, accessible, without a script error."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from sandbox.tests.live import chromium, live, live_client, page, shop

__all__ = ["chromium", "live", "live_client", "page", "shop"]
pytestmark = pytest.mark.browser

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

# What another colour scheme can break.
CONTRAST = ["color-contrast"]


@pytest.fixture
def pages(live: str, live_client: Any) -> dict[str, str]:
    """The address of each kind of page, with something to show."""
    v1 = live_client.v1
    product = v1.products.create({"name": "Team"})
    price = v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 2900,
            "recurring": {"interval": "month"},
        }
    )
    customer = v1.customers.create({"email": "ada@example.com", "name": "Ada"})
    method = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    subscription = v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id}]}
    )
    session = v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [
                {"price": price.id, "quantity": 2, "adjustable_quantity": {"enabled": True}}
            ],
            "allow_promotion_codes": True,
            "success_url": f"{live}/objects/customer",
            "cancel_url": f"{live}/",
        }
    )
    draft = v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 3}
    )
    v1.invoice_items.create(
        {"customer": customer.id, "invoice": draft.id, "amount": 900, "currency": "usd"}
    )
    invoice = v1.invoices.finalize_invoice(draft.id)
    setup = v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
            "return_url": f"{live}/",
        }
    )
    portal = v1.billing_portal.sessions.create({"customer": customer.id, "return_url": live})
    frozen = v1.test_helpers.test_clocks.create({"frozen_time": invoice.created, "name": "Leap"})
    return {
        "checkout": session.url,
        "invoice": invoice.hosted_invoice_url,
        "bank": setup.next_action.redirect_to_url.url,
        "portal": portal.url,
        "portal details": f"{portal.url}/details",
        "portal card": f"{portal.url}/payment-methods/new",
        "portal cancel": f"{portal.url}/subscriptions/{subscription.id}/cancel",
        "front": f"{live}/",
        "listing": f"{live}/objects/event",
        "object": f"{live}/objects/customer/{customer.id}",
        "test clock": f"{live}/objects/test_helpers.test_clock/{frozen.id}",
        "form": f"{live}/elements/form",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_passes_axe_and_fits_a_phone(pages, page: Page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 740})
    rules = RULES if scheme == "light" else {"runOnly": {"type": "rule", "values": CONTRAST}}
    for name, address in pages.items():
        page.goto(address)
        found = Axe().run(page, options=rules)
        problems = [
            (violation["id"], [node["html"][:120] for node in violation["nodes"]])
            for violation in found.response["violations"]
        ]
        assert not problems, f"{name}: {problems}"
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{name} is {width} wide"


def test_a_test_card_is_filled_in_by_one_click_and_pays(pages, live_client, page: Page):
    page.goto(pages["checkout"])
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_text("Test cards").click()
    page.get_by_role("button", name="Use 4242 4242 4242 4242").click()
    expect(page.get_by_label("CVC")).to_have_value("123")
    page.get_by_role("button", name="Subscribe").click()
    page.wait_for_url("**/objects/customer")
    assert len(live_client.v1.subscriptions.list().data) == 2


def test_enter_in_a_field_pays_and_shows_a_mistake_where_it_is(pages, page: Page):
    page.goto(pages["checkout"])
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Card number").press_sequentially("4242424242424241")
    expect(page.get_by_label("Card number")).to_have_value("4242 4242 4242 4241")
    page.get_by_label("Expiry").press_sequentially("1234")
    page.get_by_label("CVC").fill("123")
    page.get_by_label("Name on the card").fill("Ada")
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_label("Name on the card").press("Enter")
    expect(page.get_by_text("Your card number is incorrect.")).to_be_visible()
    expect(page.get_by_label("Card number")).to_be_focused()


def test_checkout_works_without_javascript(pages, chromium: Browser):
    context = chromium.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(pages["checkout"])
    opened.get_by_label("Quantity").fill("3")
    opened.get_by_role("button", name="Update").click()
    expect(opened.get_by_text("$87.00").first).to_be_visible()
    for label, text in (
        ("E-mail", "ada@example.com"),
        ("Card number", "4000002760003184"),
        ("Expiry", "12/34"),
        ("CVC", "123"),
        ("Name on the card", "Ada"),
    ):
        opened.get_by_label(label).fill(text)
    opened.get_by_role("button", name="Subscribe").click()
    expect(opened.get_by_role("heading", name="Confirm $87.00")).to_be_visible()
    opened.get_by_role("button", name="Complete authentication").click()
    opened.wait_for_url("**/objects/customer")
    context.close()


def test_an_event_is_sent_again_from_its_page(pages, live, live_client, page: Page):
    live_client.v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:9/hook", "enabled_events": ["customer.updated"]}
    )
    customer = live_client.v1.customers.list().data[0]
    live_client.v1.customers.update(customer.id, {"name": "Grace"})
    page.goto(f"{live}/")
    page.get_by_role("button", name="Send again").first.click()
    expect(page.get_by_role("heading", name="customer.updated")).to_be_visible()
    assert urlsplit(page.url).path.startswith("/objects/event/evt_")


def test_a_month_later_the_subscription_is_renewed(pages, live_client, page: Page):
    page.goto(pages["front"])
    time = page.get_by_role("region", name="Time")
    expect(time).to_contain_text("1 May 2026")
    move = time.get_by_role("form", name="Move the sandbox")
    move.get_by_role("button", name="+1 month").click()
    expect(time).to_contain_text("1 June 2026")
    expect(page.get_by_role("region", name="Latest events")).to_contain_text("invoice.created")
    # Its draft is charged an hour later.
    expect(time).to_contain_text("Next, in 1 hour: finalization and charge of")
    move.get_by_role("button", name="To the next event").click()
    expect(time).to_contain_text("13:00 UTC")
    subscription = live_client.v1.subscriptions.list().data[0]
    renewal = live_client.v1.invoices.retrieve(subscription.latest_invoice)
    assert (renewal.status, renewal.billing_reason) == ("paid", "subscription_cycle")
    move.get_by_label("Date to move the sandbox to").fill("2026-07-04")
    move.get_by_role("button", name="Go to date").click()
    expect(time).to_contain_text("4 July 2026")
