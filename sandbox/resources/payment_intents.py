"""Payment intents: one payment from its first attempt to its end."""

from __future__ import annotations

from typing import Any

from sandbox.engine import charging, paying
from sandbox.engine.money import minimum_charge
from sandbox.protocol import ApiError, assign, endpoint, lists, merge_metadata, render
from sandbox.resources.setup_intents import check_secret, method_from, offered
from sandbox.store import store

PLAIN = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
)
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


@endpoint("POST", "/v1/payment_intents", params="PaymentIntentCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    currency = params["currency"].lower()
    _check_amount(params["amount"], currency)
    if params.get("customer"):
        store.need("customer", params["customer"], "customer")
    method = method_from(params)
    intent = charging.new_intent(
        params["amount"],
        currency,
        customer=params.get("customer"),
        capture_method=params.get("capture_method", "automatic_async"),
        **offered(params),
    )
    assign(intent, params, *PLAIN)
    merge_metadata(intent, params)
    intent["_return_url"] = params.get("return_url")
    if method:
        intent.update(payment_method=method["id"], status="requires_confirmation")
    store.save(intent)
    if params.get("confirm"):
        return _confirm(intent, params)
    return intent


def _check_amount(amount: int, currency: str) -> None:
    if amount < 1:
        raise ApiError(
            400,
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
        )
    if amount < minimum_charge(currency):
        raise ApiError(
            400,
            f"Amount must be at least {minimum_charge(currency)} in {currency}'s minor unit.",
            code="amount_too_small",
            param="amount",
        )


@endpoint("GET", "/v1/payment_intents", params="PaymentIntentListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    return lists("payment_intent", params, where={"customer": params.get("customer")})


@endpoint("GET", "/v1/payment_intents/<id>", params="PaymentIntentRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    intent = store.get("payment_intent", id, "intent")
    check_secret(intent, params)
    return intent


@endpoint("POST", "/v1/payment_intents/<id>", params="PaymentIntentUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    intent = store.get("payment_intent", id, "intent")
    if set(params) - {"metadata", "description", "receipt_email"}:
        _check_open(intent)
    assign(intent, params, *PLAIN, "customer")
    merge_metadata(intent, params)
    if "amount" in params:
        _check_amount(params["amount"], intent["currency"])
        intent["amount"] = params["amount"]
    method = method_from(params)
    if method:
        intent.update(payment_method=method["id"], status="requires_confirmation")
    return store.save(intent)


def _check_open(intent: dict[str, Any], states: tuple[str, ...] = OPEN) -> None:
    if intent["status"] not in states:
        raise ApiError(
            400,
            "This PaymentIntent could not be changed because it has a status of "
            f"{intent['status']}.",
            code="payment_intent_unexpected_state",
            payment_intent=render(intent),
        )


@endpoint("POST", "/v1/payment_intents/<id>/confirm", params="PaymentIntentConfirmParams")
def confirm(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return _confirm(store.get("payment_intent", id, "intent"), params)


def _confirm(intent: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    _check_open(intent)
    method = method_from(params)
    if method is None and intent["payment_method"]:
        method = store.get("payment_method", intent["payment_method"])
    if method is None:
        raise ApiError(
            400,
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
            payment_intent=render(intent),
        )
    assign(intent, params, "setup_future_usage", "receipt_email")
    off_session = params.get("off_session") not in (None, False)
    intent = paying.confirm_payment_intent(
        intent,
        method,
        off_session,
        return_url=params.get("return_url") or intent.get("_return_url"),
    )
    if intent["status"] == "requires_action" and params.get("error_on_requires_action"):
        raise ApiError(
            402,
            "Your card was declined. This transaction requires authentication.",
            type="card_error",
            code="authentication_required",
            decline_code="authentication_required",
            payment_intent=render(intent),
        )
    error = intent["last_payment_error"]
    if error:
        raise ApiError(
            402,
            error["message"],
            type="card_error",
            code=error["code"],
            decline_code=error.get("decline_code"),
            advice_code=error.get("advice_code"),
            charge=error.get("charge"),
            payment_intent=render(intent),
            payment_method=error.get("payment_method"),
        )
    return intent


@endpoint("POST", "/v1/payment_intents/<id>/capture", params="PaymentIntentCaptureParams")
def capture(id: str, params: dict[str, Any]) -> dict[str, Any]:
    intent = store.get("payment_intent", id, "intent")
    _check_open(intent, ("requires_capture",))
    amount = params.get("amount_to_capture", intent["amount"])
    if amount > intent["amount_capturable"]:
        raise ApiError(
            400,
            "The amount to capture is greater than what may be captured.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    return charging.capture(intent, amount)


@endpoint("POST", "/v1/payment_intents/<id>/cancel", params="PaymentIntentCancelParams")
def cancel(id: str, params: dict[str, Any]) -> dict[str, Any]:
    intent = store.get("payment_intent", id, "intent")
    _check_open(intent, (*OPEN, "requires_capture", "processing"))
    if intent.get("_invoice"):
        raise ApiError(
            400,
            "You cannot cancel a PaymentIntent that was created by an invoice; void the invoice "
            "instead.",
            code="payment_intent_unexpected_state",
        )
    return charging.cancel(intent, params.get("cancellation_reason"))
