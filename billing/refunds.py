"""Refunds that staff make of an invoice's payment, without a credit note."""

from __future__ import annotations

from billing import left_of_invoice, staff_actions
from billing.gateway import refunds as gateway
from billing.staff_actions import MADE_BY, Kind, State
from models import StaffAction

REASONS: tuple[tuple[gateway.Reason, str], ...] = (
    ("requested_by_customer", "The customer asked for it"),
    ("duplicate", "It was paid twice"),
    ("fraudulent", "The payment was fraudulent"),
)


def _do(action: StaffAction, key: str) -> State:
    params = action.params
    made = gateway.create(
        params["payment_intent"],
        amount=params["amount"],
        reason=params["reason"],
        metadata={MADE_BY: action.id, **({"note": params["note"]} if params["note"] else {})},
        idempotency_key=key,
    )
    return {"refund": made.id}


def _find(action: StaffAction) -> State | None:
    found = gateway.made_for(action.params["payment_intent"], MADE_BY, action.id)
    return {"refund": found} if found else None


REFUND = staff_actions.register(
    Kind(
        name="refund",
        audit="invoice.refunded",
        refresh=lambda action: left_of_invoice.refresh(action.subject),
        state=left_of_invoice.state,
        do=_do,
        find=_find,
    )
)
