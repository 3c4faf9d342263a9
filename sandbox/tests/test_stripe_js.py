"""The stand-in for Stripe.js, in a real browser on a merchant's page of another origin."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from sandbox.tests.live import chromium, live, live_client, page, shop

__all__ = ["chromium", "live", "live_client", "page", "shop"]
pytestmark = pytest.mark.browser

INCOMPLETE = "Your card number is incomplete."


@pytest.fixture
def setup(live_client: Any) -> Any:
    """A SetupIntent of a customer."""
    customer = live_client.v1.customers.create({"email": "ada@example.com"})
    return live_client.v1.setup_intents.create({"customer": customer.id})


def visit(page: Page, shop: Any, secret: str, **asked: str) -> FrameLocator:
    """Open the shop with the Payment Element for an intent; the element's frame."""
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    page.goto(f"{shop.address}/?secret={secret}&{query}")
    return page.frame_locator("#payment iframe")


def type_card(frame: FrameLocator, number: str = "4242424242424242") -> None:
    # Typing does not wait for a field to be shown; a click does.
    frame.get_by_label("Card number").click()
    frame.get_by_label("Card number").press_sequentially(number)
    frame.get_by_label("Expiry").press_sequentially("1234")
    frame.get_by_label("CVC").press_sequentially("123")


def save(page: Page) -> Any:
    """Press the shop's button and wait for what Stripe.js answers.

    By the keyboard: the form above the button may still grow, and a click would miss it.
    """
    page.get_by_role("button", name="Save").press("Enter")
    return result(page)


def result(page: Page) -> Any:
    expect(page.locator("#result")).not_to_be_empty()
    return json.loads(page.locator("#result").inner_text())


def bank(page: Page) -> FrameLocator:
    return page.frame_locator('iframe[title="Confirm with your bank"]')


def test_confirming_leads_to_the_return_url_with_the_outcome(live_client, setup, shop, page):
    frame = visit(page, shop, setup.client_secret, call="confirmSetup")
    type_card(frame)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/return?**")
    query = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
    assert query == {
        "kept": "yes",
        "setup_intent": setup.id,
        "setup_intent_client_secret": setup.client_secret,
        "redirect_status": "succeeded",
    }
    found = live_client.v1.setup_intents.retrieve(setup.id, {"expand": ["payment_method"]})
    assert found.status == "succeeded"
    assert found.payment_method.customer == setup.customer
    assert found.payment_method.card.last4 == "4242"


def test_without_need_for_a_redirect_the_page_stays(setup, shop, page):
    frame = visit(page, shop, setup.client_secret, call="confirmSetup", redirect="if_required")
    type_card(frame)
    answer = save(page)
    assert answer["setupIntent"]["status"] == "succeeded"
    assert "customer" not in answer["setupIntent"]


def test_the_shop_never_sees_the_card(setup, shop, page):
    frame = visit(page, shop, setup.client_secret, call="confirmSetup", redirect="if_required")
    type_card(frame)
    save(page)
    assert not [seen for seen in shop.seen if "4242" in seen.replace(" ", "")]
    assert "4242" not in page.locator("body").inner_html()


def test_a_declined_card_is_told_with_its_code_and_may_be_replaced(setup, shop, page):
    frame = visit(page, shop, setup.client_secret, call="confirmSetup", redirect="if_required")
    type_card(frame, "4000000000009995")
    error = save(page)["error"]
    assert (error["type"], error["code"]) == ("card_error", "card_declined")
    assert error["decline_code"] == "insufficient_funds"
    assert error["message"] == "Your card has insufficient funds."
    frame.get_by_label("Card number").fill("4242424242424242")
    page.locator("#result").evaluate("node => { node.textContent = '' }")
    assert save(page)["setupIntent"]["status"] == "succeeded"


def test_an_unfinished_number_is_told_in_the_form(setup, shop, page):
    frame = visit(page, shop, setup.client_secret, call="confirmSetup", redirect="if_required")
    frame.get_by_label("Card number").click()
    frame.get_by_label("Card number").press_sequentially("4242")
    error = save(page)["error"]
    assert (error["type"], error["code"]) == ("validation_error", "incomplete_number")
    expect(frame.locator("#number-note")).to_have_text(INCOMPLETE)
    expect(frame.get_by_role("status")).to_have_text(INCOMPLETE)
    expect(frame.get_by_label("Card number")).to_be_focused()


def test_the_bank_asks_in_a_dialog(live_client, setup, shop, page):
    frame = visit(page, shop, setup.client_secret, call="confirmSetup", redirect="if_required")
    type_card(frame, "4000002500003155")
    page.get_by_role("button", name="Save").click()
    expect(bank(page).get_by_role("heading", name="Confirm your card")).to_be_visible()
    bank(page).get_by_role("button", name="Complete authentication").click()
    assert result(page)["setupIntent"]["status"] == "succeeded"
    expect(page.locator("dialog")).to_have_count(0)


@pytest.mark.parametrize("how", ["fail", "escape"])
def test_a_failed_or_left_authentication_is_an_error(live_client, setup, shop, page, how):
    frame = visit(page, shop, setup.client_secret, call="confirmSetup", redirect="if_required")
    type_card(frame, "4000002500003155")
    page.get_by_role("button", name="Save").click()
    refuse = bank(page).get_by_role("button", name="Fail authentication")
    expect(refuse).to_be_visible()
    if how == "fail":
        refuse.click()
    else:
        # Its script, which hears the key, has run once the frame is loaded.
        page.frame(url=re.compile("/bank/")).wait_for_load_state("load")
        page.keyboard.press("Escape")
    error = result(page)["error"]
    assert error["code"] == "setup_intent_authentication_failure"
    assert "unable to authenticate" in error["message"]
    status = live_client.v1.setup_intents.retrieve(setup.id).status
    assert status == "requires_payment_method"


def test_paying_an_intent(live_client, shop, page):
    intent = live_client.v1.payment_intents.create({"amount": 1250, "currency": "eur"})
    frame = visit(page, shop, intent.client_secret, call="confirmPayment", redirect="if_required")
    type_card(frame)
    assert save(page)["paymentIntent"]["status"] == "succeeded"
    assert live_client.v1.payment_intents.retrieve(intent.id).amount_received == 1250


def test_an_intent_that_waits_for_the_bank_is_taken_up_again(live_client, shop, page):
    customer = live_client.v1.customers.create({"email": "ada@example.com"})
    live_client.v1.payment_methods.attach(
        "pm_card_authenticationRequired", {"customer": customer.id}
    )
    method = live_client.v1.customers.payment_methods.list(customer.id).data[0]
    intent = live_client.v1.payment_intents.create(
        {
            "amount": 900,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": method.id,
            "confirm": True,
            "return_url": f"{shop.address}/return",
        }
    )
    assert intent.status == "requires_action"
    visit(page, shop, intent.client_secret, call="none")
    page.evaluate(
        "secret => { stripe.confirmCardPayment(secret).then(show) }", intent.client_secret
    )
    bank(page).get_by_role("button", name="Complete authentication").click()
    assert result(page)["paymentIntent"]["status"] == "succeeded"


def test_an_intent_can_be_looked_up_without_a_form(setup, shop, page):
    visit(page, shop, setup.client_secret, call="none")
    page.evaluate(
        "secret => { stripe.retrieveSetupIntent(secret).then(show) }", setup.client_secret
    )
    assert result(page)["setupIntent"]["id"] == setup.id


def test_only_what_the_intent_allows_is_offered(live_client, shop, page):
    setup = live_client.v1.setup_intents.create({"allowed_payment_method_types": ["card"]})
    frame = visit(page, shop, setup.client_secret, call="confirmSetup")
    expect(frame.get_by_label("Card number")).to_be_visible()
    expect(frame.get_by_role("radio")).to_have_count(0)


def test_a_bank_account_is_saved(live_client, setup, shop, page):
    frame = visit(page, shop, setup.client_secret, call="confirmSetup", redirect="if_required")
    frame.get_by_role("radio", name="US bank account").check()
    frame.get_by_label("Name on the account").fill("Ada Lovelace")
    frame.get_by_label("Routing number").fill("110000000")
    frame.get_by_label("Account number").fill("000123456789")
    assert save(page)["setupIntent"]["status"] == "succeeded"
    found = live_client.v1.setup_intents.retrieve(setup.id, {"expand": ["payment_method"]})
    assert found.payment_method.type == "us_bank_account"


def test_the_form_tells_the_page_when_it_is_ready_and_complete(setup, shop, page):
    frame = visit(page, shop, setup.client_secret, call="confirmSetup")
    type_card(frame)
    expect(page.locator("#events")).to_contain_text('"complete":true')
    events = json.loads(page.locator("#events").inner_text())
    assert events[0]["name"] == "change" or events[0]["name"] == "ready"
    assert {event["name"] for event in events} >= {"ready", "change", "focus"}


def test_the_keyboard_alone_is_enough(setup, shop, page):
    frame = visit(page, shop, setup.client_secret, call="confirmSetup", redirect="if_required")
    expect(frame.get_by_label("Card number")).to_be_visible()
    page.keyboard.press("Tab")
    expect(frame.get_by_role("radio", name="Card")).to_be_focused()
    page.keyboard.press("Tab")
    for text in ("4242424242424242", "1234", "123"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    expect(frame.get_by_label("Country or region")).to_be_focused()
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    assert result(page)["setupIntent"]["status"] == "succeeded"


def test_a_wrong_secret_is_told_in_the_form(setup, shop, page):
    frame = visit(page, shop, f"{setup.id}_secret_wrong", call="confirmSetup")
    expect(frame.get_by_role("status")).to_contain_text("does not match any intent")


def test_a_live_key_is_refused(shop, page):
    page.goto(shop.address)
    message = page.evaluate("() => { try { Stripe('pk_live_x') } catch (e) { return e.message } }")
    assert "no live keys" in message


DEFERRED = """() => {
  window.elements = stripe.elements({ mode: "setup", currency: "eur", appearance: {
    theme: "night", variables: { colorPrimary: "rgb(1, 2, 3)", colorText: "red; } body { x" } } });
  window.elements.create("payment").mount("#payment");
}"""


def test_a_form_may_come_before_its_intent(live_client, setup, shop, page):
    page.goto(f"{shop.address}/")
    page.evaluate(DEFERRED)
    frame = page.frame_locator("#payment iframe")
    expect(frame.get_by_role("radio", name="SEPA Direct Debit")).to_be_visible()
    answer = page.evaluate("() => elements.submit()")
    assert answer["error"]["code"] == "incomplete_number"
    type_card(frame)
    assert page.evaluate("() => elements.submit()") == {"selectedPaymentMethod": "card"}
    confirm = (
        "clientSecret => stripe.confirmSetup({elements, clientSecret, redirect: 'if_required'})"
    )
    answer = page.evaluate(confirm, setup.client_secret)
    assert answer["setupIntent"]["status"] == "succeeded"


def test_the_pages_colours_reach_the_form_but_nothing_else(shop, page):
    page.goto(f"{shop.address}/")
    page.evaluate(DEFERRED)
    frame = page.frame_locator("#payment iframe")
    expect(frame.get_by_label("Card number")).to_be_visible()
    style = frame.locator("html").evaluate("node => node.style.cssText")
    assert "rgb(1, 2, 3)" in style
    assert "red" not in style
    assert frame.locator("html").get_attribute("data-theme") == "night"


def test_a_payment_method_can_be_made_without_an_intent(live_client, shop, page):
    page.goto(f"{shop.address}/")
    page.evaluate(DEFERRED)
    type_card(page.frame_locator("#payment iframe"), "5555555555554444")
    answer = page.evaluate("() => stripe.createPaymentMethod({ elements })")
    assert "error" not in answer, answer
    found = live_client.v1.payment_methods.retrieve(answer["paymentMethod"]["id"])
    assert found.card.brand == "mastercard"


def test_a_forged_message_from_the_page_itself_is_not_heard(setup, shop, page):
    frame = visit(page, shop, setup.client_secret, call="confirmSetup", redirect="if_required")
    expect(frame.get_by_label("Card number")).to_be_visible()
    forged = """() => {
      const result = { setupIntent: { status: "succeeded", id: "forged" } };
      for (let id = 1; id < 20; id += 1) {
        window.postMessage({ source: "sandbox-frame", type: "reply", id, result }, "*");
      }
    }"""
    page.get_by_role("button", name="Save").click()
    page.evaluate(forged)
    assert result(page)["error"]["code"] == "incomplete_number"
