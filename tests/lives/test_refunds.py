"""Money given back: what the account reads, and what the books say."""

from __future__ import annotations

from tests.lives.life import day


def test_a_refund_after_a_credit_note(life):
    life.subscribes("team", seats=2)
    life.until(day(2026, 12, 1))
    v1 = life.stripe.v1
    invoice = v1.invoices.list({"limit": 1}).data[0]
    v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 1000, "refund_amount": 1000, "reason": "order_change"}
    )
    life.hear()
    paid = v1.invoice_payments.list({"invoice": invoice.id}).data[0].payment.payment_intent
    life.until(day(2026, 12, 3))
    v1.refunds.create({"payment_intent": paid, "amount": 2500})
    life.hear()
    page = life.reads(f"/invoices/{invoice.id}")
    assert "-CN-01 $10.00 refunded 1 Dec 2026 Issued $10.00" in page
    assert "1 Dec 2026 Refunded $10.00" in page
    assert "3 Dec 2026 Refunded $25.00" in page
    assert life.mails() == [
        "Your receipt for $98.00",
        f"We took $10.00 off invoice {invoice.number}",
        "We refunded $25.00",
    ]
    life.until(day(2026, 12, 20))
    assert life.invoices() == [("2026-11-19", "paid", 9800), ("2026-12-19", "paid", 9800)]
    assert life.charged() == 2 * 9800 - 1000 - 2500
    life.mirror_is_right()
