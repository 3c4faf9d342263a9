"""Promotion codes typed into a checkout page."""

from __future__ import annotations

from typing import Any

from sandbox import clock
from sandbox.checkout import lines
from sandbox.engine import discounting
from sandbox.engine.discounts import Reduction
from sandbox.engine.wording import money
from sandbox.store import store

INVALID = "This code is invalid."


def redeemable(code: str, session: dict[str, Any]) -> dict[str, Any]:
    """The session's `discounts` entry for a typed code; ValueError tells the buyer why not.

    `session` is a Checkout Session, or what stands for one: customer, currency, amount_subtotal
    and, in `_products`, what is bought.
    """
    found = [
        promotion
        for promotion in store.all("promotion_code", active=True)
        if promotion["code"].lower() == code.lower()
    ]
    mine = [one for one in found if one["customer"] in (None, session["customer"])]
    if not mine:
        raise ValueError(USED_UP if _is_used_up(code) else INVALID)
    promotion = mine[0]
    coupon = store.find("coupon", promotion["promotion"]["coupon"])
    if coupon is None:
        raise ValueError(INVALID)
    _check_availability(promotion, coupon)
    _check_restrictions(promotion, coupon, session)
    return {"coupon": None, "promotion_code": promotion["id"]}


USED_UP = "This code has been used up."


def _is_used_up(code: str) -> bool:
    """A code that was redeemed as often as it may be is switched off by that."""
    return any(
        one["max_redemptions"] is not None and one["times_redeemed"] >= one["max_redemptions"]
        for one in store.all("promotion_code", code=code.upper())
    )


def _check_availability(promotion: dict[str, Any], coupon: dict[str, Any]) -> None:
    ends = (promotion["expires_at"], coupon["redeem_by"])
    if any(end is not None and end <= clock.now() for end in ends):
        raise ValueError("This code has expired.")
    if not coupon["valid"] or any(
        one["max_redemptions"] is not None and one["times_redeemed"] >= one["max_redemptions"]
        for one in (promotion, coupon)
    ):
        raise ValueError(USED_UP)


def _check_restrictions(promotion, coupon, session: dict[str, Any]) -> None:
    products = session.get("_products") or [line["price"]["product"] for line in lines.of(session)]
    if not any(Reduction("", coupon).covers(product) for product in products):
        raise ValueError("This code is not for what you are buying.")
    first_only = promotion["restrictions"]["first_time_transaction"]
    if first_only and session["customer"] and discounting.has_paid(session["customer"]):
        raise ValueError("This code is for first purchases only.")
    currency = session["currency"]
    least = discounting.minimum(promotion, currency)
    if session["amount_subtotal"] < least:
        raise ValueError(f"This code needs an order of at least {money(least, currency)}.")
