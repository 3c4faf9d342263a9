"""Money beside the renewals: paid late, given back, billed once."""

from __future__ import annotations

from typing import Any

import stripe
from stripe._v1_services import V1Services

from demo.currencies import amount_in
from demo.offers import Offers
from demo.population import Company
from demo.subscriber import Subscriber


class Bills:
    """The acts about invoices. The public methods are those that a story may name."""

    def __init__(self, stripe_: V1Services, offers: Offers) -> None:
        self._stripe, self._offers = stripe_, offers

    def pay(self, who: Subscriber, company: Company) -> None:
        """What is open is paid with the card of now."""
        owed = self._stripe.invoices.list({"customer": who.customer, "status": "open"})
        for invoice in owed.data:
            self._stripe.invoices.pay(invoice.id)

    def refund(self, who: Subscriber, company: Company, part: float, reason: str) -> None:
        """A part of the last payment goes back to the card."""
        invoice = self._last_paid(who)
        paid = self._stripe.invoice_payments.list({"invoice": invoice.id, "status": "paid"})
        intent = paid.data[0].payment.payment_intent
        amount = round(invoice.amount_paid * part)
        self._stripe.refunds.create({"payment_intent": intent, "amount": amount, "reason": reason})

    def credit(
        self, who: Subscriber, company: Company, part: float, back_to: str, reason: str
    ) -> None:
        """A credit note on the last paid invoice, given back to the card or kept as a balance."""
        invoice = self._last_paid(who)
        amount = round(invoice.amount_paid * part)
        how = "refund_amount" if back_to == "card" else "credit_amount"
        self._stripe.credit_notes.create(
            {"invoice": invoice.id, "amount": amount, how: amount, "reason": reason}
        )

    def bill(self, who: Subscriber, company: Company, of: str, amount: int) -> None:
        """Something bought once, charged at once; `amount` in cents."""
        invoice = self._draft(who, company, of, amount)
        self._stripe.invoices.finalize_invoice(invoice)
        self._stripe.invoices.pay(invoice)

    def send_bill(self, who: Subscriber, company: Company, of: str, amount: int, days: int) -> None:
        """Something bought once, to be paid within `days`."""
        terms = {"collection_method": "send_invoice", "days_until_due": days}
        who.bill = self._draft(who, company, of, amount, **terms)
        self._stripe.invoices.send_invoice(who.bill)

    def settle(self, who: Subscriber, company: Company, how: str) -> None:
        """What becomes of the bill that was sent last."""
        if how == "out_of_band":
            self._stripe.invoices.pay(who.bill, {"paid_out_of_band": True})
        elif how == "paid":
            self._stripe.invoices.pay(who.bill)
        elif how == "credited":
            half = self._stripe.invoices.retrieve(who.bill).total // 2
            self._stripe.credit_notes.create(
                {"invoice": who.bill, "amount": half, "reason": "product_unsatisfactory"}
            )
        elif how == "void":
            self._stripe.invoices.void_invoice(who.bill)
        elif how == "uncollectible":
            self._stripe.invoices.mark_uncollectible(who.bill)

    def _draft(self, who: Subscriber, company: Company, of: str, amount: int, **terms: Any) -> str:
        if company.tax:
            terms["default_tax_rates"] = [self._offers.taxes[company.tax]]
        invoice = self._stripe.invoices.create(
            {"customer": who.customer, "currency": company.currency, **terms}
        )
        self._stripe.invoice_items.create(
            {
                "customer": who.customer,
                "invoice": invoice.id,
                "description": of,
                "amount": amount_in(amount, company.currency),
                "currency": company.currency,
            }
        )
        return str(invoice.id)

    def _last_paid(self, who: Subscriber) -> stripe.Invoice:
        paid = self._stripe.invoices.list({"customer": who.customer, "status": "paid"}).data
        return next(invoice for invoice in paid if invoice.amount_paid > 0)
