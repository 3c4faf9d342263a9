"""Whether the invoices of a period are accounted for: per currency, to the minor unit.

    invoiced - credited - voided - uncollectible = paid + still open

The invoices are those finalized in the period, as they stand now; what each figure counts is in
`invoice_parts`. "Credited" is added up over the credit notes themselves and everything else over
the invoices, so that what is missing in the mirror shows as a difference and is not hidden in it.
Refunds stand apart: money that went back is no part of what was invoiced, and one credit note may
be refunded while another goes into the customer's balance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select

from billing.exports.period import Period
from billing.exports.selection import cohort, live_refund, pays_one_of, within
from billing.invoice_parts import PARTS
from models import CreditNote, CreditNoteRefund, Invoice, Refund, db

LEFT = ("total", "credited", "voided", "uncollectible")
RIGHT = ("paid", "open")
# What "paid" is made of; given_back is taken off.
OF_PAID = ("by_stripe", "off_stripe", "from_balance", "given_back")
SHOWN_DIFFERING = 50

APART: dict[str, tuple[str, str]] = {
    "refunds": (
        "Refunds of these invoices",
        "What was given back of payments towards the period's invoices, whenever it was; failed "
        "and cancelled refunds are left out.",
    ),
    "refunds_credited": (
        "Of them, behind credit notes",
        "The part of those refunds that credit notes stand for: it is in given back by credit "
        "notes too.",
    ),
    "refunds_made": (
        "Refunds made in the period",
        "Whatever they are of: these invoices, earlier ones, or what was bought once.",
    ),
    "credit_notes_issued": (
        "Credit notes issued in the period",
        "Whichever invoice they are on. Those on earlier invoices change an earlier period.",
    ),
    "overpaid": (
        PARTS["overpaid"].name,
        PARTS["overpaid"].meaning,
    ),
}


@dataclass(frozen=True)
class Figure:
    """An amount in minor units, and how many rows it comes from."""

    amount: int = 0
    count: int = 0


@dataclass(frozen=True)
class TieOut:
    """One currency's equation, and what stands apart from it."""

    currency: str
    figures: dict[str, Figure]
    apart: dict[str, Figure]

    def amount(self, key: str) -> int:
        return self.figures[key].amount

    @property
    def to_account_for(self) -> int:
        """The left side: what was invoiced less what need not be paid."""
        first, *rest = LEFT
        return self.amount(first) - sum(self.amount(key) for key in rest)

    @property
    def accounted_for(self) -> int:
        """The right side: what was paid and what is still to be."""
        return sum(self.amount(key) for key in RIGHT)

    @property
    def difference(self) -> int:
        return self.to_account_for - self.accounted_for

    @property
    def ties(self) -> bool:
        return self.difference == 0


@dataclass(frozen=True)
class Differing:
    """An invoice whose parts do not come to its total."""

    invoice: Invoice
    difference: int


def of(period: Period) -> list[TieOut]:
    """The equation of each currency that the period has invoices, refunds or credit notes in."""
    figures = _figures(period)
    apart = _apart(period)
    return [
        TieOut(
            currency,
            {key: figures.get((key, currency), Figure()) for key in (*LEFT, *RIGHT, *OF_PAID)},
            {key: apart.get((key, currency), Figure()) for key in APART},
        )
        for currency in sorted({currency for _, currency in (*figures, *apart)})
    ]


def differing(period: Period) -> Sequence[Differing]:
    """The first invoices of the period that do not add up, by number."""
    difference = PARTS["difference"].of
    found = db.session.execute(
        select(Invoice, difference)
        .where(*cohort(period), difference != 0)
        .order_by(Invoice.currency, Invoice.number, Invoice.stripe_id)
        .limit(SHOWN_DIFFERING)
    )
    return [Differing(invoice, int(amount)) for invoice, amount in found]


Figures = dict[tuple[str, str], Figure]


def _figures(period: Period) -> Figures:
    """By key and currency."""
    keys = [key for key in (*LEFT, *RIGHT, *OF_PAID) if key != "credited"]
    sums = [func.sum(PARTS[key].of) for key in keys]
    counts = [func.sum(case((PARTS[key].of != 0, 1), else_=0)) for key in keys]
    found: Figures = {}
    of_invoices = (
        select(Invoice.currency, *sums, *counts).where(*cohort(period)).group_by(Invoice.currency)
    )
    for currency, *values in db.session.execute(of_invoices):
        amounts, rows = values[: len(keys)], values[len(keys) :]
        for key, amount, count in zip(keys, amounts, rows, strict=True):
            found[key, currency] = Figure(int(amount), int(count))
    credited = (
        select(CreditNote.currency, func.sum(CreditNote.total), func.count())
        .join(Invoice, Invoice.stripe_id == CreditNote.invoice_id)
        .where(*cohort(period), *_issued())
        .group_by(CreditNote.currency)
    )
    found.update(_read("credited", credited))
    return found


def _apart(period: Period) -> Figures:
    of_these = pays_one_of(cohort(period))
    refunded = select(Refund.currency, func.sum(Refund.amount), func.count()).where(
        Refund.deleted_at.is_(None), live_refund()
    )
    behind = (
        select(Refund.currency, func.sum(CreditNoteRefund.amount_refunded), func.count())
        .join(Refund, Refund.stripe_id == CreditNoteRefund.refund_id)
        .join(CreditNote, CreditNote.stripe_id == CreditNoteRefund.credit_note_id)
        .where(Refund.deleted_at.is_(None), live_refund(), *_issued(), of_these)
        .group_by(Refund.currency)
    )
    issued = (
        select(CreditNote.currency, func.sum(CreditNote.total), func.count())
        .where(*within(CreditNote.created, period), *_issued())
        .group_by(CreditNote.currency)
    )
    overpaid = (
        select(Invoice.currency, func.sum(Invoice.amount_overpaid), func.count())
        .where(*cohort(period), Invoice.amount_overpaid != 0)
        .group_by(Invoice.currency)
    )
    return {
        **_read("refunds", refunded.where(of_these).group_by(Refund.currency)),
        **_read("refunds_credited", behind),
        **_read(
            "refunds_made",
            refunded.where(*within(Refund.created, period)).group_by(Refund.currency),
        ),
        **_read("credit_notes_issued", issued),
        **_read("overpaid", overpaid),
    }


def _issued() -> list[Any]:
    return [CreditNote.status == "issued", CreditNote.deleted_at.is_(None)]


def _read(key: str, statement: Any) -> Figures:
    return {
        (key, currency): Figure(int(amount), int(count))
        for currency, amount, count in db.session.execute(statement)
    }


def rows(found: Sequence[TieOut]) -> Iterator[tuple[str, str, str, int, int, str]]:
    """For a file: (currency, key, name, minor units, rows behind it, what it counts)."""
    for one in found:
        for key in (*LEFT, *RIGHT, *OF_PAID):
            figure = one.figures[key]
            yield (
                one.currency, key, PARTS[key].name, figure.amount, figure.count, PARTS[key].meaning,
            )  # fmt: skip
        yield (
            one.currency, "difference", PARTS["difference"].name, one.difference, 0,
            PARTS["difference"].meaning,
        )  # fmt: skip
        for key, (name, meaning) in APART.items():
            yield one.currency, key, name, one.apart[key].amount, one.apart[key].count, meaning
