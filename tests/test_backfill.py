"""`flask billing sync`: everything Stripe has, in the mirror; resumable; what is gone is marked."""

from __future__ import annotations

import re

import pytest

from billing import backfill, sync
from billing.errors import StripeUnavailable
from billing.gateway import customers, listing, subscriptions
from billing.sync.kinds import KINDS
from models import (
    MIRRORED,
    AccessDecision,
    Customer,
    Invoice,
    InvoiceLine,
    InvoicePayment,
    PaymentMethod,
    Subscription,
    SyncProgress,
    db,
)


@pytest.fixture
def sync_command(app):
    return lambda *args: app.test_cli_runner().invoke(args=["billing", "sync", *args])


@pytest.fixture
def small_pages(monkeypatch):
    """Pages of three, so that a handful of objects fills several."""
    for kind in KINDS.values():
        # Payment intents are not listed.
        monkeypatch.setattr(kind.gateway, "PAGE", 3, raising=False)
    monkeypatch.setattr(listing, "PAGE", 3)


@pytest.fixture
def business(stripe):
    """Seven customers with a card each and a subscription, the last one canceled; a draft."""
    product = stripe.v1.products.create({"name": "Team"})
    price = stripe.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 4900,
            "recurring": {"interval": "month"},
        }
    )
    retired = stripe.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 100, "active": False}
    )
    subscribed = []
    for number in range(7):
        customer = stripe.v1.customers.create({"name": f"Customer {number}"})
        method = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        made = stripe.v1.subscriptions.create(
            {
                "customer": customer.id,
                "items": [{"price": price.id}],
                "default_payment_method": method.id,
            }
        )
        subscribed.append(made.id)
    stripe.v1.subscriptions.cancel(subscribed[-1])
    stripe.v1.subscription_schedules.create({"from_subscription": subscribed[0]})
    stripe.v1.invoices.create({"customer": customer.id})
    coupon = stripe.v1.coupons.create({"percent_off": 10, "duration": "once"})
    stripe.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})
    stripe.v1.credit_notes.create(
        {"invoice": made.latest_invoice, "amount": 100, "refund_amount": 100}
    )
    stripe.v1.coupons.create({"percent_off": 20})
    return {"retired price": retired.id, "subscriptions": subscribed}


EXPECTED = {
    "product": 1,
    "price": 2,
    "customer": 7,
    "payment_method": 7,
    "subscription": 7,
    "subscription_schedule": 1,
    "invoice": 8,
    "refund": 1,
    "credit_note": 1,
    "promotion_code": 1,
    "coupon": 2,
    "payment_intent": 0,
}


def held() -> dict[str, int]:
    return {
        kind: db.session.query(model).filter(model.deleted_at.is_(None)).count()
        for kind, model in MIRRORED.items()
    }


def lists_asked(stripe_calls, noun: str) -> int:
    return sum(
        re.match(rf"GET /v1/{noun}(\?|$)", f"{call.request.method} {call.request.path_url}")
        is not None
        for call in stripe_calls
    )


def test_everything_is_brought_in_archived_and_canceled_too(
    app, business, sync_command, small_pages
):
    answer = sync_command()
    assert answer.exit_code == 0, answer.output
    with app.app_context():
        assert held() == EXPECTED
        last = db.session.get(Subscription, business["subscriptions"][-1])
        assert (last.status, len(last.items)) == ("canceled", 1)
        assert not db.session.get(MIRRORED["price"], business["retired price"]).active
    for kind, count in EXPECTED.items():
        assert re.search(rf"\b{count}  {kind}\b", answer.output)


def test_it_can_be_run_again_at_any_time(app, business, sync_command, small_pages, stripe, clock):
    assert sync_command().exit_code == 0
    stripe.v1.subscriptions.cancel(business["subscriptions"][0])
    clock.advance(minutes=5)
    assert sync_command().exit_code == 0
    with app.app_context():
        assert held() == EXPECTED
        assert db.session.get(Subscription, business["subscriptions"][0]).status == "canceled"


def test_what_is_gone_from_stripe_becomes_a_tombstone(app, business, sync_command, stripe, clock):
    sync_command()
    with app.app_context():
        gone = db.session.scalars(db.select(Customer).order_by(Customer.stripe_id)).first()
        method = gone.payment_methods[0].stripe_id
        gone = gone.stripe_id
    stripe.v1.customers.delete(gone)
    clock.advance(minutes=5)
    assert sync_command().exit_code == 0
    with app.app_context():
        assert db.session.get(Customer, gone).deleted_at is not None
        assert db.session.get(PaymentMethod, method).customer_id is None
        ended = db.session.query(Subscription).filter_by(customer_id=gone).one()
        assert ended.status == "canceled"


def test_a_stop_in_the_middle_goes_on_where_it_stood(
    app, business, sync_command, small_pages, monkeypatch, stripe_calls
):
    real = customers.page
    pages = []

    def breaks_down(*, starting_after: str | None = None):
        pages.append(starting_after)
        if len(pages) == 3:
            raise StripeUnavailable
        return real(starting_after=starting_after)

    monkeypatch.setattr(customers, "page", breaks_down)
    stopped = sync_command()
    assert stopped.exit_code == 1
    assert "Run it again to go on from here" in stopped.output
    with app.app_context():
        assert db.session.query(Customer).count() == 6
        assert db.session.query(Subscription).count() == 0

    products = lists_asked(stripe_calls, "products")
    assert sync_command().exit_code == 0
    with app.app_context():
        assert held() == EXPECTED
    # The kinds that were through are not asked for again, and customers go on after the sixth.
    assert lists_asked(stripe_calls, "products") == products
    assert pages[3] is not None
    assert pages[3] == pages[2]


def test_restart_begins_anew(app, business, sync_command, small_pages, monkeypatch, stripe_calls):
    with app.app_context():
        monkeypatch.setattr(subscriptions, "page", down)
        assert sync_command().exit_code == 1
    monkeypatch.undo()
    before = lists_asked(stripe_calls, "products")
    assert sync_command("--restart").exit_code == 0
    assert lists_asked(stripe_calls, "products") > before


def down(**_: object) -> object:
    raise StripeUnavailable


def test_a_place_that_was_deleted_meanwhile_does_not_stop_it(
    app, business, sync_command, small_pages, stripe, monkeypatch
):
    real = customers.page

    def first_page_only(*, starting_after: str | None = None):
        if starting_after:
            raise StripeUnavailable
        return real()

    monkeypatch.setattr(customers, "page", first_page_only)
    assert sync_command().exit_code == 1
    with app.app_context():
        place = db.session.get(SyncProgress, "customer").last_id
    stripe.v1.customers.delete(place)
    monkeypatch.setattr(customers, "page", real)
    assert sync_command().exit_code == 0
    with app.app_context():
        assert held()["customer"] == 6


def test_a_listed_state_never_overwrites_a_newer_pull(app, business, stripe, db_session):
    """The page is fetched, then somebody pulls a newer state, then the page is written."""
    subscription = business["subscriptions"][0]
    sync.pull("subscription", subscription)
    fetches = []

    def overtaken_page():
        page = subscriptions.page()
        fetches.append(page)
        if len(fetches) == 2:
            stripe.v1.subscriptions.cancel(subscription)
            sync.pull("subscription", subscription)
        return page

    sync.pull_page("subscription", overtaken_page)
    assert len(fetches) == 2
    assert db.session.get(Subscription, subscription).status == "canceled"


def test_a_listed_state_never_lifts_a_tombstone(app, business, stripe, db_session):
    customer = db.session.get(
        Customer, sync.pull("subscription", business["subscriptions"][0]).customer_id
    )
    stale = customers.page()
    stripe.v1.customers.delete(customer.stripe_id)
    sync.pull("customer", customer.stripe_id)
    sync.pull_page("customer", lambda: stale)
    assert db.session.get(Customer, customer.stripe_id).deleted_at is not None


def test_an_empty_account_is_no_problem(app, sync_command):
    assert sync_command().exit_code == 0
    with app.app_context():
        done = db.session.query(SyncProgress).all()
        assert {row.kind for row in done} == set(backfill.ORDER)
        assert all(row.finished_at for row in done)


def test_every_mirrored_kind_is_brought():
    assert set(backfill.ORDER) == set(MIRRORED) == set(KINDS)


def test_a_failed_payment_that_came_after_its_subscription_is_what_access_rests_on(
    app, renewal, sync_command
):
    invoice_id = renewal()
    with app.app_context():
        db.session.query(AccessDecision).delete()
        db.session.query(InvoiceLine).delete()
        db.session.query(InvoicePayment).delete()
        db.session.query(Invoice).delete()
        db.session.commit()
    assert sync_command().exit_code == 0
    with app.app_context():
        last = db.session.query(AccessDecision).order_by(AccessDecision.id.desc()).first()
        assert (last.rule, last.object_id) == ("grace", invoice_id)
