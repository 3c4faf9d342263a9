"""The acts of a story, carried out: at Stripe by its API, and in the portal who joined it."""

from __future__ import annotations

from typing import Any

import stripe

from demo.accounts import Accounts
from demo.bills import Bills
from demo.clock import Clock
from demo.offers import Offers
from demo.population import Company
from demo.story import Act
from demo.subscriber import Subscriber


class Life:
    """Does one act after the other. The public methods are those that a story may name."""

    def __init__(self, client: stripe.StripeClient, clock: Clock) -> None:
        self._stripe, self._clock = client.v1, clock
        self._offers = Offers(client.v1, clock)
        self._bills = Bills(client.v1, self._offers)
        self._accounts = Accounts()
        self._known: dict[str, Subscriber] = {}

    def do(self, act: Act) -> None:
        if act.company is None:
            getattr(self._offers, act.what)(**act.terms)
        else:
            where = self if hasattr(self, act.what) else self._bills
            getattr(where, act.what)(self._subscriber(act.company), act.company, **act.terms)

    def _subscriber(self, company: Company) -> Subscriber:
        if company.name not in self._known:
            account = self._accounts.open(company, self._clock.now())
            self._known[company.name] = Subscriber(account)
        return self._known[company.name]

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
        item = {"price": self._offers.price(plan, interval).id, "quantity": seats}
        params: dict[str, Any] = {"customer": who.customer, "items": [item]}
        params["currency"] = company.currency
        if company.tax:
            params["default_tax_rates"] = [self._offers.taxes[company.tax]]
        if trial:
            params["trial_period_days"] = 14
        if trial == "free":
            ends = {"missing_payment_method": "pause"}
            params["trial_settings"] = {"end_behavior": ends}
        if coupon:
            params["discounts"] = [{"coupon": coupon}]
        if code:
            params["discounts"] = [{"promotion_code": self._offers.codes[code]}]
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
        self._clock.tell(f"/sandbox/payment_methods/{who.card}", answer=answer)

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
        price = self._offers.price(plan, interval or item.price.recurring.interval)
        items = [{"id": item.id, "price": price.id, "quantity": seats}]
        self._update(who, items=items, proration_behavior="always_invoice")

    def change_at_renewal(self, who: Subscriber, company: Company, plan: str, seats: int) -> None:
        """Another plan from the next renewal on."""
        item = self._item(who)
        price = self._offers.price(plan, item.price.recurring.interval)
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
            if rates := [rate["id"] for rate in now.default_tax_rates or ()]:
                phase["default_tax_rates"] = rates
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

    def _item(self, who: Subscriber) -> stripe.SubscriptionItem:
        return self._stripe.subscriptions.retrieve(who.subscription)["items"].data[0]

    def _update(self, who: Subscriber, **params: Any) -> None:
        self._stripe.subscriptions.update(who.subscription, params)
