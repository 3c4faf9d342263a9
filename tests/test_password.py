"""A forgotten password, a changed one, a changed address: each told to whom it concerns."""

from __future__ import annotations

import pytest

from tests.conftest import PASSWORD, SITE
from tests.mailbox import open_mailbox

ADA = "ada@northwind.example"
NEW = "another-good-password"


@pytest.fixture
def mailbox(app):
    return open_mailbox(app)


def set_new(client, path, password=NEW, again=NEW):
    return client.post(path, data={"password": password, "password_confirm": again})


def test_a_forgotten_password_is_set_anew_by_mail(client, people, mailbox):
    people.join(ADA)
    client.post("/reset", data={"email": ADA})
    link = mailbox.link(ADA)
    assert client.get(link).status_code == 200
    assert set_new(client, link).headers["Location"] == "/login"
    assert client.post("/login", data={"email": ADA, "password": PASSWORD}).status_code == 422
    assert client.post("/login", data={"email": ADA, "password": NEW}).status_code == 302
    assert "your password was set anew" in mailbox.to(ADA)[-1].body


def test_setting_it_anew_signs_out_every_device(client, people, mailbox):
    elsewhere = people.owner(ADA)
    client.post("/reset", data={"email": ADA})
    set_new(client, mailbox.link(ADA))
    assert elsewhere.get("/settings").status_code == 302


def test_links_in_mails_lead_to_the_site_whatever_host_was_asked(client, people, mailbox):
    people.join(ADA)
    elsewhere = "http://127.0.0.1:6666"
    client.post("/reset", base_url=elsewhere, data={"email": ADA})
    body = mailbox.to(ADA)[-1].body
    assert SITE in body
    assert elsewhere not in body


def test_the_reset_link_works_once(client, people, mailbox):
    people.join(ADA)
    client.post("/reset", data={"email": ADA})
    link = mailbox.link(ADA)
    set_new(client, link)
    answer = client.get(link, follow_redirects=True)
    assert "not valid any more" in answer.get_data(as_text=True)


def test_the_reset_link_expires_after_a_day(client, people, mailbox, clock):
    people.join(ADA)
    client.post("/reset", data={"email": ADA})
    clock.advance(hours=25)
    answer = client.get(mailbox.link(ADA), follow_redirects=True)
    assert "This link has expired" in answer.get_data(as_text=True)


def test_asking_for_an_unknown_address_looks_the_same_and_sends_nothing(client, people, mailbox):
    people.join(ADA)
    known = client.post("/reset", data={"email": ADA})
    unknown = client.post("/reset", data={"email": "nobody@northwind.example"})
    assert known.status_code == unknown.status_code == 302
    assert known.headers["Location"] == unknown.headers["Location"] == "/mail-sent"
    assert [mail.to for mail in mailbox] == [[ADA]]


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [("short", "short", "at least 10"), (NEW, "different-password", "not the same")],
)
def test_a_new_password_that_cannot_be_is_refused(client, people, mailbox, password, again, said):
    people.join(ADA)
    client.post("/reset", data={"email": ADA})
    answer = set_new(client, mailbox.link(ADA), password, again)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)


def change(client, old=PASSWORD, new=NEW):
    return client.post(
        "/change", data={"password": old, "new_password": new, "new_password_confirm": new}
    )


def test_changing_the_password_keeps_this_device_and_ends_the_others(people, mailbox):
    here, elsewhere = people.owner(ADA), people.sign_in(ADA)
    assert change(here).headers["Location"] == "/settings"
    assert here.get("/settings").status_code == 200
    assert elsewhere.get("/settings").status_code == 302
    assert "your password was changed" in mailbox.to(ADA)[-1].body


def test_changing_the_password_takes_the_present_one(people):
    answer = change(people.owner(ADA), old="not-my-password")
    assert answer.status_code == 422
    assert "This is not your password" in answer.get_data(as_text=True)


def test_the_address_changes_when_the_new_one_is_confirmed(people, mailbox):
    client = people.owner(ADA)
    answer = client.post("/change-email", data={"email": "ada@lovelace.example"})
    assert answer.headers["Location"] == "/mail-sent"
    assert "ada@lovelace.example" in client.get("/mail-sent").get_data(as_text=True)
    assert ADA in client.get("/settings").get_data(as_text=True)
    client.get(mailbox.link("ada@lovelace.example"))
    assert "ada@lovelace.example" in client.get("/settings").get_data(as_text=True)
    assert "was changed from" in mailbox.to(ADA)[-1].body


def test_an_address_of_someone_else_is_not_revealed_and_not_taken(people, mailbox):
    people.join("bob@northwind.example", "Other")
    client = people.owner(ADA)
    answer = client.post("/change-email", data={"email": "bob@northwind.example"})
    assert answer.headers["Location"] == "/mail-sent"
    assert mailbox == []


def test_after_an_hour_sensitive_pages_ask_who_is_there(people, clock):
    client = people.owner(ADA)
    assert client.get("/change-email").status_code == 200
    clock.advance(hours=2)
    asked = client.get("/change-email")
    assert asked.headers["Location"].startswith("/verify?next=")
    assert client.post(asked.headers["Location"], data={"password": "wrong"}).status_code == 422
    answer = client.post(asked.headers["Location"], data={"password": PASSWORD})
    assert answer.headers["Location"] == "/change-email"
    assert client.get("/change-email").status_code == 200
