"""Members and their roles; an account never loses its last owner."""

from __future__ import annotations

import contextlib
import threading

import pytest

from billing import members
from models import AuditEntry, Membership, User, db

ADA, BEN, CLEO = "ada@northwind.example", "ben@northwind.example", "cleo@northwind.example"


@pytest.fixture
def roles(app):
    """The role of each member of Northwind, by address, as the database has it now."""

    def now():
        with app.app_context():
            rows = db.session.query(User.email, Membership.role).join(Membership.user)
            return dict(rows.order_by(User.email).all())

    return now


@pytest.fixture
def of(app):
    """The id of a person's membership."""

    def find(email):
        with app.app_context():
            return db.session.query(Membership.id).join(User).filter(User.email == email).scalar()

    return find


def audited(app):
    with app.app_context():
        return [entry.action for entry in db.session.query(AuditEntry).order_by(AuditEntry.id)]


def test_every_member_sees_who_belongs_and_only_owners_can_change_it(people):
    owner = people.owner(ADA)
    people.join(BEN, role="billing")
    people.join(CLEO, role="viewer")
    page = owner.get("/members").get_data(as_text=True)
    for email in (ADA, BEN, CLEO):
        assert email in page
    assert "Send invitation" in page
    for email in (BEN, CLEO):
        page = people.sign_in(email).get("/members").get_data(as_text=True)
        assert ADA in page
        assert "Send invitation" not in page
        assert "/remove" not in page


def test_an_owner_changes_a_role(app, people, roles, of):
    owner = people.owner(ADA)
    people.join(BEN, role="viewer")
    answer = owner.post(f"/members/{of(BEN)}/role", data={"role": "billing"})
    assert answer.headers["Location"] == "/members"
    assert roles() == {ADA: "owner", BEN: "billing"}
    assert audited(app) == ["member.role_changed"]
    with app.app_context():
        entry = db.session.query(AuditEntry).one()
        assert (entry.before, entry.after) == (
            {"member": BEN, "role": "viewer"},
            {"member": BEN, "role": "billing"},
        )
        assert entry.user.email == ADA
        assert entry.account.name == "Northwind"


def test_a_role_that_does_not_exist_is_refused(people, roles, of):
    owner = people.owner(ADA)
    assert owner.post(f"/members/{of(ADA)}/role", data={"role": "admin"}).status_code == 400
    assert roles() == {ADA: "owner"}


def test_a_removed_member_loses_access_at_once(app, people, roles, of):
    owner = people.owner(ADA)
    people.join(BEN, role="billing")
    ben = people.sign_in(BEN)
    assert ben.get("/members").status_code == 200
    owner.post(f"/members/{of(BEN)}/remove")
    assert roles() == {ADA: "owner"}
    assert ben.get("/members").headers["Location"] == "/settings"
    assert "You belong to no account" in ben.get("/settings").get_data(as_text=True)
    assert audited(app) == ["member.removed"]


def test_a_member_can_leave(app, people, roles):
    people.owner(ADA)
    people.join(BEN, role="viewer")
    answer = people.sign_in(BEN).post("/members/leave", follow_redirects=True)
    assert "You left Northwind" in answer.get_data(as_text=True)
    assert roles() == {ADA: "owner"}
    assert audited(app) == ["member.left"]


@pytest.mark.parametrize("action", ["leave", "remove", "demote"])
def test_the_last_owner_stays(people, roles, of, action):
    owner = people.owner(ADA)
    people.join(BEN, role="billing")
    answer = {
        "leave": lambda: owner.post("/members/leave"),
        "remove": lambda: owner.post(f"/members/{of(ADA)}/remove"),
        "demote": lambda: owner.post(f"/members/{of(ADA)}/role", data={"role": "viewer"}),
    }[action]()
    assert answer.status_code == 409
    assert "An account needs an owner" in answer.get_data(as_text=True)
    assert roles() == {ADA: "owner", BEN: "billing"}


def test_an_owner_can_leave_when_another_remains(people, roles):
    people.owner(ADA)
    people.join(BEN, role="owner")
    assert people.sign_in(ADA).post("/members/leave").status_code == 302
    assert roles() == {BEN: "owner"}


@pytest.mark.parametrize(
    "requests",
    [
        lambda a, b, of: (
            lambda: a.post(f"/members/{of(BEN)}/role", data={"role": "viewer"}),
            lambda: b.post(f"/members/{of(ADA)}/role", data={"role": "viewer"}),
        ),
        lambda a, b, of: (
            lambda: a.post(f"/members/{of(BEN)}/remove"),
            lambda: b.post(f"/members/{of(ADA)}/remove"),
        ),
        lambda a, b, of: (
            lambda: a.post("/members/leave"),
            lambda: b.post("/members/leave"),
        ),
    ],
    ids=["demote each other", "remove each other", "both leave"],
)
def test_two_owners_acting_at_once_leave_one_owner(people, roles, of, monkeypatch, requests):
    """Each has been let in before either takes hold of the account.

    The first to count the owners waits a moment for the second: only if the account is not
    held can the second get there, count the same owners, and undo the account's last one.
    """
    ada = people.owner(ADA)
    people.join(BEN, role="owner")
    ben = people.sign_in(BEN)
    both_let_in = threading.Barrier(2, timeout=20)
    both_counted = threading.Barrier(2, timeout=0.3)
    hold, count = members.hold_account, members._refuse_for_last_owner

    def meet_then_hold(account_id):
        both_let_in.wait()
        hold(account_id)

    def count_then_meet(membership):
        count(membership)
        with contextlib.suppress(threading.BrokenBarrierError):
            both_counted.wait()

    monkeypatch.setattr(members, "hold_account", meet_then_hold)
    monkeypatch.setattr(members, "_refuse_for_last_owner", count_then_meet)
    statuses = []
    threads = [
        threading.Thread(target=lambda send=send: statuses.append(send().status_code))
        for send in requests(ada, ben, of)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [302, 409]
    assert list(roles().values()).count("owner") == 1


@pytest.mark.parametrize("role", ["billing", "viewer"])
def test_only_owners_change_members(people, roles, of, role):
    people.owner(ADA)
    people.join(BEN, role=role)
    ben = people.sign_in(BEN)
    for path, data in (
        (f"/members/{of(BEN)}/role", {"role": "owner"}),
        (f"/members/{of(ADA)}/remove", {}),
        ("/invitations", {"email": CLEO, "role": "owner"}),
        ("/accounts/name", {"name": "Mine"}),
    ):
        assert ben.post(path, data=data).status_code == 403, path
    assert roles() == {ADA: "owner", BEN: role}
