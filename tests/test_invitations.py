"""Invitations by mail: for one address, once, for seven days."""

from __future__ import annotations

import smtplib
import threading

import pytest
from flask_mailman.backends.locmem import EmailBackend

from billing import invitations
from models import Account, AuditEntry, Invitation, Membership, User, db
from tests.conftest import PASSWORD
from tests.mailbox import open_mailbox

ADA, BEN = "ada@northwind.example", "ben@northwind.example"


@pytest.fixture
def mailbox(app):
    return open_mailbox(app)


@pytest.fixture
def owner(people):
    return people.owner(ADA)


def invite(client, email=BEN, role="billing"):
    return client.post("/invitations", data={"email": email, "role": role})


def join(client, link, name="Ben Bitdiddle", password=PASSWORD):
    return client.post(f"{link}/register", data={"name": name, "password": password})


@pytest.fixture
def roles(app):
    def now():
        with app.app_context():
            rows = db.session.query(Account.name, User.email, Membership.role)
            return sorted(tuple(r) for r in rows.join(Membership.account).join(Membership.user))

    return now


def test_a_new_person_registers_by_the_invitation_and_joins_that_account(
    app, owner, client, mailbox, roles
):
    assert invite(owner).headers["Location"] == "/members"
    page = owner.get("/members").get_data(as_text=True)
    assert BEN in page
    assert "open until" in page
    link = mailbox.link(BEN)
    shown = client.get(link).get_data(as_text=True)
    assert "Join Northwind" in shown
    assert BEN in shown
    assert join(client, link).headers["Location"] == "/"
    assert roles() == [("Northwind", ADA, "owner"), ("Northwind", BEN, "billing")]
    assert client.get("/members").status_code == 200
    with app.app_context():
        assert db.session.query(User).filter_by(email=BEN).one().confirmed_at is not None
        actions = [e.action for e in db.session.query(AuditEntry).order_by(AuditEntry.id)]
        assert actions == ["invitation.sent", "invitation.accepted"]


def test_an_existing_person_signs_in_and_accepts(people, owner, client, mailbox, roles):
    people.join(BEN, "Southwind")
    invite(owner, role="viewer")
    link = mailbox.link(BEN)
    page = client.get(link).get_data(as_text=True)
    assert "Sign in to accept" in page
    assert 'name="password"' not in page
    assert client.post(link).headers["Location"].startswith("/login")
    client.post("/login", data={"email": BEN, "password": PASSWORD})
    assert client.post(link).headers["Location"] == "/"
    assert ("Northwind", BEN, "viewer") in roles()
    assert ("Southwind", BEN, "owner") in roles()
    page = client.get("/settings").get_data(as_text=True)
    assert "Switch to it" in page


def test_an_invitation_is_for_one_address(people, owner, mailbox, roles):
    invite(owner)
    people.join("mallory@evil.example", "Evil")
    mallory = people.sign_in("mallory@evil.example")
    link = mailbox.link(BEN)
    assert "you are signed in as mallory@evil.example" in mallory.get(link).get_data(as_text=True)
    assert mallory.post(link).status_code == 409
    join(mallory, link)
    assert ("Northwind", "mallory@evil.example", "billing") not in roles()
    assert len(roles()) == 2


def test_an_invitation_works_once(app, owner, client, mailbox):
    invite(owner)
    link = mailbox.link(BEN)
    join(client, link)
    answer = app.test_client().get(link)
    assert answer.status_code == 410
    assert "accepted before" in answer.get_data(as_text=True)
    assert join(app.test_client(), link).status_code in {409, 410}
    assert client.post(link).status_code == 410


def test_two_answers_to_one_invitation_at_once_make_one_member(
    app, owner, mailbox, roles, monkeypatch
):
    invite(owner)
    link = mailbox.link(BEN)
    both_let_in = threading.Barrier(2, timeout=20)
    hold = invitations.hold_account

    def meet_then_hold(account_id):
        both_let_in.wait()
        hold(account_id)

    monkeypatch.setattr(invitations, "hold_account", meet_then_hold)
    statuses = []
    threads = [
        threading.Thread(
            target=lambda client=client: statuses.append(join(client, link).status_code)
        )
        for client in (app.test_client(), app.test_client())
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [302, 410]
    assert roles() == [("Northwind", ADA, "owner"), ("Northwind", BEN, "billing")]


def test_a_withdrawn_invitation_opens_nothing(owner, client, mailbox, app, roles):
    invite(owner)
    link = mailbox.link(BEN)
    with app.app_context():
        invitation_id = db.session.query(Invitation.id).scalar()
    owner.post(f"/invitations/{invitation_id}/revoke")
    assert "open until" not in owner.get("/members").get_data(as_text=True)
    assert client.get(link).status_code == 410
    assert join(client, link).status_code == 410
    assert roles() == [("Northwind", ADA, "owner")]


def test_an_invitation_ends_after_seven_days_and_can_be_sent_again(
    app, owner, client, mailbox, clock
):
    invite(owner)
    link = mailbox.link(BEN)
    clock.advance(days=7, seconds=1)
    assert client.get(link).status_code == 410
    assert join(client, link).status_code == 410
    assert "expired on" in owner.get("/members").get_data(as_text=True)
    with app.app_context():
        invitation_id = db.session.query(Invitation.id).scalar()
    owner.post(f"/invitations/{invitation_id}/resend")
    assert len(mailbox.to(BEN)) == 2
    assert join(client, mailbox.link(BEN)).status_code == 302


@pytest.mark.parametrize("token", ["nonsense", "MQ.AAAA", "IjEi"])
def test_a_token_we_did_not_sign_is_not_found(client, token):
    assert client.get(f"/join/{token}").status_code == 404
    assert join(client, f"/join/{token}").status_code == 404


def test_inviting_a_member_or_twice_says_so(people, owner, mailbox):
    people.join(BEN, role="viewer")
    answer = invite(owner, BEN.upper())
    assert answer.status_code == 422
    assert "is a member of Northwind already" in answer.get_data(as_text=True)
    assert invite(owner, "cleo@northwind.example").status_code == 302
    answer = invite(owner, "Cleo@northwind.example")
    assert answer.status_code == 422
    assert "has an open invitation already" in answer.get_data(as_text=True)
    assert len(mailbox) == 1


def test_what_was_typed_wrongly_is_kept(owner, mailbox):
    answer = invite(owner, "not-an-address")
    assert answer.status_code == 422
    assert 'value="not-an-address"' in answer.get_data(as_text=True)
    assert mailbox == []


def test_a_role_that_does_not_exist_is_refused(owner, mailbox):
    assert invite(owner, role="admin").status_code == 422
    assert mailbox == []


def test_whoever_registered_an_address_without_confirming_it_gains_nothing(
    app, owner, mailbox, client, roles
):
    """A stranger registers Ben's address, hoping that an invitation will confirm it."""
    stranger = app.test_client()
    stranger.post(
        "/register", data={"name": "Not Ben", "email": BEN, "password": "password-of-a-stranger"}
    )
    invite(owner)
    join(client, mailbox.link(BEN))
    assert ("Northwind", BEN, "billing") in roles()
    attempt = {"email": BEN, "password": "password-of-a-stranger"}
    assert stranger.post("/login", data=attempt).status_code == 422


def test_a_failing_mail_server_keeps_the_invitation_to_be_sent_again(
    app, owner, mailbox, monkeypatch
):
    def refuse(self, messages):
        raise smtplib.SMTPServerDisconnected("gone")

    with monkeypatch.context() as broken:
        broken.setattr(EmailBackend, "send_messages", refuse)
        assert invite(owner).status_code == 302
    page = owner.get("/members").get_data(as_text=True)
    assert "the mail could not be sent" in page
    with app.app_context():
        invitation_id = db.session.query(Invitation.id).scalar()
    owner.post(f"/invitations/{invitation_id}/resend")
    assert len(mailbox.to(BEN)) == 1


def test_a_password_that_is_too_short_is_refused_and_the_name_kept(owner, client, mailbox):
    invite(owner)
    answer = join(client, mailbox.link(BEN), password="short")
    assert answer.status_code == 422
    assert "at least 10 characters" in answer.get_data(as_text=True)
    assert "Ben Bitdiddle" in answer.get_data(as_text=True)
