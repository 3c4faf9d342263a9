"""Promotion codes: which one is meant, why it does not count, and what it takes off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from flask_babel import get_locale
from sqlalchemy import select

from billing import money, sync
from billing.clock import now
from billing.errors import InvalidRequest
from billing.gateway import promotion_codes as gateway
from models import Account, Invoice, Product, PromotionCode, Subscription, db

LONGEST = 100


class CodeRefused(InvalidRequest):
    """The code does not count, and why. Nothing was changed."""

    title = "That code cannot be used"
    message = "It may have expired or been used up a moment ago. You were not charged."


@dataclass(frozen=True)
class Effect:
    """What a code makes of an amount. `amount` is what is left, minor units, before tax.

    `duration` is the coupon's: once, repeating (for `months` months) or forever.
    """

    code: PromotionCode
    amount: int
    off: int
    duration: str
    months: int | None

    @property
    def lasts(self) -> str:
        """For how long, after an amount: "for the first payment", "for 3 months"."""
        if self.duration == "once":
            return "for the first payment"
        if self.duration == "repeating" and self.months:
            return f"for {self.months} month{'' if self.months == 1 else 's'}"
        return "for as long as you keep it"


def find(typed: str, account: Account) -> PromotionCode:
    """The code that was typed, fresh from Stripe, usable by this account for something.

    Raises CodeRefused with what is wrong with it, StripeUnavailable when Stripe cannot say.
    """
    code = typed.strip()
    if not code:
        raise CodeRefused("Enter a code.", param="code")
    ids = gateway.ids_for(code) if len(code) <= LONGEST and code.isascii() else []
    found = [pull(each) for each in ids]
    theirs = [p for p in found if p.customer_id in (None, account.stripe_customer_id)]
    if not theirs:
        raise CodeRefused(
            f"We do not know the code {code[:LONGEST]}. Check its spelling.", param="code"
        )
    # A code may be spelled like an older one that is over; the one that still counts is meant.
    chosen: PromotionCode = next((p for p in theirs if p.active), theirs[0])
    refused = refusal(chosen, account)
    if refused:
        raise CodeRefused(refused, param="code")
    return chosen


def pull(code_id: str) -> PromotionCode:
    """The code and its coupon, as Stripe has them now."""
    code: PromotionCode = sync.pull("promotion_code", code_id)
    sync.pull("coupon", code.coupon_id)
    return code


def refusal(code: PromotionCode, account: Account | None) -> str | None:
    """Why the account cannot use the code for anything; None when it can."""
    if _has_expired(code, now()):
        return f"{code.code} has expired."
    if _is_used_up(code):
        return f"{code.code} has been used as often as it may be."
    if not code.active or code.deleted_at is not None or not _redeemable(code, now()):
        return f"{code.code} is not valid any more."
    if account is not None and _is_redeemed(code, account.subscription):
        return f"{code.code} is on your subscription already."
    if code.first_time_transaction and account is not None and _has_paid(account):
        return f"{code.code} is for first purchases, and you have paid before."
    return None


def obstacle(code: PromotionCode, plan: Product, amount: int | None, currency: str) -> str | None:
    """Why a usable code does not count for this plan at this amount; None when it does.

    `amount` is one period before discounts, minor units of `currency`; None when not known.
    """
    coupon = code.coupon
    if coupon is None or (coupon.applies_to and plan.stripe_id not in coupon.applies_to):
        return f"{code.code} does not count for {plan.name}."
    if coupon.percent_off is None and coupon.amount_off_in(currency) is None:
        return f"{code.code} does not count in {currency.upper()}."
    least = code.minimum_in(currency)
    if least and amount is not None and amount < least:
        said = money.text(least, currency, locale=str(get_locale() or "en_US"))
        return f"{code.code} needs an order of at least {said}."
    if least is None and code.minimum_amount:
        return f"{code.code} does not count in {currency.upper()}."
    return None


def effect(code: PromotionCode, amount: int, currency: str) -> Effect:
    """What the code makes of `amount` (minor units); call it when `obstacle` sees none.

    Stripe's docs, "Coupons": a percentage is rounded to the minor unit, half up; an amount never
    takes off more than there is.
    """
    coupon = code.coupon
    assert coupon is not None
    if coupon.percent_off is not None:
        off = Decimal(coupon.percent_off) * amount / 100
        taken = int(off.quantize(Decimal(1), ROUND_HALF_UP))
    else:
        taken = min(coupon.amount_off_in(currency) or 0, amount)
    return Effect(code, amount - taken, taken, coupon.duration, coupon.duration_in_months)


def discounts(subscription: Subscription, code_id: str | None) -> list[dict[str, str]] | None:
    """The subscription's discounts with the code's added, as Stripe is told; None to leave them."""
    if code_id is None:
        return None
    held = subscription.data.get("discounts") or []
    ids = [one if isinstance(one, str) else one["id"] for one in held]
    return [*({"discount": each} for each in ids), {"promotion_code": code_id}]


def _has_expired(code: PromotionCode, at: datetime) -> bool:
    ends = [code.expires_at, code.coupon.redeem_by if code.coupon else None]
    return any(end is not None and end <= at for end in ends)


def _redeemable(code: PromotionCode, at: datetime) -> bool:
    return code.coupon is not None and code.coupon.can_be_redeemed(at)


def _is_used_up(code: PromotionCode) -> bool:
    about = code.coupon.data if code.coupon else {}
    limits = (
        (code.max_redemptions, code.times_redeemed),
        (about.get("max_redemptions"), about.get("times_redeemed", 0)),
    )
    return any(most is not None and times >= most for most, times in limits)


def _is_redeemed(code: PromotionCode, subscription: Subscription | None) -> bool:
    held = subscription.data.get("discounts") or [] if subscription and subscription.is_live else []
    return any(
        isinstance(one, dict) and one.get("promotion_code") == code.stripe_id for one in held
    )


def _has_paid(account: Account) -> bool:
    return account.stripe_customer_id is not None and bool(
        db.session.scalar(
            select(Invoice.stripe_id)
            .where(Invoice.customer_id == account.stripe_customer_id, Invoice.amount_paid > 0)
            .limit(1)
        )
    )
