"""Charging an open invoice to a saved card: the amount that was shown, once."""

from __future__ import annotations

import pytest

from tests.quote_page import use_card
from tests.staff import agreed, words


@pytest.fixture
def path(open_invoice):
    return f"/admin/invoices/{open_invoice}/charge"


@pytest.fixture
def method(stripe, team):
    def default():
        customer = stripe.v1.subscriptions.retrieve(team).customer
        return stripe.v1.customers.retrieve(customer).invoice_settings.default_payment_method

    return default


def charged(stripe):
    found = stripe.v1.charges.list({}).data
    return [charge.amount for charge in found if charge.status == "succeeded"]


def test_what_was_shown_is_charged_once(desk, stripe, path, method, open_invoice):
    page = desk.look(path, method=method())
    assert "Charged to Visa ending 4242" in words(page)
    form = agreed(page)
    for _ in range(2):
        answer = desk.press(path, form)
        assert "$650.00 was charged, and the invoice is paid." in words(
            desk.browser.get(answer.location)
        )
    assert charged(stripe) == [65000, 39200]
    assert len(desk.audited("invoice.charged")) == 1
    assert "There is nothing to charge on this invoice." in words(desk.look(path))


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ("pm_card_chargeCustomerFail", "The payment did not go through."),
        ("pm_card_threeDSecure2Required", "The bank wants the customer to confirm."),
    ],
)
def test_what_the_bank_refuses_is_told(desk, app, stripe, path, team, method, card, said):
    use_card(app, stripe, team, card)
    answer = desk.press(path, agreed(desk.look(path, method=method())))
    assert answer.status_code == 402
    assert said in words(answer)
    assert charged(stripe) == [39200]


def test_an_amount_that_changed_meanwhile_is_shown_first(desk, stripe, path, method, open_invoice):
    form = agreed(desk.look(path, method=method()))
    stripe.v1.credit_notes.create({"invoice": open_invoice, "amount": 5000})
    answer = desk.press(path, form)
    assert answer.status_code == 409
    assert "$600.00" in words(answer)
    assert charged(stripe) == [39200]


def test_a_card_of_somebody_else_cannot_be_charged(desk, stripe, path, method):
    form = agreed(desk.look(path, method=method()))
    assert desk.press(path, {**form, "method": "pm_other"}).status_code == 422
    assert charged(stripe) == [39200]
