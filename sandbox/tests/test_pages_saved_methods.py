"""A visitor decides on the front page what a saved card does from now on."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.tests.test_pages_front import HERE


@pytest.fixture
def saved(stripe_client: stripe.StripeClient) -> Any:
    customer = stripe_client.v1.customers.create({"name": "Ada"})
    return stripe_client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})


def charge(stripe_client: stripe.StripeClient, method: Any) -> Any:
    return stripe_client.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "customer": method.customer,
            "payment_method": method.id,
            "confirm": True,
            "return_url": "http://127.0.0.1/",
        }
    )


def test_a_card_made_to_fail_fails_until_it_is_made_to_work_again(app, stripe_client, saved):
    browser = app.test_client()
    address = f"/saved-methods/{saved.id}"
    assert "Visa 4242" in browser.get("/").text
    answer = browser.post(address, data={"behavior": "later:insufficient_funds"}, headers=HERE)
    assert answer.status_code == 303
    assert '"later:insufficient_funds" selected' in browser.get("/").text
    with pytest.raises(stripe.CardError) as declined:
        charge(stripe_client, saved)
    assert declined.value.error.decline_code == "insufficient_funds"
    browser.post(address, data={"behavior": "ok"}, headers=HERE)
    assert charge(stripe_client, saved).status == "succeeded"


def test_a_bank_can_be_made_to_ask(app, stripe_client, saved):
    app.test_client().post(
        f"/saved-methods/{saved.id}", data={"behavior": "3ds:always"}, headers=HERE
    )
    assert charge(stripe_client, saved).status == "requires_action"


@pytest.mark.parametrize(
    ("behavior", "headers", "status"),
    [("ok", {}, 403), ("explode", HERE, 400), ("later:nonsense", HERE, 400), ("", HERE, 400)],
)
def test_other_pages_and_other_values_change_nothing(
    app, stripe_client, saved, behavior, headers, status
):
    answer = app.test_client().post(
        f"/saved-methods/{saved.id}", data={"behavior": behavior}, headers=headers
    )
    assert answer.status_code == status
    assert charge(stripe_client, saved).status == "succeeded"
