"""The demo's company: each kind of thing is there, the mirror has it all, and it is made once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from demo import company, stories
from models import (
    MIRRORED,
    Account,
    Coupon,
    CreditNote,
    Invoice,
    Pause,
    Price,
    PromotionCode,
    Refund,
    Subscription,
    SubscriptionItem,
    SubscriptionSchedule,
    User,
)
from sandbox import clock as sandbox_clock
from tests import truth
from tests.conftest import START

TRIED = Subscription.trial_end.is_not(None)
# Each must be found in the mirror, or among the accounts, of the smallest company.
THINGS = {
    "an account of the first month": Account.created_at < START - timedelta(days=390),
    "an account of the last week": Account.created_at > START - timedelta(days=7),
    "an account that never subscribed": Account.first_subscribed_at.is_(None),
    "a very long name": func.length(Account.name) > 120,
    "a Japanese name": Account.name.contains("東京"),
    "an Arabic name": Account.name.contains("مكتبة"),
    "a name that would be markup": Account.name.contains("<Print>"),
    "dollars": (Subscription.status == "active") & (Subscription.currency == "usd"),
    "euros": (Subscription.status == "active") & (Subscription.currency == "eur"),
    "yen": (Subscription.status == "active") & (Subscription.currency == "jpy"),
    "a trial that runs": Subscription.status == "trialing",
    "a trial that was converted": (Subscription.status == "active")
    & Subscription.trial_end.is_not(None),
    "a trial that was not": (Subscription.status == "paused") & Subscription.trial_end.is_not(None),
    "past due": Subscription.status == "past_due",
    "unpaid": Subscription.status == "unpaid",
    "a first payment that never came": Subscription.status == "incomplete_expired",
    "ended for a reason": Subscription.ended_at.is_not(None)
    & (Subscription.cancellation_feedback == "too_expensive"),
    "ended by failed payments": Subscription.ended_at.is_not(None)
    & (Subscription.data["cancellation_details"]["reason"].as_string() == "payment_failed"),
    "about to end": Subscription.cancel_at_period_end & (Subscription.status == "active"),
    "many seats": SubscriptionItem.quantity > 50,
    "a failed payment won back": (Invoice.status == "paid") & (Invoice.attempt_count > 1),
    "a failed payment lost": (Invoice.status == "open") & (Invoice.attempt_count > 5),
    "a void invoice": (Invoice.status == "void") & (Invoice.billing_reason == "manual"),
    "an uncollectible invoice": Invoice.status == "uncollectible",
    "an invoice past its due date": (Invoice.status == "open") & (Invoice.due_date < START),
    "an invoice due later": (Invoice.status == "open") & (Invoice.due_date > START),
    "an invoice with a discount": Invoice.discount > 0,
    "an invoice with tax": Invoice.tax > 0,
    "a change billed at once": Invoice.billing_reason == "subscription_update",
    "a refund": Refund.reason == "duplicate",
    "a credit note before payment": CreditNote.pre_payment_amount > 0,
    "a credit note after payment": CreditNote.post_payment_amount > 0,
    "a coupon no longer to be had": Coupon.valid.is_(False),
    "a code no longer to be had": PromotionCode.active.is_(False),
    "a redeemed code": PromotionCode.times_redeemed > 0,
    "a retired price": Price.active.is_(False) & (Price.unit_amount == 4500),
    "a pause": Pause.ended_at.is_(None),
    "a pause that is over": Pause.ended_at.is_not(None),
    "a change at the next renewal": SubscriptionSchedule.status == "active",
}


@pytest.fixture
def long_ago(clock, sandbox):
    """The sandbox's time is at the company's first day."""
    begin, _ = stories.told("small", START)
    sandbox_clock.advance(int((begin - START).total_seconds()))
    yield begin
    sandbox_clock.reset()


def test_the_company_has_each_kind_of_thing_is_mirrored_and_is_made_once(
    long_ago, app, db_session, stripe, stripe_calls
):
    company.make("small")
    synced = app.test_cli_runner().invoke(args=["billing", "sync"])
    assert synced.exit_code == 0, synced.output
    missing = [name for name, found in THINGS.items() if not holds(db_session, found)]
    assert missing == []
    assert subscribers_of(db_session, amount=4500) > 0
    assert subscribers_of(db_session, amount=4900) > subscribers_of(db_session, amount=4500)

    # Lived through up to yesterday; the portal has seen it all, and Stripe has nothing else.
    assert sandbox_clock.now() == (START - company.LAST_DAY).timestamp()
    held = {
        (kind, row.stripe_id)
        for kind, model in MIRRORED.items()
        for row in db_session.scalars(select(model))
    }
    truth.compare(stripe, held)
    listed = stripe.v1.invoices.list({"limit": 100}).auto_paging_iter()
    assert {("invoice", one.id) for one in listed} == {one for one in held if one[0] == "invoice"}
    assert all(one.created_at < START - timedelta(days=1) for one in db_session.query(Account))

    # A second run finds no past to be lived through.
    sandbox_clock.advance(int(company.LAST_DAY.total_seconds()))
    asked, users = len(stripe_calls), db_session.query(User).count()
    assert company.make("small") == 0
    assert {call.request.method for call in stripe_calls[asked:]} == {"GET"}
    assert db_session.query(User).count() == users


def holds(session, found) -> bool:
    return bool(session.scalar(select(func.count()).where(found)))


def subscribers_of(session, amount: int) -> int:
    """Those who pay for Team by the month at that amount of dollars."""
    return session.scalar(
        select(func.count())
        .select_from(SubscriptionItem)
        .join(Price, Price.stripe_id == SubscriptionItem.price_id)
        .join(Subscription)
        .where(Price.unit_amount == amount, Subscription.status == "active")
    )


@pytest.mark.parametrize(
    "day", [datetime(2026, 11, 19, 12, tzinfo=UTC), datetime(2028, 2, 29, 1, tzinfo=UTC)]
)
def test_the_story_of_a_day_is_always_the_same_and_grows_to_150_accounts(day):
    begin, acts = stories.told("full", day)
    assert (begin, acts) == stories.told("full", day)
    companies = {act.company.name: act.company for act in acts if act.company}
    # With the two of `flask billing seed-demo`.
    assert len(companies) + 2 == 150
    assert {one.currency for one in companies.values()} == {"usd", "eur", "jpy"}
    addresses = [each for one in companies.values() for each in one.addresses()]
    assert len(addresses) == len(set(addresses))
    assert all(each.isascii() and "@" in each for each in addresses)
    assert begin.timestamp() <= acts[0].at
    assert acts[-1].at < (day - company.LAST_DAY).timestamp()
    half = (begin.timestamp() + day.timestamp()) / 2
    joined = {act.company.name: act.at for act in reversed(acts) if act.company}
    late = sum(at > half for at in joined.values())
    assert 0.4 < late / len(joined) < 0.7
