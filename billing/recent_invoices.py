"""An account's latest invoices, each with what it was for, as the overview lists them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from models import Invoice, Product, db

SHOWN = 5
REASONS = {
    "subscription_create": "First invoice",
    "subscription_cycle": "Renewal",
    "subscription_update": "Change of plan or seats",
    "manual": "Invoice",
}


@dataclass(frozen=True)
class Titled:
    """An invoice and what it was for: "Team · 8 seats"."""

    invoice: Invoice
    title: str


@dataclass(frozen=True)
class RecentInvoices:
    """The latest few, newest first, and how many there are in all."""

    rows: list[Titled]
    total: int


def of(customer_id: str | None) -> RecentInvoices:
    """The customer's finalized invoices; drafts may still change and are nobody's to read."""
    if customer_id is None:
        return RecentInvoices([], 0)
    theirs = (
        Invoice.customer_id == customer_id,
        Invoice.status != "draft",
        Invoice.deleted_at.is_(None),
    )
    total = db.session.scalar(select(func.count()).select_from(Invoice).where(*theirs)) or 0
    latest = db.session.scalars(
        select(Invoice)
        .where(*theirs)
        .order_by(Invoice.created.desc(), Invoice.number.desc())
        .limit(SHOWN)
    )
    return RecentInvoices([Titled(invoice, title(invoice)) for invoice in latest], total)


def title(invoice: Invoice) -> str:
    """The plan and seats the invoice bills; where it is a change or no plan, why it came."""
    reason = REASONS.get(invoice.billing_reason or "", "Invoice")
    whole = [line for line in invoice.lines if not line.is_proration]
    if invoice.lines and not whole and all(line.amount <= 0 for line in invoice.lines):
        return "Credit for unused time"
    if len(whole) != 1 or len(invoice.lines) != 1:
        return reason
    line = whole[0]
    product = db.session.get(Product, line.product_id) if line.product_id else None
    if product is None:
        return line.description or reason
    seats = line.quantity if product.is_per_seat else None
    return f"{product.name} · {seats} seats" if seats and seats > 1 else product.name
