"""The account, its domains and its portal configurations."""

from __future__ import annotations

import pytest
import stripe

from sandbox.tests.makers.account import billing_portal_configuration


def test_the_account_is_the_same_by_either_address(stripe_client: stripe.StripeClient) -> None:
    account = stripe_client.v1.accounts.retrieve_current()
    assert stripe_client.v1.accounts.retrieve(account.id).id == account.id
    with pytest.raises(stripe.PermissionError):
        stripe_client.v1.accounts.retrieve("acct_another")


def test_a_local_domain_gets_every_wallet_but_apple_pay(
    stripe_client: stripe.StripeClient,
) -> None:
    domains = stripe_client.v1.payment_method_domains
    local = domains.create({"domain_name": "localhost"})
    assert (local.apple_pay.status, local.link.status) == ("inactive", "active")
    public = domains.create({"domain_name": "billing.example.com"})
    assert public.apple_pay.status == "active"
    assert domains.update(public.id, {"enabled": False}).link.status == "inactive"
    assert domains.list({"domain_name": "localhost"}).data[0].id == local.id
    with pytest.raises(stripe.InvalidRequestError):
        domains.create({"domain_name": "localhost"})


def test_a_portal_configuration_is_merged_feature_by_feature(
    stripe_client: stripe.StripeClient,
) -> None:
    made = billing_portal_configuration(stripe_client)
    changed = stripe_client.v1.billing_portal.configurations.update(
        made.id,
        {"features": {"subscription_cancel": {"enabled": True, "mode": "immediately"}}},
    )
    assert changed.features.subscription_cancel.mode == "immediately"
    assert changed.features.invoice_history.enabled is True
    assert changed.features.customer_update.allowed_updates == ["email", "tax_id"]


def test_subscription_updates_need_products_whose_prices_fit(
    stripe_client: stripe.StripeClient,
) -> None:
    create = stripe_client.v1.billing_portal.configurations.create
    with pytest.raises(stripe.InvalidRequestError) as refused:
        create({"features": {"subscription_update": {"enabled": True}}})
    assert refused.value.param == "features[subscription_update][products]"
