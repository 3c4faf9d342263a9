"""Setup intents: saving a payment method for later, with the bank's confirmation."""

from __future__ import annotations

from typing import Any

from sandbox import cards, events
from sandbox.engine import paying
from sandbox.engine.intents import new_setup_intent
from sandbox.protocol import ApiError, assign, endpoint, lists, merge_metadata, render
from sandbox.resources.payment_methods import from_data
from sandbox.store import store

# The currency that each bank debit pays in; without an amount any of them can be saved.
BANK_DEBITS = {"us_bank_account": "usd", "sepa_debit": "eur"}
PLAIN = ("attach_to_self", "description", "excluded_payment_method_types", "flow_directions")


@endpoint("POST", "/v1/setup_intents", params="SetupIntentCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    if params.get("customer"):
        store.need("customer", params["customer"], "customer")
    method = method_from(params)
    intent = new_setup_intent(
        customer=params.get("customer"),
        payment_method=method and method["id"],
        usage=params.get("usage", "off_session"),
        **offered(params),
    )
    assign(intent, params, *PLAIN)
    merge_metadata(intent, params)
    intent["_return_url"] = params.get("return_url")
    store.save(intent)
    if params.get("confirm"):
        return _confirm(intent, params)
    return intent


def offered(params: dict[str, Any]) -> dict[str, Any]:
    """Which payment methods an intent takes: those allowed, or what Stripe would choose."""
    allowed = params.get("allowed_payment_method_types") or None
    excluded = params.get("excluded_payment_method_types") or []
    currency = params.get("currency", "").lower()
    debits = [kind for kind, money in BANK_DEBITS.items() if currency in ("", money)]
    automatic = params.get("automatic_payment_methods")
    if automatic is None and not allowed:
        automatic = {"enabled": True}
    return {
        "allowed_payment_method_types": allowed,
        "automatic_payment_methods": automatic and {"allow_redirects": "always", **automatic},
        "payment_method_types": [
            kind for kind in allowed or ["card", "link", *debits] if kind not in excluded
        ],
    }


def method_from(params: dict[str, Any]) -> dict[str, Any] | None:
    """The payment method that `payment_method` or `payment_method_data` gives."""
    if params.get("confirmation_token"):
        raise ApiError(400, "The sandbox has no confirmation tokens.", param="confirmation_token")
    if params.get("payment_method_data"):
        return from_data(params["payment_method_data"])
    if params.get("payment_method"):
        return cards.resolve(params["payment_method"])
    return None


@endpoint("GET", "/v1/setup_intents", params="SetupIntentListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    where = {name: params.get(name) for name in ("customer", "payment_method")}
    return lists("setup_intent", params, where=where)


@endpoint("GET", "/v1/setup_intents/<id>", params="SetupIntentRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    intent = store.get("setup_intent", id, "intent")
    check_secret(intent, params)
    return intent


def check_secret(intent: dict[str, Any], params: dict[str, Any]) -> None:
    """ApiError 400 when a client secret was given and it is another intent's."""
    secret = params.get("client_secret")
    if secret and secret != intent["client_secret"]:
        raise ApiError(
            400,
            "The client_secret provided does not match any associated "
            f"{'SetupIntent' if intent['object'] == 'setup_intent' else 'PaymentIntent'} on this "
            "account.",
            param="client_secret",
        )


@endpoint("POST", "/v1/setup_intents/<id>", params="SetupIntentUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    intent = store.get("setup_intent", id, "intent")
    _check_open(intent)
    assign(intent, params, *PLAIN, "customer")
    merge_metadata(intent, params)
    method = method_from(params)
    if method:
        intent.update(payment_method=method["id"], status="requires_confirmation")
    return store.save(intent)


def _check_open(intent: dict[str, Any]) -> None:
    if intent["status"] in ("succeeded", "canceled", "processing"):
        raise ApiError(
            400,
            f"This SetupIntent could not be changed because it has a status of {intent['status']}.",
            code="setup_intent_unexpected_state",
            setup_intent=render(intent),
        )


@endpoint("POST", "/v1/setup_intents/<id>/confirm", params="SetupIntentConfirmParams")
def confirm(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return _confirm(store.get("setup_intent", id, "intent"), params)


def _confirm(intent: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    _check_open(intent)
    method = method_from(params)
    if method is None and intent["payment_method"]:
        method = store.get("payment_method", intent["payment_method"])
    if method is None:
        raise ApiError(
            400,
            "You cannot confirm this SetupIntent because it's missing a payment method. You can "
            "either update the SetupIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method.",
            code="setup_intent_unexpected_state",
            setup_intent=render(intent),
        )
    return_url = params.get("return_url") or intent.get("_return_url")
    intent = paying.confirm_setup_intent(intent, method, return_url=return_url)
    error = intent["last_setup_error"]
    if error:
        shown = {name: error[name] for name in ("advice_code",) if name in error}
        raise ApiError(
            402,
            error["message"],
            type="card_error",
            code=error["code"],
            decline_code=error.get("decline_code"),
            setup_intent=render(intent),
            **shown,
        )
    return intent


@endpoint("POST", "/v1/setup_intents/<id>/cancel", params="SetupIntentCancelParams")
def cancel(id: str, params: dict[str, Any]) -> dict[str, Any]:
    intent = store.get("setup_intent", id, "intent")
    _check_open(intent)
    intent.update(
        status="canceled",
        cancellation_reason=params.get("cancellation_reason"),
        next_action=None,
    )
    store.save(intent)
    events.emit("setup_intent.canceled", intent)
    return intent
