"""Passkeys: instead of the password, or after it."""

from __future__ import annotations

import pytest

from tests.conftest import PASSWORD, SITE
from tests.passkey import Passkey, action_of, options_of
from tests.test_two_factor import switch_on

ADA = "ada@northwind.example"


def add(client, passkey, usage="first", name="My phone"):
    page = client.post("/wan-register", data={"name": name, "usage": usage})
    page = page.get_data(as_text=True)
    credential = passkey.create(options_of(page))
    return client.post(action_of(page), data={"credential": credential})


def answer_with(client, passkey, start="/wan-signin", **how):
    page = client.post(start).get_data(as_text=True)
    credential = passkey.get(options_of(page), **how)
    return client.post(action_of(page), data={"credential": credential})


@pytest.fixture
def passkey():
    return Passkey(SITE)


def test_a_passkey_signs_in_without_a_password(people, client, passkey):
    owner = people.owner(ADA)
    assert add(owner, passkey).headers["Location"] == "/settings"
    assert "My phone" in owner.get("/wan-register").get_data(as_text=True)
    assert answer_with(client, passkey).headers["Location"] == "/"
    assert ADA in client.get("/settings").get_data(as_text=True)


def test_a_passkey_that_does_not_know_its_owner_cannot_replace_the_password(people, client):
    stolen = Passkey(SITE, verifies=False)
    owner = people.owner(ADA)
    answer = add(owner, stolen)
    assert answer.headers["Location"] == "/wan-register"
    assert answer_with(client, stolen).headers["Location"] == "/wan-signin"
    assert client.get("/settings").status_code == 302


def test_a_passkey_as_second_factor_is_asked_for_after_the_password(people, client):
    key = Passkey(SITE, verifies=False)
    add(people.owner(ADA), key, usage="secondary")
    answer = client.post("/login", data={"email": ADA, "password": PASSWORD})
    assert answer.headers["Location"].startswith("/wan-signin")
    assert client.get("/settings").status_code == 302
    assert answer_with(client, key).status_code == 302
    assert client.get("/settings").status_code == 200


def test_a_second_factor_alone_does_not_sign_in(people, client, passkey):
    add(people.owner(ADA), passkey, usage="secondary")
    assert answer_with(client, passkey).headers["Location"] == "/wan-signin"
    assert client.get("/settings").status_code == 302


def test_a_passkey_as_second_factor_is_enough_for_staff(people, passkey):
    people.staff("admin@tidewater.example", "admin")
    admin = people.sign_in("admin@tidewater.example")
    add(admin, passkey, usage="secondary")
    assert admin.get("/settings").status_code == 200


def test_a_forged_answer_is_refused(people, client, passkey):
    add(people.owner(ADA), passkey)
    assert answer_with(client, passkey, signed_by=Passkey(SITE)).status_code == 302
    assert client.get("/settings").status_code == 302


def test_an_answer_made_for_another_site_is_refused(people, client, passkey):
    add(people.owner(ADA), passkey)
    passkey.origin = "https://phishing.example"
    answer_with(client, passkey)
    assert client.get("/settings").status_code == 302


def test_an_unknown_passkey_is_refused(people, client, passkey):
    people.owner(ADA)
    answer = answer_with(client, passkey)
    page = client.get(answer.headers["Location"]).get_data(as_text=True)
    assert "We do not know this passkey" in page


def test_an_old_answer_is_refused(people, client, passkey, clock):
    add(people.owner(ADA), passkey)
    page = client.post("/wan-signin").get_data(as_text=True)
    credential = passkey.get(options_of(page))
    clock.advance(minutes=2)
    client.post(action_of(page), data={"credential": credential})
    assert client.get("/settings").status_code == 302


def test_a_passkey_confirms_that_it_is_still_its_owner(people, passkey, clock):
    owner = people.owner(ADA)
    add(owner, passkey)
    clock.advance(hours=2)
    assert owner.get("/change-email").headers["Location"].startswith("/verify")
    assert "Use a passkey" in owner.get("/verify").get_data(as_text=True)
    assert answer_with(owner, passkey, start="/wan-verify").status_code == 302
    assert owner.get("/change-email").status_code == 200


def test_a_strangers_passkey_confirms_nothing(people, passkey, clock):
    mallory = people.owner("mallory@evil.example", "Evil")
    add(mallory, passkey)
    ada = people.owner(ADA)
    clock.advance(hours=2)
    answer_with(ada, passkey, start="/wan-verify")
    assert ada.get("/change-email").status_code == 302


def test_a_removed_passkey_signs_in_no_more(people, client, passkey):
    owner = people.owner(ADA)
    add(owner, passkey)
    owner.post("/wan-delete", data={"name": "My phone"})
    assert "My phone</strong>" not in owner.get("/wan-register").get_data(as_text=True)
    answer_with(client, passkey)
    assert client.get("/settings").status_code == 302


@pytest.mark.parametrize(
    ("name", "said"),
    [("", "Give this passkey a name"), ("<b>", "cannot be used"), ("x" * 65, "at most 64")],
)
def test_a_name_that_cannot_be_is_refused(people, name, said):
    answer = people.owner(ADA).post("/wan-register", data={"name": name, "usage": "first"})
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)


def test_who_has_an_app_and_a_passkey_chooses_between_them(app, people, client, passkey):
    owner = people.owner(ADA)
    add(owner, passkey, usage="secondary")
    switch_on(app, owner)
    asked = client.post("/login", data={"email": ADA, "password": PASSWORD}).headers["Location"]
    assert asked.startswith("/tf-select")
    page = client.get(asked).get_data(as_text=True)
    assert "Code from my authenticator app" in page
    chosen = client.post("/tf-select", data={"which": "webauthn"})
    assert chosen.headers["Location"].startswith("/wan-signin")
    assert answer_with(client, passkey).status_code == 302
    assert client.get("/settings").status_code == 200
