"""Credit notes, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE, complete

if TYPE_CHECKING:
    from stripe.params import CreditNoteListParams


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
