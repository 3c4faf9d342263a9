"""Which saved payment method everything is charged to."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for

from billing import payment_methods
from billing.authorization import current_account, member_required, owned_or_404
from billing.views.payment_methods import name_of
from models import PaymentMethod

bp = Blueprint("default_payment_method", __name__)


@bp.post("/default-payment-method")
@member_required("owner", "billing")
def update() -> Any:
    """Charges the customer and every live subscription to the chosen method from now on."""
    method = owned_or_404(PaymentMethod, request.form.get("payment_method", ""))
    moved = payment_methods.make_default(current_account, method)
    also = ""
    if moved:
        plans = ", ".join(s.plan.name if s.plan else "your subscription" for s in moved)
        also = f" That includes {plans}, which had a payment method of its own."
    flash(
        f"Everything is charged to {name_of(method)} from now on.{also} Nothing was charged now.",
        "success",
    )
    return redirect(url_for("payment_methods.index"), 303)
