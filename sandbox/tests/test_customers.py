"""Customers, their tax IDs and their balance."""

from __future__ import annotations

from typing import Any

import pytest
import stripe


def types(client: stripe.StripeClient) -> list[str]:
    return [event.type for event in client.v1.events.list({"limit": 100}).data][::-1]


def test_a_deleted_customer_leaves_a_tombstone(stripe_client: stripe.StripeClient) -> None:
    customers = stripe_client.v1.customers
    customer = customers.create({"name": "Ann"})
    assert customers.delete(customer.id).deleted is True
    gone = customers.retrieve(customer.id)
    assert gone.to_dict() == {"id": customer.id, "object": "customer", "deleted": True}
    with pytest.raises(stripe.InvalidRequestError):
        customers.update(customer.id, {"name": "Bea"})
    assert customers.list().data == []


def test_invoice_settings_are_merged(stripe_client: stripe.StripeClient) -> None:
    customers = stripe_client.v1.customers
    customer = customers.create(
        {"invoice_settings": {"footer": "Thanks", "custom_fields": [{"name": "PO", "value": "7"}]}}
    )
    kept = customers.update(customer.id, {"invoice_settings": {"custom_fields": ""}})
    assert kept.invoice_settings.footer == "Thanks"
    assert kept.invoice_settings.custom_fields is None


def test_the_default_payment_method_must_be_the_customers(
    stripe_client: stripe.StripeClient,
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe_client.v1.customers.create(
            {"invoice_settings": {"default_payment_method": "pm_none"}}
        )
    assert refused.value.param == "invoice_settings[default_payment_method]"


def test_a_customer_may_start_with_a_card_as_default(stripe_client: stripe.StripeClient) -> None:
    customer = stripe_client.v1.customers.create(
        {
            "payment_method": "pm_card_visa",
            "invoice_settings": {"default_payment_method": "pm_card_visa"},
            "expand": ["invoice_settings.default_payment_method"],
        }
    )
    default = customer.invoice_settings.default_payment_method
    assert isinstance(default, stripe.PaymentMethod)
    assert default.customer == customer.id
    assert default.card
    assert default.card.last4 == "4242"


def test_deleting_a_customer_ends_what_is_billed_and_frees_the_card(
    stripe_client: stripe.StripeClient,
) -> None:
    v1 = stripe_client.v1
    customer = v1.customers.create(
        {
            "payment_method": "pm_card_visa",
            "invoice_settings": {"default_payment_method": "pm_card_visa"},
        }
    )
    price = v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 500,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Pro"},
        }
    )
    subscription = v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id}]}
    )
    v1.customers.delete(customer.id)
    assert v1.subscriptions.retrieve(subscription.id).status == "canceled"
    (method,) = [
        event.data.object["id"]
        for event in v1.events.list({"type": "payment_method.detached"}).data
    ]
    assert v1.payment_methods.retrieve(method).customer is None


@pytest.mark.parametrize(
    ("kind", "value", "country", "status"),
    [
        ("eu_vat", "DE123456789", "DE", "verified"),
        ("eu_vat", "EL123456789", "GR", "verified"),
        ("gb_vat", "GB123456789", "GB", "verified"),
        ("eu_vat", "111111111", None, "unverified"),
        ("us_ein", "12-3456789", "US", "unavailable"),
    ],
)
def test_a_tax_id_is_verified_after_it_is_added(
    kind: Any,
    value: str,
    country: str | None,
    status: str,
    stripe_client: stripe.StripeClient,
) -> None:
    customer = stripe_client.v1.customers.create({"name": "Ann"})
    tax_ids = stripe_client.v1.customers.tax_ids
    added = tax_ids.create(customer.id, {"type": kind, "value": value})
    verifiable = status != "unavailable"
    assert added.verification.status == ("pending" if verifiable else status)
    assert added.country == country
    settled = tax_ids.retrieve(customer.id, added.id)
    assert settled.verification.status == status
    assert ("customer.tax_id.updated" in types(stripe_client)) is verifiable


def test_a_malformed_tax_id_is_refused(stripe_client: stripe.StripeClient) -> None:
    customer = stripe_client.v1.customers.create({})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe_client.v1.customers.tax_ids.create(customer.id, {"type": "eu_vat", "value": "12345"})
    assert refused.value.code == "tax_id_invalid"


def test_a_tax_id_is_its_customers_alone(stripe_client: stripe.StripeClient) -> None:
    customers = stripe_client.v1.customers
    ann, bea = customers.create({}), customers.create({})
    tax_id = customers.tax_ids.create(ann.id, {"type": "eu_vat", "value": "DE123456789"})
    with pytest.raises(stripe.InvalidRequestError):
        customers.tax_ids.delete(bea.id, tax_id.id)
    assert customers.tax_ids.list(bea.id).data == []
    assert customers.tax_ids.delete(ann.id, tax_id.id).deleted is True
    assert customers.tax_ids.list(ann.id).data == []
    assert types(stripe_client)[-1] == "customer.tax_id.deleted"


def test_the_balance_is_the_sum_of_its_transactions(stripe_client: stripe.StripeClient) -> None:
    customers = stripe_client.v1.customers
    customer = customers.create({"balance": -500})
    customers.balance_transactions.create(customer.id, {"amount": 200, "currency": "usd"})
    customers.update(customer.id, {"balance": -100})
    found = customers.balance_transactions.list(customer.id).data
    assert [(t.amount, t.ending_balance, t.type) for t in found] == [
        (200, -100, "adjustment"),
        (200, -300, "adjustment"),
        (-500, -500, "initial"),
    ]
    assert customers.retrieve(customer.id).balance == -100
