"""Someone pays a Checkout Session: the customer, the payment and what was bought come to be.

A subscription exists only once its first payment went through. So an attempt runs inside a
savepoint: when the card is declined or the bank wants to hear from the buyer first, everything the
attempt made is undone, and it is made anew when the bank has agreed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.checkout import lines
from sandbox.checkout import session as sessions
from sandbox.engine import changes, charging, paying, saving, subscribing
from sandbox.engine.intents import new_setup_intent
from sandbox.errors import ApiError
from sandbox.resources import customers, tax_ids
from sandbox.schema import part
from sandbox.store import store

KIND = sessions.KIND
AUTHENTICATION_FAILED = (
    "We are unable to authenticate your payment method. Please choose a different payment method "
    "and try again."
)


class Declined(Exception):
    """The payment did not go through; the message is for the buyer."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class BankAsks(Exception):
    """The card's bank wants the buyer to confirm first."""


@dataclass
class Buyer:
    """Who pays, as typed on the page."""

    email: str | None
    name: str | None = None
    phone: str | None = None
    business_name: str | None = None
    tax_id: str | None = None
    address: dict[str, str] = field(default_factory=dict)


def needs_payment_method(session: dict[str, Any]) -> bool:
    """Whether the page asks for a payment method at all."""
    if session["mode"] == "subscription" and session["payment_method_collection"] == "if_required":
        return bool(session["amount_total"])
    return session["mode"] != "payment" or bool(session["amount_total"])


def complete(
    session: dict[str, Any],
    buyer: Buyer,
    payment_method: dict[str, Any] | None,
    *,
    authenticated: bool = False,
) -> dict[str, Any]:
    """The completed session. `authenticated` says that the bank has just agreed.

    Raises Declined or BankAsks, with nothing left of the attempt.
    """
    with store.savepoint():
        try:
            _attempt(session, buyer, payment_method, authenticated)
        except ApiError as error:
            # Raised anew as another type, so that the savepoint keeps nothing of it.
            raise Declined(error.message, error.code) from error
    return session


def _attempt(session, buyer, payment_method, authenticated) -> None:
    customer = _customer(session, buyer)
    if payment_method and customer and payment_method["customer"] != customer["id"]:
        payment_method["allow_redisplay"] = session["_allow_redisplay"] or "limited"
        store.save(payment_method)
        saving.attach(payment_method, customer["id"])
    if session["mode"] == "subscription":
        _subscribe(session, customer, payment_method, authenticated)
    elif session["mode"] == "payment":
        _pay(session, customer, payment_method, authenticated)
    else:
        _set_up(session, customer, payment_method, authenticated)
    _tell(session, buyer, customer)
    sessions.close(session, "complete")


# The customer ------------------------------------------------------------------------------------


def _customer(session, buyer) -> dict[str, Any] | None:
    if session["customer"]:
        customer = store.get("customer", session["customer"])
        _update_customer(session, buyer, customer)
    elif session["mode"] != "subscription" and not _wants_customer(session):
        return None
    else:
        given: dict[str, Any] = {"name": buyer.business_name or buyer.name, "email": buyer.email}
        given |= {"phone": buyer.phone, "address": buyer.address}
        customer = customers.create({name: value for name, value in given.items() if value})
        session["customer"] = customer["id"]
    if buyer.tax_id:
        kind = "eu_vat" if buyer.tax_id[:2].isalpha() else "us_ein"
        tax_ids.add(customer, {"type": kind, "value": buyer.tax_id.replace(" ", "")})
    return customer


def _wants_customer(session) -> bool:
    later = session["_payment_intent_data"].get("setup_future_usage")
    return session["customer_creation"] == "always" or bool(later)


def _update_customer(session, buyer, customer) -> None:
    before = changes.snapshot(customer)
    allowed = session["_customer_update"]
    if not customer["email"]:
        customer["email"] = buyer.email
    if allowed.get("name") == "auto" and (buyer.business_name or buyer.name):
        customer["name"] = buyer.business_name or buyer.name
    if allowed.get("address") == "auto" and buyer.address:
        customer["address"] = part("customer", "address") | buyer.address
    if changes.emit_updated("customer.updated", customer, before):
        store.save(customer)


def _tell(session, buyer, customer) -> None:
    """What the completed session says about the buyer."""
    known = session["customer_details"] or part(KIND, "customer_details")
    taxes = store.all("tax_id", customer=customer["id"]) if customer else []
    address = {name: value or None for name, value in buyer.address.items()}
    session["customer_details"] = known | {
        "email": (customer or {}).get("email") or buyer.email,
        "name": buyer.business_name or buyer.name or known["name"],
        "business_name": buyer.business_name,
        "phone": buyer.phone or known["phone"],
        "address": part(KIND, "customer_details.address", **address),
        "tax_exempt": (customer or {}).get("tax_exempt") or "none",
        "tax_ids": [{"type": tax["type"], "value": tax["value"]} for tax in taxes],
    }


# What is bought ----------------------------------------------------------------------------------


def _subscribe(session, customer, payment_method, authenticated) -> None:
    data = session["_subscription_data"]
    passed_on = {name: value for name, value in data.items() if name != "invoice_settings"}
    settings = {k: v for k, v in data.get("invoice_settings", {}).items() if k == "issuer"}
    params: dict[str, Any] = passed_on | {
        "currency": session["currency"],
        "items": [_item(line) for line in lines.of(session) if line["price"]["recurring"]],
        "payment_behavior": "allow_incomplete",
        "off_session": False,
    }
    once = [_item(line) for line in lines.of(session) if not line["price"]["recurring"]]
    if once:
        params["add_invoice_items"] = once
    if settings:
        params["invoice_settings"] = settings
    if payment_method:
        params["default_payment_method"] = payment_method["id"]
    if session["discounts"]:
        params["discounts"] = [
            {name: value for name, value in entry.items() if value}
            for entry in session["discounts"]
        ]
    subscription = subscribing.create(customer, params)
    intent = _waiting_intent(subscription)
    if intent is not None:
        _authenticate(intent, authenticated)
        subscription = store.get("subscription", subscription["id"])
    if subscription["status"] == "incomplete":
        raise Declined("Your card was declined.")
    session["subscription"] = subscription["id"]
    session["invoice"] = subscription["latest_invoice"]
    _set_payment_status(session, _intent_of_invoice(subscription["latest_invoice"]))


def _item(line) -> dict[str, Any]:
    item = {"price": line["price"]["id"], "tax_rates": line["_tax_rates"]}
    if line["quantity"] is not None:
        item["quantity"] = line["quantity"]
    return {name: value for name, value in item.items() if value}


def _waiting_intent(subscription) -> dict[str, Any] | None:
    """The intent by which the bank asks for the buyer, if it does; Declined when it failed."""
    if subscription["pending_setup_intent"]:
        found = store.get("setup_intent", subscription["pending_setup_intent"])
    else:
        found = _intent_of_invoice(subscription["latest_invoice"])
    if found is None or found["status"] in ("succeeded", "processing"):
        return None
    if found["status"] not in ("requires_action", "requires_confirmation"):
        error = found.get("last_payment_error") or found.get("last_setup_error") or {}
        raise Declined(error.get("message", "Your card was declined."), error.get("code"))
    return found


def _intent_of_invoice(invoice_id: str | None) -> dict[str, Any] | None:
    payments = store.all("invoice_payment", invoice=invoice_id) if invoice_id else []
    if not payments or not payments[-1]["payment"].get("payment_intent"):
        return None
    return store.get("payment_intent", payments[-1]["payment"]["payment_intent"])


def _authenticate(intent, authenticated: bool) -> dict[str, Any]:
    if not authenticated:
        raise BankAsks
    if intent["status"] == "requires_confirmation":
        method = store.get("payment_method", intent["payment_method"])
        intent = paying.confirm_setup_intent(intent, method)
    after = paying.complete_authentication(intent, True)
    if after["status"] == "requires_payment_method":
        error = after.get("last_payment_error") or after.get("last_setup_error") or {}
        raise Declined(error.get("message", AUTHENTICATION_FAILED), error.get("code"))
    return after


def _pay(session, customer, payment_method, authenticated) -> None:
    if not session["amount_total"]:
        session["payment_status"] = "no_payment_required"
        return
    data = session["_payment_intent_data"]
    intent = charging.new_intent(
        session["amount_total"],
        session["currency"],
        customer=customer and customer["id"],
        description=data.get("description"),
        metadata=data.get("metadata") or {},
        receipt_email=data.get("receipt_email"),
        setup_future_usage=data.get("setup_future_usage"),
        statement_descriptor=data.get("statement_descriptor"),
        payment_method_types=session["payment_method_types"],
        capture_method=data.get("capture_method", "automatic_async"),
    )
    intent = paying.confirm_payment_intent(intent, payment_method)
    if intent["status"] == "requires_action":
        intent = _authenticate(intent, authenticated)
    session["payment_intent"] = intent["id"]
    _set_payment_status(session, intent)


def _set_up(session, customer, payment_method, authenticated) -> None:
    data = session["_setup_intent_data"]
    intent = new_setup_intent(
        customer=customer and customer["id"],
        description=data.get("description"),
        metadata=data.get("metadata") or {},
        payment_method_types=session["payment_method_types"],
    )
    intent = paying.confirm_setup_intent(intent, payment_method)
    if intent["status"] == "requires_action":
        intent = _authenticate(intent, authenticated)
    session["setup_intent"] = intent["id"]


def _set_payment_status(session, intent) -> None:
    if not session["amount_total"]:
        session["payment_status"] = "no_payment_required"
    elif intent is not None and intent["status"] == "processing":
        session["_awaits"] = intent["id"]
    else:
        session["payment_status"] = "paid"
