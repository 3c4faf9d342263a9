"""`flask billing stripe-setup` puts in place what the portal needs, and can be repeated."""

from billing import sync
from billing.gateway.client import API_VERSION
from billing.webhook_inbox import HANDLED_TYPES

URL = "http://127.0.0.1:8000/webhooks/stripe"


def setup(app, *options):
    result = app.test_cli_runner().invoke(args=["billing", "stripe-setup", *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_it_registers_the_webhook_at_the_pinned_version_and_shows_its_secret_once(app, stripe):
    first, second = setup(app), setup(app)
    (endpoint,) = stripe.v1.webhook_endpoints.list().data
    assert (endpoint.url, endpoint.api_version) == (URL, API_VERSION)
    assert sorted(endpoint.enabled_events) == sorted(HANDLED_TYPES)
    assert "STRIPE_WEBHOOK_SECRET=whsec_" in first
    assert "whsec_" not in second


def test_a_lost_secret_is_replaced_with_its_endpoint(app, stripe):
    setup(app)
    (old,) = stripe.v1.webhook_endpoints.list().data
    assert "STRIPE_WEBHOOK_SECRET=whsec_" in setup(app, "--new-secret")
    (new,) = stripe.v1.webhook_endpoints.list().data
    assert new.id != old.id


def test_an_endpoint_that_was_switched_off_or_narrowed_is_mended(app, stripe):
    setup(app)
    (endpoint,) = stripe.v1.webhook_endpoints.list().data
    stripe.v1.webhook_endpoints.update(
        endpoint.id, {"disabled": True, "enabled_events": ["invoice.paid"]}
    )
    setup(app)
    mended = stripe.v1.webhook_endpoints.retrieve(endpoint.id)
    assert mended.status == "enabled"
    assert sorted(mended.enabled_events) == sorted(HANDLED_TYPES)


def test_the_hosted_portal_offers_what_the_portal_offers(app, catalog, stripe):
    setup(app)
    setup(app)
    listed = stripe.v1.billing_portal.configurations.list(
        {"expand": ["data.features.subscription_update.products"]}
    )
    (configuration,) = [c for c in listed.data if c.metadata.to_dict()]
    features = configuration.features
    assert features.subscription_cancel.mode == "at_period_end"
    assert {p.product for p in features.subscription_update.products} == {
        "demo_starter",
        "demo_team",
        "demo_business",
    }


def test_the_hosted_portal_changes_no_plans_once_a_plan_has_paths_of_its_own(app, catalog, stripe):
    setup(app)
    stripe.v1.products.update("demo_team", {"metadata": {"changes_to": "starter"}})
    with app.app_context():
        sync.pull("product", "demo_team")
    setup(app)
    (configuration,) = [
        c for c in stripe.v1.billing_portal.configurations.list().data if c.metadata.to_dict()
    ]
    assert configuration.features.subscription_update.enabled is False


def test_the_sites_domain_is_registered_for_wallets_once(app, stripe):
    setup(app)
    setup(app)
    (domain,) = stripe.v1.payment_method_domains.list().data
    assert domain.domain_name == "127.0.0.1"
