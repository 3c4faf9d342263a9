"""Buying a first plan: to Stripe's Checkout page, and back."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from billing import checkout
from billing.authorization import current_account, current_role, member_required
from billing.errors import StripeBusy, StripeUnavailable
from billing.navigation import BUYERS
from billing.pricing import Cadence
from billing.views.plans import plans_page
from models import Subscription

bp = Blueprint("checkout", __name__, url_prefix="/checkout")

STARTED = {"active", "trialing"}
BOUGHT = "Your subscription has started."
TRIED = "Your free trial has started; nothing was charged."
ON_ITS_WAY = (
    " The first payment is on its way from your bank; it may take a few days and you need not do "
    "anything."
)


@bp.post("")
@member_required("owner", "billing")
def start() -> Response | tuple[str, int]:
    account = current_account._get_current_object()
    try:
        wanted = checkout.choice(request.form, account)
    except checkout.SeatsNotPossible as refused:
        page = plans_page(
            interval=Cadence.of(refused.price).key,
            currency=request.form.get("currency"),
            again="again" in request.form,
            refused=refused,
        )
        return page, refused.status
    site_url = current_app.config["SETTINGS"].site_url
    try:
        url = checkout.start(account, current_user, wanted, site_url=site_url)
    except checkout.AlreadySubscribed as refusal:
        flash(refusal.message, "warning")
        return redirect(_instead(wanted))
    return redirect(url, 303)


def _instead(wanted: checkout.Choice) -> str:
    """Where a subscriber gets what they meant to buy: the change of their plan."""
    subscription = current_account.subscription
    held = subscription.item if subscription else None
    if held is None or subscription.status == "incomplete":
        return url_for("subscription.show")
    if held.price_id == wanted.price.stripe_id:
        return url_for("subscription.show")
    return url_for(
        "plan_change.show",
        slug=wanted.plan.slug,
        interval=wanted.price.interval,
        seats=wanted.quantity if wanted.plan.is_per_seat else None,
    )


@bp.get("/return")
@member_required()
def return_() -> Response | str | tuple[str, int]:
    """Back from Stripe: never waits for the webhook, never shows another account's session."""
    account = current_account._get_current_object()
    session_id = request.args.get("session_id", "")
    if not session_id.startswith("cs_"):
        raise checkout.NotTheirs
    try:
        result = checkout.returned(account, session_id)
    except (StripeUnavailable, StripeBusy):
        return render_template("checkout/checking.html"), 503
    if result.subscription is not None:
        return _begun(result.subscription)
    if result.status == "complete":
        return render_template("checkout/checking.html")
    return render_template("checkout/unfinished.html", result=result)


def _begun(subscription: Subscription) -> Response:
    """To the subscription, or to what is left to do for its first payment."""
    first = subscription.latest_invoice
    if subscription.status in STARTED:
        on_its_way = first is not None and first.is_processing
        said = TRIED if subscription.is_trialing else BOUGHT
        flash(f"Thank you. {said}{ON_ITS_WAY if on_its_way else ''}", "success")
    elif first is not None and first.needs_confirmation and current_role() in BUYERS:
        return redirect(url_for("bank_confirmation.show", stripe_id=first.stripe_id, confirm="now"))
    return redirect(url_for("subscription.show"))
