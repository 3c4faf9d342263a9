"""Buying something once: what there is, a summary, paying, and what was bought."""

from __future__ import annotations

import re
import secrets
from typing import Any

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import ValidationError

from billing import payment_methods, purchases
from billing.authorization import current_account, current_role, member_required, owned_or_404
from billing.errors import (
    BillingError,
    CardDeclined,
    Refused,
    StripeBusy,
    StripeMisconfigured,
    StripeUnavailable,
)
from billing.extensions import limiter
from billing.pricing import fixed_currency
from billing.purchases import AmountChanged
from models import PaymentMethod, Purchase

bp = Blueprint("purchases", __name__)

ATTEMPT = re.compile(r"[A-Za-z0-9_-]{8,64}")


class QuantityForm(FlaskForm):
    """How many. Whatever was typed is kept."""

    class Meta:
        csrf = False  # By GET it asks for a summary; the form that changes one has its token.

    quantity = StringField("How many", default="1")

    def validate_quantity(self, field: StringField) -> None:
        typed = (field.data or "").strip()
        number = int(typed) if re.fullmatch(r"[0-9]{1,4}", typed) else 0
        if not 1 <= number <= purchases.MOST:
            raise ValidationError(f"Enter a whole number from 1 to {purchases.MOST}.")

    @property
    def count(self) -> int:
        """The number asked for, once the form is valid."""
        return int(self.quantity.data or 0)


@bp.get("/purchases")
@member_required()
def index() -> Any:
    """What can be bought and what was bought; it asks Stripe nothing."""
    return render_template(
        "purchases/index.html",
        items=purchases.on_sale(current_account),
        bought=purchases.of(current_account),
        credits=purchases.credits_bought(current_account),
    )


@bp.get("/purchases/new/<price_id>")
@member_required("owner", "billing")
def new(price_id: str) -> Any:
    """How many, and exactly what that costs, before anything is begun."""
    item = _on_sale_or_404(price_id)
    form = QuantityForm(request.args, data={"quantity": "1"})
    if "quantity" in request.args and not form.validate():
        return _summary(item, form, None), 422
    return _summary(item, form, form.count)


@bp.post("/purchases/new/<price_id>")
@member_required("owner", "billing")
@limiter.limit("40 per hour", key_func=lambda: f"account:{current_account.id}")
def create(price_id: str) -> Any:
    """Begins what the summary says; nothing is charged before the next page's button."""
    item = _on_sale_or_404(price_id)
    form = QuantityForm(request.form)
    attempt = request.form.get("attempt", "")
    if not ATTEMPT.fullmatch(attempt):
        abort(400)
    if not form.validate():
        return _summary(item, form, None), 422
    try:
        purchase = purchases.start(
            current_account,
            item,
            form.count,
            shown_amount=request.form.get("amount", -1, type=int),
            attempt=attempt,
            user_id=current_user.id,
            email=current_user.email,
        )
    except (AmountChanged, StripeBusy, StripeUnavailable, StripeMisconfigured) as error:
        # The same token again: pressing once more cannot begin it twice.
        return _summary(item, form, form.count, problem=error, attempt=attempt), error.status
    return redirect(url_for(".show", purchase_id=purchase.id), 303)


@bp.get("/purchases/<purchase_id>")
@member_required()
def show(purchase_id: str) -> Any:
    """One purchase: how to pay for it, or what became of it."""
    return _page(_owned(purchase_id))


@bp.post("/purchases/<purchase_id>/quantity")
@member_required("owner", "billing")
def change_quantity(purchase_id: str) -> Any:
    purchase = _owned(purchase_id)
    form = QuantityForm(request.form)
    if not form.validate():
        return _page(purchase, form=form), 422
    try:
        purchases.change_quantity(purchase, form.count)
    except Refused as error:
        flash(error.message, "info")
    return redirect(url_for(".show", purchase_id=purchase_id), 303)


@bp.post("/purchases/<purchase_id>/payment")
@member_required("owner", "billing")
@limiter.limit("40 per hour", key_func=lambda: f"account:{current_account.id}")
def pay(purchase_id: str) -> Any:
    """Charges a saved method; a refusal shows on the purchase, with other ways to pay."""
    purchase = _owned(purchase_id)
    method = owned_or_404(PaymentMethod, request.form.get("payment_method", ""))
    attempt = request.form.get("attempt", "")
    if not ATTEMPT.fullmatch(attempt):
        abort(400)
    try:
        bank = purchases.pay(
            purchase,
            method,
            shown_amount=_shown_amount(),
            attempt=attempt,
            return_url=_return_url(purchase),
        )
    except AmountChanged as error:
        return _page(purchase, problem=error), error.status
    except Refused as error:
        flash(error.message, "info")
    except (CardDeclined, StripeUnavailable, StripeBusy, StripeMisconfigured) as error:
        more = {"problem": error, "chosen": method.stripe_id}
        if not isinstance(error, CardDeclined):
            # The same token again: if it did go through, pressing again does not pay twice.
            more["attempt"] = attempt
        return _page(purchase, **more), error.status
    else:
        if bank is not None:
            return redirect(bank, 303)
    return redirect(url_for(".show", purchase_id=purchase_id), 303)


@bp.get("/purchases/<purchase_id>/card")
@member_required("owner", "billing")
def card(purchase_id: str) -> Any:
    """The page for Stripe's Payment Element: a card that is used once and not saved."""
    purchase = _owned(purchase_id)
    if not purchase.is_open:
        return redirect(url_for(".show", purchase_id=purchase_id))
    return render_template(
        "purchases/card.html",
        purchase=purchase,
        publishable_key=current_app.config["SETTINGS"].stripe_publishable_key,
        return_url=_return_url(purchase),
    )


@bp.post("/purchases/<purchase_id>/client-secret")
@member_required("owner", "billing")
@limiter.limit("40 per hour", key_func=lambda: f"account:{current_account.id}")
def client_secret(purchase_id: str) -> Any:
    """JSON with what lets this browser pay this amount, or with a message for the reader."""
    purchase = _owned(purchase_id)
    try:
        secret = purchases.client_secret(purchase, shown_amount=_shown_amount())
    except BillingError as error:
        return jsonify(message=error.message), error.status
    return jsonify(client_secret=secret)


@bp.get("/purchases/<purchase_id>/return")
@member_required("owner", "billing")
def return_(purchase_id: str) -> Any:
    """Where Stripe and the bank send the buyer on to."""
    purchase = _owned(purchase_id)
    try:
        purchases.look(purchase)
    except (StripeUnavailable, StripeBusy, StripeMisconfigured):
        flash(
            "Our payment provider does not answer at the moment, so we do not know yet whether "
            "your payment went through. It shows here by itself; you need not pay again.",
            "warning",
        )
    return redirect(url_for(".show", purchase_id=purchase_id), 303)


@bp.post("/purchases/<purchase_id>/cancellation")
@member_required("owner", "billing")
def call_off(purchase_id: str) -> Any:
    purchase = _owned(purchase_id)
    try:
        purchases.call_off(purchase)
    except Refused as error:
        flash(error.message, "info")
        return redirect(url_for(".show", purchase_id=purchase_id), 303)
    flash(f"{purchase.name} is called off. You were not charged.", "info")
    return redirect(url_for(".index"), 303)


def _owned(purchase_id: str) -> Purchase:
    found: Purchase = purchases.find(current_account, purchase_id) or abort(404)
    return found


def _on_sale_or_404(price_id: str) -> purchases.Item:
    asked = request.values.get("currency")
    found: purchases.Item = purchases.find_item(current_account, price_id, asked) or abort(404)
    return found


def _shown_amount() -> int:
    return request.form.get("amount", -1, type=int)


def _return_url(purchase: Purchase) -> str:
    return url_for("purchases.return_", purchase_id=purchase.id, _external=True)


def _summary(
    item: purchases.Item,
    form: QuantityForm,
    quantity: int | None,
    problem: BillingError | None = None,
    attempt: str | None = None,
) -> str:
    return render_template(
        "purchases/new.html",
        item=item,
        form=form,
        quantity=quantity,
        problem=problem,
        attempt=attempt or secrets.token_urlsafe(16),
        currencies=[] if fixed_currency(current_account) else item.price.currencies,
    )


def _page(purchase: Purchase, *, form: QuantityForm | None = None, **more: Any) -> str:
    saved = []
    if purchase.is_open and current_role() != "viewer":
        saved = payment_methods.saved(current_account)
    more.setdefault("attempt", secrets.token_urlsafe(16))
    return render_template(
        "purchases/show.html",
        purchase=purchase,
        payment=purchase.payment_intent,
        form=form or QuantityForm(None, data={"quantity": str(purchase.quantity)}),
        saved=saved,
        **more,
    )
