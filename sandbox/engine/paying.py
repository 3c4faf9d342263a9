"""Payments and set-ups confirmed, by the customer or in their absence."""

from sandbox.cards import error_object
from sandbox.checkout import session as checkout
from sandbox.engine import charging, invoicing, mandates, retrying, saving, standing
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.engine.payment import BANK_DEBITS, Outcome, charged, set_up, settled
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.store import store

NO_METHOD = (
    "This customer has no attached payment source or default payment method. Please consider "
    "adding a default payment method. For more information, visit "
    "https://stripe.com/docs/billing/payments/payment-methods#payment-method-priority."
)


def confirm_payment_intent(
    intent: dict,
    payment_method: dict,
    off_session: bool = False,
    *,
    authenticated: bool = False,
    return_url: str | None = None,
) -> dict:
    """The payment intent after the attempt: succeeded, processing, requires_action, or
    requires_payment_method with `last_payment_error` when it was declined.

    An invoice that it pays, and that invoice's subscription, follow.
    """
    _check_owner(intent, payment_method)
    # An invoice's payment waits for the customer where another one in their absence is declined.
    absent = off_session and not intent.get("_invoice")
    outcome = charged(payment_method, off_session=absent, authenticated=authenticated)
    if outcome.status != "declined" and intent["customer"] and intent["setup_future_usage"]:
        saving.attach(payment_method, intent["customer"])
    if outcome.status in ("succeeded", "processing") and intent["setup_future_usage"]:
        _remember_authentication(payment_method, authenticated)
    intent = charging.conclude(intent, payment_method, outcome, return_url)
    _tell_invoice(intent, payment_method, outcome)
    return intent


def _check_owner(intent: dict, payment_method: dict) -> None:
    if payment_method["customer"] and payment_method["customer"] != intent["customer"]:
        raise ApiError(
            400,
            "The provided PaymentMethod cannot be attached. To reuse a PaymentMethod, you must "
            "attach it to a Customer first.",
            param="payment_method",
        )


def _remember_authentication(payment_method: dict, authenticated: bool) -> None:
    if authenticated and not payment_method["_authenticated"]:
        payment_method["_authenticated"] = True
        store.save(payment_method)


def _tell_invoice(intent: dict, payment_method: dict, outcome: Outcome) -> None:
    invoice = store.find("invoice", intent.get("_invoice") or "")
    if not invoice or invoice["status"] not in ("open", "uncollectible"):
        return
    before = snapshot(invoice)
    invoice["attempted"] = True
    invoice["attempt_count"] = max(invoice["attempt_count"], 1)
    if outcome.status == "succeeded":
        invoice.pop("_exhausted", None)
        invoicing.mark_paid(invoice)
        standing.invoice_paid(invoice, payment_method["id"])
        return
    if outcome.status == "processing":
        invoice["next_payment_attempt"] = None
        store.save(invoice)
        emit_updated("invoice.updated", invoice, before)
        standing.payment_accepted(invoice)
        return
    asks = outcome.status == "requires_action"
    retrying.note(
        invoice, payment_method, "authentication_required" if asks else outcome.decline_code
    )
    retrying.plan(invoice)
    store.save(invoice)
    emit_updated("invoice.updated", invoice, before)
    if asks:
        emit("invoice.payment_action_required", invoice)
    emit("invoice.payment_failed", invoice)
    standing.payment_failed(invoice)
    retrying.conclude(store.get("invoice", invoice["id"]))


def settle_payment_intent(intent: dict) -> dict:
    """The end of a bank debit in processing."""
    payment_method = store.get("payment_method", intent["payment_method"])
    outcome = settled(payment_method)
    intent = charging.settle(intent, payment_method, outcome)
    _tell_invoice(intent, payment_method, outcome)
    checkout.payment_settled(intent["id"], outcome.status == "succeeded")
    return intent


def confirm_setup_intent(
    intent: dict,
    payment_method: dict,
    *,
    authenticated: bool = False,
    return_url: str | None = None,
) -> dict:
    """The setup intent after the attempt: succeeded, requires_action, or requires_payment_method
    with `last_setup_error` when the card was declined."""
    _check_owner(intent, payment_method)
    outcome = set_up(payment_method, authenticated=authenticated)
    if outcome.status == "requires_action":
        intent.update(
            status="requires_action",
            payment_method=payment_method["id"],
            next_action=charging.next_action(intent, return_url),
            last_setup_error=None,
        )
        store.save(intent)
        emit("setup_intent.requires_action", intent)
        return intent
    intent["next_action"] = None
    if outcome.status == "declined":
        intent.update(
            status="requires_payment_method",
            last_setup_error=error_object(outcome.decline_code, payment_method),
            payment_method=None,
        )
        store.save(intent)
        emit("setup_intent.setup_failed", intent)
        return intent
    if intent["customer"]:
        payment_method = saving.attach(payment_method, intent["customer"])
    _remember_authentication(payment_method, authenticated)
    if payment_method["type"] in BANK_DEBITS:
        intent["mandate"] = mandates.of(payment_method)["id"]
    intent.update(status="succeeded", payment_method=payment_method["id"], last_setup_error=None)
    store.save(intent)
    emit("setup_intent.succeeded", intent)
    _clear_pending_setup(intent, payment_method)
    return intent


def _clear_pending_setup(intent: dict, payment_method: dict) -> None:
    subscription = store.find("subscription", intent.get("_subscription") or "")
    if not subscription:
        return
    before = snapshot(subscription)
    subscription["pending_setup_intent"] = None
    settings = subscription["payment_settings"] or {}
    if settings.get("save_default_payment_method") == "on_subscription":
        subscription["default_payment_method"] = payment_method["id"]
    store.save(subscription)
    emit_updated("customer.subscription.updated", subscription, before)


def complete_authentication(intent: dict, ok: bool) -> dict:
    """The intent after the bank's page: confirmed when the customer passed, failed otherwise.

    An intent that waits for nothing is returned unchanged.
    """
    if intent["status"] != "requires_action":
        return intent
    payment_method = store.get("payment_method", intent["payment_method"])
    if intent["object"] == "setup_intent":
        return _complete_setup(intent, payment_method, ok)
    if ok:
        return confirm_payment_intent(intent, payment_method, authenticated=True)
    intent = charging.fail_authentication(intent)
    _tell_invoice(intent, payment_method, Outcome("declined", "authentication_required"))
    return intent


def _complete_setup(intent: dict, payment_method: dict, ok: bool) -> dict:
    if ok:
        return confirm_setup_intent(intent, payment_method, authenticated=True)
    intent.update(
        status="requires_payment_method",
        next_action=None,
        last_setup_error=charging.authentication_error(intent, "setup_intent"),
        payment_method=None,
    )
    store.save(intent)
    emit("setup_intent.setup_failed", intent)
    return intent


def method_for(invoice: dict) -> dict | None:
    """The payment method that an invoice is charged to: its own, its subscription's, or the
    customer's default."""
    customer = store.get("customer", invoice["customer"])
    id = invoicing.subscription_id(invoice)
    return saving.default_of(customer, invoice, store.find("subscription", id or ""))


def attempt(invoice: dict, payment_method: dict | None, off_session: bool) -> dict:
    """The open invoice after one attempt to collect it, whatever came of it."""
    intent = invoicing.intent_of(invoice)
    if payment_method is None:
        return _attempt_without_method(invoice)
    if intent["amount"] != invoice["amount_remaining"]:
        intent["amount"] = invoice["amount_remaining"]
        store.save(intent)
    confirm_payment_intent(intent, payment_method, off_session)
    return store.get("invoice", invoice["id"])


def _attempt_without_method(invoice: dict) -> dict:
    before = snapshot(invoice)
    invoice.update(attempted=True, attempt_count=max(invoice["attempt_count"], 1))
    retrying.plan(invoice)
    store.save(invoice)
    emit_updated("invoice.updated", invoice, before)
    emit("invoice.payment_failed", invoice)
    standing.payment_failed(invoice)
    retrying.conclude(store.get("invoice", invoice["id"]))
    return store.get("invoice", invoice["id"])


def retry(invoice: dict) -> dict:
    """The open invoice after the attempt that its retry schedule planned for now.

    Without a payment method, or with one whose bank said never to ask again, the attempt counts
    but nothing is charged.
    """
    before = snapshot(invoice)
    attempts = invoice["attempt_count"] + 1
    invoice.update(attempt_count=attempts, next_payment_attempt=None)
    payment_method = method_for(invoice)
    if payment_method and not retrying.is_refused(invoice, payment_method):
        store.save(invoice)
        emit_updated("invoice.updated", invoice, before)
        return attempt(invoice, payment_method, off_session=True)
    retrying.plan(invoice)
    store.save(invoice)
    emit_updated("invoice.updated", invoice, before)
    retrying.conclude(invoice)
    return store.get("invoice", invoice["id"])


def pay_invoice(
    invoice: dict, payment_method: dict | None = None, off_session: bool = False
) -> dict:
    """The invoice after an attempt to pay it, drafts finalized first; look at its status.

    ApiError 400 for a paid or void invoice, or when there is nothing to charge.
    """
    if invoice["status"] == "draft":
        invoice = invoicing.finalize(invoice)
        if invoice["status"] == "paid":
            standing.invoice_paid(invoice)
            return invoice
    if invoice["status"] == "paid":
        raise ApiError(400, "Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] == "void":
        raise ApiError(
            400, "This invoice is void and can no longer be paid.", code="invoice_not_editable"
        )
    payment_method = payment_method or method_for(invoice)
    if payment_method is None:
        raise ApiError(400, NO_METHOD, code="resource_missing")
    intent = invoicing.intent_of(invoice)
    if intent and intent["status"] == "processing":
        raise ApiError(
            400, "This invoice has a payment that is still processing.", code="invoice_not_editable"
        )
    return attempt(invoice, payment_method, off_session)


def pay_out_of_band(invoice: dict) -> dict:
    """The open invoice, marked as paid elsewhere."""
    invoicing.mark_paid(invoice, out_of_band=True)
    standing.invoice_paid(invoice)
    return store.get("invoice", invoice["id"])
