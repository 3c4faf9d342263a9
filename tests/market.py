"""A market of subscribers who act at Stripe, month after month, with the portal told of each."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select
from stripe import CardError, StripeClient

from billing import subscription_history
from billing.webhook_handlers import HANDLED_TYPES
from models import SubscriptionState, db
from sandbox import duties, events
from sandbox.engine.time import next_due
from tests.conftest import SITE, Clock

GOOD, FAILING = "pm_card_visa", "pm_card_chargeCustomerFail"


class Market:
    """What subscribers do, each by a name of their own. A subscriber has one subscription at most
    that is not over; without one, what needs one does nothing.

    The portal hears of everything at once, by webhooks; or, without `hears`, of nothing until it
    asks Stripe for all there is.
    """

    def __init__(
        self, app: Flask, sandbox: Flask, stripe: StripeClient, clock: Clock, *, hears: bool = True
    ):
        self.app, self.sandbox, self.v1, self.clock = app, sandbox, stripe.v1, clock
        self.hears = hears
        endpoint = stripe.v1.webhook_endpoints.create(
            {"url": f"{SITE}/webhooks/stripe", "enabled_events": HANDLED_TYPES}
        )
        self._secret = endpoint.secret or ""
        settings = app.config["SETTINGS"]
        app.config["SETTINGS"] = replace(settings, stripe_webhook_secrets=(self._secret,))
        self.customers: dict[str, str] = {}
        self.subscriptions: dict[str, str] = {}

    # Time ------------------------------------------------------------------------------------

    def until(self, moment: datetime) -> None:
        """Lets time pass; each thing happens when it is due, and the portal hears of it at once."""
        while (at := self._next_due()) is not None and at <= moment.timestamp():
            self.clock.set(max(datetime.fromtimestamp(at, UTC), self.clock.now))
            self._perform()
        self.clock.set(moment)
        self._perform()

    def passes(self, days: int) -> None:
        self.until(self.clock.now + timedelta(days=days))

    def _next_due(self) -> int | None:
        with self.sandbox.app_context(), events.transaction():
            return next_due()

    def _perform(self) -> None:
        with self.sandbox.app_context(), events.transaction():
            duties.perform()
        self.hear()

    def hear(self) -> None:
        """Delivers every webhook that waits, oldest first."""
        if not self.hears:
            return
        visitor = self.app.test_client()
        with self.sandbox.app_context():
            waiting = events.pending()
        for event, endpoint in waiting:
            with self.sandbox.app_context(), events.transaction():
                body = events.payload(event)
            stamp = int(self.clock.now.timestamp())
            answer = visitor.post(
                "/webhooks/stripe",
                data=body,
                csrf=False,
                content_type="application/json",
                headers={"Stripe-Signature": events.signature(body, self._secret, stamp)},
            )
            assert answer.status_code == 200, json.loads(body)["type"]
            with self.sandbox.app_context():
                events.record(event["id"], endpoint["id"], answer.status_code)

    # What subscribers do ---------------------------------------------------------------------

    def subscribes(
        self,
        who: str,
        plan: str = "team",
        seats: int = 1,
        interval: str = "month",
        currency: str = "usd",
        **more: Any,
    ) -> str:
        """A first or another subscription; its id. Nothing when one runs already."""
        if self.current(who) is not None:
            return self.subscriptions[who]
        if who not in self.customers:
            self.customers[who] = self.v1.customers.create({"name": who}).id
            self.pays_with(who, GOOD)
        made = self.v1.subscriptions.create(
            {
                "customer": self.customers[who],
                "currency": currency,
                "items": [{"price": self.price(plan, interval), "quantity": seats}],
                **more,
            }
        )
        self.subscriptions[who] = made.id
        self.hear()
        return made.id

    def changes(
        self, who: str, plan: str = "team", seats: int = 1, interval: str = "month"
    ) -> None:
        """Another plan, number of seats or interval, prorated now."""
        found = self.current(who)
        if found is None or found.status == "paused":
            return
        wanted = (self.price(plan, interval), seats)
        item = found["items"].data[0]
        if (item.price.id, item.quantity) != wanted:
            self._update(
                found.id,
                items=[{"id": item.id, "price": wanted[0], "quantity": seats}],
                proration_behavior="always_invoice",
            )

    def takes(self, who: str, duration: str = "forever", **off: Any) -> None:
        """A coupon; without an amount or percentage, the discounts are taken away."""
        found = self.current(who)
        if found is None:
            return
        months = {"duration_in_months": 2} if duration == "repeating" else {}
        made = self.v1.coupons.create({"duration": duration, **months, **off}) if off else None
        self._update(found.id, discounts=[{"coupon": made.id}] if made else "")

    def pauses(self, who: str) -> None:
        found = self.current(who)
        if found is not None and found.status in {"active", "past_due"}:
            self.v1.subscriptions.pause(
                found.id, {"type": "subscription", "invoicing_behavior": "invoice"}
            )
            self.hear()

    def resumes(self, who: str) -> None:
        found = self.current(who)
        if found is not None and found.status == "paused":
            self._attempt(
                self.v1.subscriptions.resume,
                found.id,
                {
                    "billing_cycle_anchor": {"type": "now"},
                    "payment_behavior": "resume_on_payment_success",
                },
            )

    def leaves(self, who: str, at_period_end: bool = False) -> None:
        found = self.current(who)
        if found is None:
            return
        if at_period_end:
            self._update(found.id, cancel_at_period_end=True)
        else:
            self.v1.subscriptions.cancel(found.id)
            self.hear()

    def pays_with(self, who: str, card: str) -> None:
        """A card that is charged from now on: one that works, or one that fails."""
        if who not in self.customers:
            return
        method = self.v1.payment_methods.attach(card, {"customer": self.customers[who]})
        self.v1.customers.update(
            self.customers[who], {"invoice_settings": {"default_payment_method": method.id}}
        )
        self.hear()

    def makes_good(self, who: str) -> None:
        """Pays what is open, with a card that works."""
        if who not in self.customers:
            return
        self.pays_with(who, GOOD)
        owed = self.v1.invoices.list({"customer": self.customers[who], "status": "open"})
        for invoice in owed.data:
            self._attempt(self.v1.invoices.pay, invoice.id)

    def current(self, who: str) -> Any:
        """The subscription at Stripe that is not over; None without one."""
        if who not in self.subscriptions:
            return None
        found = self.v1.subscriptions.retrieve(self.subscriptions[who])
        return None if found.status in {"canceled", "incomplete_expired"} else found

    def price(self, plan: str, interval: str = "month") -> str:
        """The id of one of the demo's prices."""
        return self.v1.prices.list({"lookup_keys": [f"demo_{plan}_{interval}"]}).data[0].id

    def _update(self, subscription_id: str, **params: Any) -> None:
        self._attempt(self.v1.subscriptions.update, subscription_id, params)

    def _attempt(self, call: Any, *arguments: Any) -> None:
        # What became of a declined payment is told by its webhooks.
        with suppress(CardError):
            call(*arguments)
        self.hear()

    # What the portal keeps -------------------------------------------------------------------

    def past(self, who: str | None = None) -> list[tuple[Any, ...]]:
        """What is kept of all subscriptions, or of one: who, when, status, plan, seats, MRR."""
        names = {customer: name for name, customer in self.customers.items()}
        with self.app.app_context():
            states = db.session.query(SubscriptionState).order_by(
                SubscriptionState.customer_id,
                SubscriptionState.subscription_id,
                SubscriptionState.at,
            )
            found = [
                (
                    names[state.customer_id],
                    f"{state.at:%Y-%m-%d %H:%M}",
                    state.status,
                    (state.product_id or "").removeprefix("demo_"),
                    state.quantity,
                    state.mrr,
                )
                for state in states
            ]
        return [row[1:] for row in found if row[0] == who] if who else sorted(found)

    def states(self) -> list[tuple[str, datetime, str, int]]:
        """Subscription, moment, status and MRR of all that is kept, for an application context."""
        state = SubscriptionState
        statement = select(state.subscription_id, state.at, state.status, state.mrr)
        return [
            tuple(row)
            for row in db.session.execute(statement.order_by(state.subscription_id, state.at))
        ]

    def forgets_and_rebuilds(self) -> None:
        """Only what Stripe keeps is left, and the past is worked out from it."""
        with self.app.app_context():
            db.session.execute(SubscriptionState.__table__.delete())
            db.session.commit()
        self.rebuilds()

    def asks_stripe_for_everything(self) -> None:
        ran = self.app.test_cli_runner().invoke(args=["billing", "sync"])
        assert ran.exit_code == 0, ran.output

    def rebuilds(self) -> None:
        with self.app.app_context():
            subscription_history.rebuild_all()
