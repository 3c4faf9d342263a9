"""How an invoice's lines become the amount due, and what was paid towards it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.clock import from_unix
from models import Invoice

REVERSE_CHARGE = "reverse_charge"


@dataclass(frozen=True)
class Step:
    """A row between the lines and the amount due; minor units, negative when it is taken off."""

    label: str
    amount: int


@dataclass(frozen=True)
class Payment:
    """One payment towards the invoice, in minor units."""

    amount: int
    at: datetime | None


def steps(invoice: Invoice) -> list[Step]:
    """Discounts and taxes, by name, from the subtotal to the total."""
    return [*_discounts(invoice), *_taxes(invoice)]


def _discounts(invoice: Invoice) -> list[Step]:
    names = {d["id"]: _name(d) for d in invoice.data.get("discounts") or [] if isinstance(d, dict)}
    amounts = invoice.data.get("total_discount_amounts") or []
    return [
        Step(names.get(_id(one["discount"])) or "Discount", -one["amount"])
        for one in amounts
        if one["amount"]
    ]


def _id(discount: Any) -> str:
    return discount["id"] if isinstance(discount, dict) else discount


def _name(discount: dict[str, Any]) -> str | None:
    coupon = (discount.get("source") or {}).get("coupon")
    name = coupon.get("name") if isinstance(coupon, dict) else None
    return f"Discount: {name}" if name else None


def _taxes(invoice: Invoice) -> list[Step]:
    rows: dict[str, int] = {}
    for tax in invoice.data.get("total_taxes") or []:
        if tax.get("taxability_reason") == REVERSE_CHARGE:
            label = "Tax (reverse charge: you account for it)"
        elif tax.get("tax_behavior") == "inclusive":
            label = "Tax, included in the prices"
        else:
            label = "Tax"
        rows[label] = rows.get(label, 0) + tax["amount"]
    return [Step(label, amount) for label, amount in rows.items()]


def after_total(invoice: Invoice) -> list[Step]:
    """Credit notes and the customer's balance, from the total to the amount due."""
    credited = invoice.data.get("pre_payment_credit_notes_amount") or 0
    balance = invoice.amount_due - (invoice.total - credited)
    found = [Step("Credit notes", -credited)] if credited else []
    if balance:
        found.append(Step(_balance_label(invoice, balance), balance))
    return found


def _balance_label(invoice: Invoice, applied: int) -> str:
    # Stripe's docs, "Customer balance": negative is the customer's credit.
    if invoice.total < 0:
        return "Added to your credit balance"
    if applied > 0:
        return "Carried over from before"
    if invoice.starting_balance < 0:
        return "Paid from your credit balance"
    return "Carried over to your next invoice"


def payments(invoice: Invoice) -> Sequence[Payment]:
    """What was paid, oldest first.

    Every open invoice carries an open default payment whether anyone tried to pay it or not, so
    only paid ones are told.
    """
    found = [
        Payment(
            amount=one["amount_paid"] or 0,
            at=from_unix((one.get("status_transitions") or {}).get("paid_at") or one["created"]),
        )
        for one in (invoice.data.get("payments") or {}).get("data") or []
        if one["status"] == "paid"
    ]
    return sorted(found, key=lambda one: one.at.timestamp() if one.at else 0)
