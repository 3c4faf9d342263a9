"""One invoice paid by several payments, and what is given back of them."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import Sandbox
from sandbox.tests.billing import Shop
from sandbox.tests.test_credit_notes import invoice_of


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def payment(shop: Shop, customer: Any, amount: int, currency: str = "usd", **given: Any) -> Any:
    return shop.client.v1.payment_intents.create(
        {
            "customer": customer.id,
            "amount": amount,
            "currency": currency,
            "payment_method": customer.invoice_settings.default_payment_method,
            "confirm": True,
            "off_session": True,
            **given,
        }
    )


def attach(shop: Shop, invoice: Any, intent: Any) -> Any:
    return shop.client.v1.invoices.attach_payment(invoice.id, {"payment_intent": intent.id})


def test_a_payment_is_credited_and_the_rest_is_asked_for(shop: Shop) -> None:
    customer = shop.customer()
    invoice = invoice_of(shop, customer, 1000, paid=False)
    partly = attach(shop, invoice, payment(shop, customer, 400))
    assert (partly.status, partly.amount_paid, partly.amount_remaining) == ("open", 400, 600)
    paid = shop.client.v1.invoices.pay(invoice.id)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 1000, 0)
    payments = shop.client.v1.invoice_payments.list({"invoice": invoice.id, "status": "paid"}).data
    assert sorted(each.amount_paid for each in payments) == [400, 600]
    assert [each.is_default for each in payments].count(True) == 1


def test_the_last_payment_settles_it_and_its_own_is_called_off(shop: Shop) -> None:
    customer = shop.customer()
    invoice = invoice_of(shop, customer, 1000, paid=False)
    attach(shop, invoice, payment(shop, customer, 400))
    paid = attach(shop, invoice, payment(shop, customer, 600))
    assert (paid.status, paid.amount_paid) == ("paid", 1000)
    own = shop.client.v1.invoice_payments.list({"invoice": invoice.id, "status": "canceled"}).data
    assert [each.is_default for each in own] == [True]
    assert len(shop.events("invoice_payment.paid")) == 2


def test_a_credit_note_stands_for_refunds_of_each_payment(shop: Shop) -> None:
    customer, v1 = shop.customer(), shop.client.v1
    invoice = invoice_of(shop, customer, 1000, paid=False)
    paid = [payment(shop, customer, amount) for amount in (400, 600)]
    for each in paid:
        attach(shop, invoice, each)
    refunds = [v1.refunds.create({"payment_intent": each.id, "amount": 100}) for each in paid]
    note = v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 200, "refunds": [{"refund": each.id} for each in refunds]}
    )
    assert sorted(each.amount_refunded for each in note.refunds) == [100, 100]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"amount": 1001}, "more than the 1000 that remains"),
        ({"amount": 100, "currency": "eur"}, "currency is not the invoice's"),
        ({"amount": 100, "confirm": False, "off_session": False}, "have succeeded"),
    ],
)
def test_what_does_not_fit_is_refused(shop: Shop, given: dict[str, Any], message: str) -> None:
    customer = shop.customer()
    invoice = invoice_of(shop, customer, 1000, paid=False)
    if given.get("confirm") is False:
        intent = shop.client.v1.payment_intents.create(
            {"customer": customer.id, "amount": 100, "currency": "usd"}
        )
    else:
        intent = payment(shop, customer, **given)
    with pytest.raises(stripe.InvalidRequestError, match=message):
        attach(shop, invoice, intent)
    assert shop.client.v1.invoices.retrieve(invoice.id).amount_remaining == 1000


def test_a_payment_pays_one_invoice_once(shop: Shop) -> None:
    customer = shop.customer()
    invoice = invoice_of(shop, customer, 1000, paid=False)
    intent = payment(shop, customer, 400)
    attach(shop, invoice, intent)
    with pytest.raises(stripe.InvalidRequestError, match="attached to an invoice already"):
        attach(shop, invoice, intent)
    assert shop.client.v1.invoices.retrieve(invoice.id).amount_remaining == 600
