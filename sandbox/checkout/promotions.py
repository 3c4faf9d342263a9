"""Promotion codes typed into a checkout page."""

from __future__ import annotations

from typing import Any

from sandbox import clock
from sandbox.engine.wording import money
from sandbox.store import store

INVALID = "This code is invalid."


def redeemable(code: str, session: dict[str, Any]) -> dict[str, Any]:
    """The session's `discounts` entry for a typed code; ValueError tells the buyer why not."""
    found = [
        promotion
        for promotion in store.all("promotion_code", active=True)
        if promotion["code"].lower() == code.lower()
    ]
    mine = [one for one in found if one["customer"] in (None, session["customer"])]
    if not mine:
        raise ValueError(INVALID)
    promotion = mine[0]
    coupon = store.get("coupon", promotion["promotion"]["coupon"])
    late = any(
        end is not None and end <= clock.now()
        for end in (promotion["expires_at"], coupon["redeem_by"])
    )
    used_up = any(
        one["max_redemptions"] is not None and one["times_redeemed"] >= one["max_redemptions"]
        for one in (promotion, coupon)
    )
    if late or used_up or not coupon["valid"]:
        raise ValueError("This code has expired.")
    _check_restrictions(promotion["restrictions"], session)
    return {"coupon": None, "promotion_code": promotion["id"]}


def _check_restrictions(restrictions: dict[str, Any], session: dict[str, Any]) -> None:
    if restrictions["first_time_transaction"] and session["customer"]:
        paid = store.all("invoice", customer=session["customer"], status="paid")
        if any(invoice["amount_paid"] for invoice in paid):
            raise ValueError("This code is for first purchases only.")
    least, currency = restrictions["minimum_amount"], restrictions["minimum_amount_currency"]
    if least and currency == session["currency"] and session["amount_subtotal"] < least:
        raise ValueError(f"This code needs an order of at least {money(least, currency)}.")
