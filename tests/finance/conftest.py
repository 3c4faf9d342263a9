"""Books that a test writes at Stripe, brought into the mirror as webhooks and pulls would."""

from __future__ import annotations

from typing import Any

import pytest
import stripe as stripe_sdk
from flask import Flask

from billing import sync


class Books:
    """Customers, invoices, credit notes and refunds, each pulled after it was changed."""

    def __init__(self, app: Flask, stripe: stripe_sdk.StripeClient):
        self.app, self.v1 = app, stripe.v1

    def customer(self, name: str = "Northwind", country: str | None = None, **more: Any) -> str:
        address = {"address": {"country": country}} if country else {}
        made = self.v1.customers.create(
            {"name": name, "email": "billing@northwind.example", **address, **more}
        )
        card = self.v1.payment_methods.attach("pm_card_visa", {"customer": made.id})
        self.v1.customers.update(made.id, {"invoice_settings": {"default_payment_method": card.id}})
        return made.id

    def draft(self, customer: str, *amounts: int, currency: str = "usd", text: str = "Work") -> str:
        made = self.v1.invoices.create({"customer": customer, "currency": currency})
        for amount in amounts:
            self.v1.invoice_items.create(
                {
                    "customer": customer,
                    "invoice": made.id,
                    "amount": amount,
                    "currency": currency,
                    "description": text,
                }
            )
        return made.id

    def invoice(
        self, customer: str, *amounts: int, currency: str = "usd", text: str = "Work"
    ) -> str:
        """A finalized invoice with a line for each amount; its id."""
        made = self.draft(customer, *amounts, currency=currency, text=text)
        self.v1.invoices.finalize_invoice(made)
        self.pull("invoice", made)
        return made

    def pay(self, invoice: str, **params: Any) -> None:
        self.v1.invoices.pay(invoice, params)
        self.pull("invoice", invoice)

    def void(self, invoice: str) -> None:
        self.v1.invoices.void_invoice(invoice)
        self.pull("invoice", invoice)

    def give_up(self, invoice: str) -> None:
        self.v1.invoices.mark_uncollectible(invoice)
        self.pull("invoice", invoice)

    def credit(self, invoice: str, amount: int, **how: int) -> str:
        """A credit note; after payment `how` says refund_amount, credit_amount or out_of_band."""
        line = {"type": "custom_line_item", "description": "Credit", "quantity": 1}
        made = self.v1.credit_notes.create(
            {"invoice": invoice, "lines": [{**line, "unit_amount": amount}], **how}
        )
        self.pull("credit_note", made.id)
        self.pull("invoice", invoice)
        for each in made.refunds:
            self.pull("refund", each.refund)
        return made.id

    def void_credit(self, note: str) -> None:
        made = self.v1.credit_notes.void_credit_note(note)
        self.pull("credit_note", note)
        self.pull("invoice", made.invoice)

    def refund(self, invoice: str, amount: int) -> str:
        """Money given back without a credit note."""
        (paid,) = [
            p
            for p in self.v1.invoice_payments.list({"invoice": invoice}).data
            if p.status == "paid"
        ]
        made = self.v1.refunds.create(
            {"payment_intent": paid.payment.payment_intent, "amount": amount}
        )
        self.pull("refund", made.id)
        return made.id

    def balance(self, customer: str, amount: int, currency: str = "usd") -> None:
        """Changes what the customer owes; negative is credit."""
        self.v1.customers.balance_transactions.create(
            customer, {"amount": amount, "currency": currency}
        )

    def pull(self, kind: str, stripe_id: str) -> None:
        with self.app.app_context():
            sync.pull(kind, stripe_id)


@pytest.fixture
def books(app: Flask, stripe: stripe_sdk.StripeClient) -> Books:
    return Books(app, stripe)


@pytest.fixture
def finance(people: Any) -> Any:
    return people.staff_member("finance@tidewater.example", "finance")
