"""Payment intents: one payment that is no invoice's, from its first attempt to its end."""

from __future__ import annotations

from typing import Literal

import stripe

from billing.gateway.client import translated, v1

Reason = Literal["abandoned", "requested_by_customer"]
# Stripe's docs, "How PaymentIntents work": what lets a browser act on one.
SECRETS = ("client_secret", "next_action")
ERROR = ("code", "decline_code", "message", "advice_code", "type")


def retrieve(payment_intent_id: str) -> stripe.PaymentIntent:
    """The payment as it is now, with its charge, fit to be kept: without what lets one act on it.

    GoneFromStripe when there is none. Stripe lists payment intents too, but most are invoices' and
    the list does not tell which, so that there is no `page` of them.
    """
    with translated():
        intent = v1().payment_intents.retrieve(payment_intent_id, {"expand": ["latest_charge"]})
    for name in SECRETS:
        intent[name] = None
    error = intent.last_payment_error
    if error is not None:
        intent["last_payment_error"] = {name: error[name] for name in ERROR if name in error}
    return intent


def client_secret(payment_intent_id: str) -> str | None:
    """What lets the buyer's browser confirm this one payment; for its page, never to be kept."""
    with translated():
        return v1().payment_intents.retrieve(payment_intent_id).client_secret


def create(
    *,
    customer_id: str,
    amount: int,
    currency: str,
    description: str,
    metadata: dict[str, str],
    idempotency_key: str,
) -> stripe.PaymentIntent:
    """A new payment of `amount` minor units that waits for a payment method.

    Which kinds of methods it takes is left to Stripe (`allowed_payment_method_types` is not sent).
    """
    with translated():
        return v1().payment_intents.create(
            {
                "customer": customer_id,
                "amount": amount,
                "currency": currency,
                "description": description,
                "metadata": metadata,
            },
            {"idempotency_key": idempotency_key},
        )


def update(
    payment_intent_id: str, *, amount: int, description: str, metadata: dict[str, str]
) -> stripe.PaymentIntent:
    """The payment with another amount, minor units; InvalidRequest once it is on its way."""
    with translated():
        return v1().payment_intents.update(
            payment_intent_id,
            {"amount": amount, "description": description, "metadata": metadata},
        )


def confirm(
    payment_intent_id: str, *, payment_method_id: str, return_url: str, idempotency_key: str
) -> str | None:
    """Charges the saved method; the bank's page when the buyer has to confirm there, else None.

    The bank sends the buyer on to `return_url`. Raises CardDeclined; InvalidRequest when it is
    paid, on its way or canceled already.
    """
    with translated():
        intent = v1().payment_intents.confirm(
            payment_intent_id,
            {"payment_method": payment_method_id, "return_url": return_url},
            {"idempotency_key": idempotency_key},
        )
    action = intent.next_action
    redirect = action.redirect_to_url if action and action.type == "redirect_to_url" else None
    return redirect.url if redirect else None


def cancel(payment_intent_id: str, *, reason: Reason) -> stripe.PaymentIntent:
    """The payment, never to be made; InvalidRequest when it was made or is on its way."""
    with translated():
        return v1().payment_intents.cancel(payment_intent_id, {"cancellation_reason": reason})
