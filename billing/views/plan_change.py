"""Changing plan or interval: the quote, its acceptance, and taking back what waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_login import current_user

from billing import (
    acceptance,
    dates,
    money,
    plan_change,
    promotion_codes,
    quoting,
    scheduled_change,
)
from billing.authorization import current_account, member_required
from billing.clock import now
from billing.errors import (
    CardDeclined,
    StripeBusy,
    StripeMisconfigured,
    StripeUnavailable,
)
from billing.pricing import TAKES_EFFECT_NOW, Cadence, Change, seats_for
from billing.promotion_codes import CodeRefused
from billing.quoting import QuoteNotUsable
from billing.seat_count import SeatCountForm
from billing.standing import scheduled_change as waiting_change
from billing.views import promotion_code
from models import Invoice, Price, Product, PromotionCode, Quote, Subscription, db

bp = Blueprint("plan_change", __name__)
bp.add_app_template_filter(dates.span, "span")


@bp.get("/plan-change/<slug>")
@member_required("owner", "billing")
def show(slug: str) -> Any:
    plan = Product.offered_as(slug) or abort(404)
    subscription = live_subscription()
    if subscription is None:
        return choose_a_plan()
    return _page(plan, subscription)


@bp.post("/plan-change/<slug>")
@member_required("owner", "billing")
def confirm(slug: str) -> Any:
    plan = Product.offered_as(slug) or abort(404)
    subscription = live_subscription()
    if subscription is None:
        return choose_a_plan()
    again = url_for(".show", slug=slug, **_asked())

    def belongs_here(quote: Quote) -> bool:
        price = db.session.get(Price, quote.to_price_id)
        return quote.kind == "change" and price is not None and price.product_id == plan.stripe_id

    try:
        return accept(belongs_here, again)
    except CardDeclined as declined:
        return _page(plan, subscription, declined)


@bp.post("/scheduled-change/undo")
@member_required("owner", "billing")
def undo() -> Any:
    subscription = live_subscription()
    # A new price that is to come is not theirs to drop; a change of their own is.
    if (
        subscription is not None
        and waiting_change(subscription, now())
        and scheduled_change.undo(subscription)
    ):
        name = subscription.plan.name if subscription.plan else "your plan"
        flash(f"You keep {name} as it is. The change you had scheduled is dropped.", "success")
    else:
        flash("There was no scheduled change to drop. Nothing was changed.", "info")
    return redirect(url_for("subscription.show"), 303)


def live_subscription() -> Subscription | None:
    found = current_account.subscription
    return found if found is not None and found.is_live else None


def choose_a_plan() -> Any:
    flash("You have no subscription to change. Choose a plan to start one.", "info")
    return redirect(url_for("plans.index"), 303)


def quoted_page(
    template: str,
    subscription: Subscription,
    change: Change | None,
    declined: CardDeclined | None = None,
    **more: Any,
) -> Any:
    """The page with a fresh quote for the change, or with why there is none.

    A `code` among `more` is redeemed with the change.

    It renders without Stripe too: then it says so, and shows the list price.
    """
    shown = {"subscription": subscription, "change": change, "declined": declined, **more}
    quote, silent = None, None
    try:
        subscription = acceptance.settle(subscription)
        hindrance = plan_change.obstacle(subscription, change)
        if hindrance and hindrance.kind == "confirming":
            return redirect(url_for("pending_change.show"), 303)
        if hindrance or change is None:
            return render_template("plan_change/not_possible.html", obstacle=hindrance, **shown)
        quote = quoting.ask(
            subscription,
            change,
            account_id=current_account.id,
            user_id=current_user.id,
            code=more.get("code"),
        )
    except CodeRefused as refused:
        flash(f"{refused.title}. {refused.message} This is the cost without it.", "warning")
        return redirect(request.full_path, 303)
    except (StripeUnavailable, StripeBusy, StripeMisconfigured) as error:
        db.session.rollback()
        silent = error
    page = render_template(
        template,
        quote=quote,
        silent=silent,
        lines=quoting.lines(quote) if quote else [],
        renews_on=quoting.renews_on(quote, subscription) if quote else None,
        lacks_method=bool(quote and plan_change.lacks_method(subscription, quote)),
        seats_lost=plan_change.seats_lost(subscription, change) if change else 0,
        waiting=waiting_change(subscription, now()),
        **shown,
    )
    return page, declined.status if declined else 200


def accept(belongs_here: Any, again: str, say: Callable[[Quote], None] | None = None) -> Any:
    """Applies the quote that the form sent back; a declined card is the caller's to show.

    `belongs_here` says whether the quote is for what this page changes; `again` is where a
    fresh quote is to be had; `say` tells what happened, if not that the plan changed.
    """
    try:
        quote = quoting.find(request.form.get("quote"), account_id=current_account.id)
        if not belongs_here(quote):
            raise QuoteNotUsable
        repeated = quote.applied_at is not None
        acceptance.apply(quote)
    except (QuoteNotUsable, CodeRefused) as error:
        flash(error.message, "warning")
        return redirect(again, 303)
    if quote.promotion_code_id:
        promotion_code.forget()
    if not repeated:
        (say or _say)(quote)
    return redirect(url_for("subscription.show"), 303)


def _asked() -> dict[str, str]:
    """What was chosen on the page, and nothing that `url_for` would take for an order."""
    return {name: request.args[name] for name in ("interval", "seats") if name in request.args}


def _code_for(change: Change | None) -> tuple[PromotionCode | None, str | None]:
    """The reader's promotion code where it counts for the change, and why it does not."""
    code = promotion_code.chosen()
    plan = change.price.product if change else None
    if code is None or change is None or plan is None:
        return None, None
    obstacle = promotion_codes.obstacle(code, plan, change.new_amount, change.currency)
    return (None, obstacle) if obstacle else (code, None)


def _page(plan: Product, subscription: Subscription, declined: CardDeclined | None = None) -> Any:
    seats = seats_for(plan, subscription)
    form = None
    if plan.is_per_seat:
        form = SeatCountForm(plan, request.args, data={"seats": str(seats)})
        if "seats" in request.args:
            if not form.validate():
                return _invalid(plan, subscription, form)
            seats = form.count
    change = plan_change.wanted(subscription, plan, request.args.get("interval"), seats)
    held = change is not None and plan_change.is_same_plan(subscription, change.price)
    if held and seats != subscription.quantity and not declined:
        # Who is on the plan already keeps their price, be it an older one.
        return redirect(url_for("seats.show", seats=seats))
    code, code_obstacle = _code_for(change)
    return quoted_page(
        "plan_change/show.html",
        subscription,
        change,
        declined,
        plan=plan,
        form=form,
        asked=_asked(),
        code=code,
        code_obstacle=code_obstacle,
    )


def _invalid(plan: Product, subscription: Subscription, form: SeatCountForm) -> Any:
    page = render_template(
        "plan_change/show.html", plan=plan, subscription=subscription, form=form, change=None
    )
    return page, 422


def _say(quote: Quote) -> None:
    """What has happened, and what it cost."""
    subscription = current_account.subscription
    if quote.takes_effect != TAKES_EFFECT_NOW:
        day = dates.day(quote.effective_at)
        flash(f"Done. From {day} you have {_target(quote)}; nothing changes today.", "info")
        return
    flash(f"You now have {_target(quote)}. {charged(quote)}", "success")
    if subscription is not None and waiting_change(subscription, now()):
        flash(
            "The change you had scheduled before still stands. Drop it if you do not want it.",
            "warning",
        )


def _target(quote: Quote) -> str:
    """What the quote leads to, such as "Team, 8 seats, billed yearly"."""
    price = db.session.get(Price, quote.to_price_id)
    if price is None or price.product is None:
        return "your new plan"
    said = price.product.name
    if price.product.is_per_seat:
        said += f", {quote.to_quantity} seat{'' if quote.to_quantity == 1 else 's'}"
    return f"{said}, billed {Cadence.of(price).adverb}"


def charged(quote: Quote) -> str:
    """What the step cost, as a sentence."""
    invoice = db.session.get(Invoice, quote.invoice_id) if quote.invoice_id else None
    if invoice is None and quote.invoice_id and quote.amount_due > 0:
        # Made, and then Stripe could not be read: what it charged is what was quoted.
        amount = _text_of(quote.amount_due, quote.currency)
        return f"It costs {amount} as quoted; your new plan and the invoice show in a moment."
    if invoice is None or invoice.amount_due <= 0:
        return "Nothing was charged."
    amount = _text_of(invoice.amount_due, invoice.currency)
    if invoice.is_paid:
        return f"{amount} was charged."
    return f"{amount} is due; you find the invoice under Invoices."


def _text_of(amount: int, currency: str) -> str:
    return money.text(amount, currency, locale=str(get_locale() or "en_US"))
