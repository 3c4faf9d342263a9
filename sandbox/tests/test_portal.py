"""The Billing Portal: its sessions by the API, its pages as a customer uses them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

BACK = "https://shop.example/account"
CARD = {"exp": "12 / 34", "cvc": "123", "name": "Ada Lovelace", "country": "DE"}
NEXT_MONTH = 1_780_315_200  # 1 June 2026, 12:00 UTC: a month after the test clock


@pytest.fixture
def browser(app: Any) -> Any:
    """A person's browser without JavaScript."""
    return app.test_client()


@pytest.fixture
def shop(stripe_client: stripe.StripeClient) -> dict[str, Any]:
    """A customer on Starter ($10 a month), and Team ($30 a month) to change to."""
    v1 = stripe_client.v1
    prices = {}
    for name, amount in (("Starter", 1000), ("Team", 3000)):
        product = v1.products.create({"name": name})
        prices[name] = v1.prices.create(
            {
                "product": product.id,
                "currency": "usd",
                "unit_amount": amount,
                "recurring": {"interval": "month"},
            }
        )
    customer = v1.customers.create({"email": "ada@example.com", "name": "Ada"})
    method = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    subscription = v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": prices["Starter"].id}]}
    )
    return {"customer": customer, "subscription": subscription, "method": method, **prices}


def configure(client: stripe.StripeClient, shop: dict[str, Any], **features: Any) -> str:
    """A configuration with everything on; `features` change single ones."""
    products = [
        {"product": shop[name].product, "prices": [shop[name].id]} for name in ("Starter", "Team")
    ]
    every = {
        "customer_update": {
            "enabled": True,
            "allowed_updates": ["name", "email", "address", "phone", "tax_id"],
        },
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True},
        "subscription_cancel": {
            "enabled": True,
            "cancellation_reason": {"enabled": True, "options": ["too_expensive", "other"]},
        },
        "subscription_pause": {"enabled": True},
        "subscription_update": {
            "enabled": True,
            "default_allowed_updates": ["price", "quantity"],
            "products": products,
            "proration_behavior": "always_invoice",
        },
    }
    created = client.v1.billing_portal.configurations.create({"features": every | features})
    return created.id


def start(client: stripe.StripeClient, shop: dict[str, Any], **params: Any) -> Any:
    return client.v1.billing_portal.sessions.create(
        {"customer": shop["customer"].id, "return_url": BACK, **params}
    )


def path(session: Any) -> str:
    return urlsplit(session.url).path


def link(page: str, text: str) -> str:
    """Where the link or form that shows `text` leads."""
    found = re.search(rf'href="([^"]+)"[^>]*>(?:(?!</a>).)*{re.escape(text)}', page, re.DOTALL)
    form = re.search(rf'action="([^"]+)"[^>]*>(?:(?!</form>).)*{re.escape(text)}', page, re.DOTALL)
    match = found or form
    assert match, f"no way to {text}"
    return match[1]


def test_the_home_page_shows_plan_card_details_and_invoices(stripe_client, shop, browser):
    session = start(stripe_client, shop)
    page = browser.get(path(session)).text
    for text in ("Starter", "$10.00 per month", "Renews on 1 June 2026", "Visa ending 4242"):
        assert text in page
    assert "ada@example.com" in page
    assert f'href="{BACK}"' in page
    invoice = stripe_client.v1.invoices.list().data[0]
    assert invoice.hosted_invoice_url in page


def test_cancelling_sets_the_date_alone_and_can_be_taken_back(stripe_client, shop, browser):
    configuration = configure(stripe_client, shop)
    session = start(stripe_client, shop, configuration=configuration)
    cancel = link(browser.get(path(session)).text, "Cancel plan")
    assert "You keep it until 1 June 2026" in browser.get(cancel).text
    form = {"feedback": "too_expensive", "comment": "Sorry", "action": "cancel"}
    page = browser.post(cancel, data=form, follow_redirects=True).text
    assert "Ends on 1 June 2026." in page
    found = stripe_client.v1.subscriptions.retrieve(shop["subscription"].id)
    assert (found.status, found.cancel_at, found.cancel_at_period_end) == (
        "active",
        NEXT_MONTH,
        False,
    )
    assert found.cancellation_details.feedback == "too_expensive"
    assert found.cancellation_details.comment == "Sorry"
    browser.post(link(page, "Don't cancel plan".replace("'", "'")))
    assert stripe_client.v1.subscriptions.retrieve(found.id).cancel_at is None


def test_a_change_costs_what_was_shown(stripe_client, shop, browser):
    configuration = configure(stripe_client, shop)
    session = start(stripe_client, shop, configuration=configuration)
    update = link(browser.get(path(session)).text, "Update plan")
    assert "Team" in browser.get(update).text
    confirm = update.replace("/update", "/confirm")
    page = browser.get(confirm, query_string={"price": shop["Team"].id, "quantity": "2"}).text
    assert "Due today" in page
    assert "$50.00" in page
    answer = browser.post(confirm, data={"price": shop["Team"].id, "quantity": "2"})
    assert answer.status_code == 303
    found = stripe_client.v1.subscriptions.retrieve(
        shop["subscription"].id, {"expand": ["latest_invoice"]}
    )
    assert found["items"].data[0].price.id == shop["Team"].id
    assert found["items"].data[0].quantity == 2
    assert found.latest_invoice.amount_paid == 5000


def test_a_declined_change_leaves_the_plan_as_it_was(stripe_client, shop, browser):
    v1 = stripe_client.v1
    method = v1.payment_methods.attach(
        "pm_card_chargeCustomerFail", {"customer": shop["customer"].id}
    )
    v1.customers.update(
        shop["customer"].id, {"invoice_settings": {"default_payment_method": method.id}}
    )
    session = start(stripe_client, shop, configuration=configure(stripe_client, shop))
    update = link(browser.get(path(session)).text, "Update plan")
    answer = browser.post(update.replace("/update", "/confirm"), data={"price": shop["Team"].id})
    assert answer.status_code == 422
    assert "Your card was declined. Your plan is unchanged." in answer.text
    found = v1.subscriptions.retrieve(shop["subscription"].id)
    assert found["items"].data[0].price.id == shop["Starter"].id
    assert found.status == "active"


def test_a_smaller_plan_waits_for_the_period_to_end_where_configured(stripe_client, shop, browser):
    feature = {
        "enabled": True,
        "default_allowed_updates": ["price"],
        "products": [
            {"product": shop[name].product, "prices": [shop[name].id]}
            for name in ("Starter", "Team")
        ],
        "proration_behavior": "always_invoice",
        "schedule_at_period_end": {"conditions": [{"type": "decreasing_item_amount"}]},
    }
    configuration = configure(stripe_client, shop, subscription_update=feature)
    stripe_client.v1.subscription_items.update(
        shop["subscription"]["items"].data[0].id, {"price": shop["Team"].id}
    )
    session = start(stripe_client, shop, configuration=configuration)
    update = link(browser.get(path(session)).text, "Update plan")
    confirm = update.replace("/update", "/confirm")
    page = browser.get(confirm, query_string={"price": shop["Starter"].id}).text
    assert "takes place on 1 June 2026" in page
    browser.post(confirm, data={"price": shop["Starter"].id})
    found = stripe_client.v1.subscriptions.retrieve(
        shop["subscription"].id, {"expand": ["schedule"]}
    )
    assert found["items"].data[0].price.id == shop["Team"].id
    assert found.schedule.phases[1]["items"][0].price == shop["Starter"].id
    assert found.schedule.phases[1].start_date == NEXT_MONTH


def test_a_new_card_becomes_the_default(stripe_client, shop, browser):
    session = start(stripe_client, shop)
    add = link(browser.get(path(session)).text, "Add")
    assert "Enter your card number." in browser.post(add, data=CARD).text
    declined = browser.post(add, data=CARD | {"number": "4000000000000002"})
    assert "Your card was declined." in declined.text
    browser.post(add, data=CARD | {"number": "5555555555554444"})
    customer = stripe_client.v1.customers.retrieve(
        shop["customer"].id, {"expand": ["invoice_settings.default_payment_method"]}
    )
    assert customer.invoice_settings.default_payment_method.card.brand == "mastercard"


def test_a_new_card_may_ask_its_bank(stripe_client, shop, browser):
    session = start(stripe_client, shop)
    add = link(browser.get(path(session)).text, "Add")
    bank = browser.post(add, data=CARD | {"number": "4000002500003155"}).location
    refused = browser.post(
        urlsplit(bank).path + "?" + urlsplit(bank).query, data={"answer": "fail"}
    )
    assert "unable to authenticate" in browser.get(refused.location).text
    bank = browser.post(add, data=CARD | {"number": "4000002500003155"}).location
    done = browser.post(
        urlsplit(bank).path + "?" + urlsplit(bank).query, data={"answer": "complete"}
    )
    page = browser.get(done.location, follow_redirects=True).text
    assert "Visa ending 3155" in page
    customer = stripe_client.v1.customers.retrieve(shop["customer"].id)
    assert customer.invoice_settings.default_payment_method != shop["method"].id


def test_a_card_can_be_removed(stripe_client, shop, browser):
    session = start(stripe_client, shop)
    browser.post(f"{path(session)}/payment-methods/{shop['method'].id}/remove")
    assert stripe_client.v1.payment_methods.retrieve(shop["method"].id).customer is None


def test_another_customers_card_and_plan_are_out_of_reach(stripe_client, shop, browser):
    stranger = stripe_client.v1.customers.create({"email": "eve@example.com"})
    session = start(stripe_client, {"customer": stranger})
    browser.post(f"{path(session)}/payment-methods/{shop['method'].id}/remove")
    assert stripe_client.v1.payment_methods.retrieve(shop["method"].id).customer
    theirs = f"{path(session)}/subscriptions/{shop['subscription'].id}/cancel"
    assert browser.post(theirs, data={"action": "cancel"}).status_code == 410
    assert stripe_client.v1.subscriptions.retrieve(shop["subscription"].id).cancel_at is None


def test_billing_details_and_a_tax_id_are_saved(stripe_client, shop, browser):
    configuration = configure(stripe_client, shop)
    session = start(stripe_client, shop, configuration=configuration)
    details = link(browser.get(path(session)).text, "Update</a>")
    form = {
        "name": "Northwind GmbH",
        "email": "billing@northwind.example",
        "line1": "Lindenstr. 4",
        "city": "Berlin",
        "postal_code": "10969",
        "country": "DE",
        "tax_id_type": "eu_vat",
        "action": "save",
    }
    wrong = browser.post(details, data=form | {"tax_id": "12"})
    assert "This is not a number of that kind." in wrong.text
    browser.post(details, data=form | {"tax_id": "DE123456789"})
    customer = stripe_client.v1.customers.retrieve(shop["customer"].id, {"expand": ["tax_ids"]})
    assert customer.name == "Northwind GmbH"
    assert customer.address.city == "Berlin"
    assert customer.tax_ids.data[0].value == "DE123456789"


def test_a_pause_and_its_end(stripe_client, shop, browser):
    configuration = configure(stripe_client, shop)
    session = start(stripe_client, shop, configuration=configuration)
    pause = link(browser.get(path(session)).text, "Pause plan")
    page = browser.post(pause, data={"action": "pause"}, follow_redirects=True).text
    assert "Nothing is charged until you resume" in page
    found = stripe_client.v1.subscriptions.retrieve(shop["subscription"].id)
    assert found.status == "paused"
    browser.post(link(page, "Resume plan"))
    assert stripe_client.v1.subscriptions.retrieve(found.id).status == "active"


def test_a_resumption_that_is_declined_leads_to_its_invoice(stripe_client, shop, browser):
    configuration = configure(stripe_client, shop)
    session = start(stripe_client, shop, configuration=configuration)
    stripe_client.v1.subscriptions.pause(
        shop["subscription"].id, {"bill_for": {"unused_time_from": {"type": "none"}}}
    )
    customer = shop["customer"].id
    card = stripe_client.v1.payment_methods.attach(
        "pm_card_chargeCustomerFail", {"customer": customer}
    )
    stripe_client.v1.subscriptions.update(
        shop["subscription"].id, {"default_payment_method": card.id}
    )
    answer = browser.post(link(browser.get(path(session)).text, "Resume plan"))
    found = stripe_client.v1.subscriptions.retrieve(
        shop["subscription"].id, {"expand": ["latest_invoice"]}
    )
    assert found.status == "paused"
    assert answer.location == found.latest_invoice.hosted_invoice_url
    form = CARD | {"number": "4242424242424242", "name": "Ada", "country": "DE"}
    browser.post(urlsplit(answer.location).path, data=form)
    assert stripe_client.v1.subscriptions.retrieve(found.id).status == "active"


@pytest.mark.parametrize(
    ("after", "lands"),
    [
        ({"type": "redirect", "redirect": {"return_url": f"{BACK}?done"}}, f"{BACK}?done"),
        ({"type": "hosted_confirmation"}, "/done"),
        (None, "/p/session/"),
    ],
)
def test_a_flow_starts_on_its_page_and_ends_where_it_says(
    stripe_client, shop, browser, after, lands
):
    flow = {
        "type": "subscription_cancel",
        "subscription_cancel": {"subscription": shop["subscription"].id},
    }
    flow |= {"after_completion": after} if after else {}
    session = start(stripe_client, shop, flow_data=flow)
    page = browser.get(path(session))
    assert page.location.endswith("/cancel")
    assert f'href="{BACK}"' in browser.get(page.location).text
    answer = browser.post(page.location, data={"action": "cancel"})
    assert lands in answer.location
    assert stripe_client.v1.subscriptions.retrieve(shop["subscription"].id).cancel_at


def test_somebody_leaving_may_take_the_offer(stripe_client, shop, browser):
    coupon = stripe_client.v1.coupons.create({"percent_off": 20, "duration": "forever"})
    retention = {"type": "coupon_offer", "coupon_offer": {"coupon": coupon.id}}
    flow = {
        "type": "subscription_cancel",
        "subscription_cancel": {
            "subscription": shop["subscription"].id,
            "retention": retention,
        },
    }
    session = start(stripe_client, shop, flow_data=flow)
    cancel = browser.get(path(session)).location
    assert "20% off" in browser.get(cancel).text
    browser.post(cancel, data={"action": "stay"})
    found = stripe_client.v1.subscriptions.retrieve(
        shop["subscription"].id, {"expand": ["discounts"]}
    )
    assert found.cancel_at is None
    assert found.discounts[0].source.coupon == coupon.id


def test_a_flow_can_ask_to_confirm_one_change(stripe_client, shop, browser):
    item = shop["subscription"]["items"].data[0]
    flow = {
        "type": "subscription_update_confirm",
        "subscription_update_confirm": {
            "subscription": shop["subscription"].id,
            "items": [{"id": item.id, "price": shop["Team"].id, "quantity": 1}],
        },
        "after_completion": {"type": "redirect", "redirect": {"return_url": BACK}},
    }
    configuration = configure(stripe_client, shop)
    session = start(stripe_client, shop, configuration=configuration, flow_data=flow)
    confirm = browser.get(path(session)).location
    assert "$20.00" in browser.get(confirm).text
    answer = browser.post(urlsplit(confirm).path, data={"price": shop["Team"].id, "quantity": "1"})
    assert answer.location == BACK
    found = stripe_client.v1.subscriptions.retrieve(shop["subscription"].id)
    assert found["items"].data[0].price.id == shop["Team"].id


@pytest.mark.parametrize("kind", ["payment_method_update", "customer_update"])
def test_flows_about_the_customer_start_on_their_page(stripe_client, shop, browser, kind):
    session = start(stripe_client, shop, flow_data={"type": kind})
    assert session.flow.type == kind
    page = browser.get(path(session), follow_redirects=True)
    assert page.status_code == 200
    assert "<form" in page.text


def test_what_the_configuration_forbids_is_neither_shown_nor_done(stripe_client, shop, browser):
    configuration = configure(
        stripe_client,
        shop,
        subscription_cancel={"enabled": False},
        payment_method_update={"enabled": False},
        subscription_update={"enabled": False},
    )
    session = start(stripe_client, shop, configuration=configuration)
    page = browser.get(path(session)).text
    assert "Cancel plan" not in page
    base = path(session)
    browser.post(f"{base}/subscriptions/{shop['subscription'].id}/cancel", data={})
    browser.post(f"{base}/payment-methods/{shop['method'].id}/remove")
    confirm = f"{base}/subscriptions/{shop['subscription'].id}/confirm"
    browser.post(confirm, data={"quantity": "9"})
    found = stripe_client.v1.subscriptions.retrieve(shop["subscription"].id)
    assert found["items"].data[0].quantity == 1
    assert found.cancel_at is None
    assert stripe_client.v1.payment_methods.retrieve(shop["method"].id).customer
    flow = {
        "type": "subscription_cancel",
        "subscription_cancel": {"subscription": shop["subscription"].id},
    }
    with pytest.raises(stripe.InvalidRequestError, match="disabled in the portal"):
        start(stripe_client, shop, configuration=configuration, flow_data=flow)


def test_a_link_works_for_an_hour_after_its_last_use(stripe_client, shop, browser, clock):
    session = start(stripe_client, shop)
    clock.advance(3000)
    assert browser.get(path(session)).status_code == 200
    clock.advance(3000)
    assert browser.get(path(session)).status_code == 200
    clock.advance(3600)
    answer = browser.get(path(session))
    assert answer.status_code == 410
    assert "This link has expired" in answer.text


def test_a_session_needs_its_customer_and_a_flow_their_own_subscription(stripe_client, shop):
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        stripe_client.v1.billing_portal.sessions.create({"customer": "cus_none"})
    stranger = stripe_client.v1.customers.create({})
    flow = {
        "type": "subscription_cancel",
        "subscription_cancel": {"subscription": shop["subscription"].id},
    }
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        start(stripe_client, {"customer": stranger}, flow_data=flow)


@pytest.mark.parametrize(("answer", "plan"), [("complete", "Team"), ("fail", "Starter")])
def test_a_change_that_the_bank_must_confirm_waits_for_it(
    stripe_client, shop, browser, answer, plan
):
    v1 = stripe_client.v1
    method = v1.payment_methods.attach(
        "pm_card_authenticationRequired", {"customer": shop["customer"].id}
    )
    v1.customers.update(
        shop["customer"].id, {"invoice_settings": {"default_payment_method": method.id}}
    )
    session = start(stripe_client, shop, configuration=configure(stripe_client, shop))
    update = link(browser.get(path(session)).text, "Update plan")
    asked = browser.post(update.replace("/update", "/confirm"), data={"price": shop["Team"].id})
    bank = urlsplit(asked.location)
    assert bank.path.startswith("/bank/")
    found = v1.subscriptions.retrieve(shop["subscription"].id)
    assert found["items"].data[0].price.id == shop["Starter"].id
    back = browser.post(f"{bank.path}?{bank.query}", data={"answer": answer})
    page = browser.get(back.location, follow_redirects=True).text
    assert (
        "Your plan is changed." if answer == "complete" else "Your bank did not confirm"
    ) in page
    found = v1.subscriptions.retrieve(shop["subscription"].id)
    assert found["items"].data[0].price.id == shop[plan].id
    assert found.status == "active"
