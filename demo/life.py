"""The acts of a story, carried out: at Stripe by its API, and in the portal who joined it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests
import stripe

from billing import demo_catalog
from demo.accounts import Accounts
from demo.clock import ANSWER, Clock
from demo.population import Company
from demo.stories import Act

TAXES = {
    "DE": ("USt.", 19.0),
    "FR": ("TVA", 20.0),
    "NL": ("BTW", 21.0),
    "ES": ("IVA", 21.0),
    "JP": ("消費税", 10.0),
}
# What a sum in cents is in another currency's minor units, roughly; round numbers stay round.
RATES = {"usd": 1.0, "eur": 0.92, "jpy": 1.5}
DAY = 86_400


@dataclass
class Subscriber:
    """A company as Stripe knows it by now."""

    account: int
    customer: str = ""
    card: str = ""
    subscription: str = ""


class Life:
    """Does one act after the other. The public methods are the acts that a story may name."""

    def __init__(self, client: stripe.StripeClient, sandbox: str, clock: Clock) -> None:
        self._stripe, self._sandbox, self._clock = client.v1, sandbox, clock
        self._accounts = Accounts()
        self._known: dict[str, Subscriber] = {}
        self._taxes: dict[str, str] = {}
        self._codes: dict[str, str] = {}

    def do(self, act: Act) -> None:
        if act.company is None:
            getattr(self, act.what)(**act.terms)
        else:
            getattr(self, act.what)(self._subscriber(act.company), act.company, **act.terms)

    def _subscriber(self, company: Company) -> Subscriber:
        if company.name not in self._known:
            account = self._accounts.open(company, self._clock.now())
            self._known[company.name] = Subscriber(account)
        return self._known[company.name]

    # What the company sells ---------------------------------------------------------------------

    def found(self) -> None:
        """Plans at the prices of then, and the taxes."""
        demo_catalog.put_in_place(earlier=True)
        for country, (name, percentage) in TAXES.items():
            self._taxes[country] = self._stripe.tax_rates.create(
                {
                    "display_name": name,
                    "percentage": percentage,
                    "inclusive": False,
                    "country": country,
                }
            ).id

    def offer(self, coupon: str, name: str, **terms: Any) -> None:
        months = terms.get("months")
        params: dict[str, Any] = {"id": coupon, "name": name, "duration": "forever"}
        if "amount_off" in terms:
            amounts = {code: _amount(terms["amount_off"], code) for code in RATES}
            params |= {"amount_off": amounts.pop("usd"), "currency": "usd"}
            params["currency_options"] = {c: {"amount_off": each} for c, each in amounts.items()}
        else:
            params["percent_off"] = terms["percent_off"]
        if months:
            params |= {"duration": "repeating", "duration_in_months": months}
        elif terms.get("once"):
            params["duration"] = "once"
        self._stripe.coupons.create(params)

    def name_code(
        self,
        code: str,
        coupon: str,
        first_time: bool = False,
        most: int | None = None,
        days: int | None = None,
    ) -> None:
        params: dict[str, Any] = {"code": code, "promotion": {"type": "coupon", "coupon": coupon}}
        if first_time:
            params["restrictions"] = {"first_time_transaction": True}
        if most:
            params["max_redemptions"] = most
        if days:
            params["expires_at"] = self._clock.now() + days * DAY
        self._codes[code] = self._stripe.promotion_codes.create(params).id

    def retire_code(self, code: str) -> None:
        self._stripe.promotion_codes.update(self._codes[code], {"active": False})

    def retire_coupon(self, coupon: str) -> None:
        """Nobody redeems it any more; who has it keeps it."""
        self._stripe.coupons.delete(coupon)

    def raise_prices(self) -> None:
        """Plans whose price was another are sold at today's; most subscribers move with it."""
        for plan in demo_catalog.PLANS:
            for interval, months in (("month", 1), ("year", demo_catalog.MONTHS_PAID_PER_YEAR)):
                if plan.earlier:
                    self._raise_price(plan, interval, months)

    def _raise_price(self, plan: demo_catalog.DemoPlan, interval: str, months: int) -> None:
        lookup_key = f"demo_{plan.slug}_{interval}"
        old = self._price(plan.slug, interval)
        (currency, amount), *others = plan.monthly.items()
        new = self._stripe.prices.create(
            {
                "product": old.product,
                "lookup_key": lookup_key,
                "transfer_lookup_key": True,
                "currency": currency,
                "unit_amount": amount * months,
                "currency_options": {c: {"unit_amount": each * months} for c, each in others},
                "recurring": {"interval": interval},
            }
        )
        self._stripe.prices.update(old.id, {"active": False})
        subscribed = self._stripe.subscriptions.list({"price": old.id, "limit": 100})
        for number, one in enumerate(reversed(list(subscribed.auto_paging_iter()))):
            # Every fourth was promised the old price for good, and so were the founders.
            if number % 4 == 3 or one.discounts or one.schedule or one.status == "past_due":
                continue
            items = [{"id": one["items"].data[0].id, "price": new.id}]
            self._stripe.subscriptions.update(
                one.id, {"items": items, "proration_behavior": "none"}
            )

    def end_failures_by(self, subscription: str) -> None:
        """What becomes of a subscription whose retries are used up, from now on."""
        self._tell("/sandbox/policy", subscription=subscription)

    # Signing up ---------------------------------------------------------------------------------

    def register(self, who: Subscriber, company: Company) -> None:
        """An account, and nothing bought."""

    def subscribe(
        self,
        who: Subscriber,
        company: Company,
        plan: str,
        seats: int,
        interval: str = "month",
        trial: str | None = None,
        card: str = "pm_card_visa",
        coupon: str | None = None,
        code: str | None = None,
    ) -> None:
        if not who.customer:
            self._become_customer(who, company)
        if not who.card and trial != "free":
            self.save_card(who, company, card)
        item = {"price": self._price(plan, interval).id, "quantity": seats}
        params: dict[str, Any] = {"customer": who.customer, "items": [item]}
        params["currency"] = company.currency
        if company.tax:
            params["default_tax_rates"] = [self._taxes[company.tax]]
        if trial:
            params["trial_period_days"] = 14
        if trial == "free":
            ends = {"missing_payment_method": "pause"}
            params["trial_settings"] = {"end_behavior": ends}
        if coupon:
            params["discounts"] = [{"coupon": coupon}]
        if code:
            params["discounts"] = [{"promotion_code": self._codes[code]}]
        made = self._stripe.subscriptions.create(params)
        who.subscription = made.id
        if made.status != "incomplete":
            self._accounts.subscribed(who.account, made.start_date)

    def _become_customer(self, who: Subscriber, company: Company) -> None:
        params: dict[str, Any] = {
            "name": company.name,
            "email": company.addresses()[0],
            "address": company.address,
            "metadata": {"account_id": str(who.account)},
        }
        who.customer = self._stripe.customers.create(params).id
        self._accounts.is_customer(who.account, who.customer)

    def save_card(self, who: Subscriber, company: Company, card: str) -> None:
        """A card that is charged from now on."""
        who.card = self._stripe.payment_methods.attach(card, {"customer": who.customer}).id
        self._stripe.customers.update(
            who.customer, {"invoice_settings": {"default_payment_method": who.card}}
        )

    def bank_says(self, who: Subscriber, company: Company, answer: str) -> None:
        """What the bank answers to every charge from now on."""
        self._tell(f"/sandbox/payment_methods/{who.card}", answer=answer)

    # Changes ------------------------------------------------------------------------------------

    def seats(self, who: Subscriber, company: Company, to: int) -> None:
        """More seats are billed at once; fewer are credited on the next invoice."""
        item = self._item(who)
        bills = "always_invoice" if to > item.quantity else "create_prorations"
        self._update(who, items=[{"id": item.id, "quantity": to}], proration_behavior=bills)

    def change(
        self, who: Subscriber, company: Company, plan: str, seats: int, interval: str = ""
    ) -> None:
        """Another plan from now on."""
        item = self._item(who)
        price = self._price(plan, interval or item.price.recurring.interval)
        items = [{"id": item.id, "price": price.id, "quantity": seats}]
        self._update(who, items=items, proration_behavior="always_invoice")

    def change_at_renewal(self, who: Subscriber, company: Company, plan: str, seats: int) -> None:
        """Another plan from the next renewal on."""
        item = self._item(who)
        price = self._price(plan, item.price.recurring.interval)
        schedules = self._stripe.subscription_schedules
        made = schedules.create({"from_subscription": who.subscription})
        now = made.phases[0]
        current: dict[str, Any] = {
            "items": [{"price": item.price.id, "quantity": item.quantity}],
            "start_date": now.start_date,
            "end_date": now.end_date,
            "proration_behavior": "none",
        }
        following: dict[str, Any] = {
            "items": [{"price": price.id, "quantity": seats}],
            "duration": {"interval": item.price.recurring.interval},
            "proration_behavior": "none",
        }
        for phase in (current, following):
            if now.default_tax_rates:
                phase["default_tax_rates"] = [rate if isinstance(rate, str) else rate.id for rate in now.default_tax_rates]
            if now.discounts:
                phase["discounts"] = [{"discount": one.discount} for one in now.discounts]
        schedules.update(made.id, {"end_behavior": "release", "phases": [current, following]})

    def discount(self, who: Subscriber, company: Company, coupon: str) -> None:
        self._update(who, discounts=[{"coupon": coupon}])

    def pause(self, who: Subscriber, company: Company) -> None:
        self._stripe.subscriptions.pause(
            who.subscription,
            {
                "type": "subscription",
                "invoicing_behavior": "invoice",
                "bill_for": {
                    "unused_time_from": {"type": "now"},
                    "outstanding_usage_through": {"type": "now"},
                },
            },
        )
        self._accounts.paused(who.account, who.subscription, self._clock.now())

    def resume(self, who: Subscriber, company: Company) -> None:
        anchor: dict[str, Any] = {"type": "now"}
        self._stripe.subscriptions.resume(
            who.subscription,
            {
                "billing_cycle_anchor": anchor,
                "payment_behavior": "resume_on_payment_success",
            },
        )
        self._accounts.resumed(who.subscription, self._clock.now())

    def cancel(
        self, who: Subscriber, company: Company, reason: str, comment: str | None = None
    ) -> None:
        """It ends with what is paid for."""
        details = {"feedback": reason} | ({"comment": comment} if comment else {})
        self._update(who, cancel_at_period_end=True, cancellation_details=details)

    # Money --------------------------------------------------------------------------------------

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

    def bill(self, who: Subscriber, company: Company, description: str, amount: int) -> None:
        """Something bought once, charged at once; `amount` in cents."""
        invoice = self._draft(who, company, description, amount)
        self._stripe.invoices.finalize_invoice(invoice)
        self._stripe.invoices.pay(invoice)

    def send_bill(
        self, who: Subscriber, company: Company, description: str, amount: int, days: int, ends: str
    ) -> None:
        """Something bought once, to be paid within `days`; what becomes of it comes days later."""
        terms = {"collection_method": "send_invoice", "days_until_due": days}
        invoice = self._draft(who, company, description, amount, **terms)
        self._stripe.invoices.send_invoice(invoice)
        if ends == "paid":
            self._stripe.invoices.pay(invoice, {"paid_out_of_band": True})
        elif ends == "credited":
            half = round(self._stripe.invoices.retrieve(invoice).total / 2)
            self._stripe.credit_notes.create(
                {"invoice": invoice, "amount": half, "reason": "product_unsatisfactory"}
            )
            self._stripe.invoices.pay(invoice)
        elif ends == "void":
            self._stripe.invoices.void_invoice(invoice)
        elif ends == "uncollectible":
            self._stripe.invoices.mark_uncollectible(invoice)

    def _draft(
        self, who: Subscriber, company: Company, description: str, amount: int, **terms: Any
    ) -> str:
        if company.tax:
            terms["default_tax_rates"] = [self._taxes[company.tax]]
        invoice = self._stripe.invoices.create(
            {"customer": who.customer, "currency": company.currency, **terms}
        )
        self._stripe.invoice_items.create(
            {
                "customer": who.customer,
                "invoice": invoice.id,
                "description": description,
                "amount": _amount(amount, company.currency),
                "currency": company.currency,
            }
        )
        return str(invoice.id)

    def _last_paid(self, who: Subscriber) -> stripe.Invoice:
        paid = self._stripe.invoices.list({"customer": who.customer, "status": "paid"}).data
        return next(invoice for invoice in paid if invoice.amount_paid > 0)

    def _price(self, plan: str, interval: str) -> stripe.Price:
        return self._stripe.prices.list({"lookup_keys": [f"demo_{plan}_{interval}"]}).data[0]

    def _item(self, who: Subscriber) -> stripe.SubscriptionItem:
        return self._stripe.subscriptions.retrieve(who.subscription)["items"].data[0]

    def _update(self, who: Subscriber, **params: Any) -> None:
        self._stripe.subscriptions.update(who.subscription, params)

    def _tell(self, path: str, **words: str) -> None:
        told = requests.post(f"{self._sandbox.rstrip('/')}{path}", json=words, timeout=ANSWER)
        told.raise_for_status()


def _amount(cents: int, currency: str) -> int:
    return round(cents * RATES[currency] / 100) * 100
