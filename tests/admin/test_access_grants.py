"""Access that staff give an account, and take back."""

from __future__ import annotations

import re

import pytest

from models import AccessGrant, AuditEntry, db

FORM = {"level": "full", "plan": "", "last_day": "2026-12-31", "reason": "Outage of 3 November"}


@pytest.fixture
def northwind(people):
    return people.join("ada@sea.example", "Northwind")


@pytest.fixture
def support(northwind, people):
    return people.staff_member("sue@tidewater.example", "support")


def address(number):
    return f"/admin/customers/{number}/access-grants/new"


def test_support_grants_access_until_a_day_with_a_reason_and_it_is_audited(app, support, northwind):
    answer = support.post(address(northwind), data=FORM, follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert "Granted until 31 December 2026" in page
    assert "Granted by sue@tidewater.example until 31 December 2026: Outage of 3 November" in page
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="access.granted").one()
        assert entry.account_id == northwind
        assert entry.user.email == "sue@tidewater.example"
        assert entry.after["reason"] == "Outage of 3 November"


def test_pressing_twice_grants_once(app, support, northwind):
    for _ in range(2):
        support.post(address(northwind), data=FORM)
    with app.app_context():
        assert db.session.query(AccessGrant).count() == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"reason": "  "}, "Say why"),
        ({"reason": "x" * 501}, "under 500 characters"),
        ({"last_day": "2026-11-18"}, "This day is over"),
        ({"last_day": "2099-01-01"}, "Five years at most"),
        ({"last_day": "soon"}, "Give a day as 2026-11-30."),
        ({"last_day": ""}, "Give a day as 2026-11-30."),
        ({"level": "none"}, "Not a valid choice"),
        ({"plan": "prod_of_nobody"}, "Not a valid choice"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    app, support, northwind, wrong, said
):
    answer = support.post(address(northwind), data={**FORM, **wrong})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert said in page
    assert "reason" in wrong or "Outage of 3 November" in page
    with app.app_context():
        assert db.session.query(AccessGrant).count() == 0


def test_a_grant_is_revoked_after_saying_what_is_left(app, support, northwind):
    page = support.post(address(northwind), data=FORM, follow_redirects=True)
    revocation = re.search(r'href="([^"]*/revocation)"', page.get_data(as_text=True))[1]
    asked = support.get(revocation).get_data(as_text=True)
    assert "The account never bought anything." in asked
    assert "No access" in asked
    page = support.post(revocation, follow_redirects=True).get_data(as_text=True)
    assert "The grant is revoked" in page
    assert "Why does this account have no access?" in page
    again = support.post(revocation, follow_redirects=True).get_data(as_text=True)
    assert "revoked already" in again
    with app.app_context():
        entries = db.session.query(AuditEntry).filter_by(action="access.revoked").all()
        assert [entry.user.email for entry in entries] == ["sue@tidewater.example"]


def test_a_grant_of_another_account_is_not_found(app, support, northwind, people):
    other = people.join("eve@evil.example", "Evil")
    support.post(address(northwind), data=FORM)
    with app.app_context():
        grant = db.session.query(AccessGrant.id).scalar()
    assert (
        support.get(f"/admin/customers/{other}/access-grants/{grant}/revocation").status_code == 404
    )


def test_finance_sees_grants_and_no_button_for_them(support, northwind, people):
    support.post(address(northwind), data=FORM)
    finance = people.staff_member("fay@tidewater.example", "finance")
    page = finance.get(f"/admin/customers/{northwind}").get_data(as_text=True)
    assert "Outage of 3 November" in page
    assert "Grant access" not in page
    assert "revocation" not in page
