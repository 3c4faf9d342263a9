"""What the company sells: plans and their prices, coupons and their codes, taxes."""

from __future__ import annotations

from typing import Any

import stripe
from stripe._v1_services import V1Services

from billing import demo_catalog
from demo.clock import DAY, Clock
from demo.currencies import RATES, amount_in

TAXES = {
    "DE": ("USt.", 19.0),
    "FR": ("TVA", 20.0),
    "NL": ("BTW", 21.0),
    "ES": ("IVA", 21.0),
    "JP": ("消費税", 10.0),
}


class Offers:
    """The acts that are nobody's own. The public methods are those that a story may name."""

    def __init__(self, stripe_: V1Services, clock: Clock) -> None:
        self._stripe, self._clock = stripe_, clock
        self.taxes: dict[str, str] = {}
        self.codes: dict[str, str] = {}

    def found(self) -> None:
        """Plans at the prices of then, and the taxes."""
        demo_catalog.put_in_place(earlier=True)
        for country, (name, percentage) in TAXES.items():
            self.taxes[country] = self._stripe.tax_rates.create(
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
            amounts = {code: amount_in(terms["amount_off"], code) for code in RATES}
            params |= {"amount_off": amounts.pop("usd"), "currency": "usd"}
            params["currency_options"] = {c: {"amount_off": each} for c, each in amounts.items()}
        else:
            params["percent_off"] = terms["percent_off"]
        if months:
            params |= {"duration": "repeating", "duration_in_months": months}
        elif terms.get("once"):
            params["duration"] = "once"
        if "days" in terms:
            params["redeem_by"] = self._clock.now() + terms["days"] * DAY
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
        self.codes[code] = self._stripe.promotion_codes.create(params).id

    def retire_code(self, code: str) -> None:
        self._stripe.promotion_codes.update(self.codes[code], {"active": False})

    def raise_prices(self) -> None:
        """Plans whose price was another are sold at today's; most subscribers move with it."""
        for plan in demo_catalog.PLANS:
            for interval, months in (("month", 1), ("year", demo_catalog.MONTHS_PAID_PER_YEAR)):
                if plan.earlier:
                    self._raise_price(plan, interval, months)

    def _raise_price(self, plan: demo_catalog.DemoPlan, interval: str, months: int) -> None:
        lookup_key = f"demo_{plan.slug}_{interval}"
        old = self.price(plan.slug, interval)
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
        self._clock.tell("/sandbox/policy", subscription=subscription)

    def price(self, plan: str, interval: str) -> stripe.Price:
        return self._stripe.prices.list({"lookup_keys": [f"demo_{plan}_{interval}"]}).data[0]
