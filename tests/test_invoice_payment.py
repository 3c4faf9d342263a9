"""Paying an invoice with a saved method."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
import requests
import stripe as stripe_sdk

from billing import sync
from models import AuditEntry, Invoice, Subscription, db
from sandbox.protocol import idempotency


@pytest.fixture
def visa(stripe, customer_id):
    return stripe.v1.customers.retrieve(customer_id).invoice_settings.default_payment_method


@pytest.fixture
def invoice_id(app, stripe, customer_id):
    """An open invoice of $15.00."""
    made = stripe.v1.invoices.create(
        {
            "customer": customer_id,
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "auto_advance": False,
        }
    )
    stripe.v1.invoice_items.create(
        {"customer": customer_id, "invoice": made.id, "amount": 1500, "currency": "usd"}
    )
    stripe.v1.invoices.finalize_invoice(made.id)
    with app.app_context():
        sync.pull("invoice", made.id)
    return made.id


@pytest.fixture
def card(app, stripe, customer_id):
    """Saves a test card at Stripe and in the mirror; its id."""

    def save(token):
        made = stripe.v1.payment_methods.attach(token, {"customer": customer_id})
        with app.app_context():
            sync.pull("payment_method", made.id)
        return made.id

    return save


def text_of(answer):
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def fields_of(page):
    """The hidden fields of the payment form, as the browser would send them."""
    html = page.get_data(as_text=True)
    form = html[html.index("/payment") :]
    return {
        name: re.search(rf'name="{name}" value="([^"]*)"', form)[1]
        for name in ("attempt", "amount")
    }


def pay(browser, invoice_id, method, fields=None, **more):
    fields = fields or fields_of(browser.get(f"/invoices/{invoice_id}"))
    return browser.post(
        f"/invoices/{invoice_id}/payment", data={**fields, "payment_method": method, **more}
    )


def charges(stripe, customer_id, status="succeeded"):
    found = stripe.v1.charges.list({"customer": customer_id, "limit": 100}).data
    return len([charge for charge in found if charge.status == status])


def test_an_open_invoice_is_paid_with_the_chosen_card(
    app, owner, stripe, customer_id, invoice_id, visa
):
    before = charges(stripe, customer_id)
    answer = pay(owner, invoice_id, visa)
    assert (answer.status_code, answer.location) == (303, f"/invoices/{invoice_id}")
    assert "Paid, thank you." in text_of(owner.get(answer.location))
    assert stripe.v1.invoices.retrieve(invoice_id).status == "paid"
    assert charges(stripe, customer_id) == before + 1
    with app.app_context():
        assert db.session.get(Invoice, invoice_id).is_paid


def test_pressing_twice_charges_once(owner, stripe, customer_id, invoice_id, visa):
    fields = fields_of(owner.get(f"/invoices/{invoice_id}"))
    before = charges(stripe, customer_id)
    assert pay(owner, invoice_id, visa, fields).status_code == 303
    again = pay(owner, invoice_id, visa, fields)
    assert again.status_code == 303
    assert "not charged again" in text_of(owner.get(again.location))
    assert charges(stripe, customer_id) == before + 1


def test_an_invoice_paid_elsewhere_meanwhile_is_not_charged_again(
    app, owner, stripe, customer_id, invoice_id, visa
):
    fields = fields_of(owner.get(f"/invoices/{invoice_id}"))
    stripe.v1.invoices.pay(invoice_id, {"payment_method": visa})
    before = charges(stripe, customer_id)
    answer = pay(owner, invoice_id, visa, fields)
    assert answer.status_code == 303
    assert "not charged again" in text_of(owner.get(answer.location))
    assert charges(stripe, customer_id) == before
    with app.app_context():
        assert db.session.get(Invoice, invoice_id).is_paid


@pytest.fixture
def answer_is_lost(monkeypatch):
    """Lets the next payment happen at Stripe, but not its answer come back."""
    send, lost = requests.Session.request, []

    def request(self, method, url, *args, **kwargs):
        answer = send(self, method, url, *args, **kwargs)
        if url.endswith("/pay") and not lost:
            lost.append(url)
            raise requests.ConnectionError("the answer was lost")
        return answer

    monkeypatch.setattr(requests.Session, "request", request)


def test_the_key_is_stored_before_the_money_moves(app, owner, invoice_id, visa, answer_is_lost):
    pay(owner, invoice_id, visa)
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="invoice.payment_started").one()
        assert entry.after["idempotency_key"].startswith(f"pay:{invoice_id}:")
        assert entry.after["amount"] == 1500


def test_a_lost_answer_is_looked_up_and_pressing_again_charges_nothing_more(
    owner, stripe, customer_id, invoice_id, visa, answer_is_lost
):
    before = charges(stripe, customer_id)
    fields = fields_of(owner.get(f"/invoices/{invoice_id}"))
    answer = pay(owner, invoice_id, visa, fields)
    assert "Paid" in text_of(owner.get(answer.location))
    again = pay(owner, invoice_id, visa, fields)
    assert "not charged again" in text_of(owner.get(again.location))
    assert charges(stripe, customer_id) == before + 1


def test_without_stripe_nothing_was_tried_and_the_page_says_so(
    owner, stripe, customer_id, invoice_id, visa, stripe_is_down
):
    fields = fields_of(owner.get(f"/invoices/{invoice_id}"))
    up = stripe_is_down()
    answer = pay(owner, invoice_id, visa, fields)
    up()
    assert answer.status_code == 503
    assert "you were not charged" in text_of(answer)
    assert pay(owner, invoice_id, visa, fields_of(answer)).status_code == 303


def test_without_stripe_after_an_unknown_outcome_it_stays_unknown(
    owner, invoice_id, visa, answer_is_lost, stripe_is_down
):
    fields = fields_of(owner.get(f"/invoices/{invoice_id}"))
    pay(owner, invoice_id, visa, fields)
    stripe_is_down()
    answer = pay(owner, invoice_id, visa, fields)
    assert "do not know yet whether this went through" in text_of(answer)
    assert "not charged" not in text_of(answer)


def test_a_press_that_meets_the_first_one_under_way_does_not_say_that_nothing_was_charged(
    owner, stripe, customer_id, invoice_id, visa
):
    fields = fields_of(owner.get(f"/invoices/{invoice_id}"))
    before = charges(stripe, customer_id)
    with idempotency.in_use(f"pay:{invoice_id}:{visa}:{fields['attempt']}"):
        answer = pay(owner, invoice_id, visa, fields)
    assert answer.status_code == 503
    assert "do not know yet whether this went through" in text_of(answer)
    assert pay(owner, invoice_id, visa, fields_of(answer)).status_code == 303
    assert charges(stripe, customer_id) == before + 1


def test_a_refused_look_after_paying_does_not_say_that_nothing_was_charged(
    owner, stripe, customer_id, invoice_id, visa, monkeypatch
):
    fields = fields_of(owner.get(f"/invoices/{invoice_id}"))
    before = charges(stripe, customer_id)
    send, paid = requests.Session.request, []

    def request(self, method, url, *args, **kwargs):
        if not paid:
            answer = send(self, method, url, *args, **kwargs)
            paid.extend([url] if url.endswith("/pay") else [])
            return answer
        refused = requests.Response()
        refused.status_code, refused._content = 429, b'{"error": {"type": "rate_limit_error"}}'
        return refused

    with monkeypatch.context() as patch:
        patch.setattr(requests.Session, "request", request)
        answer = pay(owner, invoice_id, visa, fields)
    assert answer.status_code == 503
    assert "do not know yet whether this went through" in text_of(answer)
    assert charges(stripe, customer_id) == before + 1


def test_a_declined_card_leaves_the_invoice_open_and_names_other_ways(
    app, owner, stripe, customer_id, invoice_id, card
):
    bad = card("pm_card_chargeCustomerFail")
    before = charges(stripe, customer_id)
    answer = pay(owner, invoice_id, bad)
    page = text_of(answer)
    assert answer.status_code == 402
    assert "You were not charged." in page
    assert "The bank declined it and did not say why." in page
    assert "choose another saved method" in page
    with app.app_context():
        assert db.session.get(Invoice, invoice_id).hosted_invoice_url in page
    assert stripe.v1.invoices.retrieve(invoice_id).status == "open"
    assert charges(stripe, customer_id) == before
    later = text_of(owner.get(f"/invoices/{invoice_id}"))
    assert "The last payment failed." in later
    assert "This was due" not in later


def test_after_a_decline_another_card_pays(owner, stripe, invoice_id, card, visa):
    refused = pay(owner, invoice_id, card("pm_card_chargeCustomerFail"))
    assert pay(owner, invoice_id, visa, fields_of(refused)).status_code == 303
    assert stripe.v1.invoices.retrieve(invoice_id).status == "paid"


def test_the_same_card_can_be_tried_again_after_a_decline(
    owner, stripe, stripe_calls, invoice_id, card
):
    bad = card("pm_card_chargeCustomerFail")
    first = pay(owner, invoice_id, bad)
    pay(owner, invoice_id, bad, fields_of(first))
    sent = [
        call.request.headers["Idempotency-Key"]
        for call in stripe_calls
        if call.request.url.endswith("/pay")
    ]
    assert len(set(sent)) == 2


def test_a_bank_that_asks_leads_to_the_confirmation(app, owner, invoice_id, card):
    asking = card("pm_card_threeDSecure2Required")
    answer = pay(owner, invoice_id, asking)
    url = f"/invoices/{invoice_id}/bank-confirmation?confirm=now"
    assert (answer.status_code, answer.location) == (303, url)
    assert "You were not charged yet" in text_of(owner.get(url))


def test_a_bank_debit_is_on_its_way_and_is_not_asked_for_twice(
    app, owner, stripe, invoice_id, card, visa
):
    fields = fields_of(owner.get(f"/invoices/{invoice_id}"))
    answer = pay(owner, invoice_id, card("pm_usBankAccount_success"), fields)
    assert answer.status_code == 303
    page = text_of(owner.get(answer.location))
    assert "The payment is on its way." in page
    assert "Payment on its way" in page
    assert "failed" not in page
    assert 'name="attempt"' not in page
    again = pay(owner, invoice_id, visa, fields)
    assert again.status_code == 303
    assert "on its way already" in text_of(owner.get(again.location))
    with app.app_context():
        kept = str(db.session.get(Invoice, invoice_id).data)
    assert "_secret_" not in kept


def test_an_amount_that_changed_since_the_page_was_shown_is_not_charged(
    owner, stripe, customer_id, invoice_id, visa
):
    before = charges(stripe, customer_id)
    answer = pay(owner, invoice_id, visa, amount="1400")
    assert answer.status_code == 409
    assert "amount due has changed" in text_of(answer)
    assert charges(stripe, customer_id) == before


def test_an_amount_that_changed_at_stripe_meanwhile_is_shown_before_it_is_charged(
    owner, stripe, customer_id, invoice_id, visa
):
    fields = fields_of(owner.get(f"/invoices/{invoice_id}"))
    line = stripe.v1.invoices.retrieve(invoice_id).lines.data[0].id
    stripe.v1.credit_notes.create(
        {
            "invoice": invoice_id,
            "lines": [{"type": "invoice_line_item", "invoice_line_item": line, "amount": 500}],
        }
    )
    before = charges(stripe, customer_id)
    answer = pay(owner, invoice_id, visa, fields)
    assert answer.status_code == 409
    assert "amount due has changed" in text_of(answer)
    assert charges(stripe, customer_id) == before
    assert fields_of(answer)["amount"] == "1000"
    assert pay(owner, invoice_id, visa, fields_of(answer)).status_code == 303
    assert stripe.v1.charges.list({"customer": customer_id}).data[0].amount == 1000


def test_an_invoice_that_we_gave_up_on_can_still_be_paid(app, owner, stripe, invoice_id, visa):
    stripe.v1.invoices.mark_uncollectible(invoice_id)
    with app.app_context():
        sync.pull("invoice", invoice_id)
    assert "you can still pay it" in text_of(owner.get(f"/invoices/{invoice_id}"))
    answer = pay(owner, invoice_id, visa)
    assert "Paid, thank you." in text_of(owner.get(answer.location))


def test_two_tabs_charge_once(owner, stripe, customer_id, invoice_id, visa):
    one, other = (fields_of(owner.get(f"/invoices/{invoice_id}")) for _ in range(2))
    assert one["attempt"] != other["attempt"]
    before = charges(stripe, customer_id)
    for fields in (one, other):
        assert pay(owner, invoice_id, visa, fields).status_code == 303
    assert charges(stripe, customer_id) == before + 1


# Future payments ----------------------------------------------------------------------------------


def test_the_card_that_paid_is_used_from_now_on_if_wished(
    app, owner, stripe, customer_id, invoice_id, visa, card
):
    subscription = stripe.v1.subscriptions.list({"customer": customer_id}).data[0]
    stripe.v1.subscriptions.update(subscription.id, {"default_payment_method": visa})
    with app.app_context():
        sync.pull("subscription", subscription.id)
    other = card("pm_card_mastercard")
    answer = pay(owner, invoice_id, other, use_from_now_on="yes")
    page = text_of(owner.get(answer.location))
    assert "What is due from now on is charged to Mastercard ending 4444." in page
    found = stripe.v1.customers.retrieve(customer_id)
    assert found.invoice_settings.default_payment_method == other
    assert stripe.v1.subscriptions.retrieve(subscription.id).default_payment_method == other


def test_otherwise_a_card_pays_this_invoice_only(
    owner, stripe, customer_id, invoice_id, visa, card
):
    pay(owner, invoice_id, card("pm_card_mastercard"))
    found = stripe.v1.customers.retrieve(customer_id)
    assert found.invoice_settings.default_payment_method == visa


def test_a_refused_card_is_not_used_from_now_on(owner, stripe, customer_id, invoice_id, visa, card):
    bad = card("pm_card_chargeCustomerFail")
    assert pay(owner, invoice_id, bad, use_from_now_on="yes").status_code == 402
    found = stripe.v1.customers.retrieve(customer_id)
    assert found.invoice_settings.default_payment_method == visa


# A new card ---------------------------------------------------------------------------------------


def set_up(stripe, customer_id, token):
    """A setup intent as Stripe.js leaves it, confirmed with a new card or refused."""
    made = stripe.v1.setup_intents.create({"customer": customer_id})
    with suppress(stripe_sdk.CardError):
        stripe.v1.setup_intents.confirm(made.id, {"payment_method": token})
    return made.id


def pay_new(browser, invoice_id, intent, **more):
    html = browser.get(f"/invoices/{invoice_id}/payment/new-method").get_data(as_text=True)
    form = html[html.index("data-then-pay") :]
    names = ("attempt", "amount")
    fields = {name: re.search(rf'name="{name}" value="([^"]*)"', form)[1] for name in names}
    return browser.post(
        f"/invoices/{invoice_id}/payment", data={**fields, "setup_intent": intent, **more}
    )


def test_a_new_card_is_saved_and_charged_in_one_go(owner, stripe, customer_id, invoice_id, visa):
    intent = set_up(stripe, customer_id, "pm_card_mastercard")
    before = charges(stripe, customer_id)
    answer = pay_new(owner, invoice_id, intent)
    assert "Paid, thank you." in text_of(owner.get(answer.location))
    assert charges(stripe, customer_id) == before + 1
    saved = stripe.v1.payment_methods.list({"customer": customer_id}).data
    assert sorted(one.card.brand for one in saved) == ["mastercard", "visa"]
    found = stripe.v1.customers.retrieve(customer_id)
    assert found.invoice_settings.default_payment_method == visa


def test_a_new_card_that_the_bank_refuses_is_not_charged(owner, stripe, customer_id, invoice_id):
    intent = set_up(stripe, customer_id, "pm_card_chargeDeclinedInsufficientFunds")
    before = charges(stripe, customer_id)
    answer = pay_new(owner, invoice_id, intent)
    assert answer.status_code == 409
    page = text_of(answer)
    assert "The bank said: not enough funds. It was not saved" in page
    assert "you were not charged" in page
    assert charges(stripe, customer_id) == before


def test_a_new_card_is_used_from_now_on_if_wished(owner, stripe, customer_id, invoice_id):
    intent = set_up(stripe, customer_id, "pm_card_mastercard")
    assert pay_new(owner, invoice_id, intent, use_from_now_on="yes").status_code == 303
    default = stripe.v1.customers.retrieve(customer_id).invoice_settings.default_payment_method
    assert stripe.v1.payment_methods.retrieve(default).card.brand == "mastercard"


def test_another_accounts_new_card_is_not_found(owner, people, stripe, invoice_id):
    stranger = stripe.v1.customers.create({"name": "Elsewhere"})
    intent = set_up(stripe, stranger.id, "pm_card_visa")
    for unknown in (intent, "seti_unknown", "not an id"):
        assert pay_new(owner, invoice_id, unknown).status_code == 404


def test_coming_back_from_the_bank_with_a_new_card_leads_to_the_invoice(
    owner, stripe, customer_id, invoice_id
):
    intent = set_up(stripe, customer_id, "pm_card_mastercard")
    back = f"/payment-methods/return?setup_intent={intent}&invoice={invoice_id}"
    answer = owner.get(back)
    assert answer.location.startswith(f"/invoices/{invoice_id}?method=pm_")
    page = owner.get(answer.location)
    assert "You were not charged." in text_of(page)
    chosen = re.search(r'value="(pm_[^"]+)" required checked', page.get_data(as_text=True))[1]
    assert stripe.v1.payment_methods.retrieve(chosen).card.brand == "mastercard"


def test_a_void_invoice_cannot_be_paid(app, owner, stripe, invoice_id, visa):
    fields = fields_of(owner.get(f"/invoices/{invoice_id}"))
    stripe.v1.invoices.void_invoice(invoice_id)
    with app.app_context():
        sync.pull("invoice", invoice_id)
    answer = pay(owner, invoice_id, visa, fields)
    assert answer.status_code == 409
    assert "not charged" in text_of(answer)


def test_without_a_saved_method_the_page_leads_to_a_new_card_or_stripes(app, people, stripe):
    browser = people.owner()
    browser.post("/payment-methods/setup-intent", data={"attempt": "a-first-attempt"})
    customer = stripe.v1.customers.list().data[0]
    made = stripe.v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 30}
    )
    stripe.v1.invoice_items.create(
        {"customer": customer.id, "invoice": made.id, "amount": 1500, "currency": "usd"}
    )
    stripe.v1.invoices.finalize_invoice(made.id)
    with app.app_context():
        sync.pull("invoice", made.id)
    page = text_of(browser.get(f"/invoices/{made.id}"))
    assert "No payment method is saved" in page
    assert "Pay with a new card" in page
    assert "Stripe's page" in page.replace("&#39;", "'")


def test_paying_a_past_due_invoice_makes_the_subscription_active_at_once(
    app, owner, stripe, customer_id, subscribe, visa, card
):
    subscription = stripe.v1.subscriptions.list({"customer": customer_id}).data[0]
    failing = card("pm_card_chargeCustomerFail")
    stripe.v1.subscriptions.update(subscription.id, {"default_payment_method": failing})
    stripe.v1.subscriptions.update(
        subscription.id,
        {
            "items": [{"id": subscription["items"].data[0].id, "quantity": 4}],
            "proration_behavior": "always_invoice",
            "payment_behavior": "allow_incomplete",
        },
    )
    changed = stripe.v1.subscriptions.retrieve(subscription.id)
    assert changed.status == "past_due"
    with app.app_context():
        sync.pull("subscription", subscription.id)
        sync.pull("invoice", str(changed.latest_invoice))
    answer = pay(owner, str(changed.latest_invoice), visa)
    assert "Paid. Team is active again." in text_of(owner.get(answer.location))
    with app.app_context():
        assert db.session.get(Subscription, subscription.id).status == "active"


def test_a_viewer_cannot_pay(owner, people, invoice_id, visa):
    people.join("vera@northwind.example", role="viewer")
    viewer = people.sign_in("vera@northwind.example")
    fields = {"attempt": "attempt-1", "amount": "1500"}
    assert pay(viewer, invoice_id, visa, fields).status_code == 403


def test_another_accounts_invoice_or_card_is_not_found(owner, people, invoice_id, visa):
    stranger = people.owner("eve@elsewhere.example", "Elsewhere")
    fields = {"attempt": "attempt-1", "amount": "1500"}
    assert pay(stranger, invoice_id, visa, fields).status_code == 404
    assert pay(owner, invoice_id, "pm_unknown", fields).status_code == 404
