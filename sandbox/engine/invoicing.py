"""The life of an invoice: draft, open, then paid, void or uncollectible."""

from sandbox import clock
from sandbox.engine import charging, totals
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.engine.drafts import Draft
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.pages.urls import hosted_invoice_url, invoice_pdf_url
from sandbox.protocol.rendering import sublist
from sandbox.resources import customer_balance_transactions as balance
from sandbox.schema import blank
from sandbox.store import new_id, store

PURPOSES = {
    "subscription_create": "Subscription creation",
    "subscription_cycle": "Subscription update",
    "subscription_update": "Subscription update",
}


@sublist("invoice", "lines")
def lines_of(invoice: dict) -> list[dict]:
    """The invoice's lines in their order; a preview carries its own."""
    if "_lines" in invoice:
        return invoice["_lines"]
    return store.all("line_item", invoice=invoice["id"])


@sublist("invoice", "payments")
def payments_of(invoice: dict) -> list[dict]:
    """The invoice's payments, the default one first."""
    return store.all("invoice_payment", invoice=invoice["id"])


def subscription_id(invoice: dict) -> str | None:
    """The subscription an invoice belongs to."""
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    return details.get("subscription")


def payment_of(invoice: dict) -> dict | None:
    """The invoice's default payment that is not canceled."""
    found = store.all("invoice_payment", invoice=invoice["id"], is_default=True)
    live = [payment for payment in found if payment["status"] != "canceled"]
    return live[-1] if live else None


def intent_of(invoice: dict) -> dict | None:
    """The payment intent that collects the invoice."""
    payment = payment_of(invoice)
    if not payment or payment["payment"]["type"] != "payment_intent":
        return None
    return store.get("payment_intent", payment["payment"]["payment_intent"])


def finalize(invoice: dict) -> dict:
    """The draft, numbered and open, its share of the customer's balance applied.

    An invoice with nothing to collect is paid at once. ApiError 400 when it is no draft.
    """
    if invoice["status"] != "draft":
        raise ApiError(
            400,
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
            code="invoice_not_editable",
        )
    before = snapshot(invoice)
    draft = Draft.stored(invoice)
    draft.compute()
    for line in draft.lines:
        store.save(line)
    now = clock.now()
    _apply_balance(invoice)
    _number(invoice)
    invoice["status_transitions"]["finalized_at"] = now
    invoice.update(
        status="open",
        effective_at=invoice["effective_at"] or now,
        automatically_finalizes_at=None,
        hosted_invoice_url=hosted_invoice_url(invoice),
        invoice_pdf=invoice_pdf_url(invoice),
    )
    store.save(invoice)
    if invoice["amount_due"] > 0:
        _expect_payment(invoice)
    store.save(invoice)
    emit("invoice.finalized", invoice, None)
    emit_updated("invoice.updated", invoice, before)
    if invoice["amount_due"] == 0:
        invoice.update(attempted=True, next_payment_attempt=None)
        mark_paid(invoice)
    return invoice


def _apply_balance(invoice: dict) -> None:
    customer = store.get("customer", invoice["customer"])
    start = balance.of(customer, invoice["currency"])
    due, end = totals.due(invoice["total"], start, invoice["currency"])
    if end != start:
        small = due == 0 and invoice["total"] > 0 and start + invoice["total"] > 0
        balance.record(
            customer,
            end - start,
            "invoice_too_small" if small else "applied_to_invoice",
            invoice["currency"],
            invoice=invoice["id"],
        )
    invoice.update(starting_balance=start, ending_balance=end, amount_due=due, amount_remaining=due)


def _number(invoice: dict) -> None:
    if invoice["number"]:
        return
    customer = store.get("customer", invoice["customer"])
    sequence = customer["next_invoice_sequence"] or 1
    invoice["number"] = f"{customer['invoice_prefix']}-{sequence:04d}"
    customer["next_invoice_sequence"] = sequence + 1
    store.save(customer)


def _expect_payment(invoice: dict) -> dict:
    intent = charging.new_intent(
        invoice["amount_due"],
        invoice["currency"],
        customer=invoice["customer"],
        description=PURPOSES.get(invoice["billing_reason"], "Payment for Invoice"),
        setup_future_usage="off_session" if subscription_id(invoice) else None,
        _invoice=invoice["id"],
    )
    store.insert(
        "invoice_payment",
        blank(
            "invoice_payment",
            id=new_id("inpay"),
            amount_requested=invoice["amount_due"],
            currency=invoice["currency"],
            invoice=invoice["id"],
            is_default=True,
            payment={"payment_intent": intent["id"], "type": "payment_intent"},
            status="open",
            status_transitions={"canceled_at": None, "paid_at": None},
        ),
    )
    invoice["confirmation_secret"] = {
        "client_secret": intent["client_secret"],
        "type": "payment_intent",
    }
    return intent


def mark_paid(invoice: dict, *, out_of_band: bool = False, nothing_left: bool = False) -> dict:
    """The invoice, paid in full: by its payment, elsewhere, or because nothing is left to pay."""
    before = snapshot(store.get("invoice", invoice["id"]))
    now = clock.now()
    paid = invoice["amount_remaining"]
    invoice["status_transitions"]["paid_at"] = now
    invoice.update(
        status="paid",
        attempted=True,
        auto_advance=False,
        next_payment_attempt=None,
        amount_paid=invoice["amount_paid"] + (0 if out_of_band else paid),
        amount_remaining=0,
    )
    invoice["confirmation_secret"] = None
    if out_of_band:
        # An invoice paid elsewhere shows its amount as paid too, told apart by this field.
        invoice["amount_paid"] += paid
        invoice["amount_paid_off_stripe"] = paid
    store.save(invoice)
    _close_payment(invoice, now, paid, out_of_band or nothing_left)
    emit_updated("invoice.updated", invoice, before)
    emit("invoice.paid", invoice)
    if not out_of_band:
        emit("invoice.payment_succeeded", invoice)
    return invoice


def lower(invoice: dict, amount: int) -> None:
    """Take `amount` off what its own payment still has to bring; negative puts it back."""
    invoice["amount_remaining"] -= amount
    intent, payment = intent_of(invoice), payment_of(invoice)
    if intent and intent["status"] not in ("succeeded", "canceled", "processing"):
        intent["amount"] = max(invoice["amount_remaining"], 1)
        store.save(intent)
    if payment and payment["status"] == "open":
        payment["amount_requested"] = invoice["amount_remaining"]
        store.save(payment)


def _close_payment(invoice: dict, now: int, paid: int, elsewhere: bool) -> None:
    payment = payment_of(invoice)
    if not payment:
        return
    if elsewhere:
        _cancel_payment(invoice, "abandoned")
        return
    payment.update(status="paid", amount_paid=paid)
    payment["status_transitions"]["paid_at"] = now
    store.save(payment)
    emit("invoice_payment.paid", payment)


def _cancel_payment(invoice: dict, reason: str) -> None:
    payment, intent = payment_of(invoice), intent_of(invoice)
    if intent and intent["status"] not in ("succeeded", "canceled"):
        charging.cancel(intent, reason)
    if payment and payment["status"] == "open":
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = clock.now()
        store.save(payment)


def void(invoice: dict) -> dict:
    """The invoice, void: balance and payment intent are given back."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise ApiError(
            400,
            f"You can only pass in open or uncollectible invoices. This invoice isn't open or "
            f"uncollectible (its status is {invoice['status']}).",
            code="invoice_not_editable",
        )
    before = snapshot(invoice)
    _cancel_payment(invoice, "void_invoice")
    used = (invoice["ending_balance"] or 0) - (invoice["starting_balance"] or 0)
    if used:
        balance.record(
            store.get("customer", invoice["customer"]),
            -used,
            "unapplied_from_invoice",
            invoice["currency"],
            invoice=invoice["id"],
        )
    invoice["status_transitions"]["voided_at"] = clock.now()
    invoice.update(status="void", auto_advance=False, next_payment_attempt=None)
    invoice["confirmation_secret"] = None
    store.save(invoice)
    emit("invoice.voided", invoice)
    emit_updated("invoice.updated", invoice, before)
    return invoice


def mark_uncollectible(invoice: dict, reason: str = "user_forgiven") -> dict:
    """The invoice, given up; it can still be paid."""
    if invoice["status"] != "open":
        raise ApiError(
            400,
            "You can only mark open invoices as uncollectible. This invoice is "
            f"{invoice['status']}.",
            code="invoice_not_editable",
        )
    before = snapshot(invoice)
    invoice["status_transitions"]["marked_uncollectible_at"] = clock.now()
    invoice.update(status="uncollectible", auto_advance=False, next_payment_attempt=None)
    invoice["status_details"] = {"uncollectible": {"reason": reason}}
    store.save(invoice)
    emit("invoice.marked_uncollectible", invoice)
    emit_updated("invoice.updated", invoice, before)
    return invoice


def delete_draft(invoice: dict) -> None:
    """Remove a draft; its invoice items wait for the next one again."""
    if invoice["status"] != "draft" or subscription_id(invoice):
        raise ApiError(
            400,
            "You can only delete draft invoices that do not belong to a subscription.",
            code="invoice_not_editable",
        )
    for line in store.all("line_item", invoice=invoice["id"]):
        store.delete(line)
    for entry in store.all("invoiceitem", invoice=invoice["id"]):
        entry["invoice"] = None
        store.save(entry)
    store.delete(invoice)
    emit("invoice.deleted", invoice)
