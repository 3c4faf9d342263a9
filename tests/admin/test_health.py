"""Is billing healthy: the page and the command say so in one sentence, and what to do if not."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from billing import stripe_calls, tasks
from billing.clock import machine_now, now
from billing.gateway import measured
from models import (
    AccessDecision,
    Account,
    OutboxEntry,
    StripeCalls,
    SyncProgress,
    TaskRun,
    WebhookEvent,
    db,
)
from tests.test_webhooks import an_event


@pytest.fixture
def healthy(app, catalog, deliver):
    """A portal where everything has run: a sync, the tasks, a webhook."""
    assert app.test_cli_runner().invoke(args=["billing", "sync"]).exit_code == 0
    assert app.test_cli_runner().invoke(args=["billing", "run-tasks"]).exit_code == 0
    assert deliver(an_event("climate.order.created", about={})).status_code == 200


@pytest.fixture
def admin(healthy, people):
    return people.staff_member("mira@tidewater.example", "admin")


def command(app, *options):
    done = app.test_cli_runner().invoke(args=["billing", "health", *options])
    return done.exit_code, done.output


def found(app) -> dict:
    """What monitoring is told, by check."""
    told = json.loads(command(app, "--json")[1])
    return {check["name"]: check for check in told["checks"]}


def says(admin, *words: str) -> None:
    page = admin.get("/admin/health").get_data(as_text=True)
    for word in words:
        assert word in page, word


def test_all_is_well(app, admin):
    assert command(app)[0] == 0
    assert {check["state"] for check in found(app).values()} == {"good"}
    says(admin, "Billing is healthy.", "Went well", "Calls to Stripe, last hour")


def test_a_portal_that_was_just_set_up_says_what_to_do_first(app, catalog):
    code, said = command(app)
    assert code == 1
    for word in ("no worker has ever run", "celery --app worker", "stripe-setup", "billing sync"):
        assert word in said


def test_a_worker_that_is_gone_is_noticed_within_minutes(app, admin, clock):
    clock.advance(minutes=12)
    says(admin, "no worker has run for 12 minutes", "Start one with celery --app worker")
    assert command(app)[0] == 0  # a look, not an alarm yet
    clock.advance(minutes=5)
    assert command(app)[0] == 1
    app.test_cli_runner().invoke(args=["billing", "run-tasks"])
    assert found(app)["worker"]["state"] == "good"


def test_a_task_that_fails_is_shown_with_its_words_until_it_goes_well(app, admin, monkeypatch):
    def fail():
        raise RuntimeError("out of order")

    broken = tasks.Task("sweep_inbox", tasks.TASKS[0].every, fail)
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "TASKS", (broken, *tasks.TASKS[1:]))
        for state in ("attention", "attention", "bad"):
            app.test_cli_runner().invoke(args=["billing", "run-tasks"])
            assert found(app)["tasks"]["state"] == state
    says(admin, "Sweep inbox failed: RuntimeError: out of order", "Failed")
    app.test_cli_runner().invoke(args=["billing", "run-tasks"])
    assert found(app)["tasks"]["state"] == "good"


def test_a_task_that_never_came_to_its_end_is_noticed(app, admin, clock):
    with app.app_context():
        db.session.get(TaskRun, "find_reminders").finished_at = None
        db.session.commit()
    assert found(app)["tasks"]["state"] == "good"  # it may be at it
    clock.advance(minutes=30)
    assert "has not ended" in found(app)["tasks"]["said"]


def test_webhooks_that_wait_or_were_given_up_are_counted(
    app, admin, deliver, stripe_is_down, clock
):
    up = stripe_is_down()
    deliver(an_event(id="evt_waits"))
    up()
    assert found(app)["webhooks_waiting"]["state"] == "good"  # not for long yet
    clock.advance(minutes=10)
    assert found(app)["webhooks_waiting"]["said"] == "1 webhook waits, the oldest for 10 minutes."
    assert found(app)["webhooks_waiting"]["state"] == "attention"
    clock.advance(hours=1)
    assert found(app)["webhooks_waiting"]["state"] == "bad"
    with app.app_context():
        db.session.query(WebhookEvent).filter_by(status="pending").update({"status": "failed"})
        db.session.commit()
    assert found(app)["webhooks_failed"]["figure"] == 1
    says(admin, "1 webhook was given up", "Process all failed again")


def test_silence_is_noticed_where_subscriptions_run(app, healthy, people, subscribe, clock):
    clock.advance(days=2)
    assert found(app)["webhooks_arriving"]["state"] == "good"
    people.join("ada@northwind.example")
    subscribe()
    assert found(app)["webhooks_arriving"]["state"] == "attention"


def test_mails_that_are_late_count_and_those_to_come_do_not(app, admin, clock):
    with app.app_context():
        later = now() + timedelta(days=2)
        db.session.add(OutboxEntry(key="a", kind="receipt", next_attempt_at=later))
        db.session.commit()
    assert found(app)["mails_waiting"]["state"] == "good"
    clock.advance(days=2, minutes=6)
    assert found(app)["mails_waiting"]["said"] == "1 mail waits, the oldest for 6 minutes."
    with app.app_context():
        # Tried in vain and due again only later: it waits since it was written.
        entry = db.session.query(OutboxEntry).one()
        entry.attempts, entry.next_attempt_at = 5, now() + timedelta(hours=4)
        entry.created_at = now() - timedelta(hours=3)
        db.session.commit()
    assert found(app)["mails_waiting"]["said"] == "1 mail waits, the oldest for 3 hours."
    with app.app_context():
        db.session.query(OutboxEntry).update({"status": "failed"})
        db.session.commit()
    assert found(app)["mails_failed"]["state"] == "attention"


def test_calls_that_stripe_does_not_answer_are_seen_within_the_hour(
    app, admin, deliver, stripe_is_down, clock
):
    up = stripe_is_down()
    for n in range(4):
        deliver(an_event(id=f"evt_lost_{n}"))
    up()
    clock.advance(minutes=1)
    assert found(app)["stripe"]["figure"] == 4
    clock.advance(minutes=70)
    assert "not called" in found(app)["stripe"]["said"]


def test_an_outage_of_stripe_is_told_as_one(app, healthy, deliver, stripe_is_down, clock):
    clock.advance(hours=2)
    up = stripe_is_down()
    for n in range(3):
        deliver(an_event(id=f"evt_lost_{n}"))
    assert (found(app)["stripe"]["state"], found(app)["stripe"]["short"]) == (
        "bad",
        "Stripe does not answer",
    )
    up()


def counted(app, **values):
    with app.app_context():
        minute = machine_now().replace(second=0, microsecond=0)
        db.session.add(StripeCalls(**{"minute": minute, "last_at": machine_now()} | values))
        db.session.commit()


def test_a_refused_key_is_an_alarm(app, healthy, clock):
    clock.advance(hours=2)
    counted(app, outcome="locked_out", within_ms=100, calls=1, last_ms=80)
    assert (found(app)["stripe"]["state"], found(app)["stripe"]["short"]) == (
        "bad",
        "Stripe refuses our key",
    )


def test_the_median_and_the_slowest_twentieth_are_told_apart(app, healthy, clock):
    clock.advance(hours=2)
    counted(app, outcome="answered", within_ms=100, calls=94, last_ms=80)
    counted(app, outcome="declined", within_ms=5000, calls=6, last_ms=4000)
    told = found(app)["stripe_speed"]
    assert "Half of the calls took at most 100 ms, 19 of 20 at most 5 s" in told["said"]
    assert (told["state"], told["figure"]) == ("attention", 5000)


def test_a_clock_that_goes_wrong_is_noticed_before_webhooks_are_refused(app, healthy, clock):
    clock.advance(minutes=1)
    for skew, state in ((-20, "good"), (95, "attention"), (-250, "bad")):
        counted(app, outcome="answered", within_ms=100, calls=1, last_ms=80, skew_seconds=skew)
        assert found(app)["clock"]["state"] == state
        clock.advance(minutes=1)


def test_calls_are_counted_once_and_forgotten_after_a_week(app, healthy, stripe_calls, clock):
    clock.advance(hours=2)
    began = len(stripe_calls)
    for _ in range(2):  # within one minute: they add up
        app.test_cli_runner().invoke(args=["billing", "sync"])
    made = len(stripe_calls) - began
    with app.app_context():
        assert (
            db.session.query(db.func.sum(StripeCalls.calls))
            .filter(StripeCalls.minute > machine_now() - timedelta(hours=1))
            .scalar()
            == made
        )
    clock.advance(days=8)
    app.test_cli_runner().invoke(args=["billing", "run-tasks"])
    with app.app_context():
        assert db.session.query(StripeCalls).count() == 0


def test_no_request_fails_because_its_calls_could_not_be_noted(app, healthy, stripe, deliver):
    product = stripe.v1.products.create({"name": "Team"})
    with app.app_context():
        StripeCalls.__table__.drop(db.engine)
    try:
        event = an_event(about={"object": "product", "id": product.id}, id="evt_noted")
        assert deliver(event).status_code == 200
    finally:
        with app.app_context():
            db.create_all()


def test_a_listener_that_breaks_breaks_no_call(app, healthy, stripe, deliver, monkeypatch):
    def broken(call):
        raise RuntimeError("full")

    monkeypatch.setattr(measured, "_listeners", [broken])
    product = stripe.v1.products.create({"name": "Team"})
    event = an_event(about={"object": "product", "id": product.id}, id="evt_listened")
    assert deliver(event).status_code == 200


def test_nothing_is_kept_open_while_calls_are_noted(app, healthy):
    """What the caller has not committed is neither committed nor undone by the noting."""
    with app.app_context():
        db.session.add(Account(name="Not yet"))
        stripe_calls.note(measured.Call("answered", 20, None))
        db.session.rollback()
    with app.app_context():
        assert db.session.query(Account).filter_by(name="Not yet").count() == 0
        assert stripe_calls.last() is not None


def test_a_sync_that_is_old_or_half_done_is_noticed(app, admin, clock):
    clock.advance(days=32)
    assert found(app)["sync"]["state"] == "attention"
    with app.app_context():
        db.session.get(SyncProgress, "invoice").completed_at = None
        db.session.commit()
    assert "11 of 12 kinds" in found(app)["sync"]["said"]


def test_a_new_sync_does_not_forget_when_the_last_one_ended(app, healthy):
    with app.app_context():
        db.session.query(SyncProgress).update({"finished_at": None})
        db.session.commit()
    told = found(app)["sync"]
    assert (told["state"], "Another run stands at" in told["said"]) == ("good", True)


def test_an_unknown_status_is_an_alarm_until_the_next_decision(app, healthy, people):
    account = people.join("ada@northwind.example")
    decision = {"account_id": account, "level": "full", "because": "?", "object_kind": "x"}
    with app.app_context():
        db.session.add(AccessDecision(rule="unknown_status", object_id="sub_1", **decision))
        db.session.commit()
    assert found(app)["access"]["state"] == "bad"
    with app.app_context():
        db.session.add(AccessDecision(rule="active", object_id="sub_1", **decision))
        db.session.commit()
    assert found(app)["access"]["state"] == "good"


def test_a_database_that_cannot_be_used_is_said_in_a_sentence(settings, stripe_calls):
    import dataclasses

    from billing import create_app

    app = create_app(dataclasses.replace(settings, database_url="sqlite:////nowhere/portal.db"))
    code, said = command(app)
    assert (code, "the database cannot be used" in said) == (1, True)
