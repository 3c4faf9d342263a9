"""What an invoice's total is made up of now: the parts that `tie_out` adds up, as SQL.

For each finalized invoice: total = credited + voided + uncollectible + paid + open, to the minor
unit. What Stripe's fields mean is from its API reference, "The Invoice object", and from "Customer
credit balance", "Invoice payment status" and "Credit notes".
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, select

from models import CreditNote, Invoice

_VOID = Invoice.status == "void"

# A customer's balance is negative when they have credit: what an invoice takes of it raises it.
_BALANCE_USED = (
    func.coalesce(Invoice.ending_balance, Invoice.starting_balance) - Invoice.starting_balance
)
# What was paid beyond the amount due went into the balance, not towards this invoice.
_OVERPAID = case(
    (
        Invoice.amount_paid + Invoice.amount_remaining - Invoice.amount_due
        == Invoice.amount_overpaid,
        Invoice.amount_overpaid,
    ),
    else_=0,
)
_RECEIVED = Invoice.amount_paid - _OVERPAID

BY_STRIPE = _RECEIVED - Invoice.amount_paid_off_stripe
OFF_STRIPE = Invoice.amount_paid_off_stripe
FROM_BALANCE = case((_VOID, 0), else_=_BALANCE_USED)
GIVEN_BACK = Invoice.post_payment_credit_notes_amount
CREDITED = Invoice.pre_payment_credit_notes_amount + Invoice.post_payment_credit_notes_amount
VOIDED = case((_VOID, Invoice.total - Invoice.pre_payment_credit_notes_amount - _RECEIVED), else_=0)
UNCOLLECTIBLE = case((Invoice.status == "uncollectible", Invoice.amount_remaining), else_=0)
PAID = BY_STRIPE + OFF_STRIPE + FROM_BALANCE - GIVEN_BACK
OPEN = case((Invoice.status == "open", Invoice.amount_remaining), else_=0)

_CREDIT_NOTES = (
    select(func.coalesce(func.sum(CreditNote.total), 0))
    .where(
        CreditNote.invoice_id == Invoice.stripe_id,
        CreditNote.status == "issued",
        CreditNote.deleted_at.is_(None),
    )
    .correlate(Invoice)
    .scalar_subquery()
)
# By the credit notes themselves, so that one the mirror lacks shows.
DIFFERENCE = Invoice.total - _CREDIT_NOTES - VOIDED - UNCOLLECTIBLE - PAID - OPEN


@dataclass(frozen=True)
class Part:
    """A share of an invoice's total. `meaning` is what the pages and the documentation say."""

    key: str
    name: str
    meaning: str
    of: ColumnElement[int]


PARTS: dict[str, Part] = {
    part.key: part
    for part in (
        Part(
            "total",
            "Invoiced",
            "The total of every invoice finalised in the period, tax included, whatever became "
            "of it. Drafts are not invoiced yet.",
            Invoice.total,
        ),
        Part(
            "credited",
            "Credited",
            "Credit notes on these invoices that are not void, whenever they were issued: before "
            "payment they lower what is due, after it they give something back.",
            CREDITED,
        ),
        Part(
            "voided",
            "Voided",
            "What void invoices asked for: their total, less credit notes before payment and less "
            "what had been paid by then. Balance they had used went back to the customer.",
            VOIDED,
        ),
        Part(
            "uncollectible",
            "Uncollectible",
            "What was still to be paid on invoices marked uncollectible. One that is paid after "
            "all counts as paid.",
            UNCOLLECTIBLE,
        ),
        Part(
            "paid",
            "Paid",
            "Through Stripe, outside Stripe and from the customer's balance, less what credit "
            "notes gave back after payment. Partly paid invoices count with that part.",
            PAID,
        ),
        Part(
            "by_stripe",
            "Through Stripe",
            "Payments that Stripe collected towards these invoices, as they came in; refunds are "
            "not taken off.",
            BY_STRIPE,
        ),
        Part(
            "off_stripe",
            "Outside Stripe",
            "Marked as paid elsewhere: by transfer, cheque or cash.",
            OFF_STRIPE,
        ),
        Part(
            "from_balance",
            "From the customer's balance",
            "Credit that the customer had, used when the invoice was finalised. Negative where an "
            "invoice below zero added credit, or collected a debt of the balance.",
            FROM_BALANCE,
        ),
        Part(
            "given_back",
            "Given back by credit notes",
            "Credit notes issued after payment: refunded, put into the customer's balance, or "
            "given back outside Stripe.",
            GIVEN_BACK,
        ),
        Part(
            "open",
            "Still open",
            "What is still to be paid on open invoices.",
            OPEN,
        ),
        Part(
            "overpaid",
            "Overpaid",
            "Paid beyond what was due on these invoices; Stripe puts it into the customer's "
            "balance.",
            Invoice.amount_overpaid,
        ),
        Part(
            "difference",
            "Difference",
            "What the parts of an invoice do not account for: something is missing in the mirror.",
            DIFFERENCE,
        ),
    )
}
