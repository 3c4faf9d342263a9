"""What happened to an invoice's payment: received, refused, to be confirmed, on its way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from billing.clock import now
from billing.facts.telling import is_recent, observes, tell
from billing.sync import Written
from models import Invoice

# Who is at the page that asked for the payment is told there; a mail waits whether they finish.
WHILE_SOMEBODY_PAYS = timedelta(minutes=15)
BY_ITSELF = frozenset({"subscription_cycle", "subscription_threshold"})


@dataclass(frozen=True)
class Outcome:
    """How the latest attempt to have an open invoice paid stands: the fact it is, and its number.

    `is_told` is False where the mirror knows no payment's status, as after a backfill.
    """

    kind: str | None
    attempt: int
    is_told: bool


def outcome(values: Mapping[str, Any]) -> Outcome:
    """The outcome in an invoice's columns `status`, `attempt_count` and `data`.

    Stripe may give an invoice up in the moment its last attempt fails, which is told all the same.
    """
    payments = ((values.get("data") or {}).get("payments") or {}).get("data") or []
    statuses = {one["payment"].get("payment_intent_status") for one in payments}
    attempt = values.get("attempt_count") or 0
    if values.get("status") == "uncollectible":
        kind = "payment_failed" if attempt else None
    elif values.get("status") != "open":
        kind = None
    elif "processing" in statuses:
        kind = "debit_started"
    elif "requires_action" in statuses:
        kind = "bank_confirmation"
    else:
        kind = "payment_failed" if attempt else None
    return Outcome(kind, attempt, bool(statuses - {None}))


def outcome_of(invoice: Invoice) -> Outcome:
    return outcome(
        {
            "status": invoice.status,
            "attempt_count": invoice.attempt_count,
            "data": invoice.data,
        }
    )


@observes("invoice")
def paid(written: Written) -> None:
    invoice: Invoice = written.row
    if not invoice.is_paid or invoice.amount_paid <= 0 or not is_recent(invoice.paid_at):
        return
    if written.before.get("status") != "paid":
        tell(
            "receipt",
            f"receipt:{invoice.stripe_id}",
            invoice.customer_id,
            invoice_id=invoice.stripe_id,
        )


@observes("invoice")
def tried(written: Written) -> None:
    """Each attempt that was refused, waits for the bank, or is on its way, told once."""
    invoice: Invoice = written.row
    latest, before = outcome_of(invoice), outcome(written.before)
    if latest.kind is None or latest == before:
        return
    has_grown = latest.attempt > before.attempt
    first_sight = written.is_new or not (has_grown or before.is_told)
    if first_sight and not _is_news(invoice):
        return
    # Only Stripe's own retries are counted after the first attempt.
    automatic = has_grown and (latest.attempt > 1 or invoice.billing_reason in BY_ITSELF)
    at_once = automatic or before.kind == "debit_started" or latest.kind == "debit_started"
    tell(
        latest.kind,
        f"{latest.kind}:{invoice.stripe_id}:{latest.attempt}",
        invoice.customer_id,
        not_before=None if at_once else now() + WHILE_SOMEBODY_PAYS,
        invoice_id=invoice.stripe_id,
        attempt=latest.attempt,
    )


def _is_news(invoice: Invoice) -> bool:
    """Whether an invoice that is first seen unpaid is one that is being collected now."""
    goes_on = invoice.next_payment_attempt is not None and invoice.next_payment_attempt > now()
    return goes_on or is_recent(invoice.finalized_at)
