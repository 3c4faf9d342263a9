"""Refusals and failures: a page in our look, the right status, what happened, no stack trace."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from billing import errors
from billing.views import plans
from models import db


@pytest.fixture
def failing(app, monkeypatch):
    """Makes the page of the plans fail with the given error."""

    def fail_with(error):
        def show(*args, **kwargs):
            raise error

        app.config["PROPAGATE_EXCEPTIONS"] = False
        monkeypatch.setitem(app.view_functions, "plans.index", show)

    assert plans.bp.name == "plans"
    return fail_with


def test_an_address_with_nothing_at_it_says_so_with_a_way_on(client):
    answer = client.get("/nothing/here")
    assert answer.status_code == 404
    assert "Page not found" in answer.text
    assert 'href="/"' in answer.text


def test_a_wrong_method_names_the_right_ones(client):
    answer = client.post("/plans")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_staff_without_the_role_are_told_who_can_help(people):
    answer = people.staff_member("sunniva@tidewater.example", "support").get("/admin/plans")
    assert answer.status_code == 403
    assert "Your role among the staff does not include this page" in answer.text


def test_a_form_without_its_token_is_refused_and_says_what_to_do(client):
    answer = client.post("/login", data={"email": "a@b.example"}, csrf=False)
    assert answer.status_code == 400
    assert "This form is no longer valid" in answer.text
    assert "Reload the page" in answer.text


def test_a_crash_shows_neither_a_stack_trace_nor_what_was_secret(client, failing):
    failing(RuntimeError("the key is sk_test_suite"))
    answer = client.get("/plans")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    for kept in ("Traceback", "RuntimeError", "sk_test_suite"):
        assert kept not in answer.text


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (errors.CardDeclined(), 402, "You were not charged"),
        (errors.AuthenticationNeeded(), 402, "You were not charged yet"),
        (errors.StripeBusy(), 503, "try again in a minute"),
        (errors.StripeUnavailable(), 503, "cannot charge you twice"),
        (errors.StripeMisconfigured(), 503, "you were not charged"),
        (errors.GoneFromStripe(), 410, "Nothing was changed"),
        (errors.Refused("That invoice is paid."), 409, "That invoice is paid."),
        (errors.InvalidRequest("That tax number is wrong."), 422, "That tax number is wrong."),
        (errors.IdempotencyConflict(), 500, "before doing anything twice"),
    ],
)
def test_each_refusal_has_its_status_and_says_what_did_not_happen(
    client, failing, error, status, said
):
    failing(error)
    answer = client.get("/plans")
    assert answer.status_code == status
    assert said in answer.text
    assert "<main" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/admin/invoices/in_%00",
        "/admin/audit?who=a%00b",
        "/admin/audit?%00=a",
        "/admin/customers?q=a&q=%00",
    ],
)
def test_an_address_with_a_null_character_is_not_understood(people, path):
    answer = people.staff_member("sunniva@tidewater.example", "admin").get(path)
    assert answer.status_code == 400
    assert "That request was not understood" in answer.text


@pytest.mark.parametrize("name", ["name", "na\0me"])
def test_a_form_with_a_null_character_changes_nothing(people, name):
    owner = people.owner()
    answer = owner.post("/accounts/name", data={name: "North\0wind"})
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.text
    assert "Northwind" in owner.get("/members").text


@pytest.mark.parametrize("path", ["/plans", "/nothing", "/login"])
def test_a_host_that_is_not_ours_is_refused_without_a_page(client, path):
    answer = client.get(path, base_url="http://evil.example")
    assert answer.status_code == 400
    assert "evil" not in answer.text
    assert not answer.headers.get("Location")


def test_an_error_of_the_database_names_no_value(app):
    """What it says ends in the log and beside a pending webhook."""
    with app.app_context(), pytest.raises(SQLAlchemyError) as failed:
        db.session.execute(text("SELECT * FROM nowhere WHERE it = :it"), {"it": "very-secret"})
    assert "nowhere" in str(failed.value)
    assert "very-secret" not in str(failed.value)
