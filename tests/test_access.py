"""What an account may use, and why: the question that `flask billing access` answers for staff."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models import (
    AccessDecision,
    AccessGrant,
    Account,
    AuditEntry,
    Customer,
    Invoice,
    Product,
    Subscription,
    User,
    db,
)
from tests.quote_page import pass_time

NOON = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)  # the suite's first moment
FAILED = {"status": "open", "amount_remaining": 39200, "attempt_count": 1}


def days(number, **more):
    return NOON + timedelta(days=number, **more)


@pytest.fixture
def explain(app):
    """What the command says of an account: its lines by name, and its exit status."""

    def run(account="Northwind", *options):
        result = app.test_cli_runner().invoke(args=["billing", "access", account, *options])
        lines = [(line[:24].strip(), line[25:]) for line in result.output.splitlines()]
        return {"exit": result.exit_code, "output": result.output, **dict(reversed(lines))}

    return run


@pytest.fixture
def run(app):
    """Runs `flask billing ...` and returns the result."""
    return lambda *arguments: app.test_cli_runner().invoke(args=["billing", *arguments])


@pytest.fixture
def northwind(app, people, subscribe):
    """Northwind on Team with 8 seats, paid; the subscription's id."""
    people.join("ada@northwind.example")
    return subscribe("Northwind", "team", quantity=8)


@pytest.fixture
def mirror(app, northwind):
    """Sets columns of the subscription, of its invoice, and of its plan."""

    def arrange(invoice=None, plan=None, **columns):
        with app.app_context():
            row = db.session.get(Subscription, northwind)
            for target, values in (
                (row, columns),
                (row.latest_invoice, invoice or {}),
                (row.plan, plan or {}),
            ):
                for name, value in values.items():
                    setattr(target, name, value)
            db.session.commit()

    return arrange


@pytest.fixture
def set_to(app, monkeypatch):
    """Changes settings of the portal for the test."""
    return lambda **values: monkeypatch.setitem(
        app.config, "SETTINGS", replace(app.config["SETTINGS"], **values)
    )


PAUSED_COLLECTION = {"behavior": "void", "resumes_at": int(days(60).timestamp())}
PAST_DUE = {"status": "past_due", "invoice": FAILED}
INVOICED = {**FAILED, "collection_method": "send_invoice", "due_date": days(14)}
LEVELS = {"past_due": "read_only", "unpaid": "read_only", "paused": "none"}

# One row a case: what Stripe says (columns of the mirror), the settings, days since the sign-up,
# then the level, the rule, the day it ends, and the level from then on.
CASES = {
    "active": ({}, {}, 1, "full", "active", None, None),
    "active, renewal not heard of": ({}, {}, 400, "full", "active", None, None),
    "trialing": (
        {"status": "trialing", "trial_end": days(14)}, {}, 1, "full", "trial", days(14), None,
    ),
    "trialing, its end not heard of": (
        {"status": "trialing", "trial_end": days(14)}, {}, 15, "full", "trial", None, None,
    ),
    "ending at the period's end": (
        {"cancel_at_period_end": True, "current_period_end": days(30)}, {}, 1,
        "full", "ending", days(30), "none",
    ),
    "ending on a day": ({"cancel_at": days(45)}, {}, 31, "full", "ending", days(45), "none"),
    "ending, the end not heard of": (
        {"cancel_at": days(45)}, {}, 45, "none", "ended", None, None,
    ),
    "ending in its trial": (
        {"status": "trialing", "trial_end": days(14), "cancel_at": days(14)}, {}, 1,
        "full", "ending", days(14), "none",
    ),
    "payments paused": (
        {"pause_collection": PAUSED_COLLECTION}, {}, 1,
        "full", "collection_paused", days(60), "full",
    ),
    "payments paused without an end": (
        {"pause_collection": {"behavior": "void", "resumes_at": None}}, {}, 1,
        "full", "collection_paused", None, None,
    ),
    "payments paused, until it ends": (
        {"pause_collection": PAUSED_COLLECTION, "cancel_at": days(45)}, {}, 1,
        "full", "collection_paused", days(45), "none",
    ),
    "payments paused, where that gives nothing": (
        {"pause_collection": PAUSED_COLLECTION}, {"access_levels": {"collection_paused": "none"}},
        1, "none", "collection_paused", days(60), "full",
    ),
    "past due": (PAST_DUE, {}, 1, "full", "grace", days(7), "read_only"),
    "past due, the last moment of grace": (
        PAST_DUE, {}, 6.999, "full", "grace", days(7), "read_only",
    ),
    "past due, grace is over": (PAST_DUE, {}, 7, "read_only", "grace_over", None, None),
    "past due, a plan with more grace": (
        {**PAST_DUE, "plan": {"grace_days": 21}}, {}, 20, "full", "grace", days(21), "read_only",
    ),
    "past due, a plan without grace": (
        {**PAST_DUE, "plan": {"grace_days": 0}}, {}, 0.001, "read_only", "grace_over", None, None,
    ),
    "past due, a longer grace by setting": (
        PAST_DUE, {"grace_days": 30}, 29, "full", "grace", days(30), "read_only",
    ),
    "past due, nothing after grace by setting": (
        PAST_DUE, {"access_levels": {"past_due": "none"}}, 8, "none", "grace_over", None, None,
    ),
    "past due and ending within grace": (
        {**PAST_DUE, "cancel_at": days(3)}, {}, 1, "full", "grace", days(3), "none",
    ),
    "past due and ending after grace": (
        {**PAST_DUE, "cancel_at": days(30)}, {}, 8, "read_only", "grace_over", days(30), "none",
    ),
    "past due, the clock set back": (
        PAST_DUE, {}, -2, "full", "grace", days(7), "read_only",
    ),
    "past due by an invoice that was sent": (
        {**PAST_DUE, "invoice": INVOICED}, {}, 15, "full", "grace", days(21), "read_only",
    ),
    "past due, its invoice not heard of": (
        {"status": "past_due"}, {}, 1, "full", "grace", days(7), "read_only",
    ),
    "unpaid": ({"status": "unpaid", "invoice": FAILED}, {}, 20, "read_only", "unpaid", None, None),
    "unpaid, nothing by setting": (
        {"status": "unpaid", "invoice": FAILED}, {"access_levels": {"unpaid": "none"}}, 20,
        "none", "unpaid", None, None,
    ),
    "incomplete": (
        {"status": "incomplete", "invoice": FAILED}, {}, 0.1,
        "none", "first_payment_open", days(0, hours=23), None,
    ),
    "incomplete_expired": (
        {"status": "incomplete_expired"}, {}, 2, "none", "first_payment_expired", None, None,
    ),
    "paused": ({"status": "paused"}, {}, 1, "none", "paused", None, None),
    "paused, to look at by setting": (
        {"status": "paused"}, {"access_levels": {"paused": "read_only"}}, 1,
        "read_only", "paused", None, None,
    ),
    "canceled": ({"status": "canceled"}, {}, 1, "none", "cancelled", None, None),
    "deleted": ({"deleted_at": days(1)}, {}, 2, "none", "cancelled", None, None),
    "a status we do not know": (
        {"status": "hibernating"}, {}, 1, "full", "unknown_status", None, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("stripe_says", "owner_sets", "day", "level", "rule", "until", "then"),
    CASES.values(),
    ids=CASES.keys(),
)
def test_each_status_and_setting_gives_what_it_should(
    explain, mirror, set_to, clock, stripe_says, owner_sets, day, level, rule, until, then
):
    mirror(**stripe_says)
    levels = {**LEVELS, "collection_paused": "full", **owner_sets.get("access_levels", {})}
    set_to(**{**owner_sets, "access_levels": levels})
    clock.set(days(day))
    told = explain()
    assert (told["access"], told["rule"]) == (level, rule), told["output"]
    shown = f"{until:%-d %b %Y, %H:%M} UTC" if until else "open"
    assert told["until"] == shown, told["output"]
    assert told.get("then") == ((then or "decided anew") if until else None)


def test_staff_are_told_the_plan_the_object_and_a_sentence(explain, mirror, clock, northwind):
    mirror(**PAST_DUE)
    clock.set(days(1))
    told = explain()
    assert told["plan"] == "Team, 8 seats"
    assert told["object"].startswith("invoice in_")
    assert "for Team (sub_" in told["because"]
    assert "failed on 19 November 2026" in told["because"]
    assert "grace period of 7 days lasts until 26 November 2026" in told["because"]


def test_retries_do_not_move_the_end_of_grace(explain, mirror, clock):
    mirror(**PAST_DUE)
    clock.set(days(5))
    mirror(invoice={"attempt_count": 4, "next_payment_attempt": days(6)})
    assert explain()["until"].startswith("26 Nov 2026")


def test_of_several_open_invoices_the_oldest_begins_the_grace(app, explain, mirror, clock):
    mirror(**PAST_DUE)
    with app.app_context():
        first = db.session.query(Invoice).one()
        copy = {c.key: getattr(first, c.key) for c in Invoice.__table__.columns}
        later = {"stripe_id": "in_later", "finalized_at": days(3), "created": days(3)}
        db.session.add(Invoice(**{**copy, **later}))
        db.session.commit()
    clock.set(days(4))
    assert explain()["until"].startswith("26 Nov 2026")
    mirror(invoice={"status": "paid", "amount_remaining": 0})
    told = explain()
    assert told["until"].startswith("29 Nov 2026")
    assert told["object"] == "invoice in_later"


def test_the_grace_of_a_returned_bank_debit_begins_when_it_came_back(
    app, explain, northwind, stripe, deliver_webhooks, clock, sandbox
):
    customer = stripe.v1.subscriptions.retrieve(northwind).customer
    debit = stripe.v1.payment_methods.create(
        {
            "type": "us_bank_account",
            "billing_details": {"name": "Ada Lindqvist"},
            "us_bank_account": {
                "routing_number": "110000000",
                "account_number": "000222222227",  # insufficient funds
                "account_holder_type": "company",
            },
        }
    )
    stripe.v1.payment_methods.attach(debit.id, {"customer": customer})
    stripe.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": debit.id}})
    renewed = datetime(2026, 12, 19, 14, tzinfo=UTC)
    pass_time(sandbox, clock, renewed)
    deliver_webhooks()
    assert explain()["rule"] == "active"
    returned = renewed + timedelta(days=5)
    pass_time(sandbox, clock, returned)
    deliver_webhooks()
    clock.advance(days=3)
    told = explain()
    assert told["rule"] == "grace"
    assert told["until"].startswith("31 Dec 2026")  # 7 days after the 24th


def test_a_customer_who_was_deleted_may_use_nothing(app, explain, northwind):
    with app.app_context():
        db.session.query(Customer).one().deleted_at = days(1)
        db.session.commit()
    told = explain()
    assert (told["access"], told["rule"]) == ("none", "customer_deleted")
    assert told["object"].startswith("customer cus_")


def test_an_account_that_never_bought_anything_may_use_nothing(explain, people):
    people.join("ada@northwind.example")
    told = explain()
    assert (told["access"], told["rule"]) == ("none", "no_subscription")


def test_of_several_subscriptions_the_one_that_allows_most_decides(explain, mirror, subscribe):
    mirror(status="canceled")
    newer = subscribe("Northwind", "starter")
    told = explain()
    assert (told["access"], told["object"]) == ("full", f"subscription {newer}")
    assert told["plan"] == "Starter"


def test_a_subscription_in_no_plan_of_ours_still_gives_access_and_says_so(explain, mirror):
    mirror(plan={"slug": None})
    told = explain()
    assert (told["access"], told["plan"]) == ("full", "none that the portal knows")
    assert "Team (sub_" in told["because"]


def test_a_status_we_do_not_know_keeps_the_last_decision_and_alerts_once(
    app, explain, mirror, clock, caplog
):
    mirror(**PAST_DUE)
    assert explain()["rule"] == "grace"
    mirror(status="hibernating")
    clock.set(days(1))
    with caplog.at_level(logging.CRITICAL):
        told = explain()
        explain()
    assert (told["access"], told["rule"]) == ("full", "unknown_status")
    assert told["until"].startswith("26 Nov 2026")
    assert "'hibernating'" in told["because"]
    assert len([r for r in caplog.records if "hibernating" in r.getMessage()]) == 1
    with app.app_context():
        alert = db.session.query(AuditEntry).filter_by(action="access.status_unknown").one()
        assert "'hibernating'" in alert.after["because"]


def test_what_would_have_ended_ends_under_an_unknown_status_too(explain, mirror, clock):
    mirror(**PAST_DUE)
    explain()
    mirror(status="hibernating")
    clock.set(days(8))
    assert explain()["access"] == "read_only"


def test_an_unknown_status_without_a_decision_before_gives_nothing(app, explain, mirror):
    mirror(status="hibernating")
    with app.app_context():
        db.session.query(AccessDecision).delete()
        db.session.commit()
    told = explain()
    assert (told["access"], told["rule"]) == ("none", "unknown_status")


def test_each_change_is_kept_as_it_came_in_and_shown_to_staff(
    app, explain, northwind, stripe, deliver_webhooks, clock
):
    clock.set(days(3))
    stripe.v1.subscriptions.update(northwind, {"cancel_at_period_end": True})
    deliver_webhooks()
    deliver_webhooks()
    clock.set(days(4))
    stripe.v1.subscriptions.cancel(northwind)
    deliver_webhooks()
    with app.app_context():
        rows = db.session.query(AccessDecision).order_by(AccessDecision.id).all()
        kept = [(row.rule, row.level, row.at) for row in rows][-3:]
    assert kept == [
        ("active", "full", NOON),
        ("ending", "full", days(3)),
        ("cancelled", "none", days(4)),
    ]
    assert "22 Nov 2026, 12:00 UTC   full, ending: Team (sub_" in explain()["output"]


# Grants by staff


def test_a_grant_gives_access_until_the_end_of_its_last_day(app, run, explain, mirror, clock):
    mirror(status="canceled", ended_at=NOON)
    said = run("grant-access", "Northwind", "--until", "2026-11-30", "--reason", "They moved bank")
    assert said.exit_code == 0, said.output
    told = explain()
    assert (told["access"], told["rule"], told["then"]) == ("full", "grant", "none")
    assert told["because"] == "Granted by an operator until 1 December 2026: They moved bank"
    clock.set(datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    assert explain()["access"] == "full"
    clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    assert explain()["rule"] == "cancelled"


def test_a_grant_to_come_waits_for_its_first_day(run, explain, mirror, clock):
    mirror(status="unpaid", invoice=FAILED)
    options = ("--from", "2026-11-25", "--until", "2026-11-30", "--reason", "Trade fair")
    run("grant-access", "Northwind", *options)
    assert explain()["access"] == "read_only"
    clock.set(datetime(2026, 11, 25, tzinfo=UTC))
    assert explain()["access"] == "full"


def test_a_grant_never_takes_away_what_is_paid_for(run, explain, northwind):
    options = ("--until", "2026-12-30", "--level", "read_only", "--reason", "A mistake")
    run("grant-access", "Northwind", *options)
    assert explain()["rule"] == "active"


def test_a_grant_of_a_higher_plan_is_for_that_plan_and_of_a_lower_one_changes_nothing(
    run, explain, northwind
):
    base = ("grant-access", "Northwind", "--until", "2026-12-30", "--reason", "To try it")
    run(*base, "--plan", "starter")
    assert (explain()["rule"], explain()["plan"]) == ("active", "Team, 8 seats")
    run(*base, "--plan", "business")
    assert (explain()["rule"], explain()["plan"]) == ("grant", "Business, 8 seats")


def test_revoking_ends_it_at_once_and_both_are_audited_with_who_did_it(
    app, run, explain, mirror, people
):
    people.staff("femi@tidewater.example", "support")
    mirror(status="canceled", ended_at=NOON)
    by = ("--by", "femi@tidewater.example")
    run("grant-access", "Northwind", "--until", "2026-12-30", "--reason", "Goodwill", *by)
    assert "Granted by femi@tidewater.example" in explain()["because"]
    said = run("revoke-access", "Northwind", *by)
    assert "now has: none" in said.output
    assert explain()["rule"] == "cancelled"
    with app.app_context():
        entries = db.session.query(AuditEntry).filter(AuditEntry.action.like("access.%")).all()
        femi = db.session.query(User).filter_by(email="femi@tidewater.example").one().id
        assert [(e.action, e.user_id) for e in entries] == [
            ("access.granted", femi),
            ("access.revoked", femi),
        ]
        assert entries[0].after["reason"] == "Goodwill"
        assert db.session.query(AccessGrant).one().revoked_by_id == femi


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("access", "Nobody"), "No account is called 'Nobody'"),
        (("access", "Twin"), "Several accounts are called 'Twin'"),
        (
            ("grant-access", "Northwind", "--until", "2026-11-01", "--reason", "x"),
            "over before it begins",
        ),
        (("grant-access", "Northwind", "--until", "2026-12-01", "--reason", " "), "Say why"),
        (
            ("grant-access", "Northwind", "--until", "2026-12-01", "--reason", "x", "--plan", "no"),
            "No plan has the slug 'no'",
        ),
        (
            ("grant-access", "Northwind", "--until", "2026-12-01", "--reason", "x", "--by", "a@b"),
            "a@b is not staff",
        ),
        (("revoke-access", "Northwind"), "has no grant in force"),
        (("revoke-access", "Northwind", "--grant", "7"), "has no grant 7"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_nothing_is_granted(
    app, run, people, arguments, said
):
    people.join("ada@northwind.example")
    with app.app_context():
        db.session.add_all([Account(name="Twin"), Account(name="Twin")])
        db.session.commit()
    refused = run(*arguments)
    assert refused.exit_code in {1, 2}
    assert said in refused.output
    with app.app_context():
        assert db.session.query(AccessGrant).count() == 0


def test_an_account_is_found_by_its_id_and_its_stripe_customer_too(app, explain, northwind):
    with app.app_context():
        account = db.session.query(Account).one()
        names = [str(account.id), account.stripe_customer_id]
    for name in names:
        assert explain(name)["account"].startswith("Northwind")


def test_the_metadata_of_a_product_gives_its_plan_other_days_of_grace(
    app, explain, mirror, stripe, deliver_webhooks, clock
):
    with app.app_context():
        team = db.session.query(Product).filter_by(slug="team").one().stripe_id
    stripe.v1.products.update(team, {"metadata": {"grace_days": "3"}})
    deliver_webhooks()
    mirror(**PAST_DUE)
    clock.set(days(2))
    assert explain()["until"].startswith("22 Nov 2026")
