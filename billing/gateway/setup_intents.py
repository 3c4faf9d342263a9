"""Setup intents: saving a way to pay without paying."""

from __future__ import annotations

import stripe

from billing.gateway.client import translated, v1

# Stripe's type under the name that callers know it by.
Failure = stripe.SetupIntent.LastSetupError


def create(customer_id: str, *, idempotency_key: str) -> stripe.SetupIntent:
    """A new intent to save a payment method on the customer; its client secret goes to the page.

    Which kinds of methods it offers is left to Stripe (`allowed_payment_method_types` is not
    sent). Used off session: renewals happen while nobody is there to confirm.
    """
    with translated():
        return v1().setup_intents.create(
            {"customer": customer_id, "usage": "off_session"},
            {"idempotency_key": idempotency_key},
        )


def retrieve(setup_intent_id: str) -> stripe.SetupIntent:
    """The intent as it stands now; GoneFromStripe when there is none."""
    with translated():
        return v1().setup_intents.retrieve(setup_intent_id)


def deposits_url(setup_intent: stripe.SetupIntent) -> str | None:
    """Where the reader confirms the small deposits sent to their bank account, if it waits for it.

    Stripe sends only the part of `next_action` that its type names.
    """
    action = setup_intent.next_action
    if action is None or action.type != "verify_with_microdeposits":
        return None
    deposits = action.verify_with_microdeposits
    return deposits.hosted_verification_url if deposits else None
