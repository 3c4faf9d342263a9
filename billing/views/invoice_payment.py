"""Paying an invoice."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for

from billing import invoice_payment
from billing.authorization import current_account, member_required, owned_or_404
from billing.errors import (
    AuthenticationNeeded,
    BillingError,
    CardDeclined,
    StripeUnavailable,
)
from billing.extensions import limiter
from billing.invoice_payment import AlreadyPaid, OnItsWay
from billing.views.invoices import page_of
from models import Invoice, PaymentMethod

bp = Blueprint("invoice_payment", __name__)

ATTEMPT = re.compile(r"[A-Za-z0-9_-]{8,64}")
ON_ITS_WAY = (
    "The payment is on its way. Your bank may take a few days; the invoice shows as paid once "
    "the money has arrived. You need not do anything."
)


@bp.post("/invoices/<stripe_id>/payment")
@member_required("owner", "billing")
@limiter.limit("40 per hour", key_func=lambda: f"account:{current_account.id}")
def create(stripe_id: str) -> Any:
    """Charges what is due to the chosen method; a refusal shows on the invoice, with other ways."""
    invoice = owned_or_404(Invoice, stripe_id)
    method = owned_or_404(PaymentMethod, request.form.get("payment_method", ""))
    attempt = request.form.get("attempt", "")
    if not ATTEMPT.fullmatch(attempt):
        abort(400)
    try:
        paid = invoice_payment.pay(
            invoice,
            method,
            shown_amount=request.form.get("amount", -1, type=int),
            attempt=attempt,
        )
    except (AlreadyPaid, OnItsWay) as error:
        flash(error.message, "info")
    except AuthenticationNeeded as error:
        if error.url is None:
            raise
        return redirect(error.url, 303)
    except BillingError as error:
        more = {"problem": error, "chosen": method.stripe_id}
        if isinstance(error, StripeUnavailable):
            # The same token again: if it did go through, pressing again does not pay twice.
            more["attempt"] = attempt
        declined = isinstance(error, CardDeclined)
        return page_of(invoice, status=error.status, declined=declined, **more)
    else:
        flash(
            "Paid, thank you." if paid.is_paid else ON_ITS_WAY,
            "success" if paid.is_paid else "info",
        )
    return redirect(url_for("invoices.show", stripe_id=stripe_id), 303)
