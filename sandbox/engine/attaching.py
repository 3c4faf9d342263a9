"""Payments put towards an invoice beside its own: one invoice paid by several.

Source: Stripe's "Partial payments".
"""

from sandbox import clock
from sandbox.engine import invoicing, standing
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.schema import blank
from sandbox.store import new_id, store


def attach(invoice: dict, intent: dict) -> dict:
    """The invoice with the payment credited to it; paid once nothing remains.

    ApiError 400 for a payment that has not succeeded, pays another invoice, is another customer's
    or currency's, or is more than remains.
    """
    _check(invoice, intent)
    before, amount = snapshot(invoice), intent["amount_received"]
    payment = store.insert(
        "invoice_payment",
        blank(
            "invoice_payment",
            id=new_id("inpay"),
            amount_paid=amount,
            amount_requested=amount,
            currency=invoice["currency"],
            invoice=invoice["id"],
            is_default=False,
            payment={"payment_intent": intent["id"], "type": "payment_intent"},
            status="paid",
            status_transitions={"canceled_at": None, "paid_at": clock.now()},
        ),
    )
    invoice["amount_paid"] += amount
    invoicing.lower(invoice, amount)
    store.save(invoice)
    emit("invoice_payment.paid", payment)
    emit_updated("invoice.updated", invoice, before)
    if invoice["amount_remaining"] == 0:
        invoicing.mark_paid(invoice, nothing_left=True)
        standing.invoice_paid(invoice)
    return store.get("invoice", invoice["id"])


def _check(invoice: dict, intent: dict) -> None:
    refusals = (
        (
            invoice["status"] not in ("open", "uncollectible"),
            f"You can only attach payments to open invoices; this one is {invoice['status']}.",
        ),
        (
            intent["status"] != "succeeded",
            f"The sandbox attaches payments that have succeeded; this one is {intent['status']}.",
        ),
        (
            intent["customer"] != invoice["customer"],
            "The payment's customer is not the invoice's.",
        ),
        (
            intent["currency"] != invoice["currency"],
            "The payment's currency is not the invoice's.",
        ),
        (
            bool(
                intent.get("_invoice") or store.all("invoice_payment", payment_intent=intent["id"])
            ),
            "The payment is attached to an invoice already.",
        ),
        (
            intent["amount_received"] > invoice["amount_remaining"],
            f"The payment is more than the {invoice['amount_remaining']} that remains; the sandbox "
            "does not cover overpayments.",
        ),
    )
    for is_so, message in refusals:
        if is_so:
            raise ApiError(400, message, param="payment_intent")
