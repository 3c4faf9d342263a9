"""How many seats a subscription has."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request, url_for

from billing.authorization import member_required
from billing.errors import CardDeclined
from billing.pricing import change
from billing.seat_count import SeatCountForm
from billing.views.plan_change import accept, choose_a_plan, live_subscription, quoted_page
from models import Product, Quote, Subscription

bp = Blueprint("seats", __name__)


@bp.get("/seats")
@member_required("owner", "billing")
def show() -> Any:
    """The number to choose, and the quote for the one asked for with `?seats=`."""
    subscription = live_subscription()
    if subscription is None:
        return choose_a_plan()
    return _page(subscription, _plan_by_the_seat(subscription))


@bp.post("/seats")
@member_required("owner", "billing")
def confirm() -> Any:
    subscription = live_subscription()
    if subscription is None:
        return choose_a_plan()
    plan = _plan_by_the_seat(subscription)
    form = SeatCountForm(plan, request.form)
    if not form.validate():
        return _choice(subscription, plan, form), 422

    def belongs_here(quote: Quote) -> bool:
        same_price = quote.from_price_id == quote.to_price_id
        return quote.kind == "change" and same_price and quote.to_quantity == form.count

    try:
        return accept(belongs_here, url_for(".show", seats=form.count))
    except CardDeclined as declined:
        return _page(subscription, plan, form, declined)


def _plan_by_the_seat(subscription: Subscription) -> Product:
    plan = subscription.plan
    if plan is None or not plan.is_per_seat:
        abort(404)
    return plan


def _page(
    subscription: Subscription,
    plan: Product,
    form: SeatCountForm | None = None,
    declined: CardDeclined | None = None,
) -> Any:
    if form is None:
        form = SeatCountForm(plan, request.args, data={"seats": str(subscription.quantity)})
        if "seats" not in request.args:
            return _choice(subscription, plan, form)
        if not form.validate():
            return _choice(subscription, plan, form), 422
    price = subscription.price
    return quoted_page(
        "seats/show.html",
        subscription,
        change(subscription, price, form.count) if price else None,
        declined,
        plan=plan,
        form=form,
    )


def _choice(subscription: Subscription, plan: Product, form: SeatCountForm) -> str:
    """The page before a number is chosen: no quote yet, so nothing is asked of Stripe."""
    return render_template(
        "seats/show.html", subscription=subscription, plan=plan, form=form, change=None
    )
