"""In which currency figures are told: one that is paid in, or all, converted by rates of settings.

A rate is how much of the reporting currency one unit of another is worth; it is the same for every
month, so that a figure moves when subscribers do, not when markets do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

import sqlalchemy as sa
from flask import current_app

from billing.money import exponent
from models import SubscriptionState, db

ALL = "all"


@dataclass(frozen=True)
class View:
    """`currency` of every figure; `rates` of those converted into it, None for one as paid."""

    currency: str
    rates: Mapping[str, Decimal] | None = None
    # Paid in, and left out because no rate is set.
    without_rate: tuple[str, ...] = ()
    offered: tuple[str, ...] = field(default=(), compare=False)

    @property
    def key(self) -> str:
        """As addresses name it: a currency, or "all"."""
        return self.currency if self.rates is None else ALL

    @property
    def is_converted(self) -> bool:
        return self.rates is not None

    @property
    def currencies(self) -> list[str]:
        """Those whose subscriptions count."""
        return [self.currency, *(self.rates or {})]

    def converted(self, amount: int, currency: str) -> int:
        """Minor units of `currency` as minor units of the view's, rounded half to even."""
        if currency == self.currency:
            return amount
        rate = (self.rates or {})[currency]
        value = Decimal(amount).scaleb(exponent(self.currency) - exponent(currency)) * rate
        return int(value.to_integral_value(ROUND_HALF_EVEN))


def chosen(key: str | None) -> View | None:
    """The view an address names; without a name all in the reporting currency, where one is set,
    else the currency with most subscriptions. None for a name that is none."""
    paid_in = currencies()
    settings = current_app.config["SETTINGS"]
    reporting = settings.reporting_currency
    offered = (*paid_in, ALL) if reporting else tuple(paid_in)
    if key is None:
        key = ALL if reporting else (paid_in or ["usd"])[0]
    if key == ALL and reporting:
        return View(
            reporting,
            settings.exchange_rates,
            tuple(one for one in paid_in if one not in {reporting, *settings.exchange_rates}),
            offered,
        )
    if key in paid_in or (not paid_in and key == "usd"):
        return View(key, offered=offered)
    return None


def currencies() -> list[str]:
    """What subscriptions are or were paid in, most of them first."""
    count = sa.func.count().label("count")
    found = db.session.execute(
        sa.select(SubscriptionState.currency, count)
        .group_by(SubscriptionState.currency)
        .order_by(count.desc(), SubscriptionState.currency)
    )
    return [currency for currency, _ in found]
