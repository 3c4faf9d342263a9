"""One generated account as rows of every table that it has a part in."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from billing.generated_accounts.names import company, person
from models import (
    Account,
    AuditEntry,
    Customer,
    Invoice,
    InvoiceLine,
    Membership,
    PaymentMethod,
    PaymentReference,
    Subscription,
    SubscriptionItem,
    User,
)

Rows = dict[str, list[dict[str, Any]]]
# In the order in which they are written.
TABLES: dict[str, Any] = {
    model.__tablename__: model.__table__
    for model in (
        Account,
        User,
        Membership,
        AuditEntry,
        Customer,
        PaymentMethod,
        Subscription,
        SubscriptionItem,
        Invoice,
        InvoiceLine,
        PaymentReference,
    )
}
# None: an account that never bought anything.
STATUSES = (
    ("active", 76),
    ("canceled", 11),
    ("past_due", 4),
    ("trialing", 4),
    (None, 3),
    ("unpaid", 1),
    ("paused", 1),
)
MONTH = timedelta(days=30)
REFUSED = ("past_due", "unpaid")


class Generator:
    """Adds one account after the other, all from one source of chance."""

    def __init__(
        self, chance: random.Random, now: datetime, invoices: int, prices: list[dict[str, Any]]
    ):
        self.chance, self.now, self.invoices, self.prices = chance, now, invoices, prices
        self._statuses, self._weights = zip(*STATUSES, strict=True)

    def add(self, rows: Rows, number: int, user_id: int) -> None:
        """Account `number` with up to three people, whose ids begin at `user_id`."""
        status = self.chance.choices(self._statuses, self._weights)[0]
        customer_id = f"cus_gen{number:08}" if status else None
        opened = self.now - timedelta(days=self.chance.uniform(1, 900))
        name = company(self.chance)
        rows["accounts"].append(
            {
                "id": number,
                "name": name,
                "stripe_customer_id": customer_id,
                "created_at": opened,
                "first_subscribed_at": opened if status else None,
            }
        )
        self._people(rows, number, user_id, opened)
        if customer_id is not None and status is not None:
            self._customer(rows, number, customer_id, name, status, opened)

    def _people(self, rows: Rows, number: int, user_id: int, opened: datetime) -> None:
        how_many = self.chance.choice((1, 1, 2, 3))
        for place, role in enumerate(("owner", "billing", "viewer")[:how_many]):
            who = person(self.chance)
            rows["users"].append(
                {
                    "id": user_id + place,
                    "email": f"{who.split()[0].lower()}.{user_id + place}@gen.example",
                    "name": who,
                    "active": True,
                    "fs_uniquifier": f"{self.chance.getrandbits(128):032x}",
                }
            )
            rows["memberships"].append(
                {"account_id": number, "user_id": user_id + place, "role": role}
            )
        rows["audit_entries"].append(
            {"at": opened, "account_id": number, "user_id": user_id, "action": "account.opened"}
        )

    def _customer(
        self, rows: Rows, number: int, customer_id: str, name: str, status: str, opened: datetime
    ) -> None:
        method_id = f"pm_gen{number:08}"
        last4 = f"{self.chance.randrange(10000):04}"
        price = self.chance.choice(self.prices)
        quantity = self.chance.choice((1, 1, 1, 2, 5, 8))
        rows["customers"].append(
            self._mirrored("customer", customer_id, opened)
            | {
                "email": f"billing.{number}@gen.example",
                "name": name,
                "currency": price["currency"],
                "default_payment_method_id": method_id,
                "delinquent": status in REFUSED,
            }
        )
        rows["payment_methods"].append(
            self._mirrored("payment_method", method_id, opened)
            | {
                "customer_id": customer_id,
                "type": "card",
                "brand": self.chance.choice(("visa", "mastercard", "amex")),
                "last4": last4,
                "exp_month": self.chance.randint(1, 12),
                "exp_year": self.now.year + self.chance.randint(0, 4),
            }
        )
        self._subscription(rows, number, customer_id, status, opened, price, quantity)

    def _subscription(
        self,
        rows: Rows,
        number: int,
        customer_id: str,
        status: str,
        opened: datetime,
        price: dict[str, Any],
        quantity: int,
    ) -> None:
        subscription_id = f"sub_gen{number:08}"
        is_over = status == "canceled"
        ends = self.now - timedelta(days=self.chance.uniform(1, 300)) if is_over else None
        if ends is not None and ends < opened:
            ends = opened + timedelta(hours=1)
        renews = self.now + timedelta(days=self.chance.uniform(0.5, 29.5))
        rows["subscriptions"].append(
            self._mirrored("subscription", subscription_id, opened)
            | {
                "customer_id": customer_id,
                "status": status,
                "currency": price["currency"],
                "collection_method": "charge_automatically",
                "current_period_start": renews - MONTH,
                "current_period_end": renews,
                "start_date": opened,
                "trial_start": renews - MONTH if status == "trialing" else None,
                "trial_end": renews if status == "trialing" else None,
                "canceled_at": ends,
                "ended_at": ends,
            }
        )
        item_id = f"si_gen{number:08}"
        rows["subscription_items"].append(
            {
                "stripe_id": item_id,
                "subscription_id": subscription_id,
                "position": 0,
                "price_id": price["id"],
                "quantity": quantity,
                "current_period_start": renews - MONTH,
                "current_period_end": renews,
                "data": {"id": item_id},
            }
        )
        count = self.chance.randint(1, 2 * self.invoices - 1) if self.invoices else 0
        if status in REFUSED:
            count = max(count, 1)
        for n in range(0 if status == "trialing" else count):
            made = (ends or renews - MONTH) - n * MONTH
            is_refused = n == 0 and status in REFUSED
            which = f"{number:08}{n:03}"
            self._invoice(
                rows, which, subscription_id, customer_id, made, is_refused, price, quantity
            )

    def _invoice(
        self,
        rows: Rows,
        which: str,
        subscription_id: str,
        customer_id: str,
        made: datetime,
        is_refused: bool,
        price: dict[str, Any],
        quantity: int,
    ) -> None:
        invoice_id, intent_id = f"in_gen{which}", f"pi_gen{which}"
        amount = price["amount"] * quantity
        payment = {"type": "payment_intent", "payment_intent": intent_id}
        rows["invoices"].append(
            self._mirrored("invoice", invoice_id, made)
            | {
                "customer_id": customer_id,
                "subscription_id": subscription_id,
                "number": f"GEN{which[:8]}-{which[8:]}",
                "status": "open" if is_refused else "paid",
                "billing_reason": "subscription_cycle",
                "collection_method": "charge_automatically",
                "currency": price["currency"],
                "subtotal": amount,
                "total": amount,
                "amount_due": amount,
                "amount_paid": 0 if is_refused else amount,
                "amount_remaining": amount if is_refused else 0,
                "attempt_count": 2 if is_refused else 1,
                "next_payment_attempt": self.now + timedelta(days=3) if is_refused else None,
                "period_start": made - MONTH,
                "period_end": made,
                "finalized_at": made + timedelta(hours=1),
                "paid_at": None if is_refused else made + timedelta(hours=1),
            }
        )
        rows["invoices"][-1]["data"]["payments"] = {"data": [{"payment": payment}]}
        line_id = f"il_gen{which}"
        rows["invoice_lines"].append(
            {
                "stripe_id": line_id,
                "invoice_id": invoice_id,
                "position": 0,
                "amount": amount,
                "currency": price["currency"],
                "quantity": quantity,
                "price_id": price["id"],
                "product_id": price["product"],
                "period_start": made,
                "period_end": made + MONTH,
                "data": {"id": line_id},
            }
        )
        rows["payment_references"].append(
            {"stripe_id": intent_id, "customer_id": customer_id, "invoice_id": invoice_id}
        )

    def _mirrored(self, kind: str, stripe_id: str, created: datetime) -> dict[str, Any]:
        return {
            "stripe_id": stripe_id,
            "data": {"id": stripe_id, "object": kind},
            "livemode": False,
            "created": created,
            "pulled_at": self.now,
            "version": 1,
        }
