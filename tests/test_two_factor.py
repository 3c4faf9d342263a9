"""Two-factor sign-in by an authenticator app, recovery codes, and staff who must have it."""

from __future__ import annotations

import dataclasses
import re

import pytest

from billing import create_app
from models import db
from tests.conftest import PASSWORD, Browser, People
from tests.mailbox import open_mailbox

ADA = "ada@northwind.example"
ADMIN = "admin@tidewater.example"


class Phone:
    """An authenticator app: it holds the key that the set-up page showed, as a person types it."""

    def __init__(self, app, page):
        self.key = re.search(r"<code>([A-Z2-7-]+)</code>", page)[1].replace("-", "")
        self.totp = app.extensions["security"].totp_factory._totp

    @property
    def code(self):
        return self.totp(key=self.key, format="base32").generate().token


def switch_on(app, client):
    """Enrols through the pages; the phone and the recovery codes."""
    page = client.post("/tf-setup", data={"setup": "authenticator"}).get_data(as_text=True)
    assert 'src="data:image/svg+xml' in page
    phone = Phone(app, page)
    answer = client.post("/tf-validate", data={"code": phone.code})
    assert answer.headers["Location"] == "/settings/two-factor"
    assert client.get("/settings/two-factor").headers["Location"] == "/mf-recovery-codes"
    made = client.post("/mf-recovery-codes").get_data(as_text=True)
    codes = re.findall(r"<code>([0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4})</code>", made)
    assert len(codes) == 10
    return phone, codes


def password_only(client, email=ADA):
    return client.post("/login", data={"email": email, "password": PASSWORD})


def test_with_two_factor_the_password_alone_opens_nothing(app, people, client, clock):
    phone, _ = switch_on(app, people.owner(ADA))
    clock.advance(minutes=2)
    assert password_only(client).headers["Location"].startswith("/tf-validate")
    assert client.get("/settings").status_code == 302
    assert client.post("/tf-validate", data={"code": "000000"}).status_code == 422
    assert client.get("/settings").status_code == 302
    assert client.post("/tf-validate", data={"code": phone.code}).status_code == 302
    assert client.get("/settings").status_code == 200


def test_an_old_code_is_refused(app, people, client, clock):
    phone, _ = switch_on(app, people.owner(ADA))
    old = phone.code
    clock.advance(minutes=3)
    password_only(client)
    assert client.post("/tf-validate", data={"code": old}).status_code == 422


def test_a_wrong_code_at_set_up_can_be_tried_again(app, people):
    client = people.owner(ADA)
    page = client.post("/tf-setup", data={"setup": "authenticator"}).get_data(as_text=True)
    phone = Phone(app, page)
    assert client.post("/tf-validate", data={"code": "000000"}).status_code == 422
    assert client.post("/tf-validate", data={"code": phone.code}).status_code == 302


def test_a_recovery_code_signs_in_once(app, people, client):
    _, codes = switch_on(app, people.owner(ADA))
    password_only(client)
    assert client.get("/mf-recovery").status_code == 200
    assert client.post("/mf-recovery", data={"code": codes[0]}).status_code == 302
    assert "9 left" in client.get("/settings").get_data(as_text=True)
    client.post("/logout")
    password_only(client)
    assert client.post("/mf-recovery", data={"code": codes[0]}).status_code == 422


def test_a_recovery_code_may_be_typed_in_capitals_and_with_spaces(app, people, client):
    _, codes = switch_on(app, people.owner(ADA))
    password_only(client)
    typed = f" {codes[3].upper().replace('-', ' - ')} "
    assert client.post("/mf-recovery", data={"code": typed}).status_code == 302
    assert client.get("/settings").status_code == 200


def test_new_recovery_codes_end_the_old_ones(app, people, client):
    owner = people.owner(ADA)
    _, codes = switch_on(app, owner)
    owner.post("/mf-recovery-codes")
    password_only(client)
    assert client.post("/mf-recovery", data={"code": codes[0]}).status_code == 422


def test_two_factor_can_be_switched_off(app, people, client):
    owner = people.owner(ADA)
    switch_on(app, owner)
    assert owner.post("/tf-setup", data={"setup": "disable"}).status_code == 302
    assert password_only(client).headers["Location"] == "/"


def test_secrets_in_the_database_are_encrypted(app, people):
    phone, codes = switch_on(app, people.owner(ADA))
    with app.app_context():
        user = app.extensions["security"].datastore.find_user(email=ADA)
        assert phone.key not in user.tf_totp_secret
        assert codes[0] not in str(user.mf_recovery_codes)


def test_who_lost_everything_can_ask_for_help(app, people, client):
    switch_on(app, people.owner(ADA))
    mailbox = open_mailbox(app)
    password_only(client)
    answer = client.post("/tf-rescue", data={"help_setup": "help"})
    assert "We have been told" in answer.get_data(as_text=True)
    assert ADA in mailbox.to("support@tidewater.example")[0].body


def test_staff_without_a_second_factor_see_only_the_page_that_sets_one_up(app, people):
    people.staff(ADMIN, "admin")
    client = people.sign_in(ADMIN)
    for path in ("/", "/plans", "/settings"):
        assert client.get(path).headers["Location"] == "/tf-setup"
    page = client.get("/tf-setup").get_data(as_text=True)
    assert "you need a second factor before you go on" in page
    switch_on(app, client)
    assert client.get("/settings").status_code == 200


def test_staff_can_sign_out_instead(people):
    people.staff(ADMIN, "support")
    client = people.sign_in(ADMIN)
    assert client.post("/logout").headers["Location"] == "/"
    assert client.get("/settings").headers["Location"].startswith("/login")


def test_in_the_demo_staff_may_go_without(settings, stripe_calls):
    app = create_app(dataclasses.replace(settings, environment="demo"))
    app.test_client_class = Browser
    with app.app_context():
        db.create_all()
    people = People(app)
    people.staff(ADMIN, "admin")
    assert people.sign_in(ADMIN).get("/settings").status_code == 200


@pytest.mark.parametrize("path", ["/tf-validate", "/mf-recovery", "/tf-rescue", "/tf-select"])
def test_the_second_step_without_the_first_leads_to_signing_in(client, path):
    assert client.get(path).headers["Location"] == "/login"


def test_guessing_codes_is_slowed(limited):
    people = People(limited)
    switch_on(limited, people.owner(ADA))
    client = limited.test_client()
    password_only(client)
    answers = [client.post("/tf-validate", data={"code": f"{n:06}"}) for n in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
