"""`python -m tests.thousand FILE COUNT`: a sandbox with so many subscribers of one plan.

They are made as the sandbox makes them, on its file, without a request for each: seats from 1 to
5, three currencies in turn, every tenth with 20% off, every seventh charged to a card and the
others invoiced; they renew over the second week after `START`, for the first time.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Any

from sandbox import clock, create_app
from sandbox.engine import subscribing
from sandbox.resources import coupons, customers, prices, products
from sandbox.store import store

START = int(datetime(2026, 11, 19, 12, tzinfo=UTC).timestamp())
DAY = 86_400
AMOUNTS = {"usd": 4900, "eur": 4500, "jpy": 7400}
CARD = "pm_card_visa"
PAID = {"payment_method": CARD, "invoice_settings": {"default_payment_method": CARD}}
INVOICED = {"collection_method": "send_invoice", "days_until_due": 30}


def seats(index: int) -> int:
    return 1 + index % 5


def currency(index: int) -> str:
    return list(AMOUNTS)[index % 3]


def has_discount(index: int) -> bool:
    return index % 10 == 0


def pays(index: int) -> bool:
    return index % 7 == 0


def renews(index: int) -> int:
    """The unix second of its first renewal."""
    return START + 8 * DAY + index * 7 * DAY // 1000


def make(file: str, count: int) -> None:
    app = create_app(file, clock=START, deliver=False)
    with app.app_context():
        with app.storage.transaction():
            product = products.create(
                {
                    "id": "team",
                    "name": "Team",
                    "metadata": {"slug": "team", "public": "true", "max_seats": "25"},
                }
            )
            price = prices.add(
                {
                    "product": product["id"],
                    "lookup_key": "team",
                    "currency": "usd",
                    "unit_amount": AMOUNTS["usd"],
                    "currency_options": {
                        code: {"unit_amount": AMOUNTS[code]} for code in ("eur", "jpy")
                    },
                    "recurring": {"interval": "month"},
                }
            )
            coupons.create({"id": "twenty", "percent_off": 20, "duration": "forever"})
        for index in range(count):
            with app.storage.transaction():
                _subscribe(index, price["id"])
        with app.storage.transaction():
            # Where the sandbox's own process begins.
            store.set_setting(clock.SETTING, str(START - int(time.time())))
    app.close()


def _subscribe(index: int, price_id: str) -> None:
    customer = customers.create({"name": f"Company {index:04}", **(PAID if pays(index) else {})})
    terms: dict[str, Any] = {
        "customer": customer["id"],
        "items": [{"price": price_id, "quantity": seats(index)}],
        "currency": currency(index),
        "metadata": {"index": str(index)},
        # Nothing is billed before the first renewal.
        "billing_cycle_anchor": renews(index),
        "proration_behavior": "none",
        **({} if pays(index) else INVOICED),
    }
    if has_discount(index):
        terms["discounts"] = [{"coupon": "twenty"}]
    subscribing.create(customer, terms)


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]))
