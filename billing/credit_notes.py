"""Credit notes that staff issue: of what, for how much, and where the money goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from billing import left_of_invoice, staff_actions
from billing.gateway import credit_notes as gateway
from billing.gateway.credit_notes import Note
from billing.left_of_invoice import CreditableLine, Left
from billing.staff_actions import MADE_BY, Kind, State
from models import Invoice, StaffAction

REASONS: tuple[tuple[gateway.Reason, str], ...] = (
    ("order_change", "The order was changed"),
    ("product_unsatisfactory", "The product was not satisfactory"),
    ("duplicate", "It was billed twice"),
    ("fraudulent", "The order was fraudulent"),
)
# Where the money of a paid invoice goes.
METHOD, BALANCE, ELSEWHERE, REFUNDED = "method", "balance", "elsewhere", "refunded"


@dataclass(frozen=True)
class Selection:
    """What is credited: an amount, or lines (id, quantity or None, amount or None); minor units.

    `total` is what it comes to with the lines' discounts and taxes, as far as the mirror tells.
    """

    total: int
    amount: int | None = None
    lines: tuple[tuple[str, int | None, int | None], ...] = ()


def whole(left: Left) -> Selection:
    """Everything that is left: by its lines where all of it is, else as an amount."""
    if left.lines and all(each.credited == 0 and each.line.amount > 0 for each in left.lines):
        found = of_lines(left, {e.line.stripe_id: (e.quantity_left, e.left) for e in left.lines})
        if found.total == left.to_credit:
            return found
    return Selection(left.to_credit, amount=left.to_credit)


def of_amount(amount: int) -> Selection:
    return Selection(amount, amount=amount)


def of_lines(left: Left, picked: Mapping[str, tuple[int | None, int | None]]) -> Selection:
    """The picked lines by id: so many of a line, or such an amount of it before tax."""
    chosen, total = [], 0
    for each in left.lines:
        quantity, amount = picked.get(each.line.stripe_id, (None, None))
        if not (quantity or amount):
            continue
        chosen.append((each.line.stripe_id, quantity, None if quantity else amount))
        total += _total(each, _before_tax(each, quantity, amount))
    return Selection(total, lines=tuple(chosen))


def _before_tax(each: CreditableLine, quantity: int | None, amount: int | None) -> int:
    if quantity is None:
        return amount or 0
    return _rounded(Fraction(each.line.amount * quantity, each.line.quantity or 1))


def _total(each: CreditableLine, amount: int) -> int:
    """The line's amount less its share of the discounts, with its share of the tax on top."""
    share = Fraction(amount, each.line.amount)
    discounts = each.line.data.get("discount_amounts") or []
    taxes = each.line.data.get("taxes") or []
    off = sum(_rounded(one["amount"] * share) for one in discounts)
    on_top = sum(
        _rounded(one["amount"] * share) for one in taxes if one["tax_behavior"] == "exclusive"
    )
    return amount - off + on_top


def _rounded(amount: Fraction) -> int:
    return int(amount + Fraction(1, 2))


def destinations(invoice: Invoice, left: Left) -> list[str]:
    """Where the money of a credit note can go; nowhere for an invoice that is not paid."""
    if not invoice.is_paid:
        return []
    found = [BALANCE, ELSEWHERE]
    # Stripe refunds with a note only what a single payment paid.
    if len(left.payments) == 1 and left.to_refund:
        found.insert(0, METHOD)
    if left.without_note:
        found.append(REFUNDED)
    return found


def params(
    invoice: Invoice, left: Left, selection: Selection, to: str, *, reason: str, memo: str
) -> State:
    """The credit note as it is agreed to: what a payment cannot give back goes to the balance."""
    total = selection.total
    refund = min(total, left.to_refund) if to == METHOD else 0
    shares, rest = [], total if to == REFUNDED else 0
    for refund_id, amount in left.without_note:
        if rest:
            shares.append([refund_id, min(amount, rest)])
            rest -= min(amount, rest)
    return {
        "amount": selection.amount,
        "lines": [list(line) for line in selection.lines],
        "refund": refund,
        "credit": total - refund if to in (METHOD, BALANCE) else rest,
        "elsewhere": total if to == ELSEWHERE else 0,
        "refunds": shares,
        "reason": reason or None,
        "memo": memo,
        "total": total,
        "currency": invoice.currency,
    }


def preview(invoice: Invoice, agreed: State) -> Any:
    """Stripe's own preview of it. Raises InvalidRequest for what it would not issue."""
    return gateway.preview(_note(invoice.stripe_id, agreed, {}))


def _note(invoice_id: str, agreed: State, metadata: dict[str, str]) -> Note:
    return Note(
        invoice_id=invoice_id,
        amount=agreed["amount"],
        lines=tuple((line[0], line[1], line[2]) for line in agreed["lines"]),
        refund=agreed["refund"],
        credit=agreed["credit"],
        elsewhere=agreed["elsewhere"],
        refunds=tuple((one[0], one[1]) for one in agreed["refunds"]),
        reason=agreed["reason"],
        memo=agreed["memo"],
        metadata=metadata,
    )


def _do(action: StaffAction, key: str) -> State:
    note = _note(action.subject, action.params, {MADE_BY: action.id})
    return _told(gateway.create(note, idempotency_key=key))


def _find(action: StaffAction) -> State | None:
    found = gateway.made_for(action.subject, MADE_BY, action.id)
    return _told(found) if found else None


def _told(note: Any) -> State:
    return {"credit_note": note.id, "number": note.number, "total": note.total}


CREDIT_NOTE = staff_actions.register(
    Kind(
        name="credit_note",
        audit="invoice.credited",
        refresh=lambda action: left_of_invoice.refresh(action.subject),
        state=left_of_invoice.state,
        do=_do,
        find=_find,
    )
)
