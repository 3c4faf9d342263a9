"""Signing in and out: what opens, what does not, and how often one may try."""

from __future__ import annotations

import dataclasses
from urllib.parse import urljoin, urlsplit

import pytest

from billing import create_app
from models import db
from tests.conftest import PASSWORD, Browser, People

ADA = "ada@northwind.example"


def sign_in(client, email=ADA, password=PASSWORD, **more):
    return client.post("/login", data={"email": email, "password": password}, **more)


@pytest.fixture
def ada(people):
    people.join(ADA)


def test_a_member_signs_in_and_out(client, ada):
    assert client.get("/settings").headers["Location"].startswith("/login?next=")
    assert sign_in(client).headers["Location"] == "/"
    assert client.get("/settings").status_code == 200
    assert client.post("/logout").status_code == 302
    assert client.get("/settings").status_code == 302


def test_signing_in_leads_back_to_the_page_that_was_asked_for(client, ada):
    wanted = client.get("/members").headers["Location"]
    assert sign_in(client).status_code == 302
    client.post("/logout")
    answer = client.post(wanted, data={"email": ADA, "password": PASSWORD})
    assert answer.headers["Location"] == "/members"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example"]
)
def test_signing_in_never_leads_to_another_site(client, ada, elsewhere):
    answer = client.post(
        "/login", query_string={"next": elsewhere}, data={"email": ADA, "password": PASSWORD}
    )
    led_to = urlsplit(urljoin("http://127.0.0.1:8000/", answer.headers.get("Location", "/")))
    assert led_to.netloc == "127.0.0.1:8000"


def test_a_form_sent_while_signed_out_leads_back_to_its_page(client):
    sent = client.post("/members/leave", headers={"Referer": "http://127.0.0.1:8000/members?a=b"})
    assert sent.headers["Location"] == "/login?next=/members?a%3Db"
    sent = client.post("/members/leave", headers={"Referer": "https://evil.example/members"})
    assert sent.headers["Location"] == "/login?next=/"


def test_the_address_may_be_written_in_capitals(client, ada):
    assert sign_in(client, ADA.upper()).status_code == 302


def test_a_wrong_password_and_an_unknown_address_look_the_same(client, ada):
    wrong = sign_in(client, password="wrong-password")
    unknown = sign_in(client, email="nobody@northwind.example")
    assert wrong.status_code == unknown.status_code == 422
    for answer in (wrong, unknown):
        assert "do not match" in answer.get_data(as_text=True)
    assert ADA in wrong.get_data(as_text=True)


def test_a_password_is_never_written_back_into_the_page(client, ada):
    assert "wrong-password" not in sign_in(client, password="wrong-password").get_data(as_text=True)


def test_signing_out_takes_a_post(people):
    client = people.owner()
    assert client.get("/logout").status_code == 405
    assert client.get("/settings").status_code == 200


def test_staying_signed_in_outlives_the_session(client, ada):
    client.post("/login", data={"email": ADA, "password": PASSWORD, "remember": "y"})
    client.delete_cookie("session", domain="127.0.0.1")
    assert client.get("/settings").status_code == 200


def test_passwords_are_kept_as_argon2_and_survive_another_secret_key(app, settings, ada):
    with app.app_context():
        kept = app.extensions["security"].datastore.find_user(email=ADA).password
        assert kept.startswith("$argon2id$")
    rolled = create_app(dataclasses.replace(settings, secret_key="another-key-" * 4))
    rolled.test_client_class = Browser
    assert sign_in(rolled.test_client()).status_code == 302


def test_guessing_passwords_is_slowed_with_the_time_to_wait(limited):
    People(limited).join(ADA)
    client = limited.test_client()
    answers = [sign_in(client, password=f"guess-number-{n}") for n in range(21)]
    assert {answer.status_code for answer in answers[:20]} == {422}
    assert answers[20].status_code == 429
    assert int(answers[20].headers["Retry-After"]) > 0
    assert "Too many tries" in answers[20].get_data(as_text=True)


def test_guesses_at_one_mailbox_are_counted_however_and_wherefrom_it_is_written(limited):
    People(limited).join(ADA)
    spellings = (ADA, ADA.upper(), ADA.replace("@n", "@\N{FULLWIDTH LATIN SMALL LETTER N}"))
    answers = []
    for n in range(51):
        elsewhere = {"REMOTE_ADDR": f"192.0.2.{n}"}
        client = limited.test_client()
        answers.append(sign_in(client, spellings[n % 3], "a-guess", environ_base=elsewhere))
    assert [answer.status_code for answer in answers] == [422] * 50 + [429]


def test_signing_in_rightly_does_not_count_as_guessing(limited):
    People(limited).join(ADA)
    for _ in range(21):
        assert sign_in(limited.test_client()).status_code == 302


def test_a_session_ends_when_all_other_devices_are_signed_out(app, people):
    laptop, phone = people.owner(), people.sign_in("ada@northwind.example")
    answer = laptop.post("/settings/sign-out-elsewhere", follow_redirects=True)
    assert "signed out everywhere but here" in answer.get_data(as_text=True)
    assert phone.get("/settings").status_code == 302
    assert laptop.get("/settings").status_code == 200


def test_someone_switched_off_cannot_sign_in(app, client, ada):
    with app.app_context():
        datastore = app.extensions["security"].datastore
        datastore.deactivate_user(datastore.find_user(email=ADA))
        db.session.commit()
    assert sign_in(client).status_code == 422


def test_guessing_by_json_does_not_get_round_the_limits(app, client, ada):
    answer = client.post("/login", json={"email": ADA, "password": PASSWORD})
    assert answer.status_code == 415
    assert client.get("/settings").status_code == 302


@pytest.mark.parametrize("body", ["[" * 100_000, "[1]", '{"email": 5}', "1"])
@pytest.mark.parametrize("path", ["/login", "/reset", "/plans", "/nothing", "/webhooks/stripe"])
def test_a_body_that_no_form_sends_breaks_nothing(app, client, path, body):
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = client.post(path, data=body, content_type="application/json")
    assert 400 <= answer.status_code < 500
