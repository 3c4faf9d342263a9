"""The one door into the mirror: what it keeps of each kind, what it follows, what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from billing import sync
from billing.errors import StripeUnavailable
from billing.gateway import customers, subscriptions
from models import (
    Account,
    Customer,
    Invoice,
    PaymentMethod,
    Price,
    Product,
    Subscription,
    SubscriptionItem,
    db,
)

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def customer(stripe):
    """A customer at Stripe with a Visa as default, not in the mirror."""
    made = stripe.v1.customers.create({"name": "Northwind", "email": "ada@northwind.example"})
    method = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": made.id})
    return stripe.v1.customers.update(
        made.id, {"invoice_settings": {"default_payment_method": method.id}}
    )


@pytest.fixture
def monthly(stripe):
    """A price of 49.00 USD a month at Stripe, not in the mirror."""
    product = stripe.v1.products.create({"name": "Team"})
    return stripe.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 4900,
            "recurring": {"interval": "month"},
        }
    )


@pytest.fixture
def subscription(stripe, customer, monthly):
    return stripe.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": monthly.id, "quantity": 3}]}
    )


# What is kept -------------------------------------------------------------------------------


def test_a_product_becomes_a_plan_by_its_metadata(stripe):
    made = stripe.v1.products.create(
        {
            "name": "Team",
            "description": "For teams",
            "marketing_features": [{"name": "Single sign-on"}, {"name": "Support"}],
            "metadata": {
                "slug": "team",
                "position": "2",
                "highlight": "true",
                "min_seats": "1",
                "max_seats": "25",
            },
        }
    )
    plan = sync.pull("product", made.id)
    assert (plan.slug, plan.name, plan.description) == ("team", "Team", "For teams")
    assert (plan.position, plan.highlighted, plan.public) == (2, True, True)
    assert (plan.min_seats, plan.max_seats, plan.is_per_seat) == (1, 25, True)
    assert plan.features == ["Single sign-on", "Support"]
    assert plan.is_offered


def test_metadata_typed_by_hand_cannot_break_a_pull(stripe):
    made = stripe.v1.products.create(
        {
            "name": "Odd",
            "metadata": {"slug": "odd", "position": "first", "max_seats": "-3", "public": "No"},
        }
    )
    plan = sync.pull("product", made.id)
    assert (plan.position, plan.max_seats, plan.public) == (0, None, False)


def test_text_longer_than_its_column_is_cut_there_and_whole_in_the_data(stripe):
    name = "N" * 600
    made = stripe.v1.products.create({"name": name, "metadata": {"slug": "s" * 300}})
    plan = sync.pull("product", made.id)
    assert (plan.name, plan.slug) == (name[:512], "s" * 100)
    assert (plan.data["name"], plan.data["metadata"]["slug"]) == (name, "s" * 300)


def test_a_price_keeps_fractions_tiers_and_every_currency(stripe):
    product = stripe.v1.products.create({"name": "Usage"})
    fraction = stripe.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount_decimal": "0.5"}
    )
    row = sync.pull("price", fraction.id)
    assert (row.unit_amount, row.unit_amount_decimal, row.type) == (None, "0.5", "one_time")
    assert (row.interval, row.is_recurring) == (None, False)

    tiered = stripe.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": [
                {"up_to": 10, "unit_amount": 500},
                {"up_to": "inf", "unit_amount_decimal": "12.5"},
            ],
            "recurring": {"interval": "month"},
        }
    )
    row = sync.pull("price", tiered.id)
    assert (row.billing_scheme, row.tiers_mode, row.unit_amount) == ("tiered", "graduated", None)
    assert [(tier["up_to"], tier["unit_amount"]) for tier in row.tiers] == [(10, 500), (None, None)]
    assert row.tiers[1]["unit_amount_decimal"] == "12.5"

    several = stripe.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 4900,
            "currency_options": {"eur": {"unit_amount": 4500}, "jpy": {"unit_amount": 7400}},
            "recurring": {"interval": "year"},
            "lookup_key": "team_year",
        }
    )
    row = sync.pull("price", several.id)
    assert (row.currencies, row.unit_amount_in("jpy")) == (["usd", "eur", "jpy"], 7400)
    assert (row.interval, row.interval_count, row.lookup_key) == ("year", 1, "team_year")


def test_a_subscription_brings_its_items_and_what_it_refers_to(subscription, customer, monthly):
    row = sync.pull("subscription", subscription.id)
    assert (row.status, row.customer_id, row.currency) == ("active", customer.id, "usd")
    assert [(i.price_id, i.quantity) for i in row.items] == [(monthly.id, 3)]
    assert row.current_period_start == datetime(2026, 11, 19, 12, tzinfo=UTC)
    assert row.current_period_end == datetime(2026, 12, 19, 12, tzinfo=UTC)
    # Nothing of this was in the mirror before.
    assert row.customer.name == "Northwind"
    assert row.price.unit_amount == 4900
    assert row.price.product.name == "Team"
    assert row.latest_invoice.total == 14700
    assert row.payment_method.last4 == "4242"


def test_an_invoice_brings_its_lines_and_the_subscription_it_is_for(subscription, monthly):
    row = sync.pull("invoice", subscription.latest_invoice)
    assert (row.status, row.currency, row.total, row.amount_remaining) == ("paid", "usd", 14700, 0)
    assert (row.subscription_id, row.billing_reason) == (subscription.id, "subscription_create")
    (line,) = row.lines
    assert (line.amount, line.quantity, line.price_id) == (14700, 3, monthly.id)
    assert (line.is_proration, line.unit_amount_decimal) == (False, "4900")
    assert row.paid_at == datetime(2026, 11, 19, 12, tzinfo=UTC)
    assert row.data["payments"]["data"][0]["payment"]["payment_intent"].startswith("pi_")
    assert db.session.get(Subscription, subscription.id).items[0].quantity == 3


def test_items_and_lines_are_those_of_the_last_pull(stripe, subscription, monthly):
    sync.pull("subscription", subscription.id)
    (old,) = stripe.v1.subscription_items.list({"subscription": subscription.id}).data
    seat = stripe.v1.prices.create(
        {
            "product": monthly.product,
            "currency": "usd",
            "unit_amount": 700,
            "recurring": {"interval": "month"},
        }
    )
    stripe.v1.subscriptions.update(
        subscription.id,
        {"items": [{"id": old.id, "deleted": True}, {"price": seat.id, "quantity": 2}]},
    )
    row = sync.pull("subscription", subscription.id)
    assert [(i.price_id, i.quantity) for i in row.items] == [(seat.id, 2)]
    assert db.session.get(SubscriptionItem, old.id) is None


def test_nested_lists_are_followed_to_their_end(stripe, customer, monthly):
    prices = [
        stripe.v1.prices.create(
            {
                "product": monthly.product,
                "currency": "usd",
                "unit_amount": 100 + number,
                "recurring": {"interval": "month"},
            }
        ).id
        for number in range(15)
    ]
    made = stripe.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": each} for each in prices]}
    )
    row = sync.pull("subscription", made.id)
    assert sorted(item.price_id for item in row.items) == sorted(prices)
    assert row.data["items"]["has_more"] is False
    assert len(row.latest_invoice.lines) == 15
    assert sum(line.amount for line in row.latest_invoice.lines) == row.latest_invoice.total

    for number in range(12):
        stripe.v1.customers.tax_ids.create(
            customer.id, {"type": "eu_vat", "value": f"DE1234567{number:02}"}
        )
    row = sync.pull("customer", customer.id)
    assert len(row.data["tax_ids"]["data"]) == 12


def test_a_detached_payment_method_stays_without_its_customer(stripe, customer):
    method = customer.invoice_settings.default_payment_method
    assert sync.pull("payment_method", method).customer_id == customer.id
    stripe.v1.payment_methods.detach(method)
    row = sync.pull("payment_method", method)
    assert (row.customer_id, row.brand, row.last4, row.deleted_at) == (None, "visa", "4242", None)


def test_the_coupon_behind_a_discount_is_kept(stripe, customer, monthly):
    coupon = stripe.v1.coupons.create({"percent_off": 25, "duration": "forever"})
    made = stripe.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": monthly.id}],
            "discounts": [{"coupon": coupon.id}],
        }
    )
    row = sync.pull("subscription", made.id)
    assert row.data["discounts"][0]["source"]["coupon"]["percent_off"] == 25
    assert row.latest_invoice.discount == 1225
    assert row.latest_invoice.total == 3675


# What is gone -------------------------------------------------------------------------------


def test_a_deleted_customer_leaves_a_tombstone_and_its_subscription_is_over(
    stripe, customer, subscription
):
    sync.pull("subscription", subscription.id)
    assert db.session.get(Subscription, subscription.id).is_live
    stripe.v1.customers.delete(customer.id)
    row = sync.pull("customer", customer.id)
    assert row.deleted_at is not None
    assert row.name == "Northwind"
    assert db.session.get(Subscription, subscription.id).status == "canceled"


def test_nothing_lifts_a_tombstone(stripe, customer, monkeypatch):
    sync.pull("customer", customer.id)
    before = customers.retrieve(customer.id)
    stripe.v1.customers.delete(customer.id)
    sync.pull("customer", customer.id)
    monkeypatch.setattr(customers, "retrieve", lambda _: before)
    assert sync.pull("customer", customer.id).deleted_at is not None


@pytest.mark.parametrize(
    ("kind", "stripe_id"),
    [
        ("customer", "cus_gone"),
        ("product", "prod_gone"),
        ("price", "price_gone"),
        ("subscription", "sub_gone"),
        ("subscription_schedule", "sub_sched_gone"),
        ("invoice", "in_gone"),
        ("payment_method", "pm_gone"),
    ],
)
def test_what_was_never_known_and_is_gone_is_remembered_as_gone(kind, stripe_id):
    row = sync.pull(kind, stripe_id)
    assert row.deleted_at is not None
    assert row.data == {"id": stripe_id, "deleted": True}
    assert Product.offered() == []


def test_a_deleted_draft_is_a_tombstone(stripe, customer):
    draft = stripe.v1.invoices.create({"customer": customer.id})
    sync.pull("invoice", draft.id)
    stripe.v1.invoices.delete(draft.id)
    assert sync.pull("invoice", draft.id).deleted_at is not None


# How it is written --------------------------------------------------------------------------


def test_every_pull_takes_a_new_version_even_when_nothing_changed(customer):
    assert sync.pull("customer", customer.id).version == 1
    assert sync.pull("customer", customer.id).version == 2


def test_no_transaction_is_open_while_stripe_answers(subscription, monkeypatch):
    open_ones = []
    real = subscriptions.retrieve

    def watched(subscription_id):
        open_ones.append(db.session().in_transaction())
        return real(subscription_id)

    monkeypatch.setattr(subscriptions, "retrieve", watched)
    sync.pull("subscription", subscription.id)
    sync.pull("subscription", subscription.id)
    assert open_ones == [False, False]


def test_what_the_caller_had_not_committed_is_not_lost(customer):
    db.session.add(Account(name="Half written", stripe_customer_id=customer.id))
    sync.pull("customer", customer.id)
    db.session.rollback()
    assert db.session.query(Account).one().customer.name == "Northwind"


def test_a_pull_that_is_always_overtaken_gives_up(customer, monkeypatch):
    sync.pull("customer", customer.id)
    real = customers.retrieve

    def overtaken(customer_id):
        found = real(customer_id)
        db.session.execute(db.update(Customer).values(version=Customer.version + 1))
        db.session.commit()
        return found

    monkeypatch.setattr(customers, "retrieve", overtaken)
    with pytest.raises(StripeUnavailable):
        sync.pull("customer", customer.id)


def test_the_mirror_holds_no_more_than_was_asked_for(stripe, customer, subscription):
    sync.pull("customer", customer.id)
    assert db.session.query(Subscription).count() == 0
    assert db.session.query(PaymentMethod).count() == 1
    assert db.session.query(Price).count() == 0
    assert db.session.query(Invoice).count() == 0
