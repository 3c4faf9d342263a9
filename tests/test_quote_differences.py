"""What was quoted is what is charged; where it is not, to a cent, staff are told once."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from billing import sync
from billing.errors import StripeUnavailable
from billing.gateway import plan_change as gateway
from models import Account, AuditEntry, Customer, Quote, QuoteDifference, db
from tests.quote_page import OWNER, accept, pass_time, pull, row_of, use_card
from tests.subscriber import HALF_WAY

RENEWED = datetime(2026, 12, 19, 14, 0, tzinfo=UTC)


@pytest.fixture
def owner(team, people):
    return people.sign_in(OWNER)


@pytest.fixture
def report(app):
    return lambda: app.test_cli_runner().invoke(args=["billing", "quote-differences"]).output


@pytest.fixture
def slip_in(stripe, monkeypatch):
    """Something is billed by somebody else after the last look and before the change is made."""

    def slip(amount, currency="usd"):
        update = gateway.update

        def late(subscription_id, **change):
            customer = stripe.v1.subscriptions.retrieve(subscription_id).customer
            stripe.v1.invoice_items.create(
                {
                    "customer": customer,
                    "amount": amount,
                    "currency": currency,
                    "description": "Printed manual",
                }
            )
            return update(subscription_id, **change)

        monkeypatch.setattr(gateway, "update", late)

    return slip


def differences(app):
    with app.app_context():
        return [
            (one.quoted, one.charged, one.charged_currency, one.lines)
            for one in db.session.query(QuoteDifference)
        ]


def last_quote(app):
    with app.app_context():
        newest = Quote.accepted_at.is_(None), Quote.created_at.desc()
        quote = db.session.query(Quote).order_by(*newest).first()
        db.session.expunge(quote)
        return quote


def test_a_change_charged_as_quoted_records_nothing(owner, app, report, deliver_webhooks):
    accept(owner, "/seats?seats=10", seats="10")
    # 2 seats more for half of a month of 30 days: 2 x 49.00 / 2.
    quote = last_quote(app)
    assert (quote.amount_due, quote.charged_amount) == (4900, 4900)
    assert set(deliver_webhooks()) == {200}
    assert differences(app) == []
    assert report() == "Every quote was charged as it said.\n"


@pytest.mark.parametrize("cents", [1, -1])
def test_a_cent_that_slips_in_after_the_last_look_is_recorded(
    owner, app, slip_in, report, caplog, cents
):
    slip_in(cents)
    with caplog.at_level(logging.ERROR):
        accept(owner, "/seats?seats=10", seats="10")
    ((quoted, charged, currency, lines),) = differences(app)
    assert (quoted, charged, currency) == (4900, 4900 + cents, "usd")
    assert lines == [{"line": "Printed manual", "quoted": 0, "charged": cents}]
    assert "said 4900 usd" in caplog.text
    said = report()
    assert "Northwind" in said
    assert f"quoted $49.00, charged ${(4900 + cents) / 100:.2f}" in said
    assert "Printed manual: quoted $0.00" in said
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="quote.charged_otherwise").one()
        assert (entry.before["amount"], entry.after["amount"]) == (4900, 4900 + cents)


def test_it_is_recorded_once_however_often_the_invoice_is_reported(
    owner, app, slip_in, deliver_webhooks
):
    slip_in(1)
    accept(owner, "/seats?seats=10", seats="10")
    for _ in range(2):
        assert set(deliver_webhooks()) == {200}
    pull(app, "invoice", last_quote(app).invoice_id)
    assert len(differences(app)) == 1


def test_it_becomes_known_by_webhook_when_the_answer_was_lost(
    owner, app, slip_in, monkeypatch, deliver_webhooks, stripe_is_down
):
    slip_in(1)
    update = gateway.update

    def lost(subscription_id, **change):
        update(subscription_id, **change)
        # Nor can it be asked what became of it, until the webhook comes.
        back.append(stripe_is_down())
        raise StripeUnavailable

    back = []
    monkeypatch.setattr(gateway, "update", lost)
    quote = owner.get("/seats?seats=10").get_data(as_text=True).split('name="quote" value="')[1]
    answer = owner.post("/seats", data={"quote": quote.split('"')[0], "seats": "10"})
    assert answer.status_code == 503
    assert last_quote(app).applied_at is None
    back[0]()
    assert set(deliver_webhooks()) == {200}
    assert last_quote(app).applied_at is not None
    assert [d[:2] for d in differences(app)] == [(4900, 4901)]
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="seats.changed").one()
        assert entry.user.email == OWNER
        assert entry.account.name == "Northwind"


def test_an_upgrade_confirmed_at_the_bank_settles_without_anybody_opening_a_page(
    owner, team, app, stripe, deliver_webhooks
):
    use_card(app, stripe, team, "pm_card_threeDSecure2Required")
    accept(owner, "/plan-change/business")
    quote = last_quote(app)
    assert (quote.applied_at, quote.charged_amount) == (None, None)
    invoice = stripe.v1.invoices.retrieve(quote.invoice_id, {"expand": ["payments"]})
    intent = invoice.payments.data[0].payment.payment_intent
    card = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": invoice.customer})
    stripe.v1.payment_intents.confirm(intent, {"payment_method": card.id})
    assert set(deliver_webhooks()) == {200}
    quote = last_quote(app)
    assert quote.applied_at is not None
    assert quote.charged_amount == quote.amount_due
    assert differences(app) == []
    with app.app_context():
        assert db.session.query(AuditEntry).filter_by(action="plan.changed").count() == 1


def test_a_change_dropped_at_the_bank_is_never_compared(owner, team, app, stripe, deliver_webhooks):
    use_card(app, stripe, team, "pm_card_threeDSecure2Required")
    accept(owner, "/plan-change/business")
    owner.post("/pending-change/discard")
    assert set(deliver_webhooks()) == {200}
    quote = last_quote(app)
    assert (quote.applied_at, quote.charged_amount) == (None, None)
    assert differences(app) == []


def renew(sandbox, clock, deliver_webhooks):
    pass_time(sandbox, clock, RENEWED)
    assert set(deliver_webhooks()) == {200}


def test_a_scheduled_change_is_compared_with_the_first_invoice_of_its_period(
    owner, app, sandbox, clock, deliver_webhooks
):
    accept(owner, "/plan-change/starter")
    renew(sandbox, clock, deliver_webhooks)
    quote = last_quote(app)
    assert (quote.recurring_amount, quote.charged_amount) == (1900, 1900)
    assert differences(app) == []


def test_a_scheduled_change_that_costs_more_when_it_comes_is_recorded(
    owner, team, app, stripe, sandbox, clock, deliver_webhooks, report
):
    accept(owner, "/seats?seats=5", seats="5")
    customer = stripe.v1.subscriptions.retrieve(team).customer
    stripe.v1.invoice_items.create(
        {"customer": customer, "amount": 1, "currency": "usd", "description": "Stamp"}
    )
    renew(sandbox, clock, deliver_webhooks)
    # 5 x 49.00, and a cent more.
    ((quoted, charged, _, lines),) = differences(app)
    assert (quoted, charged) == (24500, 24501)
    assert {"line": "Stamp", "quoted": 0, "charged": 1} in lines
    assert "quoted $245.00, charged $245.01" in report()


def test_of_two_scheduled_one_after_the_other_the_last_is_compared(
    owner, app, sandbox, clock, deliver_webhooks
):
    accept(owner, "/seats?seats=5", seats="5")
    first = last_quote(app).id
    clock.advance(minutes=5)
    assert row_of(owner.get("/seats?seats=3"), "From 19 December") == "$147.00"
    accept(owner, "/seats?seats=3", seats="3")
    renew(sandbox, clock, deliver_webhooks)
    assert last_quote(app).charged_amount == 14700
    with app.app_context():
        assert db.session.get(Quote, first).charged_amount is None
    assert differences(app) == []


def test_a_balance_used_is_part_of_what_was_quoted(owner, team, app, stripe):
    customer = stripe.v1.subscriptions.retrieve(team).customer
    stripe.v1.customers.balance_transactions.create(customer, {"amount": -1000, "currency": "usd"})
    page = owner.get("/seats?seats=10")
    assert row_of(page, "Due today") == "$39.00"
    accept(owner, "/seats?seats=10", seats="10")
    assert last_quote(app).charged_amount == 3900
    assert differences(app) == []


def test_a_credit_kept_for_later_is_compared_too(owner, team, app, stripe, slip_in):
    """Nothing is due either way, and yet 10.00 less is kept than was said."""
    customer = stripe.v1.subscriptions.retrieve(team).customer
    stripe.v1.invoice_items.create(
        {"customer": customer, "amount": -9000, "currency": "usd", "description": "Goodwill"}
    )
    slip_in(1000)
    accept(owner, "/seats?seats=10", seats="10")
    ((quoted, charged, _, lines),) = differences(app)
    # 49.00 less 90.00 leaves 41.00 to keep; with 10.00 more it is 31.00.
    assert (quoted, charged) == (0, 0)
    assert lines == [
        {"line": "Kept as credit", "quoted": 4100, "charged": 3100},
        {"line": "Printed manual", "quoted": 0, "charged": 1000},
    ]


@pytest.mark.parametrize(
    ("currency", "unit", "due", "slipped", "said"),
    [
        # Half a month of 2 more seats is the price of one.
        ("jpy", 7400, 7400, 1, "quoted \u00a57,400, charged \u00a57,401"),
        ("kwd", 15120, 15120, 10, "quoted KWD\u00a015.120, charged KWD\u00a015.130"),
    ],
)
def test_currencies_with_other_decimals_are_compared_to_their_last_one(
    people, app, stripe, clock, subscribe, slip_in, report, currency, unit, due, slipped, said
):
    people.join(OWNER)
    subscribe_in(app, stripe, currency, unit)
    clock.set(HALF_WAY)
    owner = people.sign_in(OWNER)
    accept(owner, "/seats?seats=10", seats="10")
    assert last_quote(app).charged_amount == due
    assert differences(app) == []
    slip_in(slipped, currency)
    accept(owner, "/seats?seats=12", seats="12")
    ((quoted, charged, _, _),) = differences(app)
    assert (quoted, charged) == (due, due + slipped)
    assert said in report()


def subscribe_in(app, stripe, currency, unit):
    """Northwind on Team in that currency, 8 seats, at Stripe and in the mirror."""
    price = stripe.v1.prices.create(
        {
            "product": "demo_team",
            "currency": currency,
            "unit_amount": unit,
            "recurring": {"interval": "month"},
        }
    )
    customer = stripe.v1.customers.create({"name": "Northwind"})
    card = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    stripe.v1.customers.update(
        customer.id, {"invoice_settings": {"default_payment_method": card.id}}
    )
    made = stripe.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id, "quantity": 8}]}
    )
    with app.app_context():
        account = db.session.query(Account).filter_by(name="Northwind").one()
        account.stripe_customer_id = customer.id
        db.session.commit()
        sync.pull("subscription", made.id)
        assert db.session.get(Customer, customer.id) is not None
