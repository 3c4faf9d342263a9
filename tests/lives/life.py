"""A life with the portal: time passes at Stripe, webhooks come as things happen, people click."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from stripe import StripeClient

from billing.webhook_handlers import HANDLED_TYPES
from models import MIRRORED, Price, WebhookEvent, db
from sandbox import duties, events
from sandbox.engine.time import next_due
from sandbox.store import store
from tests import checkout_page
from tests.conftest import SITE, Browser, Clock, People
from tests.failed_payment import form_of
from tests.mailbox import open_mailbox
from tests.quote_page import quote_in, text_of
from tests.truth import compare

OWNER = "ada@northwind.example"


def day(year: int, month: int, day: int, hour: int = 12, minute: int = 0) -> datetime:
    """A moment in UTC, noon unless said otherwise."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


class Life:
    """Northwind, whose owner is Ada, at the portal and at Stripe."""

    def __init__(
        self, app: Flask, sandbox: Flask, stripe: StripeClient, clock: Clock, people: People
    ):
        self.app, self.sandbox, self.stripe, self.clock = app, sandbox, stripe, clock
        self.people = people
        endpoint = stripe.v1.webhook_endpoints.create(
            {"url": f"{SITE}/webhooks/stripe", "enabled_events": HANDLED_TYPES}
        )
        self._secret: str = endpoint.secret or ""
        app.config["SETTINGS"] = _with_secret(app.config["SETTINGS"], self._secret)
        people.join(OWNER)
        self.mailbox = open_mailbox(app)

    # Time ------------------------------------------------------------------------------------

    def until(self, moment: datetime) -> None:
        """Lets time pass until `moment`: each thing happens when it is due, and is told at once.

        The background tasks run after each, as a worker runs them all the time.
        """
        while (at := self._next_due()) is not None and at <= moment.timestamp():
            self.clock.set(max(datetime.fromtimestamp(at, UTC), self.clock.now))
            self._perform()
            self.hear()
        self.clock.set(moment)
        self._perform()
        self.hear()

    def hear(self) -> None:
        """Delivers every webhook that waits, oldest first, and lets the tasks run."""
        self._deliver()
        ran = self.app.test_cli_runner().invoke(args=["billing", "run-tasks"])
        assert ran.exit_code == 0, ran.output
        # A task may have changed something at Stripe: a pause that ends on its day.
        self._deliver()

    def _deliver(self) -> None:
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

    def _next_due(self) -> int | None:
        with self.sandbox.app_context(), events.transaction():
            return next_due()

    def _perform(self) -> None:
        with self.sandbox.app_context(), events.transaction():
            duties.perform()

    # What Ada does ---------------------------------------------------------------------------

    @property
    def ada(self) -> Browser:
        """Ada, signed in: months lie between what she does, and a session does not last so long."""
        return self.people.sign_in(OWNER)

    def reads(self, url: str = "/") -> str:
        """The words of a page, as Ada sees it."""
        return text_of(self.ada.get(url))

    def sends(self, url: str, **fields: Any) -> str:
        """The words of the page that a form leads Ada to."""
        ada = self.ada
        answer = ada.post(url, data=fields)
        if answer.status_code in {302, 303}:
            answer = ada.get(answer.headers["Location"])
        self.hear()
        return text_of(answer)

    def confirms(self, url: str, **fields: Any) -> str:
        """Reads the quote at `url` and confirms it; the words of the page that follows."""
        ada = self.ada
        answer = ada.post(url, data={"quote": quote_in(ada.get(url)), **fields})
        if answer.status_code in {302, 303}:
            answer = ada.get(answer.headers["Location"])
        self.hear()
        return text_of(answer)

    def subscribes(
        self,
        plan: str = "team",
        interval: str = "month",
        seats: int = 1,
        card: str = checkout_page.VISA,
    ) -> str:
        """Buys a plan by Checkout; the subscription's id."""
        with self.app.app_context():
            key = f"demo_{plan}_{interval}"
            price = db.session.query(Price).filter_by(lookup_key=key).one().stripe_id
        ada = self.ada
        chosen = ada.post("/checkout", data={"price": price, "quantity": seats, "currency": "usd"})
        ada.get(checkout_page.pay(self.sandbox, chosen.location, card))
        self.hear()
        return self.subscription().id

    def subscribes_with_bank(self, plan: str, card: str) -> str:
        """As `subscribes`, with a card whose bank asks, and Ada says yes; the subscription's id."""
        with self.app.app_context():
            key = f"demo_{plan}_month"
            price = db.session.query(Price).filter_by(lookup_key=key).one().stripe_id
        ada = self.ada
        chosen = ada.post("/checkout", data={"price": price, "quantity": 1, "currency": "usd"})
        page = urlsplit(chosen.location).path
        buyer = self.sandbox.test_client()
        bank = buyer.post(page, data=checkout_page.form(card)).location
        back = buyer.post(urlsplit(bank).path, data={"answer": "complete"}, follow_redirects=False)
        while "/checkout/return" not in back.location:
            back = buyer.get(urlsplit(back.location).path + "?" + urlsplit(back.location).query)
        ada.get("/checkout/return?" + urlsplit(back.location).query)
        self.hear()
        return self.subscription().id

    def pays(self, invoice: str) -> str:
        """Presses "Pay" on the invoice's page as it is; the words of the page that follows."""
        ada = self.ada
        page = ada.get(f"/invoices/{invoice}")
        fields = form_of(page, f"/invoices/{invoice}/payment")
        chosen = re.search(r'name="payment_method"[^>]*value="(pm_\w+)"', page.text)
        fields |= {"payment_method": chosen[1]} if chosen else {}
        answer = ada.post(f"/invoices/{invoice}/payment", data=fields, follow_redirects=True)
        self.hear()
        return text_of(answer)

    def saves_card(self, card: str, *, default: bool = True) -> str:
        """Saves a test card at Stripe, as the card form does, and tells the portal; its id."""
        customer = self.subscription().customer
        method = self.stripe.v1.payment_methods.attach(card, {"customer": customer})
        if default:
            self.hear()
            self.sends("/default-payment-method", payment_method=method.id)
        self.hear()
        return method.id

    def answers_bank(self, answer: str = "complete") -> None:
        """What Ada says on her bank's page about the newest invoice: "complete" or "fail"."""
        (invoice,) = self.stripe.v1.invoices.list(
            {"limit": 1, "expand": ["data.confirmation_secret"]}
        ).data
        secret = invoice.confirmation_secret.client_secret
        self.sandbox.test_client().post(f"/bank/{secret}", data={"answer": answer})

    def mails(self) -> list[str]:
        """The subjects of the mails that Ada got, oldest first; each once."""
        return [mail.subject for mail in self.mailbox if OWNER in mail.to]

    # What the bank and Stripe's settings do --------------------------------------------------

    def bank_answers(self, method: str, answer: str) -> None:
        """From now on the bank answers so for a saved method: "insufficient_funds", "succeeds"."""
        url = f"/sandbox/payment_methods/{method}"
        told = self.sandbox.test_client().post(url, json={"answer": answer})
        assert told.status_code == 200, told.text

    def policy(self, **given: Any) -> None:
        """What follows a failed payment, as in Stripe's settings: `subscription="unpaid"`."""
        told = self.sandbox.test_client().post("/sandbox/policy", json=given)
        assert told.status_code == 200, told.text

    # What Stripe has -------------------------------------------------------------------------

    def subscription(self) -> Any:
        """The newest subscription there is."""
        return self.stripe.v1.subscriptions.list({"status": "all", "limit": 1}).data[0]

    def invoices(self) -> list[tuple[str, str, int]]:
        """Day, status and total of every invoice, oldest first."""
        found = list(self.stripe.v1.invoices.list({"limit": 100}).auto_paging_iter())
        return [
            (f"{datetime.fromtimestamp(one.created, UTC):%Y-%m-%d}", one.status or "", one.total)
            for one in reversed(found)
        ]

    def charged(self) -> int:
        """What was taken from Ada in all, in cents, less what was given back."""
        charges = self.stripe.v1.charges.list({"limit": 100}).auto_paging_iter()
        return sum(
            one.amount_captured - one.amount_refunded
            for one in charges
            if one.status == "succeeded"
        )

    def mirror_is_right(self) -> None:
        """Every object Stripe told of is in the mirror, equal to Stripe's, column by column."""
        with self.sandbox.app_context(), events.transaction():
            told = [one for one in store.all("event") if one["type"] != "invoice.upcoming"]
        about = [event["data"]["object"] for event in told]
        # The payments of invoices are told by their invoices.
        kept = MIRRORED.keys() - {"payment_intent"}
        objects = {(o["object"], o["id"]) for o in about if o["object"] in kept}
        with self.app.app_context():
            compare(self.stripe, objects)
            left = db.session.query(WebhookEvent).filter_by(status="pending").count()
            assert left == 0


def _with_secret(settings: Any, secret: str) -> Any:
    return replace(settings, stripe_webhook_secrets=(secret,))
