"""From a draft to money: finalize it and attempt the payment."""

from sandbox import clock
from sandbox.cards import error_object
from sandbox.engine import invoicing, paying, standing
from sandbox.engine.drafts import Draft
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.protocol.rendering import render
from sandbox.store import store

HOUR = 3600


def issue(draft: Draft, *, charge: bool = True, off_session: bool = False) -> dict:
    """The invoice, finalized now and, if `charge`, attempted; look at its status."""
    invoice = invoicing.finalize(draft.store())
    return collect(invoice, charge=charge, off_session=off_session)


def collect(invoice: dict, *, charge: bool = True, off_session: bool = False) -> dict:
    """The finalized invoice after its subscription heard of it and the payment was attempted."""
    if invoice["status"] == "paid":
        standing.invoice_paid(invoice)
    elif invoice["collection_method"] == "send_invoice":
        emit("invoice.sent", invoice)
    elif charge:
        paying.attempt(invoice, paying.method_for(invoice), off_session)
    return store.get("invoice", invoice["id"])


def leave_draft(draft: Draft, *, held: bool = False) -> dict:
    """The invoice, stored as a draft that finalizes itself in an hour; `held` ones wait."""
    due = clock.now() + HOUR
    if held:
        draft.invoice["auto_advance"] = False
        return draft.store()
    draft.invoice["automatically_finalizes_at"] = due
    if draft.invoice["collection_method"] == "charge_automatically":
        draft.invoice["next_payment_attempt"] = due
    return draft.store()


def refusal(invoice: dict, what: str = "invoice", *, keep: bool = True) -> ApiError:
    """The 402 for an open invoice whose payment did not go through.

    `what` is "invoice" or "subscription"; with `keep` false everything the request did is undone.
    """
    intent = invoicing.intent_of(invoice)
    if intent and intent["status"] == "requires_action":
        return ApiError(
            402,
            f"Payment for this {what} requires additional user action before it can be completed "
            "successfully. Payment can be completed using the PaymentIntent associated with "
            f"{'`subscription.latest_invoice`' if what == 'subscription' else 'the invoice'}.",
            type="card_error",
            code=f"{what}_payment_intent_requires_action",
            keep=keep,
            payment_intent=render(intent),
        )
    error = (intent and intent["last_payment_error"]) or error_object("generic_decline")
    extra = {name: error[name] for name in ("advice_code", "charge") if name in error}
    if keep and intent:
        extra["payment_intent"] = render(intent)
    return ApiError(
        402,
        error["message"],
        type="card_error",
        code=error["code"],
        decline_code=error.get("decline_code"),
        keep=keep,
        **extra,
    )
