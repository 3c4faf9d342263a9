"""The plans a portal session offers, and what choosing one would cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.checkout import promotions
from sandbox.engine import discounting, items, previewing, pricing, schedules
from sandbox.engine.wording import money
from sandbox.pages import checkout_view, invoice_view, portal_session, wording
from sandbox.store import store

LENGTH = {"day": 1, "week": 7, "month": 30, "year": 365}


def of(session: dict[str, Any], subscription: dict[str, Any]) -> dict[str, Any]:
    """The prices to choose from, the current one marked, and what else may be changed."""
    feature = portal_session.features(session)["subscription_update"]
    item = items.of(subscription)[0]
    allowed = feature["default_allowed_updates"] if feature["enabled"] else []
    ids = [id for product in feature["products"] or [] for id in product["prices"]]
    prices = [price for id in ids if (price := store.find("price", id)) and price["active"]]
    currency = subscription["currency"]
    return {
        "plans": [
            {
                "id": price["id"],
                "name": items.product_name(price),
                "price": wording.price(price, currency),
                "current": price["id"] == item["price"]["id"],
            }
            for price in prices
            if pricing.in_currency(price, currency) and price["recurring"]
        ]
        if "price" in allowed
        else [],
        "current": item["price"]["id"],
        "quantity": item["quantity"] if "quantity" in allowed else None,
        "promotion_code": "promotion_code" in allowed,
    }


def coupon_offer(coupon_id: str) -> dict[str, Any]:
    """A coupon offered to somebody who is about to leave."""
    coupon = store.get("coupon", coupon_id)
    return {"coupon": coupon_id, "terms": checkout_view.terms(coupon, coupon["currency"] or "usd")}


@dataclass
class Choice:
    """A price and quantity that a customer chose for their subscription."""

    subscription: dict[str, Any]
    item: dict[str, Any]
    price: dict[str, Any]
    quantity: int | None
    discounts: list[dict[str, Any]]
    feature: dict[str, Any]

    @classmethod
    def read(
        cls, session: dict[str, Any], subscription: dict[str, Any], given: Mapping[str, str]
    ) -> Choice:
        """From a form or a query. ValueError tells the customer what cannot be chosen."""
        item = items.of(subscription)[0]
        offers = of(session, subscription)
        flow = portal_session.flow(session) or {}
        asked = (flow.get("subscription_update_confirm") or {}).get("items") or [{}]
        price_id = given.get("price") or item["price"]["id"]
        offered = {plan["id"] for plan in offers["plans"]} | {item["price"]["id"]}
        if price_id not in offered | {asked[0].get("price")}:
            raise ValueError("Choose one of the plans shown.")
        text = given.get("quantity", "").strip()
        if text and not (text.isdigit() and int(text) > 0):
            raise ValueError("Enter a quantity of at least 1.")
        free = offers["quantity"] is not None or text == str(asked[0].get("quantity"))
        quantity = int(text) if text and free else item["quantity"]
        discounts = (flow.get("subscription_update_confirm") or {}).get("discounts") or []
        code = given.get("promotion_code", "").strip()
        price = store.get("price", price_id)
        if code and offers["promotion_code"]:
            discounts = [_redeemed(code, subscription, price)]
        feature = portal_session.features(session)["subscription_update"]
        choice = cls(subscription, item, price, quantity, discounts, feature)
        if not choice.changes:
            raise ValueError("This is your plan already. Choose another one.")
        return choice

    @property
    def changes(self) -> bool:
        """It differs from what the customer has."""
        same = (self.price["id"], self.quantity) == (
            self.item["price"]["id"],
            self.item["quantity"],
        )
        return not same or bool(self.discounts)

    @property
    def name(self) -> str:
        return items.product_name(self.price)

    @property
    def every_period(self) -> str:
        """What a whole period will cost, with its rhythm."""
        total = pricing.amount(self.price, self.quantity or 1, self.subscription["currency"])
        rhythm = wording.every(self.price["recurring"])
        return f"{money(total, self.subscription['currency'])} {rhythm}"

    @property
    def at_period_end(self) -> bool:
        """The configuration puts this change off to the end of the period."""
        kinds = {one["type"] for one in self.feature["schedule_at_period_end"]["conditions"]}
        old, new = self.item["price"]["recurring"], self.price["recurring"]
        old_days = LENGTH[old["interval"]] * old["interval_count"]
        new_days = LENGTH[new["interval"]] * new["interval_count"]
        if "shortening_interval" in kinds and new_days < old_days:
            return True
        currency = self.subscription["currency"]
        before = pricing.amount(self.item["price"], self.item["quantity"] or 1, currency)
        after = pricing.amount(self.price, self.quantity or 1, currency)
        return "decreasing_item_amount" in kinds and new_days == old_days and after < before

    @property
    def starts(self) -> str:
        """The day the change takes place when it is put off."""
        return wording.day(self.item["current_period_end"])

    def params(self) -> dict[str, Any]:
        """The subscription update that makes the change now."""
        changed: dict[str, Any] = {"id": self.item["id"], "price": self.price["id"]}
        if self.quantity is not None and pricing.is_licensed(self.price):
            changed["quantity"] = self.quantity
        params: dict[str, Any] = {
            "items": [changed],
            "proration_behavior": self.feature["proration_behavior"],
        }
        if self.discounts:
            params["discounts"] = [
                {name: value for name, value in one.items() if value} for one in self.discounts
            ]
        return params

    def quote(self) -> dict[str, Any] | None:
        """The invoice that the change leads to; None when it is put off."""
        if self.at_period_end:
            return None
        params = self.params()
        preview: dict[str, Any] = {
            "customer": self.subscription["customer"],
            "subscription": self.subscription["id"],
            "subscription_details": {
                "items": params["items"],
                "proration_behavior": params["proration_behavior"],
            },
        }
        if self.discounts:
            preview["discounts"] = params["discounts"]
        invoice = previewing.preview(preview)
        currency = invoice["currency"]
        return {
            "now": invoice["_bills_now"],
            "day": wording.day(invoice["next_payment_attempt"] or invoice["created"]),
            "amount": money(invoice["amount_due"], currency),
            "lines": _sums_of(invoice),
            "total": money(invoice["total"], currency),
        }

    def schedule(self) -> None:
        """Put the change off to the end of the period, by a subscription schedule."""
        schedule = schedules.create({"from_subscription": self.subscription["id"]})
        phase = schedule["phases"][0]
        now = {"price": self.item["price"]["id"]}
        later = {"price": self.price["id"]}
        for entry, quantity in ((now, self.item["quantity"]), (later, self.quantity)):
            if quantity is not None:
                entry["quantity"] = quantity
        rhythm = self.price["recurring"]
        schedules.update(
            schedule,
            {
                "end_behavior": "release",
                "phases": [
                    {
                        "items": [now],
                        "start_date": phase["start_date"],
                        "end_date": phase["end_date"],
                    },
                    {
                        "items": [later],
                        "duration": {
                            "interval": rhythm["interval"],
                            "interval_count": rhythm["interval_count"],
                        },
                    },
                ],
            },
        )


def _sums_of(invoice: dict[str, Any]) -> list[tuple[str, str]]:
    currency = invoice["currency"]
    shown = [(line["description"], line["amount"]) for line in invoice["_lines"]]
    shown += [
        (invoice_view.tax_name(tax), tax["amount"])
        for tax in invoice["total_taxes"]
        if tax["tax_behavior"] == "exclusive"
    ]
    if invoice["total_discount_amounts"]:
        off = sum(discount["amount"] for discount in invoice["total_discount_amounts"])
        shown.append(("Discount", -off))
    balance = invoice["total"] - invoice["amount_due"]
    if balance:
        shown.append(("Applied balance", -balance))
    return [(name, money(amount, currency)) for name, amount in shown]


def _redeemed(code: str, subscription: dict[str, Any], price: dict[str, Any]) -> dict[str, Any]:
    currency = subscription["currency"]
    total = sum(items.amount(one, currency) for one in items.of(subscription))
    found = promotions.redeemable(
        code,
        {
            "customer": subscription["customer"],
            "currency": currency,
            "amount_subtotal": total,
            "_products": [price["product"]],
        },
    )
    if discounting.minimum(store.get("promotion_code", found["promotion_code"]), currency):
        raise ValueError("This code is for new subscriptions only.")
    return found
