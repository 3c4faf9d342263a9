"""Putting a coupon on a subscription, or taking a discount off it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from wtforms import SelectField

from billing import coupon_application, staff_actions
from billing.authorization import account_or_404, staff_required
from billing.coupon_application import APPLICATION, REMOVAL, Held, NextInvoice
from billing.errors import BillingError, InvalidRequest
from billing.review import CARE, Agreement, ReviewForm, choices, press, said
from billing.templating import money as money_text
from models import Account, Coupon, StaffAction, Subscription

bp = Blueprint(
    "admin_coupon_application",
    __name__,
    url_prefix="/admin/customers/<int:account_number>/coupon-application",
)


class CouponForm(ReviewForm):
    coupon = SelectField("Coupon")

    def __init__(self, *args: Any, subscription: Subscription, **kwargs: Any):
        super().__init__(*args, **kwargs)
        usable = coupon_application.usable(subscription)
        self.coupons = {coupon.stripe_id: coupon for coupon in usable}
        self.coupon.choices = choices(
            (key, terms(coupon, subscription.currency)) for key, coupon in self.coupons.items()
        )

    @property
    def chosen(self) -> Coupon:
        return self.coupons[self.coupon.data]


@bp.get("")
@staff_required(*CARE)
def show(account_number: int) -> Any:
    return _page(account_or_404(account_number))


@bp.post("")
@staff_required(*CARE)
def create(account_number: int) -> Any:
    account = account_or_404(account_number)
    subscription = account.subscription
    if subscription is None:
        return _page(account)
    form = _form(subscription)
    try:
        action = press(
            APPLICATION,
            subscription.stripe_id,
            account,
            form,
            lambda: coupon_application.applying(subscription, form.chosen),
        )
    except BillingError as problem:
        return _page(account, problem), problem.status
    if action is None:
        return _page(account), 422
    return _done(account, action, "is on the subscription, from its next invoice on.")


@bp.get("/<discount_id>/removal")
@staff_required(*CARE)
def removal(account_number: int, discount_id: str) -> Any:
    account = account_or_404(account_number)
    return _removal_page(account, discount_id)


@bp.post("/<discount_id>/removal")
@staff_required(*CARE)
def remove(account_number: int, discount_id: str) -> Any:
    account = account_or_404(account_number)
    subscription = account.subscription or abort(404)
    discount = _held(subscription, discount_id)
    try:
        action = press(
            REMOVAL,
            subscription.stripe_id,
            account,
            ReviewForm.of_request(),
            lambda: coupon_application.removing(subscription, discount or abort(404)),
        )
    except BillingError as problem:
        return _removal_page(account, discount_id, problem), problem.status
    assert action is not None
    return _done(account, action, "is off the subscription, from its next invoice on.")


def _form(subscription: Subscription) -> CouponForm:
    return CouponForm.of_request(subscription=subscription)  # type: ignore[return-value]


def _held(subscription: Subscription, discount_id: str) -> Held | None:
    found = coupon_application.held(subscription)
    return next((one for one in found if one.stripe_id == discount_id), None)


def _page(account: Account, problem: BillingError | None = None) -> Any:
    subscription = account.subscription
    obstacle = coupon_application.obstacle(subscription)
    if obstacle or subscription is None:
        return render_template(
            "admin/coupon_application/show.html", account=account, obstacle=obstacle, form=None
        )
    form = _form(subscription)
    good = form.is_sent and form.validate()
    before, after, refused = _effect(subscription, adding=form.chosen.stripe_id if good else None)
    problem = problem or refused
    page = render_template(
        "admin/coupon_application/show.html",
        account=account,
        subscription=subscription,
        form=form,
        shown=good,
        held=coupon_application.held(subscription),
        before=before,
        after=after,
        terms=terms,
        problem=said(problem) if problem else None,
        waiting=staff_actions.open_on(subscription.stripe_id),
        agreement=Agreement.to(coupon_application.state(subscription.stripe_id), problem),
    )
    return page if request.method == "POST" or good or not form.is_sent else (page, 422)


def _removal_page(account: Account, discount_id: str, problem: BillingError | None = None) -> Any:
    subscription = account.subscription or abort(404)
    discount = _held(subscription, discount_id)
    if discount is None and problem is None:
        abort(404)
    before, after, _ = _effect(subscription, without=discount_id)
    return render_template(
        "admin/coupon_application/removal.html",
        account=account,
        subscription=subscription,
        obstacle=coupon_application.obstacle(subscription),
        discount=discount,
        before=before,
        after=after,
        problem=said(problem) if problem else None,
        waiting=staff_actions.open_on(subscription.stripe_id),
        agreement=Agreement.to(coupon_application.state(subscription.stripe_id), problem),
    )


Effect = tuple[NextInvoice | None, NextInvoice | None, BillingError | None]


def _effect(
    subscription: Subscription, *, adding: str | None = None, without: str | None = None
) -> Effect:
    """The next invoice before and after, as Stripe previews it; nothing where it does not."""
    if adding is None and without is None:
        return None, None, None
    try:
        return (
            coupon_application.next_invoice(subscription),
            coupon_application.next_invoice(subscription, adding=adding, without=without),
            None,
        )
    except InvalidRequest as refused:
        return None, None, refused
    except BillingError:
        return None, None, None


def terms(coupon: Coupon, currency: str) -> str:
    """A coupon in words: "Welcome: 20% off for 3 months"."""
    off = coupon.amount_off_in(currency)
    taken = f"{coupon.percent_off}%" if coupon.percent_off else money_text(off or 0, currency)
    lasts = {"once": "once", "forever": "for good"}.get(
        coupon.duration, f"for {coupon.duration_in_months} months"
    )
    return f"{coupon.name or coupon.stripe_id}: {taken} off {lasts}"


def _done(account: Account, action: StaffAction, words: str) -> Any:
    flash(f"{action.params['name'] or action.params['coupon']} {words}", "success")
    return redirect(url_for("admin_customers.show", account_number=account.id), 303)
