"""Changing a customer's plan, interval or seats: quoted as they would see it, done as quoted."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select
from wtforms import RadioField, SelectField, StringField
from wtforms.validators import ValidationError

from billing import acceptance, dates, plan_change, quoting, scheduled_change
from billing.authorization import account_or_404, staff_required
from billing.clock import now
from billing.errors import AuthenticationNeeded, BillingError
from billing.pricing import (
    TAKES_EFFECT_AT_PERIOD_END,
    TAKES_EFFECT_NOW,
    Cadence,
    Change,
    at_time,
    change,
)
from billing.quoting import QuoteNotUsable
from billing.review import CARE, ReviewForm, choices, may_be_sent_again, said
from billing.standing import scheduled_change as waiting_change
from billing.templating import money as money_text
from models import Account, Invoice, Price, Product, Quote, Subscription, db

bp = Blueprint(
    "admin_plan_change", __name__, url_prefix="/admin/customers/<int:account_number>/plan-change"
)

BILL, FREE = "bill", "free"
# What the form asks, and the quote's form sends again.
ASKED = ("price", "seats", "when", "difference")


class ChangeForm(ReviewForm):
    price = SelectField("Plan")
    seats = StringField("Seats")
    when = RadioField("When")
    difference = RadioField(
        "What is left of this period",
        choices=choices(
            [
                (BILL, "Charge or credit the difference today"),
                (FREE, "Charge and credit nothing until the next renewal"),
            ]
        ),
        default=BILL,
    )

    def __init__(self, *args: Any, subscription: Subscription, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.subscription = subscription
        self.prices = {price.stripe_id: price for price in _prices(subscription)}
        self.price.choices = choices(
            (key, _named(price, subscription.currency)) for key, price in self.prices.items()
        )
        ends = dates.day(subscription.current_period_end)
        self.when.choices = choices(
            [(TAKES_EFFECT_NOW, "Now")]
            + (
                [(TAKES_EFFECT_AT_PERIOD_END, f"When the period ends, on {ends}")]
                if not subscription.is_trialing
                else []
            )
        )
        if not self.when.data:
            self.when.data = TAKES_EFFECT_NOW
        if not self.is_sent:
            self.price.data = subscription.price.stripe_id if subscription.price else None
            self.seats.data = str(subscription.quantity)

    @property
    def plan(self) -> Product | None:
        found = self.prices.get(self.price.data or "")
        return found.product if found else None

    @property
    def count(self) -> int:
        return int(self.seats.data) if self.plan and self.plan.is_per_seat else 1

    @property
    def change(self) -> Change:
        """What was filled in, once it is valid."""
        price = self.prices[self.price.data]
        return at_time(
            change(self.subscription, price, self.count), self.when.data, self.subscription
        )

    @property
    def prorates(self) -> bool:
        return self.difference.data == BILL

    def validate_seats(self, field: StringField) -> None:
        if self.plan is None or not self.plan.is_per_seat:
            return
        typed = (field.data or "").strip()
        least, most = self.plan.min_seats or 1, self.plan.max_seats or 1
        number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0
        if not least <= number <= most:
            raise ValidationError(
                f"{self.plan.name} has from {least} to {most} seats: enter a whole number."
            )

    def validate_difference(self, field: RadioField) -> None:
        held, wanted = self.subscription.price, self.prices.get(self.price.data or "")
        if self.when.data != TAKES_EFFECT_NOW or field.data == BILL or not (held and wanted):
            return
        if Cadence.of(held) != Cadence.of(wanted):
            raise ValidationError(
                "Another interval begins a new period, which Stripe charges at once."
            )


@bp.get("")
@staff_required(*CARE)
def show(account_number: int) -> Any:
    return _page(account_or_404(account_number))


@bp.post("")
@staff_required(*CARE)
def create(account_number: int) -> Any:
    account = account_or_404(account_number)
    onward = redirect(url_for("admin_customers.show", account_number=account.id), 303)
    quote = None
    try:
        quote = quoting.find(request.form.get("quote"), account_id=account.id)
        if not quote.by_staff:
            raise QuoteNotUsable
        acceptance.apply(quote)
    except QuoteNotUsable:
        flash("That quote no longer holds, and nothing was changed. Here is a new one.", "warning")
        asked = {name: request.form[name] for name in ASKED if name in request.form}
        return redirect(url_for(".show", account_number=account.id, **asked), 303)
    except AuthenticationNeeded as waits:
        flash(
            "The bank wants the customer to confirm the payment. The change is made once they "
            "have; nothing is charged before. Send them a link to the invoice.",
            "warning",
        )
        where = {"invoice": waits.invoice_id} if waits.invoice_id else {}
        return redirect(url_for("admin_payment_link.show", account_number=account.id, **where), 303)
    except BillingError as problem:
        return _page(account, problem, quote), problem.status
    flash(_done(quote), "success")
    return onward


@bp.post("/drop")
@staff_required(*CARE)
def drop(account_number: int) -> Any:
    """Drops the change that is scheduled."""
    account = account_or_404(account_number)
    subscription = account.subscription
    try:
        dropped = subscription is not None and scheduled_change.undo(
            subscription, account_id=account.id
        )
    except BillingError as problem:
        return _page(account, problem), problem.status
    flash(
        "The scheduled change is dropped." if dropped else "There was no change to drop.",
        "success" if dropped else "info",
    )
    return redirect(url_for("admin_customers.show", account_number=account.id), 303)


def _page(account: Account, problem: BillingError | None = None, quote: Quote | None = None) -> Any:
    """The form with a fresh quote, or the one that may be sent again; without Stripe it says so."""
    subscription = account.subscription
    shared: dict[str, Any] = {"account": account, "subscription": subscription}
    shared["problem"] = said(problem) if problem else None
    if subscription is None or not subscription.is_live:
        return render_template("admin/plan_change/show.html", form=None, **shared)
    form = ChangeForm.of_request(subscription=subscription)
    assert isinstance(form, ChangeForm)
    shown = form.is_sent and form.validate()
    wanted = form.change if shown else None
    hindrance = plan_change.obstacle(subscription, wanted or _as_it_is(subscription))
    kind = hindrance.kind if hindrance else None
    if not shown and kind in ("same", "not_sold"):
        kind = None
    silent = False
    if problem is None or not may_be_sent_again(problem):
        quote = None
        if shown and kind is None and wanted is not None:
            quote, silent, problem = _quote(account, subscription, form, wanted)
            shared["problem"] = shared["problem"] or (said(problem) if problem else None)
    page = render_template(
        "admin/plan_change/show.html",
        form=form,
        shown=shown,
        change=wanted,
        obstacle=kind,
        silent=silent,
        quote=quote,
        lines=quoting.lines(quote) if quote else [],
        renews_on=quoting.renews_on(quote, subscription) if quote else None,
        lacks_method=bool(quote and plan_change.lacks_method(subscription, quote)),
        seats_lost=plan_change.seats_lost(subscription, wanted) if wanted else 0,
        waiting=waiting_change(subscription, now()),
        **shared,
    )
    return page if request.method == "POST" or shown or not form.is_sent else (page, 422)


def _quote(
    account: Account, subscription: Subscription, form: ChangeForm, wanted: Change
) -> tuple[Quote | None, bool, BillingError | None]:
    """A quote; whether Stripe is silent instead; or what it refuses."""
    try:
        subscription = acceptance.settle(subscription)
        quote = quoting.ask(
            subscription,
            wanted,
            account_id=account.id,
            user_id=current_user.id,
            by_staff=True,
            prorates=form.prorates or not wanted.is_immediate,
        )
    except BillingError as error:
        db.session.rollback()
        silent = may_be_sent_again(error)
        return None, silent, None if silent else error
    return quote, False, None


def _as_it_is(subscription: Subscription) -> Change | None:
    price = subscription.price
    return change(subscription, price, subscription.quantity) if price else None


def _prices(subscription: Subscription) -> list[Price]:
    """What it can change to: its own price, and every active one of a plan in its currency."""
    found = db.session.scalars(
        select(Price)
        .join(Product, Product.stripe_id == Price.product_id)
        .where(
            Price.active,
            Price.type == "recurring",
            Price.deleted_at.is_(None),
            Product.active,
            Product.slug.is_not(None),
            Product.deleted_at.is_(None),
        )
        .order_by(Product.position, Product.created, Product.stripe_id, Price.created)
    ).all()
    fitting = [price for price in found if subscription.currency in price.currencies]
    held = subscription.price
    if held is not None and held.stripe_id not in {price.stripe_id for price in fitting}:
        fitting.insert(0, held)
    return fitting


def _named(price: Price, currency: str) -> str:
    """A price in words: "Team, monthly, $49.00 a seat"."""
    plan, unit = price.product, price.unit_amount_in(currency)
    words = f"{plan.name if plan else price.product_id}, {Cadence.of(price).adverb}"
    if unit is not None:
        seat = " a seat" if plan and plan.is_per_seat else ""
        words += f", {money_text(unit, currency)}{seat}"
    return words if price.active else f"{words} (no longer sold)"


def _done(quote: Quote) -> str:
    price = db.session.get(Price, quote.to_price_id)
    name = price.product.name if price and price.product else "the new plan"
    seats = f" with {quote.to_quantity} seats" if quote.to_quantity > 1 else ""
    if quote.takes_effect != TAKES_EFFECT_NOW:
        return f"From {dates.day(quote.effective_at)} it is {name}{seats}. Nothing changes today."
    invoice = db.session.get(Invoice, quote.invoice_id) if quote.invoice_id else None
    if invoice is not None and invoice.amount_due > 0:
        amount = money_text(invoice.amount_due, invoice.currency)
        paid = "was charged" if invoice.is_paid else "is due"
        return f"It is {name}{seats} now. {amount} {paid}."
    return f"It is {name}{seats} now. Nothing was charged."
