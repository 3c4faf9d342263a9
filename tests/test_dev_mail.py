"""The local mailbox: only with the sandbox, only for this machine, only mails."""

from __future__ import annotations

import dataclasses
import os
import re

import pytest

import config
from tests.conftest import SITE, portal_with

ADA = {
    "name": "Ada",
    "account_name": "Northwind",
    "email": "ada@northwind.example",
    "password": "correct-horse-battery",
}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "mail"


@pytest.fixture
def client(settings, stripe_calls, folder):
    """A visitor of a portal that keeps its mails, as the demo does."""
    mail = config.Mail(sender="billing@tidewater.example", folder=folder)
    for app in portal_with(dataclasses.replace(settings, testing=False, mail=mail)):
        yield app.test_client()


def test_registering_in_the_demo_goes_through_the_local_mailbox(client):
    client.post("/register", data=ADA)
    assert 'href="/dev/mail"' in client.get("/mail-sent").get_data(as_text=True)
    box = client.get("/dev/mail").get_data(as_text=True)
    assert "Your Tidewater account" in box
    mail = client.get(re.search(r"/dev/mail/[\d-]+", box)[0]).get_data(as_text=True)
    assert "Tidewater &lt;billing@tidewater.example&gt;" in mail
    link = re.search(r'href="(http://127.0.0.1:8000/confirm/[^"]+)"', mail)[1]
    client.get(link.removeprefix(SITE))
    assert client.get("/settings").status_code == 200


def test_the_newest_mail_comes_first(client, clock):
    client.post("/register", data=ADA)
    clock.advance(minutes=1)
    client.post("/confirm", data={"email": ADA["email"]})
    box = client.get("/dev/mail").get_data(as_text=True)
    assert box.index("Confirm your e-mail address") < box.index("Your Tidewater account")


def test_the_html_part_is_shown_in_a_frame_that_can_run_nothing(client):
    client.post("/register", data=ADA)
    path = re.search(r"/dev/mail/[\d-]+", client.get("/dev/mail").get_data(as_text=True))[0]
    page = client.get(path)
    assert f'src="{path}/html"' in page.get_data(as_text=True)
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    frame = client.get(f"{path}/html")
    policy = frame.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox" in policy
    assert "Confirm my address" in frame.get_data(as_text=True)


def test_an_empty_mailbox_says_what_will_appear(client):
    assert "No mail yet" in client.get("/dev/mail").get_data(as_text=True)


def test_without_a_mail_folder_the_mailbox_does_not_exist(app):
    client = app.test_client()
    for path in ("/dev/mail", "/dev/mail/20261119-120000-1", "/dev/mail/x/html"):
        assert client.get(path).status_code == 404


def test_only_this_machine_may_look(client):
    from_here = {"REMOTE_ADDR": "::1"}
    from_afar = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get("/dev/mail", environ_overrides=from_here).status_code == 200
    assert client.get("/dev/mail", environ_overrides=from_afar).status_code == 404


@pytest.mark.parametrize(
    "mail_id",
    ["..%2Fsecret", "%2e%2e", "secret", "..%5Csecret", "20261119-120000-9"],
)
def test_only_mails_can_be_read(client, folder, mail_id):
    folder.mkdir()
    (folder / "secret.log").write_text("Subject: topsecret\n\ntopsecret")
    (folder.parent / "secret.log").write_text("Subject: topsecret\n\ntopsecret")
    answer = client.get(f"/dev/mail/{mail_id}")
    assert answer.status_code == 404
    assert "topsecret" not in client.get("/dev/mail").get_data(as_text=True)


def test_a_full_mailbox_shows_the_latest_two_hundred(client, folder, clock):
    folder.mkdir()
    for number in range(205):
        file = folder / f"20261119-120000-{number}.log"
        file.write_text(f"Subject: Mail number {number}.\nTo: ada@northwind.example\n\nHello")
        os.utime(file, (number, number))
    box = client.get("/dev/mail").get_data(as_text=True)
    assert box.count("Mail number ") == 200
    assert box.index("Mail number 204.") < box.index("Mail number 5.")
    assert "Mail number 4." not in box
