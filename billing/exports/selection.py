"""Which rows: the conditions that a page, its totals and its export share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, select

from billing.exports.period import Period
from billing.invoice_parts import PARTS
from models import CreditNote, Invoice, InvoiceLine, InvoicePayment, Refund

# Refunds that gave something back, or are about to.
LIVE_REFUNDS = ("pending", "requires_action", "succeeded")


def within(moment: Any, period: Period) -> list[ColumnElement[bool]]:
    """The moment is known and in the period."""
    found: list[ColumnElement[bool]] = [moment.is_not(None)]
    if period.start is not None:
        found.append(moment >= period.start)
    if period.end is not None:
        found.append(moment < period.end)
    return found


def cohort(period: Period) -> list[ColumnElement[bool]]:
    """The invoices of a period: those finalized in it."""
    return [*within(Invoice.finalized_at, period), Invoice.deleted_at.is_(None)]


def live_refund() -> ColumnElement[bool]:
    return Refund.status.in_(LIVE_REFUNDS)


def pays_one_of(invoices: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """The refund is of a payment towards an invoice of which `invoices` is true."""
    return exists(
        select(InvoicePayment.stripe_id)
        .join(Invoice, Invoice.stripe_id == InvoicePayment.invoice_id)
        .where(InvoicePayment.payment_intent_id == Refund.payment_intent_id, *invoices)
        .correlate(Refund)
    )


@dataclass(frozen=True)
class Selection:
    """What a filter form says; what is empty selects all."""

    period: Period
    by: str
    status: str = ""
    currency: str = ""

    @property
    def moment(self) -> Any:
        """The time that `by` names, which orders the rows too."""
        raise NotImplementedError

    @property
    def identity(self) -> Any:
        raise NotImplementedError

    def conditions(self) -> list[ColumnElement[bool]]:
        raise NotImplementedError

    def oldest_first(self) -> list[ColumnElement[Any]]:
        return [self.moment.asc(), self.identity.asc()]

    def newest_first(self) -> list[ColumnElement[Any]]:
        return [self.moment.desc(), self.identity.desc()]


@dataclass(frozen=True)
class OfInvoices(Selection):
    """Invoices, by the day they were finalized, created or paid."""

    plan: str = ""
    country: str = ""
    # A part of `invoice_parts` that is not nothing.
    part: str = ""

    @property
    def moment(self) -> Any:
        return {
            "created": Invoice.created,
            "finalized": Invoice.finalized_at,
            "paid": Invoice.paid_at,
        }[self.by]

    @property
    def identity(self) -> Any:
        return Invoice.stripe_id

    def moment_of(self, invoice: Invoice) -> datetime | None:
        found: datetime | None = getattr(invoice, self.moment.key)
        return found

    def conditions(self) -> list[ColumnElement[bool]]:
        found = [*within(self.moment, self.period), Invoice.deleted_at.is_(None)]
        # A draft may still change; it is shown to who asks for it.
        found.append(
            Invoice.status == self.status if self.status else Invoice.finalized_at.is_not(None)
        )
        if self.currency:
            found.append(Invoice.currency == self.currency.lower())
        if self.country:
            found.append(Invoice.customer_country == self.country.upper())
        if self.plan:
            found.append(
                exists(
                    select(InvoiceLine.stripe_id)
                    .where(
                        InvoiceLine.invoice_id == Invoice.stripe_id,
                        InvoiceLine.product_id == self.plan,
                    )
                    .correlate(Invoice)
                )
            )
        if self.part:
            found.append(PARTS[self.part].of != 0)
        return found


@dataclass(frozen=True)
class OfCreditNotes(Selection):
    """Credit notes, by the day they were issued or voided or their invoice was finalized."""

    @property
    def moment(self) -> Any:
        return {
            "created": CreditNote.created,
            "voided": CreditNote.voided_at,
            "finalized": Invoice.finalized_at,
        }[self.by]

    @property
    def identity(self) -> Any:
        return CreditNote.stripe_id

    def conditions(self) -> list[ColumnElement[bool]]:
        found = [*within(self.moment, self.period), CreditNote.deleted_at.is_(None)]
        if self.by == "finalized":
            found.append(Invoice.deleted_at.is_(None))
        if self.status:
            found.append(CreditNote.status == self.status)
        if self.currency:
            found.append(CreditNote.currency == self.currency.lower())
        return found


@dataclass(frozen=True)
class OfRefunds(Selection):
    """Refunds, by the day they were made or the invoice that was paid was finalized."""

    @property
    def moment(self) -> Any:
        return Refund.created

    @property
    def identity(self) -> Any:
        return Refund.stripe_id

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = [
            Refund.deleted_at.is_(None),
            Refund.created.is_not(None),
        ]
        if self.by == "finalized":
            found.append(pays_one_of(cohort(self.period)))
        else:
            found += within(Refund.created, self.period)
        if self.status == "live":
            found.append(live_refund())
        elif self.status:
            found.append(Refund.status == self.status)
        if self.currency:
            found.append(Refund.currency == self.currency.lower())
        return found
