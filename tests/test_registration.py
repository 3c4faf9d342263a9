"""Registering: an account with its owner, an address that must be confirmed, no one told on."""

from __future__ import annotations

import smtplib

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_mailman.backends.locmem import EmailBackend

from models import Account, AuditEntry, User
from tests.mailbox import Mailbox, open_mailbox

PASSWORD = "correct-horse-battery"
ADA = {
    "name": "Ada Lovelace",
    "account_name": "Northwind",
    "email": "ada@northwind.example",
    "password": PASSWORD,
}


@pytest.fixture
def mailbox(app: Flask) -> Mailbox:
    return open_mailbox(app)


def register(client: FlaskClient, **changes: str):
    return client.post("/register", data={**ADA, **changes})


def test_registering_opens_an_account_owned_by_the_person(client, mailbox, db_session):
    answer = register(client)
    assert answer.headers["Location"] == "/mail-sent"
    account = db_session.query(Account).one()
    assert account.name == "Northwind"
    assert [(m.user.email, m.role) for m in account.memberships] == [
        ("ada@northwind.example", "owner")
    ]
    assert db_session.query(AuditEntry).one().action == "account.opened"


def test_without_a_company_the_account_has_the_persons_name(client, mailbox, db_session):
    register(client, account_name="  ")
    assert db_session.query(Account).one().name == "Ada Lovelace"


def test_the_link_in_the_mail_confirms_the_address_and_signs_in(client, mailbox):
    register(client)
    page = client.get("/mail-sent").get_data(as_text=True)
    assert "Check your mail" in page
    assert "ada@northwind.example" in page
    assert "Open the local mailbox" not in page
    answer = client.get(mailbox.link("ada@northwind.example"), follow_redirects=True)
    assert "Your e-mail address is confirmed" in answer.get_data(as_text=True)
    assert client.get("/settings").status_code == 200


def test_registering_leads_to_the_mailbox_and_its_link_back_to_where_it_began(client, mailbox):
    form = client.get("/register?next=/plans").get_data(as_text=True)
    assert '<input type="hidden" name="after" value="/plans">' in form
    answer = client.post("/register", data=ADA | {"after": "/plans"})
    assert answer.headers["Location"] == "/mail-sent"
    confirmed = client.get(mailbox.link("ada@northwind.example"))
    assert client.get(confirmed.headers["Location"]).headers["Location"] == "/plans"


def test_registering_never_leads_to_another_site(client, mailbox):
    answer = client.post("/register", data=ADA | {"after": "https://evil.example/"})
    assert answer.headers["Location"] == "/mail-sent"
    confirmed = client.get(mailbox.link("ada@northwind.example"))
    assert client.get(confirmed.headers["Location"]).headers["Location"] == "/"


def test_nobody_signs_in_before_confirming_and_is_told_why(client, mailbox):
    register(client)
    answer = client.post("/login", data={"email": ADA["email"], "password": PASSWORD})
    assert answer.status_code == 422
    assert "Confirm your e-mail address first" in answer.get_data(as_text=True)
    assert client.get("/settings").status_code == 302


def test_only_who_knows_the_password_learns_that_confirmation_is_missing(client, mailbox):
    register(client)
    answer = client.post("/login", data={"email": ADA["email"], "password": "wrong-password"})
    assert "Confirm your e-mail address first" not in answer.get_data(as_text=True)


def test_a_new_link_can_be_asked_for(client, mailbox):
    register(client)
    answer = client.post("/confirm", data={"email": ADA["email"]})
    assert answer.headers["Location"] == "/mail-sent"
    assert len(mailbox.to(ADA["email"])) == 2
    client.get(mailbox.link(ADA["email"]))
    assert client.get("/settings").status_code == 200


def test_an_old_link_is_refused_and_offers_a_new_one(client, mailbox, clock):
    register(client)
    clock.advance(days=3)
    answer = client.get(mailbox.link(ADA["email"]), follow_redirects=True)
    assert "This link has expired" in answer.get_data(as_text=True)
    assert "Send a new link" in answer.get_data(as_text=True)


def test_a_known_address_is_answered_like_a_new_one(app, client, people, mailbox, db_session):
    new = register(client, email="new@northwind.example")
    new_page = client.get("/mail-sent").get_data(as_text=True)
    people.join("known@northwind.example", "Other")
    other = app.test_client()
    known = register(other, email="known@northwind.example")
    known_page = other.get("/mail-sent").get_data(as_text=True)
    assert (known.status_code, known.headers["Location"]) == (
        new.status_code,
        new.headers["Location"],
    )
    assert known_page.replace("known@", "new@").count("new@northwind.example") == new_page.count(
        "new@northwind.example"
    )
    assert "You have an account already" in mailbox.to("known@northwind.example")[0].body
    assert db_session.query(User).filter_by(email="known@northwind.example").count() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "Enter a name"),
        ({"name": "x" * 201}, "Use 200 letters at most"),
        ({"account_name": "x" * 201}, "Use 200 letters at most"),
        ({"account_name": "Two\nlines"}, "on one line"),
        ({"email": "nothing"}, "does not look like an e-mail address"),
        ({"password": "short"}, "at least 10 characters"),
    ],
)
def test_what_cannot_be_accepted_is_said_and_what_was_typed_is_kept(client, changes, said):
    answer = register(client, **changes)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert said in page
    assert "ada@northwind.example" in page or "email" in changes
    assert PASSWORD not in page


def test_a_failing_mail_server_is_told_and_the_registration_stands(client, mailbox, monkeypatch):
    def refuse(self, messages):
        raise smtplib.SMTPServerDisconnected("gone")

    with monkeypatch.context() as broken:
        broken.setattr(EmailBackend, "send_messages", refuse)
        assert register(client).status_code == 302
    page = client.get("/mail-sent").get_data(as_text=True)
    assert "The mail was not sent" in page
    assert "Your registration is saved" in page
    assert "Send it again" in page
    client.post("/confirm", data={"email": ADA["email"]})
    client.get(mailbox.link(ADA["email"]))
    assert client.get("/settings").status_code == 200


def test_mails_to_one_address_are_limited_with_the_time_to_wait(limited):
    client = limited.test_client()
    answers = [client.post("/reset", data={"email": "a@b.example"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [302] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
