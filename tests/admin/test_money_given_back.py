"""Amounts at the edges: other currencies' digits, tax and discounts, balances, several payments."""

from __future__ import annotations

from typing import Any

import pytest

from tests.staff import agreed, words


@pytest.fixture
def bill(desk: Any, stripe: Any, team: str) -> Any:
    """Makes an invoice of a new customer's in any currency, finalized and known here."""

    def make(amount: int, currency: str = "usd", quantity: int = 1, **params: Any) -> str:
        v1 = stripe.v1
        customer = v1.subscriptions.retrieve(team).customer
        made = v1.invoices.create(
            {
                "customer": customer,
                "currency": currency,
                "collection_method": "send_invoice",
                "days_until_due": 30,
                "auto_advance": False,
                **params,
            }
        )
        price = v1.prices.create(
            {"product": "demo_team", "currency": currency, "unit_amount": amount}
        )
        v1.invoice_items.create(
            {
                "customer": customer,
                "invoice": made.id,
                "pricing": {"price": price.id},
                "quantity": quantity,
            }
        )
        v1.invoices.finalize_invoice(made.id)
        desk.pull("invoice", made.id)
        return str(made.id)

    return make


def paid(desk: Any, stripe: Any, invoice: str) -> str:
    stripe.v1.invoices.pay(invoice)
    desk.pull("invoice", invoice)
    return f"/admin/invoices/{invoice}"


def notes(stripe: Any, invoice: str) -> list[Any]:
    return stripe.v1.credit_notes.list({"invoice": invoice}).data


def test_dinars_have_three_decimals_of_which_the_last_is_nothing(desk, stripe, bill):
    path = paid(desk, stripe, bill(5120, "kwd", quantity=2))
    said = words(desk.look(f"{path}/refund", amount="1.005", reason="duplicate"))
    assert "Payments in KWD are rounded to the hundredth, so end it in 0." in said
    assert "KWD 1.250 was refunded." in desk.do(f"{path}/refund", amount="1.25", reason="duplicate")
    assert stripe.v1.refunds.list({}).data[0].amount == 1250


def test_yen_are_credited_in_whole_ones_by_the_line(desk, stripe, bill):
    invoice = bill(333, "jpy", quantity=3)
    path = paid(desk, stripe, invoice)
    line = stripe.v1.invoices.retrieve(invoice).lines.data[0].id
    desk.do(f"{path}/credit-note", what="lines", to="method", **{f"line-{line}": "2"})
    assert [note.total for note in notes(stripe, invoice)] == [666]
    refused = words(desk.look(f"{path}/credit-note", what="amount", amount="1.5", to="method"))
    assert "JPY has no decimals: write it such as 1,234." in refused


def test_tax_and_discount_of_a_line_are_credited_with_it(desk, stripe, bill):
    v1 = stripe.v1
    rate = v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False})
    v1.coupons.create({"id": "tenth", "percent_off": 10, "duration": "once"})
    invoice = bill(3333, quantity=3, default_tax_rates=[rate.id], discounts=[{"coupon": "tenth"}])
    whole = v1.invoices.retrieve(invoice).total
    path = paid(desk, stripe, invoice)
    line = v1.invoices.retrieve(invoice).lines.data[0].id
    page = desk.look(f"{path}/credit-note", what="lines", to="method", **{f"line-{line}": "1"})
    shown = v1.credit_notes.preview(
        {
            "invoice": invoice,
            "lines": [{"type": "invoice_line_item", "invoice_line_item": line, "quantity": 1}],
            "out_of_band_amount": 3570,
        }
    )
    assert f"Credit note over as Stripe works it out ${shown.total / 100:.2f}" in words(page)
    desk.press(f"{path}/credit-note", agreed(page))
    desk.do(f"{path}/credit-note", what="whole", to="method")
    assert sum(note.total for note in notes(stripe, invoice)) == whole
    assert sum(refund.amount for refund in v1.refunds.list({}).data) == whole


def test_what_the_balance_paid_goes_back_to_the_balance(desk, stripe, team, bill):
    customer = stripe.v1.subscriptions.retrieve(team).customer
    stripe.v1.customers.balance_transactions.create(customer, {"amount": -4000, "currency": "usd"})
    invoice = bill(10000)
    path = paid(desk, stripe, invoice)
    said = words(desk.browser.get(path))
    assert "Left to refund $60.00" in said
    assert "Left to credit $100.00" in said
    page = desk.look(f"{path}/credit-note", what="whole", to="method")
    assert "Refunded to the payment method A card shows it within 10 days $60.00" in words(page)
    desk.press(f"{path}/credit-note", agreed(page))
    assert stripe.v1.customers.retrieve(customer).balance == -4000
    assert [refund.amount for refund in stripe.v1.refunds.list({}).data] == [6000]


@pytest.fixture
def paid_twice(desk, stripe, team, bill):
    """An invoice over $100.00 that was paid by $40.00 and then $60.00."""
    v1 = stripe.v1
    customer = v1.customers.retrieve(v1.subscriptions.retrieve(team).customer)
    invoice = bill(10000)
    partial = v1.payment_intents.create(
        {
            "customer": customer.id,
            "amount": 4000,
            "currency": "usd",
            "payment_method": customer.invoice_settings.default_payment_method,
            "confirm": True,
            "off_session": True,
        }
    )
    v1.invoices.attach_payment(invoice, {"payment_intent": partial.id})
    paid(desk, stripe, invoice)
    return invoice, partial.id


def test_each_of_several_payments_is_refunded_up_to_what_it_brought(desk, stripe, paid_twice):
    invoice, partial = paid_twice
    path = f"/admin/invoices/{invoice}/refund"
    assert "Left to refund $100.00" in words(desk.browser.get(f"/admin/invoices/{invoice}"))
    refused = desk.look(path, payment=partial, amount="40.01", reason="duplicate")
    assert "Only $40.00 of this payment is left to refund." in words(refused)
    desk.do(path, payment=partial, amount="40", reason="duplicate")
    (refund,) = stripe.v1.refunds.list({}).data
    assert (refund.amount, refund.payment_intent) == (4000, partial)
    desk.do(path, amount="60", reason="duplicate")
    assert "Nothing is left to refund on this invoice: $100.00 was refunded." in words(
        desk.look(path)
    )


def test_a_note_stands_for_refunds_of_several_payments(desk, stripe, paid_twice):
    invoice, partial = paid_twice
    path = f"/admin/invoices/{invoice}"
    assert "Refund it to the payment method" not in words(desk.look(f"{path}/credit-note"))
    desk.do(f"{path}/refund", payment=partial, amount="40", reason="duplicate")
    desk.do(f"{path}/refund", amount="60", reason="duplicate")
    desk.do(f"{path}/credit-note", what="whole", to="refunded")
    (note,) = notes(stripe, invoice)
    assert sorted(each.amount_refunded for each in note.refunds) == [4000, 6000]
    assert len(stripe.v1.refunds.list({}).data) == 2
