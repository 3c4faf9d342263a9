"""Where Stripe tells that something changed."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from billing import webhook_inbox
from billing.errors import BadWebhook, BillingError
from billing.extensions import csrf

bp = Blueprint("webhooks", __name__, url_prefix="/webhooks")
# The signature stands in for the token: no browser of ours posts here.
csrf.exempt(bp)


@bp.post("/stripe")
def stripe() -> ResponseReturnValue:
    """200 when the event is in the inbox and dealt with; 500 makes Stripe deliver it again."""
    event = webhook_inbox.receive(request.get_data(), request.headers.get("Stripe-Signature"))
    try:
        webhook_inbox.process(event)
    except (BillingError, SQLAlchemyError):
        return {"status": "pending"}, 500
    return {"status": "received"}


@bp.errorhandler(BadWebhook)
def refused(error: BadWebhook) -> ResponseReturnValue:
    """A line of JSON: nobody reads a page here."""
    return {"error": error.message}, error.status
