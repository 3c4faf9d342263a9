"""Credit notes: read, previewed, issued."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE, complete
from billing.gateway.plan_change import ASKED_ONCE

if TYPE_CHECKING:
    from stripe.params import (
        CreditNoteCreateParams,
        CreditNoteListParams,
        CreditNotePreviewParams,
    )

Reason = Literal["duplicate", "fraudulent", "order_change", "product_unsatisfactory"]


@dataclass(frozen=True)
class Note:
    """A credit note to be: of lines, or of an amount; minor units.

    `lines` are (id of the invoice's line, quantity or None, amount or None). On a paid invoice
    `refund`, `credit` and `elsewhere`, with `refunds` made before, add up to its total.
    """

    invoice_id: str
    amount: int | None = None
    lines: tuple[tuple[str, int | None, int | None], ...] = ()
    refund: int = 0
    credit: int = 0
    elsewhere: int = 0
    refunds: tuple[tuple[str, int], ...] = ()
    reason: Reason | None = None
    memo: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


def retrieve(credit_note_id: str) -> stripe.CreditNote:
    """The credit note with all its lines; GoneFromStripe when there is none."""
    with translated():
        found = v1().credit_notes.retrieve(credit_note_id)
        complete(found.lines)
    return found


def page(*, starting_after: str | None = None) -> stripe.ListObject[stripe.CreditNote]:
    """A page of all credit notes, newest first."""
    params: CreditNoteListParams = {"limit": PAGE}
    if starting_after:
        params["starting_after"] = starting_after
    with translated():
        found = v1().credit_notes.list(params)
        for note in found.data:
            complete(note.lines)
    return found


def preview(note: Note) -> stripe.CreditNote:
    """The credit note as it would be; InvalidRequest for what Stripe would not issue."""
    with translated():
        return v1().credit_notes.preview(cast("CreditNotePreviewParams", _params(note)), ASKED_ONCE)


def create(note: Note, *, idempotency_key: str) -> stripe.CreditNote:
    """The credit note, issued; the money is given back with it."""
    with translated():
        return v1().credit_notes.create(
            cast("CreditNoteCreateParams", _params(note)), {"idempotency_key": idempotency_key}
        )


def of(invoice_id: str) -> list[stripe.CreditNote]:
    """Every credit note of the invoice, void ones too."""
    with translated():
        found = v1().credit_notes.list({"invoice": invoice_id, "limit": PAGE})
        return list(found.auto_paging_iter())


def made_for(invoice_id: str, name: str, value: str) -> stripe.CreditNote | None:
    """The invoice's credit note whose metadata has that value."""
    return next(
        (
            note
            for note in of(invoice_id)
            if note.metadata and note.metadata.to_dict().get(name) == value
        ),
        None,
    )


def _params(note: Note) -> dict[str, Any]:
    params: dict[str, Any] = {"invoice": note.invoice_id}
    if note.lines:
        params["lines"] = [_line(*line) for line in note.lines]
    else:
        params["amount"] = note.amount
    given = {
        "refund_amount": note.refund,
        "credit_amount": note.credit,
        "out_of_band_amount": note.elsewhere,
        "reason": note.reason,
        "memo": note.memo,
        "metadata": note.metadata,
    }
    params.update({name: value for name, value in given.items() if value})
    if note.refunds:
        params["refunds"] = [
            {"refund": refund_id, "amount_refunded": amount} for refund_id, amount in note.refunds
        ]
    return params


def _line(line_id: str, quantity: int | None, amount: int | None) -> dict[str, Any]:
    line: dict[str, Any] = {"type": "invoice_line_item", "invoice_line_item": line_id}
    if quantity is not None:
        line["quantity"] = quantity
    else:
        line["amount"] = amount
    return line
