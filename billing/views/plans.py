"""The plans, for anybody."""

from __future__ import annotations

from functools import partial

from babel.numbers import get_currency_name
from flask import Blueprint, render_template, request, url_for
from flask_babel import get_locale

from billing import money, plans
from billing.authorization import current_account, current_role
from billing.checkout import SeatsNotPossible
from billing.clock import now
from billing.navigation import BUYERS
from billing.standing import scheduled_change
from billing.views import promotion_code
from models import PromotionCode

bp = Blueprint("plans", __name__)


@bp.app_template_filter()
def unit_price(offer: plans.Offer) -> str:
    """An offer's price for one, as a price tag, with fractions of a cent where there are any."""
    locale = str(get_locale() or "en_US")
    if offer.unit_amount is not None:
        return money.text(offer.unit_amount, offer.currency, locale=locale, trim=True)
    if offer.unit_amount_decimal is not None:
        return money.decimal_text(offer.unit_amount_decimal, offer.currency, locale=locale)
    return ""


@bp.app_template_filter()
def currency_name(code: str) -> str:
    """ "usd" as "US dollars"."""
    return get_currency_name(code.upper(), count=2, locale="en")


@bp.app_template_filter()
def amount_off(code: PromotionCode, currency: str) -> int | None:
    """The fixed amount a promotion code takes off, minor units of `currency`."""
    return code.coupon.amount_off_in(currency) if code.coupon else None


@bp.get("/plans")
def index() -> str:
    return plans_page(
        interval=request.args.get("interval"),
        currency=request.args.get("currency"),
        again="again" in request.args,
    )


def plans_page(
    *,
    interval: str | None,
    currency: str | None,
    again: bool = False,
    refused: SeatsNotPossible | None = None,
) -> str:
    """The plans as the reader sees them; `refused` is a number of seats to be mended there."""
    account = current_account._get_current_object()
    may_buy = current_role() in BUYERS
    code = promotion_code.chosen() if may_buy else None
    page = plans.page(
        account, interval=interval, currency=currency, again=again and may_buy, code=code
    )
    held = page.subscription
    return render_template(
        "plans/index.html",
        page=page,
        address=partial(url_for, "plans.index"),
        sign_up=partial(url_for, "security.register"),
        coming=scheduled_change(held, now()) if held else None,
        may_buy=may_buy,
        code=code,
        again={"again": 1} if page.former else {},
        refused=refused,
    )
