"""What people do on the portal by pressing a button, each so that it can be pressed under chaos.

An act knows the call to Stripe that it stands or falls with, what its page says, and how to ask
Stripe whether it was done, and how often.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from flask import Flask

from billing import sync
from models import Account, Price, db
from tests.checkout_page import pay
from tests.quote_page import at_stripe, quote_in
from tests.staff import agreed
from tests.test_invoice_payment import fields_of
from tests.test_payment_methods import save_card

BUSY = "Nothing was changed and you were not charged. Please try again in a minute."
UNKNOWN = "we do not know yet whether this went through. We check and show the result here. Trying"
CHECKING = "Nothing is lost, and you are not charged twice."
NOT_SAVED_YET = "so we do not know yet whether it was saved. Nothing was charged."
STAFF_BUSY = "Stripe is busy. Nothing was changed. Press the button again in a minute."
STAFF_UNKNOWN = (
    "We do not know yet whether this went through. Press the button again: it looks first and does "
    "nothing twice."
)
STILL_PINNED = (
    "It is your default now, but a subscription still uses its old payment method. "
    "Nothing was charged."
)


@dataclass
class World:
    """A portal, its sandbox, and an owner who is signed in; `team` once there is a subscription."""

    app: Flask
    sandbox: Flask
    stripe: Any
    browser: Any
    team: str = ""

    @property
    def customer(self) -> str:
        return str(self.stripe.v1.customers.list({}).data[0].id)

    def charges(self) -> list[int]:
        """The amounts that were really charged, the newest first."""
        found = self.stripe.v1.charges.list({"limit": 100}).data
        return [charge.amount for charge in found if charge.status == "succeeded"]

    def pull(self, kind: str, stripe_id: str) -> None:
        with self.app.app_context():
            sync.pull(kind, stripe_id)

    def price(self, key: str) -> str:
        with self.app.app_context():
            return str(db.session.query(Price).filter_by(lookup_key=key).one().stripe_id)


class Act(ABC):
    """One button. `before` and `after` are what `truth` finds at Stripe."""

    call = ""
    subscribed = True
    # Whether the portal sends a key of its own, under which Stripe may keep a failure.
    keyed = False
    # Whether support presses it, on a page of staff's.
    by_staff = False
    # Whether a lost answer is found out about in the same request.
    looked_up = True
    busy, unknown = BUSY, UNKNOWN
    success = ""
    before: Any = None
    after: Any = None

    def prepare(self, world: World) -> None:
        """What has to be so before the button is there: mostly nothing."""
        return

    def form(self, world: World) -> Any:
        """What the page in the person's browser holds, and a second press sends again."""
        return None

    @abstractmethod
    def press(self, world: World, form: Any) -> Any:
        """Presses the button; the portal's answer."""

    @abstractmethod
    def truth(self, world: World) -> Any:
        """What Stripe has now: as `before` until it was done, then as `after`."""


class StartCheckout(Act):
    call = "POST /v1/checkout/sessions"
    subscribed = False
    keyed = True
    looked_up = False
    success = "/c/pay/cs_test_"
    before, after = 0, 1

    def press(self, world: World, form: Any) -> Any:
        choice = {"price": world.price("demo_team_month"), "currency": "usd"}
        return world.browser.post("/checkout", data=choice)

    def truth(self, world: World) -> int:
        return len(world.stripe.v1.checkout.sessions.list({"status": "open"}).data)


class BecomeCustomer(StartCheckout):
    call = "POST /v1/customers"

    def truth(self, world: World) -> int:
        return len(world.stripe.v1.customers.list({}).data)


class Return(Act):
    """Back from Stripe's page, where it was paid: nothing here may pay again."""

    call = "GET /v1/checkout/sessions/*"
    subscribed = False
    looked_up = False
    busy = unknown = CHECKING
    success = "Thank you. Your subscription has started."
    before = after = (1, [4900])

    def prepare(self, world: World) -> None:
        self.back = pay(world.sandbox, StartCheckout().press(world, None).location)

    def press(self, world: World, form: Any) -> Any:
        return world.browser.get(self.back)

    def truth(self, world: World) -> Any:
        return len(world.stripe.v1.subscriptions.list({}).data), world.charges()


class ReturnAndLook(Return):
    call = "GET /v1/subscriptions/*"


class Upgrade(Act):
    call = "POST /v1/subscriptions/*"
    keyed = True
    url, fields = "/plan-change/business", {}
    success = "You now have Business, 4 seats, billed monthly. $100.00 was charged."
    before = (("demo_team_month", 4), [19600])
    after = (("demo_business_month", 4), [10000, 19600])

    def form(self, world: World) -> Any:
        return {"quote": quote_in(world.browser.get(self.url)), **self.fields}

    def press(self, world: World, form: Any) -> Any:
        return world.browser.post(self.url.partition("?")[0], data=form)

    def truth(self, world: World) -> Any:
        return at_stripe(world.stripe, world.team), world.charges()


class MoreSeats(Upgrade):
    url, fields = "/seats?seats=8", {"seats": "8"}
    success = "You now have Team, 8 seats, billed monthly. $98.00 was charged."
    after = (("demo_team_month", 8), [9800, 19600])


class Downgrade(Upgrade):
    call = "POST /v1/subscription_schedules/*"
    url = "/plan-change/starter"
    success = "Done. From 19 December 2026 you have Starter"
    before, after = (1, [19600]), (2, [19600])

    def truth(self, world: World) -> Any:
        subscription = world.stripe.v1.subscriptions.retrieve(world.team)
        if subscription.schedule is None:
            return 1, world.charges()
        schedule = world.stripe.v1.subscription_schedules.retrieve(subscription.schedule)
        return len(schedule.phases), world.charges()


class DropDowngrade(Downgrade):
    call = "POST /v1/subscription_schedules/*/release"
    keyed = False
    success = "You keep Team as it is. The change you had scheduled is dropped."
    before, after = Downgrade.after, Downgrade.before

    def prepare(self, world: World) -> None:
        super().press(world, super().form(world))

    def form(self, world: World) -> Any:
        return None

    def press(self, world: World, form: Any) -> Any:
        return world.browser.post("/scheduled-change/undo")


class PayInvoice(Act):
    call = "POST /v1/invoices/*/pay"
    keyed = True
    success = "Paid, thank you."
    before, after = ("open", [19600]), ("paid", [1500, 19600])

    def prepare(self, world: World) -> None:
        v1, customer = world.stripe.v1, world.customer
        self.invoice = v1.invoices.create(
            {
                "customer": customer,
                "collection_method": "send_invoice",
                "days_until_due": 30,
                "auto_advance": False,
            }
        ).id
        price = v1.prices.create({"product": "demo_team", "currency": "usd", "unit_amount": 1500})
        v1.invoice_items.create(
            {"customer": customer, "invoice": self.invoice, "pricing": {"price": price.id}}
        )
        v1.invoices.finalize_invoice(self.invoice)
        world.pull("invoice", self.invoice)

    def form(self, world: World) -> Any:
        settings = world.stripe.v1.customers.retrieve(world.customer).invoice_settings
        page = world.browser.get(f"/invoices/{self.invoice}")
        return {**fields_of(page), "payment_method": settings.default_payment_method}

    def press(self, world: World, form: Any) -> Any:
        return world.browser.post(f"/invoices/{self.invoice}/payment", data=form)

    def truth(self, world: World) -> Any:
        return world.stripe.v1.invoices.retrieve(self.invoice).status, world.charges()


class BeginCard(Act):
    """The page asks for a client secret, with which Stripe's script saves the card."""

    call = "POST /v1/setup_intents"
    keyed = True
    looked_up = False
    success = "client_secret"
    before, after = 0, 1

    def press(self, world: World, form: Any) -> Any:
        return world.browser.post("/payment-methods/setup-intent", data={"attempt": "an-attempt"})

    def truth(self, world: World) -> int:
        return len(world.stripe.v1.setup_intents.list({"customer": world.customer}).data)


class SaveCard(Act):
    """Back from saving a second card, which is to become the default."""

    call = "POST /v1/customers/*"
    busy = unknown = NOT_SAVED_YET
    success = "Mastercard ending 4444 is saved. Everything is charged to it from now on."
    before, after = (2, "visa", [19600]), (2, "mastercard", [19600])

    def prepare(self, world: World) -> None:
        self.intent = save_card(world.stripe, world.customer).id

    def press(self, world: World, form: Any) -> Any:
        return world.browser.get(f"/payment-methods/return?setup_intent={self.intent}&default=yes")

    def truth(self, world: World) -> Any:
        v1 = world.stripe.v1
        customer = v1.customers.retrieve(world.customer)
        default = v1.payment_methods.retrieve(customer.invoice_settings.default_payment_method)
        saved = v1.payment_methods.list({"customer": customer.id}).data
        return len(saved), default.card.brand, world.charges()


class LookAtCard(SaveCard):
    call = "GET /v1/setup_intents/*"
    looked_up = False


class MakeDefault(SaveCard):
    busy, unknown = BUSY, UNKNOWN
    success = "Everything is charged to Mastercard ending 4444 from now on."

    def prepare(self, world: World) -> None:
        attached = world.stripe.v1.payment_methods.attach(
            "pm_card_mastercard", {"customer": world.customer}
        )
        self.card = attached.id
        world.pull("payment_method", self.card)

    def press(self, world: World, form: Any) -> Any:
        return world.browser.post("/default-payment-method", data={"payment_method": self.card})


class MoveSubscription(MakeDefault):
    """The default too, of a subscription that had a card of its own."""

    call = "POST /v1/subscriptions/*"
    busy = unknown = STILL_PINNED
    before, after = ("visa", [19600]), ("mastercard", [19600])

    def prepare(self, world: World) -> None:
        super().prepare(world)
        v1 = world.stripe.v1
        default = v1.customers.retrieve(world.customer).invoice_settings.default_payment_method
        v1.subscriptions.update(world.team, {"default_payment_method": default})
        world.pull("subscription", world.team)

    def truth(self, world: World) -> Any:
        v1 = world.stripe.v1
        own = v1.subscriptions.retrieve(world.team).default_payment_method
        return v1.payment_methods.retrieve(own).card.brand, world.charges()


class RemoveCard(MakeDefault):
    call = "POST /v1/payment_methods/*/detach"
    success = "Mastercard ending 4444 is removed and cannot be charged any more."
    before, after = (2, "visa", [19600]), (1, "visa", [19600])

    def press(self, world: World, form: Any) -> Any:
        return world.browser.post(f"/payment-methods/{self.card}/removal")


class Cancel(Act):
    call = "POST /v1/subscriptions/*"
    success = "Your subscription ends on 19 December 2026."
    before, after = (False, [19600]), (True, [19600])

    def press(self, world: World, form: Any) -> Any:
        return world.browser.post("/cancellation", data={"feedback": "unused", "comment": ""})

    def truth(self, world: World) -> Any:
        subscription = world.stripe.v1.subscriptions.retrieve(world.team)
        return subscription.cancel_at_period_end, world.charges()


class KeepAfterAll(Cancel):
    success = "Good to have you. Team goes on, and nothing was charged today."
    before, after = Cancel.after, Cancel.before

    def prepare(self, world: World) -> None:
        super().press(world, None)

    def press(self, world: World, form: Any) -> Any:
        return world.browser.post("/cancellation/undo")


class TakeBreak(Act):
    """A pause half way through the month of $196.00: half of it is credit, once."""

    call = "POST /v1/subscriptions/*/pause"
    keyed = True
    success = "Team is paused, and nothing is charged"
    before, after = ("active", 0, [19600]), ("paused", -9800, [19600])

    def press(self, world: World, form: Any) -> Any:
        return world.browser.post("/pause", data={"months": "1"})

    def truth(self, world: World) -> Any:
        v1 = world.stripe.v1
        status = v1.subscriptions.retrieve(world.team).status
        return status, v1.customers.retrieve(world.customer).balance, world.charges()


class ComeBack(TakeBreak):
    """Resumed: a whole month less the credit."""

    call = "POST /v1/subscriptions/*/resume"
    success = "Team runs again from today. $98.00 was charged."
    before, after = TakeBreak.after, ("active", 0, [9800, 19600])

    def prepare(self, world: World) -> None:
        super().press(world, None)

    def form(self, world: World) -> Any:
        return {"quote": quote_in(world.browser.get("/resumption"))}

    def press(self, world: World, form: Any) -> Any:
        return world.browser.post("/resumption", data=form)


class RefundPayment(Act):
    """Support refunds $100.00 of the $196.00 that were paid."""

    call = "POST /v1/refunds"
    keyed = True
    by_staff = True
    busy, unknown = STAFF_BUSY, STAFF_UNKNOWN
    noun, filled_in = "refund", {"amount": "100", "reason": "duplicate"}
    success = "$100.00 was refunded."
    before, after = [], [10000]

    def prepare(self, world: World) -> None:
        self.invoice = world.stripe.v1.invoices.list({"subscription": world.team}).data[0].id

    def path(self, world: World) -> str:
        return f"/admin/invoices/{self.invoice}/{self.noun}"

    def form(self, world: World) -> Any:
        return agreed(world.browser.get(self.path(world), query_string=self.filled_in))

    def press(self, world: World, form: Any) -> Any:
        return world.browser.post(self.path(world), data=form)

    def truth(self, world: World) -> Any:
        return [refund.amount for refund in world.stripe.v1.refunds.list({}).data]


class IssueCreditNote(RefundPayment):
    """Support credits $100.00, which refunds it."""

    call = "POST /v1/credit_notes"
    noun, filled_in = "credit-note", {"what": "amount", "amount": "100", "to": "method"}
    success = "-CN-01 over $100.00 was issued."
    before, after = ([], []), ([10000], [10000])

    def truth(self, world: World) -> Any:
        notes = world.stripe.v1.credit_notes.list({"invoice": self.invoice}).data
        return [note.total for note in notes], super().truth(world)


class AdjustBalance(RefundPayment):
    """Support credits $100.00 to the balance."""

    call = "POST /v1/customers/*/balance_transactions"
    noun = "balance-adjustment"
    filled_in = {"way": "credit", "amount": "100", "reason": "Outage"}
    success = "$100.00 was credited to the balance"
    before, after = [], [-10000]

    def prepare(self, world: World) -> None:
        with world.app.app_context():
            self.account = db.session.query(Account).one().id

    def path(self, world: World) -> str:
        return f"/admin/customers/{self.account}/{self.noun}"

    def truth(self, world: World) -> Any:
        found = world.stripe.v1.customers.balance_transactions.list(world.customer).data
        return [change.amount for change in found]


class VoidInvoice(RefundPayment):
    """Support voids an open invoice."""

    call = "POST /v1/invoices/*/void"
    noun, filled_in = "closing/void", {}
    success = "is void. Nothing is due on it."
    before, after = "open", "void"

    def prepare(self, world: World) -> None:
        pays = PayInvoice()
        pays.prepare(world)
        self.invoice = pays.invoice

    def truth(self, world: World) -> Any:
        return world.stripe.v1.invoices.retrieve(self.invoice).status


ACTS = [
    StartCheckout,
    BecomeCustomer,
    Return,
    ReturnAndLook,
    Upgrade,
    MoreSeats,
    Downgrade,
    DropDowngrade,
    PayInvoice,
    BeginCard,
    SaveCard,
    LookAtCard,
    MakeDefault,
    MoveSubscription,
    RemoveCard,
    Cancel,
    KeepAfterAll,
    TakeBreak,
    ComeBack,
    RefundPayment,
    IssueCreditNote,
    AdjustBalance,
    VoidInvoice,
]
