"""The audit log: found by who, action, account and day; read as before and after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models import AuditEntry, User, db

STAFF = ("--role", "support", "--password", "correct-horse-battery-staple")
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture
def admin(people):
    return people.staff_member("mira@tidewater.example", "admin")


@pytest.fixture
def entries(app, admin, people):
    """Three entries: Mira's of the 18th, a task's of the 17th, a command's of the 16th."""
    northwind = people.join("ada@northwind.example", "Northwind")
    with app.app_context():
        mira = db.session.query(User).filter_by(email="mira@tidewater.example").one()
        db.session.add_all(
            [
                AuditEntry(
                    at=NOON,
                    user=mira,
                    account_id=northwind,
                    action="invoice.refunded",
                    subject="in_1",
                    before={"currency": "jpy", "amount_paid": 4900, "address": {"city": "Bonn"}},
                    after={"currency": "jpy", "amount_paid": 4000, "address": {"city": "Köln"}},
                    ip="203.0.113.7",
                ),
                AuditEntry(
                    at=NOON - timedelta(days=1),
                    done_by="task resume_paused",
                    action="subscription.resumed",
                    subject="sub_1",
                ),
                AuditEntry(
                    at=NOON - timedelta(days=2),
                    done_by="command create-staff",
                    action="staff.role_granted",
                    after={"role": "admin", "notify": True},
                ),
            ]
        )
        db.session.commit()
    return northwind


def page(admin, address: str) -> str:
    answer = admin.get(address)
    assert answer.status_code == 200, address
    return answer.get_data(as_text=True)


WORDS = {
    "refunded": "Invoice: refunded</a>",
    "resumed": "Subscription: resumed</a>",
    "granted": "Staff: role granted</a>",
}


def test_each_filter_finds_what_it_says(admin, entries):
    searches = {
        "": {"refunded", "resumed", "granted"},
        "who=mira": {"refunded"},
        "who=MIRA@tidewater.example": {"refunded"},
        "who=nobody": {"resumed", "granted"},
        "who=somebody": set(),
        "who=%25": set(),
        "action=subscription.resumed": {"resumed"},
        "action=access.status_unknown": set(),
        f"account={entries}": {"refunded"},
        "account=99999999999999999": set(),
        "day=2026-11-17": {"resumed"},
        "day=2026-11-18&who=mira": {"refunded"},
    }
    for search, found in searches.items():
        listed = page(admin, f"/admin/audit?{search}")
        assert {name for name, word in WORDS.items() if word in listed} == found, search


def test_the_newest_is_first(admin, entries):
    listed = page(admin, "/admin/audit")
    places = [listed.index(word) for word in WORDS.values()]
    assert places == sorted(places)


def test_a_filter_that_makes_no_sense_is_said_at_its_field(admin):
    for search in ("account=x", "day=yesterday"):
        answer = admin.get(f"/admin/audit?{search}")
        assert (answer.status_code, "field-error" in answer.get_data(as_text=True)) == (422, True)


def test_an_action_can_be_chosen_from_those_that_happened(admin, entries):
    listed = page(admin, "/admin/audit")
    for action in ("invoice.refunded", "staff.role_granted", "subscription.resumed"):
        assert f'<option value="{action}">' in listed


def test_an_entry_reads_as_what_differs_with_amounts_in_their_currency(app, admin, entries):
    shown = page(admin, "/admin/audit/" + number(app, "invoice.refunded"))
    for said in ("<del>Bonn</del>", "<ins>Köln</ins>", "address, city", "203.0.113.7", "Northwind"):
        assert said in shown
    assert "<del>¥4,900</del>" in shown
    assert "<ins>¥4,000</ins>" in shown
    assert "<del>jpy</del>" not in shown  # it is the same on both sides


def test_a_price_changes_entry_has_each_amount_in_its_currency_and_leads_to_it(app, admin):
    with app.app_context():
        entry = AuditEntry(
            at=NOON,
            action="price_change.confirmed",
            subject="price_change:7",
            after={"amounts": {"usd": 5400, "jpy": 8200}},
        )
        db.session.add(entry)
        db.session.commit()
    shown = page(admin, "/admin/audit/" + number(app, "price_change.confirmed"))
    assert "<ins>$54.00</ins>" in shown
    assert "<ins>¥8,200</ins>" in shown
    assert '<a href="/admin/price-changes/7">Price change 7</a>' in shown


def test_what_no_person_did_says_which_command_or_task_did_it(app, admin, entries):
    assert "Background task resume_paused" in page(
        admin, "/admin/audit/" + number(app, "subscription.resumed")
    )
    shown = page(admin, "/admin/audit/" + number(app, "staff.role_granted"))
    assert "Command create-staff" in shown
    assert "<ins>yes</ins>" in shown


def number(app, action: str) -> str:
    with app.app_context():
        return str(db.session.query(AuditEntry.id).filter_by(action=action).scalar())


def test_commands_and_tasks_are_recorded_by_their_names(app, admin, people, monkeypatch):
    from billing import audit, tasks

    run = app.test_cli_runner().invoke
    made = run(args=["billing", "create-staff", "new@example.com", *STAFF])
    assert made.exit_code == 0, made.output

    def resume():
        audit.record("subscription.resumed", "sub_1")
        db.session.commit()

    resuming = tasks.Task("resume_paused", timedelta(minutes=1), resume)
    monkeypatch.setattr(tasks, "TASKS", (resuming,))
    assert run(args=["billing", "run-tasks"]).exit_code == 0
    listed = page(admin, "/admin/audit?who=nobody")
    assert "Command create-staff" in listed
    assert "Background task resume_paused" in listed


def test_nothing_can_be_changed_here(admin, entries):
    for address in ("/admin/audit", "/admin/audit/1"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert admin.open(address, method=method).status_code == 405


def test_an_empty_log_says_what_will_appear(app, admin):
    with app.app_context():
        db.session.query(AuditEntry).delete()
        db.session.commit()
    assert "Nothing has been done yet" in page(admin, "/admin/audit")
