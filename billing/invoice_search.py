"""An account's invoices: searched, filtered, a page at a time, and what is still due."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import selectinload

from billing.money import THREE_DECIMAL, ZERO_DECIMAL
from models import Invoice, InvoiceLine, db

PAGE_SIZE = 20
# Drafts are not shown: they may still change, and Stripe has not billed them.
STATUSES = ("open", "paid", "uncollectible", "void")
LOWER_ZERO = [code.lower() for code in ZERO_DECIMAL]
LOWER_THREE = [code.lower() for code in THREE_DECIMAL]


@dataclass(frozen=True)
class Filters:
    """What to look for; everything that is empty matches all. Days are UTC, both included."""

    text: str = ""
    status: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.status or self.since or self.until)


@dataclass(frozen=True)
class Page:
    """One page of what was found, newest first."""

    invoices: Sequence[Invoice]
    number: int
    total: int

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE_SIZE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.invoices) - 1

    @property
    def has_older(self) -> bool:
        return self.last < self.total

    @property
    def has_newer(self) -> bool:
        return self.number > 1


def page(customer_id: str | None, filters: Filters, number: int) -> Page:
    """Page `number` (from 1) of the matching invoices with their lines; else the last page."""
    matching = _matching(customer_id, filters)
    total = db.session.scalar(select(func.count()).select_from(matching.subquery())) or 0
    number = max(1, min(number, -(-total // PAGE_SIZE)))
    found = db.session.scalars(
        _newest_first(matching)
        .options(selectinload(Invoice.lines))
        .limit(PAGE_SIZE)
        .offset((number - 1) * PAGE_SIZE)
    ).all()
    return Page(found, number, total)


def every(customer_id: str | None, filters: Filters) -> Iterator[Invoice]:
    """All matching invoices with their lines, newest first, read a few at a time."""
    statement = _newest_first(_matching(customer_id, filters)).options(selectinload(Invoice.lines))
    yield from db.session.scalars(statement.execution_options(yield_per=100))


def totals_due(customer_id: str | None) -> list[tuple[str, int]]:
    """What is still to be paid on open invoices: (currency, minor units), one per currency.

    What is on its way by a bank debit is not asked for again.
    """
    found = db.session.scalars(select(Invoice).where(_shown(customer_id), Invoice.status == "open"))
    totals: dict[str, int] = {}
    for invoice in found:
        if invoice.can_be_paid:
            totals[invoice.currency] = totals.get(invoice.currency, 0) + invoice.amount_remaining
    return sorted(totals.items())


def _shown(customer_id: str | None) -> ColumnElement[bool]:
    if customer_id is None:
        return false()
    return and_(
        Invoice.customer_id == customer_id,
        Invoice.status.in_(STATUSES),
        Invoice.deleted_at.is_(None),
    )


def _newest_first(statement: Select[tuple[Invoice]]) -> Select[tuple[Invoice]]:
    return statement.order_by(Invoice.created.desc(), Invoice.number.desc(), Invoice.stripe_id)


def _matching(customer_id: str | None, filters: Filters) -> Select[tuple[Invoice]]:
    statement = select(Invoice).where(_shown(customer_id))
    if filters.status:
        statement = statement.where(Invoice.status == filters.status)
    if filters.since:
        statement = statement.where(Invoice.created >= _midnight(filters.since))
    if filters.until:
        # Compared so, because the calendar's last day has none after it.
        statement = statement.where(
            Invoice.created <= datetime.combine(filters.until, time.max, UTC)
        )
    if filters.text:
        statement = statement.where(_says(filters.text))
    return statement


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _says(text: str) -> ColumnElement[bool]:
    """Its number or a line holds the text, or its total is that amount."""
    on_a_line = select(InvoiceLine.stripe_id).where(
        InvoiceLine.invoice_id == Invoice.stripe_id,
        InvoiceLine.description.icontains(text, autoescape=True),
    )
    choices = [Invoice.number.icontains(text, autoescape=True), on_a_line.exists()]
    for amount in amounts_in(text):
        by_digits = (
            (2, Invoice.currency.not_in([*LOWER_ZERO, *LOWER_THREE])),
            (0, Invoice.currency.in_(LOWER_ZERO)),
            (3, Invoice.currency.in_(LOWER_THREE)),
        )
        for digits, of_such_currency in by_digits:
            minor = amount.scaleb(digits)
            if minor == minor.to_integral_value() and abs(minor) < 10**15:
                choices.append(and_(of_such_currency, Invoice.total == int(minor)))
    return or_(*choices)


# A sign, a currency in front or behind, and figures with either mark: "$1,234.50", "1.234,50 EUR".
AMOUNT = re.compile(
    r"\s*[-\u2212]?\s*[^\d\s.,-]{0,4}\s*(?P<minus>[-\u2212])?"
    r"(?P<whole>\d[\d.,'\s]*?)(?:[.,](?P<fraction>\d{1,3}))?\s*[^\d\s.,-]{0,4}\s*"
)


def amounts_in(text: str) -> list[Decimal]:
    """The amounts a person may have meant: "39", "$1,234.50", "1.234,50 EUR"; none for words.

    Three figures after the last mark are thousands to some and decimals to others: both.
    """
    match = AMOUNT.fullmatch(text)
    if match is None:
        return []
    sign = "-" if match["minus"] or text.strip()[0] in "-\u2212" else ""
    whole = re.sub(r"\D", "", match["whole"])
    fraction = match["fraction"] or ""
    meant = [Decimal(f"{sign}{whole}.{fraction or 0}")]
    if len(fraction) == 3:
        meant.append(Decimal(f"{sign}{whole}{fraction}"))
    return meant
