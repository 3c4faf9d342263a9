"""Ending an open invoice by hand: void, given up as uncollectible, or paid elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from billing import left_of_invoice, staff_actions, sync
from billing.gateway import invoice_closing as gateway
from billing.staff_actions import Kind, State
from models import Invoice, StaffAction


@dataclass(frozen=True)
class Closing:
    """A way to end an invoice: from which statuses, to which."""

    kind: Kind
    slug: str
    begins: frozenset[str]
    status: str

    def is_possible(self, invoice: Invoice) -> bool:
        return invoice.status in self.begins and not invoice.is_processing


def _kind(name: str, audit: str, ask: Callable[..., Any], status: str) -> Kind:
    def do(action: StaffAction, key: str) -> State:
        ask(action.subject, idempotency_key=key)
        return {"status": status}

    def find(action: StaffAction) -> State | None:
        invoice: Invoice = sync.pull("invoice", action.subject)
        return {"status": status} if _is_closed(invoice, status) else None

    return staff_actions.register(
        Kind(
            name=name,
            audit=audit,
            refresh=lambda action: left_of_invoice.refresh(action.subject),
            state=left_of_invoice.state,
            do=do,
            find=find,
        )
    )


def _is_closed(invoice: Invoice, status: str) -> bool:
    """Whether it ended so; one that a card paid in the meantime was not paid elsewhere."""
    elsewhere = status != "paid" or bool(invoice.data.get("amount_paid_off_stripe"))
    return invoice.status == status and elsewhere


VOID = Closing(
    _kind("void", "invoice.voided", gateway.void, "void"),
    "void",
    frozenset({"open", "uncollectible"}),
    "void",
)
UNCOLLECTIBLE = Closing(
    _kind("uncollectible", "invoice.written_off", gateway.mark_uncollectible, "uncollectible"),
    "uncollectible",
    frozenset({"open"}),
    "uncollectible",
)
PAID_ELSEWHERE = Closing(
    _kind("paid_elsewhere", "invoice.paid_out_of_band", gateway.paid_out_of_band, "paid"),
    "paid-out-of-band",
    frozenset({"open", "uncollectible"}),
    "paid",
)
CLOSINGS = {each.slug: each for each in (VOID, UNCOLLECTIBLE, PAID_ELSEWHERE)}


def possible(invoice: Invoice) -> list[Closing]:
    """The ways in which the invoice can be ended now."""
    return [each for each in CLOSINGS.values() if each.is_possible(invoice)]


def balance_given_back(invoice: Invoice) -> int:
    """What voiding gives back to the customer's balance, minor units; negative is taken again.

    Stripe's docs, "Customer credit balance": a void invoice gives back what was applied to it.
    """
    return (invoice.data.get("ending_balance") or 0) - invoice.starting_balance
