"""Something was taken off an invoice."""

from __future__ import annotations

from billing.facts.telling import is_recent, observes, tell
from billing.sync import Written
from models import CreditNote


@observes("credit_note")
def issued(written: Written) -> None:
    note: CreditNote = written.row
    if written.is_new and note.status == "issued" and is_recent(note.created):
        tell(
            "credit_note",
            f"credit_note:{note.stripe_id}",
            note.customer_id,
            credit_note_id=note.stripe_id,
        )
