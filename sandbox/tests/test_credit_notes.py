"""Credit notes before and after payment."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

from sandbox import Sandbox
from sandbox.pages import credit_note
from sandbox.store import store
from sandbox.tests.billing import Shop


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def invoice_of(shop: Shop, customer: Any, amount: int, *, paid: bool) -> Any:
    shop.client.v1.invoice_items.create(
        {"customer": customer.id, "amount": amount, "currency": "usd", "description": "Work"}
    )
    draft = shop.client.v1.invoices.create(
        {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    )
    final = shop.client.v1.invoices.finalize_invoice(draft.id)
    return shop.client.v1.invoices.pay(final.id) if paid else final


def test_before_payment_a_credit_note_lowers_what_is_asked(shop: Shop) -> None:
    invoice = invoice_of(shop, shop.customer(), 1000, paid=False)
    notes = shop.client.v1.credit_notes
    note = notes.create({"invoice": invoice.id, "amount": 300, "reason": "order_change"})
    assert (note.type, note.pre_payment_amount, note.number) == (
        "pre_payment",
        300,
        f"{invoice.number}-CN-01",
    )
    lowered = shop.client.v1.invoices.retrieve(invoice.id)
    assert (lowered.total, lowered.amount_due, lowered.amount_remaining) == (1000, 700, 700)
    assert lowered.pre_payment_credit_notes_amount == 300
    paid = shop.client.v1.invoices.pay(invoice.id)
    assert (paid.status, paid.amount_paid) == ("paid", 700)
    assert shop.events("charge.succeeded")[0].data.object["amount"] == 700


def test_a_voided_credit_note_is_asked_for_again(shop: Shop) -> None:
    invoice = invoice_of(shop, shop.customer(), 1000, paid=False)
    note = shop.client.v1.credit_notes.create({"invoice": invoice.id, "amount": 300})
    assert shop.client.v1.credit_notes.void_credit_note(note.id).status == "void"
    assert shop.client.v1.invoices.retrieve(invoice.id).amount_remaining == 1000


def test_an_invoice_credited_in_full_is_settled(shop: Shop) -> None:
    invoice = invoice_of(shop, shop.customer(), 1000, paid=False)
    shop.client.v1.credit_notes.create({"invoice": invoice.id, "amount": 1000})
    settled = shop.client.v1.invoices.retrieve(invoice.id)
    assert (settled.status, settled.amount_paid, settled.amount_remaining) == ("paid", 0, 0)
    assert shop.events("charge.succeeded") == []


def test_after_payment_the_money_goes_back_where_it_was_asked_to(shop: Shop) -> None:
    customer = shop.customer()
    invoice = invoice_of(shop, customer, 1000, paid=True)
    note = shop.client.v1.credit_notes.create(
        {
            "invoice": invoice.id,
            "amount": 600,
            "refund_amount": 300,
            "credit_amount": 200,
            "out_of_band_amount": 100,
            "expand": ["refunds.refund", "customer_balance_transaction"],
        }
    )
    assert (note.type, note.post_payment_amount) == ("post_payment", 600)
    assert note.refunds[0].refund.amount == 300
    assert note.customer_balance_transaction.amount == -200
    assert note.out_of_band_amount == 100
    assert shop.client.v1.customers.retrieve(customer.id).balance == -200
    after = shop.client.v1.invoices.retrieve(invoice.id)
    assert after.post_payment_credit_notes_amount == 600
    assert after.status == "paid"


def test_the_parts_must_add_up_and_stay_within_the_invoice(shop: Shop) -> None:
    invoice = invoice_of(shop, shop.customer(), 1000, paid=True)
    notes = shop.client.v1.credit_notes
    with pytest.raises(stripe.InvalidRequestError, match="must equal"):
        notes.create({"invoice": invoice.id, "amount": 600, "refund_amount": 500})
    notes.create({"invoice": invoice.id, "amount": 600, "refund_amount": 600})
    with pytest.raises(stripe.InvalidRequestError, match="more than the 400"):
        notes.create({"invoice": invoice.id, "amount": 401, "refund_amount": 401})


def test_a_line_is_credited_with_its_share_of_discount_and_tax(shop: Shop) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 10, "duration": "forever"})
    rate = shop.client.v1.tax_rates.create(
        {"display_name": "VAT", "percentage": 20, "inclusive": False}
    )
    subscription = shop.subscribe(
        shop.customer(),
        shop.price(1000),
        quantity=4,
        discounts=[{"coupon": coupon.id}],
        default_tax_rates=[rate.id],
    )
    invoice = shop.latest(subscription)
    # 4000 less 400, and 720 of tax.
    assert invoice.total == 4320
    line = {"type": "invoice_line_item", "invoice_line_item": invoice.lines.data[0].id}
    given = {
        "invoice": invoice.id,
        "lines": [{**line, "quantity": 1}],
        "refund_amount": 1080,
    }
    preview = shop.client.v1.credit_notes.preview(given)
    note = shop.client.v1.credit_notes.create(given)
    # 1000 less 100, and 180 of tax.
    for one in (preview, note):
        assert (one.subtotal, one.discount_amount, one.total) == (1000, 100, 1080)
        assert one.total_excluding_tax == 900
        assert one.total_taxes[0].amount == 180
        assert one.lines.data[0].quantity == 1
    listed = shop.client.v1.credit_notes.list({"invoice": invoice.id})
    assert [one.id for one in listed.data] == [note.id]


def test_several_credit_notes_are_numbered_and_stay_within_the_line(shop: Shop) -> None:
    invoice = invoice_of(shop, shop.customer(), 1000, paid=True)
    line = {"type": "invoice_line_item", "invoice_line_item": invoice.lines.data[0].id}
    notes = shop.client.v1.credit_notes
    numbers = [
        notes.create(
            {
                "invoice": invoice.id,
                "lines": [line | {"amount": 400}],
                "refund_amount": 400,
                "reason": "product_unsatisfactory",
            }
        ).number
        for _ in range(2)
    ]
    assert numbers == [f"{invoice.number}-CN-01", f"{invoice.number}-CN-02"]
    third = {"invoice": invoice.id, "lines": [line | {"amount": 300}], "refund_amount": 300}
    with pytest.raises(stripe.InvalidRequestError, match="more than the 200"):
        notes.create(third)
    charge = shop.client.v1.charges.list({"customer": invoice.customer}).data[0]
    assert (charge.amount_refunded, charge.refunded) == (800, False)


def test_a_refund_that_was_made_before_is_linked_once(shop: Shop) -> None:
    customer = shop.customer()
    invoice = invoice_of(shop, customer, 1000, paid=True)
    charge = shop.client.v1.charges.list({"customer": customer.id}).data[0]
    refund = shop.client.v1.refunds.create({"charge": charge.id, "amount": 600})
    notes = shop.client.v1.credit_notes
    linked = {"invoice": invoice.id, "amount": 600, "refunds": [{"refund": refund.id}]}
    note = notes.create(linked)
    assert (note.refunds[0].refund, note.refunds[0].amount_refunded) == (refund.id, 600)
    assert len(shop.client.v1.refunds.list({"charge": charge.id}).data) == 1
    with pytest.raises(stripe.InvalidRequestError, match="has 0 left"):
        notes.create(linked | {"amount": 100})
    other = invoice_of(shop, customer, 2000, paid=True)
    with pytest.raises(stripe.InvalidRequestError, match="does not belong"):
        notes.create(linked | {"invoice": other.id})


def test_a_credit_note_after_a_refund_gives_back_the_rest(shop: Shop) -> None:
    customer = shop.customer()
    invoice = invoice_of(shop, customer, 1000, paid=True)
    charge = shop.client.v1.charges.list({"customer": customer.id}).data[0]
    shop.client.v1.refunds.create({"charge": charge.id, "amount": 600})
    whole = {"invoice": invoice.id, "amount": 1000}
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        shop.client.v1.credit_notes.create(whole | {"refund_amount": 1000})
    # Nothing of the refused one stays behind.
    assert shop.client.v1.credit_notes.list({"invoice": invoice.id}).data == []
    note = shop.client.v1.credit_notes.create(whole | {"refund_amount": 400, "credit_amount": 600})
    assert note.post_payment_amount == 1000
    assert shop.client.v1.charges.retrieve(charge.id).refunded
    assert shop.client.v1.customers.retrieve(customer.id).balance == -600


def test_a_credit_note_tells_when_it_is_made_changed_and_voided(shop: Shop) -> None:
    invoice = invoice_of(shop, shop.customer(), 1000, paid=False)
    note = shop.client.v1.credit_notes.create({"invoice": invoice.id, "amount": 300})
    shop.client.v1.credit_notes.update(note.id, {"memo": "Sorry"})
    shop.client.v1.credit_notes.void_credit_note(note.id)
    for type in ("credit_note.created", "credit_note.updated", "credit_note.voided"):
        [event] = shop.events(type)
        assert event.data.object["id"] == note.id
    paid = shop.client.v1.invoices.pay(invoice.id)
    late = shop.client.v1.credit_notes.create(
        {"invoice": paid.id, "amount": 300, "credit_amount": 300}
    )
    with pytest.raises(stripe.InvalidRequestError, match="still open"):
        shop.client.v1.credit_notes.void_credit_note(late.id)


def test_a_credit_note_has_a_pdf_that_needs_its_secret(shop: Shop) -> None:
    invoice = invoice_of(shop, shop.customer(), 1000, paid=True)
    note = shop.client.v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 300, "credit_amount": 300, "reason": "duplicate"}
    )
    browser = shop.app.test_client()
    path = urlsplit(note.pdf).path
    answer = browser.get(path)
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF-")
    assert f"Credit-note-{note.number}.pdf" in answer.headers["Content-Disposition"]
    assert browser.get(path.replace("/pdf", "x/pdf")).status_code == 404
    with shop.app.test_request_context(), shop.app.storage.transaction():
        said = credit_note.view_of(store.get("credit_note", note.id))
    assert said["headline"] == "$3.00 credited"
    assert ("For invoice", invoice.number) in said["facts"]
    assert ("Reason", "Duplicate") in said["facts"]
    assert said["sums"] == [
        ("Subtotal", "$3.00", False),
        ("Total credited", "$3.00", True),
        ("Credited to the balance", "$3.00", False),
    ]


def test_a_credit_on_a_taxed_invoice_before_payment_lowers_it_with_its_tax(shop: Shop) -> None:
    rate = shop.client.v1.tax_rates.create(
        {"display_name": "VAT", "percentage": 20, "inclusive": False}
    )
    customer = shop.customer()
    shop.client.v1.invoice_items.create(
        {"customer": customer.id, "amount": 1000, "currency": "usd", "tax_rates": [rate.id]}
    )
    draft = shop.client.v1.invoices.create(
        {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    )
    invoice = shop.client.v1.invoices.finalize_invoice(draft.id)
    line = {"type": "invoice_line_item", "invoice_line_item": invoice.lines.data[0].id}
    note = shop.client.v1.credit_notes.create(
        {"invoice": invoice.id, "lines": [line | {"amount": 250}]}
    )
    # 12.00 with tax, less 2.50 and its 0.50 of tax.
    assert (note.total, note.total_taxes[0].amount) == (300, 50)
    assert shop.client.v1.invoices.pay(invoice.id).amount_paid == 900
