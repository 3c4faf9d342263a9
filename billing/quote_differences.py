"""Whether a quote was charged as it said, to the cent; where it was not, staff are told.

An invoice is compared when it is written into the mirror, whoever asked for that: the request
that made the change, a webhook, or the renewal that a scheduled change takes effect with.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, select, update

from billing import sync
from billing.audit import record
from billing.clock import now
from billing.pricing import TAKES_EFFECT_NOW
from billing.quoting import lines as quoted_lines
from billing.sync import Written
from models import Invoice, InvoiceLine, Price, Quote, QuoteDifference, db

log = logging.getLogger(__name__)

FINAL = frozenset({"open", "paid", "uncollectible"})
# What a line is for, where its own name does not say it.
CALLED = {
    "unused": "Unused time",
    "discount": "Discount",
    "tax": "Tax",
    "balance": "Balance",
    "kept": "Kept as credit",
}
Amounts = dict[str, int]


def found() -> Sequence[QuoteDifference]:
    """Every difference, the newest first."""
    return db.session.scalars(
        select(QuoteDifference).order_by(QuoteDifference.seen_at.desc(), QuoteDifference.id.desc())
    ).all()


def unresolved() -> Select[tuple[QuoteDifference]]:
    """Those that nobody has looked into, the newest first."""
    return (
        select(QuoteDifference)
        .where(QuoteDifference.resolved_at.is_(None))
        .order_by(QuoteDifference.seen_at.desc(), QuoteDifference.id.desc())
    )


def resolve(difference_id: int, user_id: int) -> QuoteDifference | None:
    """Marks a difference as looked into; None when it was already. Part of the transaction."""
    changed = db.session.execute(
        update(QuoteDifference)
        .where(QuoteDifference.id == difference_id, QuoteDifference.resolved_at.is_(None))
        .values(resolved_at=now(), resolved_by_id=user_id)
        .execution_options(synchronize_session=False)
    )
    return db.session.get(QuoteDifference, difference_id) if changed.rowcount else None


@sync.observer
def compare_invoice(written: Written) -> None:
    """Compares an invoice that is final with the accepted quote it is of, once per quote."""
    if written.kind != "invoice" or written.row.subscription_id is None:
        return
    invoice: Invoice = written.row
    if invoice.status not in FINAL:
        return
    quote = _quote_of(invoice)
    if quote is None:
        return
    quote.invoice_id = invoice.stripe_id
    quote.charged_amount = _charged(quote, invoice)
    if _differs(quote, invoice):
        _tell(quote, invoice)


def _quote_of(invoice: Invoice) -> Quote | None:
    """The accepted quote that the invoice is of and that was not compared yet."""
    waiting = db.session.scalars(
        select(Quote)
        .where(
            Quote.subscription_id == invoice.subscription_id,
            Quote.accepted_at.is_not(None),
            Quote.charged_amount.is_(None),
        )
        # What was scheduled last is what happens.
        .order_by(Quote.accepted_at.desc(), Quote.created_at.desc())
    ).all()
    return next((quote for quote in waiting if _is_of(quote, invoice)), None)


def _is_of(quote: Quote, invoice: Invoice) -> bool:
    if quote.takes_effect != TAKES_EFFECT_NOW:
        return quote.applied_at is not None and any(
            _begins_with(quote, line) for line in invoice.lines
        )
    if quote.applied_at is None and not invoice.is_paid:
        # It waits for the bank, and may yet come to nothing.
        return False
    if quote.invoice_id is not None:
        return quote.invoice_id == invoice.stripe_id
    if quote.kind != "change":
        return _begun_by(quote, invoice)
    # Stripe prorates from exactly the moment that the quote named.
    return quote.proration_date is not None and any(
        line.period_start == quote.proration_date for line in invoice.lines
    )


def _begins_with(quote: Quote, line: InvoiceLine) -> bool:
    """Whether the line is the first whole period of what the quote scheduled."""
    price = db.session.get(Price, quote.to_price_id)
    if price is None or price.usage_type == "metered":
        return False
    return (
        not line.is_proration
        and line.price_id == quote.to_price_id
        and (line.quantity or 1) == quote.to_quantity
        and line.period_start == quote.effective_at
    )


def _begun_by(quote: Quote, invoice: Invoice) -> bool:
    """Whether it is the first invoice of a trial ended early or a pause, made when that was."""
    soon = timedelta(minutes=1)
    return (
        quote.accepted_at is not None
        and invoice.created is not None
        and abs(invoice.created - quote.accepted_at) <= soon
        and any(line.price_id == quote.to_price_id for line in invoice.lines)
    )


def _quoted(quote: Quote) -> int:
    if quote.takes_effect == TAKES_EFFECT_NOW:
        return quote.amount_due
    return quote.recurring_amount or 0


def _charged(quote: Quote, invoice: Invoice) -> int:
    """What answers to `_quoted`: a period's price was quoted before the customer's balance."""
    return invoice.amount_due if quote.takes_effect == TAKES_EFFECT_NOW else invoice.total


def _differs(quote: Quote, invoice: Invoice) -> bool:
    if quote.takes_effect != TAKES_EFFECT_NOW and quote.recurring_amount is None:
        return False
    if invoice.currency != quote.currency or _charged(quote, invoice) != _quoted(quote):
        return True
    # Nothing may be due either way while the credit that is kept for later is another.
    kept = _of_quote(quote).get(CALLED["kept"], 0)
    return quote.takes_effect == TAKES_EFFECT_NOW and kept != _of_invoice(invoice).get(
        CALLED["kept"], 0
    )


def _tell(quote: Quote, invoice: Invoice) -> None:
    quoted, charged = _quoted(quote), _charged(quote, invoice)
    db.session.add(
        QuoteDifference(
            quote_id=quote.id,
            account_id=quote.account_id,
            invoice_id=invoice.stripe_id,
            quoted=quoted,
            charged=charged,
            quoted_currency=quote.currency,
            charged_currency=invoice.currency,
            lines=_lines_that_differ(quote, invoice),
            seen_at=now(),
        )
    )
    record(
        "quote.charged_otherwise",
        invoice.stripe_id,
        before={"quote": quote.id, "amount": quoted, "currency": quote.currency},
        after={"amount": charged, "currency": invoice.currency},
        account_id=quote.account_id,
    )
    log.error(
        "quote %s said %s %s and invoice %s charged %s %s",
        quote.id,
        quoted,
        quote.currency,
        invoice.stripe_id,
        charged,
        invoice.currency,
    )


def _lines_that_differ(quote: Quote, invoice: Invoice) -> list[dict[str, Any]]:
    charged = _of_invoice(invoice)
    if quote.takes_effect == TAKES_EFFECT_NOW:
        quoted = _of_quote(quote)
    else:
        # A later period was quoted as one sum; everything that makes up the total is told.
        quoted = {"The whole period": _quoted(quote)}
        charged = {k: v for k, v in charged.items() if k not in {CALLED["balance"], CALLED["kept"]}}
    return [
        {"line": name, "quoted": quoted.get(name, 0), "charged": charged.get(name, 0)}
        for name in dict.fromkeys([*quoted, *charged])
        if quoted.get(name, 0) != charged.get(name, 0)
    ]


def _of_quote(quote: Quote) -> Amounts:
    amounts: Amounts = defaultdict(int)
    for line in quoted_lines(quote):
        if line.kind != "tax_included":
            amounts[_name(line.kind, line.name)] += line.amount
    return dict(amounts)


def _of_invoice(invoice: Invoice) -> Amounts:
    """The invoice as a quote would have told it; the amounts add up to its amount due."""
    amounts: Amounts = defaultdict(int)
    for line in invoice.lines:
        price = db.session.get(Price, line.price_id) if line.price_id else None
        plan = price.product if price else None
        kind = "unused" if line.is_proration and line.amount < 0 else "rest"
        amounts[_name(kind, plan.name if plan else line.description or "")] += line.amount
    before_tax = invoice.subtotal - invoice.discount
    for kind, amount in (
        ("discount", -invoice.discount),
        ("tax", invoice.total - before_tax),
        ("kept" if invoice.total < 0 else "balance", invoice.amount_due - invoice.total),
    ):
        if amount:
            amounts[CALLED[kind]] += amount
    return dict(amounts)


def _name(kind: str, name: str) -> str:
    if kind == "unused":
        return f"{CALLED['unused']} on {name}"
    return CALLED.get(kind) or name or "Other items"
