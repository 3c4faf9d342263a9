"""Checkout Sessions, by the API and by the page a buyer sees."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

from sandbox import duties

SUCCESS = "https://shop.example/done?session={CHECKOUT_SESSION_ID}"
CANCEL = "https://shop.example/plans"
CARD = {"exp": "12 / 34", "cvc": "123", "name": "Ada Lovelace", "country": "DE"}


@pytest.fixture
def price(stripe_client: stripe.StripeClient) -> Any:
    """$29.00 a month for Team."""
    product = stripe_client.v1.products.create({"name": "Team"})
    return stripe_client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 2900,
            "recurring": {"interval": "month"},
        }
    )


@pytest.fixture
def browser(app: Any) -> Any:
    """A person's browser without JavaScript."""
    return app.test_client()


def start(client: stripe.StripeClient, price: Any, **params: Any) -> Any:
    return client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": SUCCESS,
            "cancel_url": CANCEL,
            **params,
        }
    )


def path(session: Any) -> str:
    return urlsplit(session.url).path


def pay(browser: Any, session: Any, number: str = "4242424242424242", **fields: str) -> Any:
    form = {"number": number, "email": "ada@example.com", "action": "pay"} | CARD | fields
    return browser.post(path(session), data=form)


def types_of_events(client: stripe.StripeClient) -> list[str]:
    return [event.type for event in client.v1.events.list({"limit": 100}).data]


def test_paying_creates_the_customer_and_the_subscription_and_leads_back(
    stripe_client, price, browser
):
    session = start(stripe_client, price, client_reference_id="account-7", metadata={"k": "v"})
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert session.amount_total == 2900
    answer = pay(browser, session)
    assert answer.status_code == 303
    assert answer.location == f"https://shop.example/done?session={session.id}"
    done = stripe_client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["subscription", "customer", "invoice", "line_items"]}
    )
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert done.subscription.status == "active"
    assert done.customer.email == "ada@example.com"
    assert done.customer_details.address.country == "DE"
    assert done.invoice.status == "paid"
    assert done.invoice.total == done.amount_total
    assert done.line_items.data[0].price.id == price.id
    assert done.client_reference_id == "account-7"
    method = stripe_client.v1.payment_methods.retrieve(done.subscription.default_payment_method)
    assert method.customer == done.customer.id
    assert "checkout.session.completed" in types_of_events(stripe_client)


def test_nothing_exists_before_the_payment_or_after_a_declined_one(stripe_client, price, browser):
    session = start(stripe_client, price)
    before = types_of_events(stripe_client)
    answer = pay(browser, session, "4000000000009995")
    assert answer.status_code == 422
    page = answer.text
    assert "Your card has insufficient funds." in page
    assert 'value="4000000000009995"' in page
    assert 'value="12 / 34"' in page
    assert 'value="Ada Lovelace"' in page
    assert 'value="123"' not in page
    assert stripe_client.v1.subscriptions.list({"status": "all"}).data == []
    assert stripe_client.v1.customers.list().data == []
    assert types_of_events(stripe_client) == before
    assert pay(browser, session).status_code == 303


def test_a_second_click_buys_nothing_more(stripe_client, price, browser):
    session = start(stripe_client, price)
    first, second = pay(browser, session), pay(browser, session)
    assert first.location == second.location
    assert len(stripe_client.v1.subscriptions.list().data) == 1


def test_the_bank_is_asked_before_a_subscription_exists(stripe_client, price, browser):
    session = start(stripe_client, price)
    answer = pay(browser, session, "4000002760003184")
    assert answer.location.endswith("/bank")
    assert "Confirm $29.00" in browser.get(answer.location).text
    assert stripe_client.v1.subscriptions.list({"status": "all"}).data == []
    answer = browser.post(answer.location, data={"answer": "complete"})
    assert answer.location.startswith("https://shop.example/done")
    assert stripe_client.v1.subscriptions.list().data[0].status == "active"


def test_a_failed_authentication_leads_back_to_the_form(stripe_client, price, browser):
    session = start(stripe_client, price)
    bank = pay(browser, session, "4000002760003184", name="Grace Hopper").location
    answer = browser.post(bank, data={"answer": "fail"}, follow_redirects=True)
    assert "unable to authenticate" in answer.text
    assert "Grace Hopper" in answer.text
    assert stripe_client.v1.customers.list().data == []
    assert stripe_client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_a_trial_needs_no_payment_today(stripe_client, price, browser):
    session = start(stripe_client, price, subscription_data={"trial_period_days": 14})
    assert session.amount_total == 0
    page = browser.get(path(session)).text
    assert "14 days free" in page
    assert "$29.00 per month, starting 15 May 2026" in page
    pay(browser, session)
    done = stripe_client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert done.payment_status == "no_payment_required"
    assert done.subscription.status == "trialing"


def test_a_trial_with_a_card_that_asks_its_bank(stripe_client, price, browser):
    session = start(stripe_client, price, subscription_data={"trial_period_days": 14})
    bank = pay(browser, session, "4000002500003155").location
    browser.post(bank, data={"answer": "complete"})
    done = stripe_client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert done.subscription.status == "trialing"
    assert done.subscription.pending_setup_intent is None


def test_a_promotion_code_lowers_the_price_before_it_is_paid(stripe_client, price, browser):
    coupon = stripe_client.v1.coupons.create({"percent_off": 20, "duration": "forever"})
    stripe_client.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "SPRING"}
    )
    session = start(stripe_client, price, allow_promotion_codes=True)
    page = pay(browser, session, promotion_code="WINTER").text
    assert "This code is invalid." in page
    page = pay(browser, session, promotion_code="spring").text
    assert "$23.20" in page
    assert stripe_client.v1.subscriptions.list().data == []
    pay(browser, session)
    done = stripe_client.v1.checkout.sessions.retrieve(session.id, {"expand": ["invoice"]})
    assert (done.amount_subtotal, done.amount_total) == (2900, 2320)
    assert done.total_details.amount_discount == 580
    assert done.invoice.total == 2320


def test_tax_and_discount_are_the_invoices_to_the_cent(stripe_client, price, browser):
    rate = stripe_client.v1.tax_rates.create(
        {"display_name": "VAT", "percentage": 19, "inclusive": False}
    )
    coupon = stripe_client.v1.coupons.create({"percent_off": 33, "duration": "once"})
    session = start(
        stripe_client,
        price,
        line_items=[{"price": price.id, "quantity": 3}],
        subscription_data={"default_tax_rates": [rate.id]},
        discounts=[{"coupon": coupon.id}],
    )
    pay(browser, session)
    done = stripe_client.v1.checkout.sessions.retrieve(session.id, {"expand": ["invoice"]})
    assert done.amount_total == done.invoice.total
    assert done.total_details.amount_tax == sum(tax.amount for tax in done.invoice.total_taxes)


@pytest.mark.parametrize(
    ("balance", "applied", "due"), [(-1000, "-$10.00", 1900), (500, "$5.00", 3400)]
)
def test_the_customers_balance_is_part_of_what_is_due_today(
    stripe_client, browser, balance, applied, due
):
    v1 = stripe_client.v1
    customer = v1.customers.create({"email": "ada@example.com"})
    v1.customers.balance_transactions.create(customer.id, {"amount": balance, "currency": "usd"})
    product = v1.products.create({"name": "Team"})
    monthly = v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 2900,
            "recurring": {"interval": "month"},
        }
    )
    session = start(stripe_client, monthly, customer=customer.id)
    page = browser.get(path(session)).text.replace("\N{MINUS SIGN}", "-")
    assert f"<dt>Applied balance</dt><dd>{applied}</dd>" in page
    assert f"<dt>Due today</dt><dd>${due / 100:.2f}</dd>" in page
    assert "Then $29.00 per month." in page
    assert pay(browser, session).status_code == 303
    assert [charge.amount for charge in v1.charges.list().data] == [due]


def test_a_buyer_may_change_an_adjustable_quantity(stripe_client, price, browser):
    line = {
        "price": price.id,
        "quantity": 2,
        "adjustable_quantity": {"enabled": True, "minimum": 2, "maximum": 9},
    }
    session = start(stripe_client, price, line_items=[line])
    name = re.search(r'name="(quantity-[^"]+)"', browser.get(path(session)).text)[1]
    assert "Choose a quantity from 2 to 9." in pay(browser, session, **{name: "12"}).text
    page = pay(browser, session, action="quantity", **{name: "5"}).text
    assert "$145.00" in page
    pay(browser, session, **{name: "5"})
    subscription = stripe_client.v1.subscriptions.list().data[0]
    assert subscription["items"].data[0].quantity == 5


def test_the_customers_saved_card_pays_without_typing(stripe_client, price, browser):
    customer = stripe_client.v1.customers.create({"email": "ada@example.com", "name": "Ada"})
    method = stripe_client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    stripe_client.v1.payment_methods.update(method.id, {"allow_redisplay": "always"})
    session = start(stripe_client, price, customer=customer.id)
    page = browser.get(path(session)).text
    assert "Visa ending 4242" in page
    assert "ada@example.com" in page
    answer = browser.post(path(session), data={"saved_payment_method": method.id, "action": "pay"})
    assert answer.status_code == 303
    done = stripe_client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert done.customer == customer.id
    assert done.subscription.default_payment_method == method.id


def test_a_one_time_payment(stripe_client, browser):
    session = stripe_client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": SUCCESS,
            "line_items": [
                {
                    "price_data": {
                        "currency": "eur",
                        "unit_amount": 1250,
                        "product_data": {"name": "Sticker"},
                    },
                    "quantity": 2,
                }
            ],
            "payment_intent_data": {"metadata": {"order": "6"}},
        }
    )
    assert "€25.00" in browser.get(path(session)).text
    bank = pay(browser, session, "4000002760003184").location
    browser.post(bank, data={"answer": "complete"})
    done = stripe_client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent", "line_items"]}
    )
    assert done.payment_intent.status == "succeeded"
    assert done.payment_intent.amount_received == 2500
    assert done.payment_intent.metadata["order"] == "6"
    assert done.customer is None
    assert done.line_items.data[0].description == "Sticker"


def test_saving_a_card_without_paying(stripe_client, browser):
    customer = stripe_client.v1.customers.create({"email": "ada@example.com"})
    session = stripe_client.v1.checkout.sessions.create(
        {"mode": "setup", "currency": "usd", "customer": customer.id, "success_url": SUCCESS}
    )
    assert session.payment_status == "no_payment_required"
    pay(browser, session)
    done = stripe_client.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert done.setup_intent.status == "succeeded"
    method = stripe_client.v1.payment_methods.retrieve(done.setup_intent.payment_method)
    assert method.customer == customer.id


def test_a_session_expires_after_a_day(stripe_client, price, browser, clock):
    session = start(stripe_client, price)
    clock.advance(86_400)
    found = stripe_client.v1.checkout.sessions.retrieve(session.id)
    assert (found.status, found.url) == ("expired", None)
    answer = pay(browser, session)
    assert answer.status_code == 410
    assert "Nothing was charged" in answer.text
    assert types_of_events(stripe_client)[0] == "checkout.session.expired"


def test_only_an_open_session_can_be_expired(stripe_client, price):
    session = start(stripe_client, price)
    assert stripe_client.v1.checkout.sessions.expire(session.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError, match="Only Checkout Sessions with a status"):
        stripe_client.v1.checkout.sessions.expire(session.id)


def test_listing_finds_a_customers_sessions_and_their_lines(stripe_client, price):
    customer = stripe_client.v1.customers.create({"email": "ada@example.com"})
    mine = start(stripe_client, price, customer=customer.id)
    start(stripe_client, price)
    found = stripe_client.v1.checkout.sessions.list({"customer": customer.id})
    assert [session.id for session in found.data] == [mine.id]
    lines = stripe_client.v1.checkout.sessions.line_items.list(mine.id)
    assert lines.data[0].amount_total == 2900
    assert lines.data[0].quantity == 1


def test_metadata_is_merged_by_an_update(stripe_client, price):
    session = start(stripe_client, price, metadata={"a": "1", "b": "2"})
    changed = stripe_client.v1.checkout.sessions.update(
        session.id, {"metadata": {"a": "", "c": "3"}}
    )
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"success_url": None}, "Missing required param: success_url."),
        ({"line_items": None}, "Missing required param: line_items."),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "No such price: 'price_none'"),
        ({"mode": "payment"}, "You specified `payment` mode but passed a recurring price."),
        ({"customer": "cus_none"}, "No such customer: 'cus_none'"),
        ({"expires_at": 1_777_636_800 + 90_000}, "less than 24 hours"),
        ({"expires_at": 1_777_636_800 + 60}, "at least 30 minutes"),
        ({"automatic_tax": {"enabled": True}}, "does not cover `automatic_tax`"),
        ({"ui_mode": "elements"}, "covers `ui_mode: hosted_page` only"),
        ({"customer_creation": "always"}, "can only be used in `payment` and `setup` mode"),
        (
            {"allow_promotion_codes": True, "discounts": [{"coupon": "x"}]},
            "only specify one of these",
        ),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(stripe_client, price, change, message):
    params = {
        "mode": "subscription",
        "line_items": [{"price": price.id, "quantity": 1}],
        "success_url": SUCCESS,
    } | change
    params = {name: value for name, value in params.items() if value is not None}
    with pytest.raises(stripe.InvalidRequestError, match=re.escape(message)):
        stripe_client.v1.checkout.sessions.create(params)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"number": ""}, "Enter your card number."),
        ({"number": "4242424242424241"}, "Your card number is incorrect."),
        ({"exp": "13 / 34"}, "expiration month is invalid"),
        ({"exp": "12 / 20"}, "expiration year is invalid"),
        ({"exp": "soon"}, "Write it as MM / YY."),
        ({"cvc": "1"}, "security code is invalid"),
        ({"email": "nobody"}, "Enter your e-mail address"),
        ({"name": ""}, "Enter your name."),
    ],
)
def test_a_mistyped_field_is_told_beside_it(stripe_client, price, browser, typed, message):
    session = start(stripe_client, price)
    form = {"number": "4242424242424242"} | typed
    answer = pay(browser, session, **form)
    assert answer.status_code == 422
    assert message in answer.text.replace("&#39;", "'")


def test_an_unknown_session_is_told_kindly(browser):
    answer = browser.get("/c/pay/cs_test_none")
    assert answer.status_code == 404
    assert "There is no such checkout" in answer.text


def test_a_bank_debit_is_paid_days_later(stripe_client, price, browser, app, clock):
    session = start(stripe_client, price, allowed_payment_method_types=["card", "us_bank_account"])
    assert session.payment_method_types == ["card", "us_bank_account"]
    account = {"routing_number": "110000000", "account_number": "000123456789"}
    answer = pay(browser, session, "", type="us_bank_account", **account)
    assert answer.status_code == 303
    done = stripe_client.v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status) == ("complete", "unpaid")
    clock.advance(5 * 86_400)
    with app.storage.transaction():
        duties.perform()
    done = stripe_client.v1.checkout.sessions.retrieve(session.id, {"expand": ["invoice"]})
    assert (done.payment_status, done.invoice.status) == ("paid", "paid")
    assert "checkout.session.async_payment_succeeded" in types_of_events(stripe_client)


def test_a_price_made_for_one_session_is_subscribed_to(stripe_client, browser):
    data = {
        "currency": "usd",
        "unit_amount": 700,
        "recurring": {"interval": "week"},
        "product_data": {"name": "Weekly"},
    }
    session = stripe_client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "success_url": SUCCESS,
            "line_items": [{"price_data": data, "quantity": 1}],
        }
    )
    assert "Subscribe to Weekly" in browser.get(path(session)).text
    assert pay(browser, session).status_code == 303
    subscription = stripe_client.v1.subscriptions.list().data[0]
    assert subscription["items"].data[0].price.unit_amount == 700


def test_a_subscription_with_a_one_time_extra(stripe_client, price, browser):
    product = stripe_client.v1.products.create({"name": "Onboarding"})
    extra = stripe_client.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 5000}
    )
    lines = [{"price": price.id, "quantity": 1}, {"price": extra.id, "quantity": 1}]
    session = start(stripe_client, price, line_items=lines)
    page = browser.get(path(session)).text
    assert "$79.00" in page
    assert "Then $29.00 per month." in page
    pay(browser, session)
    done = stripe_client.v1.checkout.sessions.retrieve(session.id, {"expand": ["invoice"]})
    assert done.invoice.amount_paid == done.amount_total == 7900


def test_what_the_session_collects_is_kept(stripe_client, price, browser):
    customer = stripe_client.v1.customers.create({"email": "ada@example.com"})
    session = start(
        stripe_client,
        price,
        customer=customer.id,
        customer_update={"name": "auto", "address": "auto"},
        billing_address_collection="required",
        tax_id_collection={"enabled": True},
    )
    assert "This is needed for the invoice." in pay(browser, session).text
    address = {"line1": "Lindenstr. 4", "city": "Berlin", "postal_code": "10969"}
    company = {"business_name": "Northwind GmbH", "tax_id": "DE123456789"}
    pay(browser, session, **address, **company)
    done = stripe_client.v1.checkout.sessions.retrieve(session.id)
    assert done.customer_details.tax_ids[0].value == "DE123456789"
    found = stripe_client.v1.customers.retrieve(customer.id)
    assert (found.name, found.address.city) == ("Northwind GmbH", "Berlin")


def test_a_business_name_can_be_required(stripe_client, price, browser):
    session = start(stripe_client, price, name_collection={"business": {"enabled": True}})
    assert "Enter the name of your business." in pay(browser, session).text
    assert pay(browser, session, business_name="Northwind GmbH").status_code == 303
    assert stripe_client.v1.customers.list().data[0].name == "Northwind GmbH"


def test_a_back_link_leads_to_the_cancel_url(stripe_client, price, browser):
    assert f'href="{CANCEL}"' in browser.get(path(start(stripe_client, price))).text


def test_two_clicks_at_the_same_moment_buy_once(stripe_client, price, app):
    session = start(stripe_client, price)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: pay(app.test_client(), session), range(4)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.location for answer in answers}) == 1
    assert len(stripe_client.v1.subscriptions.list().data) == 1
    assert len(stripe_client.v1.charges.list().data) == 1
