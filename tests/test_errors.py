"""Refusals and failures as pages: what happened, what did not, what to do next."""

from __future__ import annotations

import pytest

from billing import errors


@pytest.fixture
def refuse(app):
    """A route that raises the given error; what a visitor then sees."""
    raised = []

    @app.get("/refusal")
    def refusal():
        raise raised[0]

    def see(error):
        raised[:] = [error]
        return app.test_client().get("/refusal")

    return see


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (errors.CardDeclined("Too little money. You were not charged."), 402, "Too little money"),
        (errors.AuthenticationNeeded(), 402, "You were not charged yet"),
        (errors.StripeBusy(), 503, "you were not charged"),
        (errors.StripeUnavailable(), 503, "cannot charge you twice"),
        (errors.StripeMisconfigured(), 503, "Nothing was changed and you were not charged"),
        (errors.GoneFromStripe(), 410, "Nothing was changed"),
        (errors.Refused("That invoice is paid already."), 409, "That invoice is paid already."),
        (errors.InvalidRequest("That is no VAT number."), 422, "That is no VAT number."),
        (errors.IdempotencyConflict(), 500, "before doing anything twice"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_refusal_says_what_happened_and_what_did_not(refuse, error, status, said):
    page = refuse(error)
    assert page.status_code == status
    assert said in page.text
    assert error.title in page.text


def test_a_declined_card_leads_to_another_one(refuse):
    page = refuse(errors.CardDeclined()).text
    assert 'href="/payment-methods/new"' in page
    assert "Use another card" in page


def test_a_payment_to_confirm_leads_straight_to_the_bank(refuse):
    page = refuse(errors.AuthenticationNeeded(url="https://bank.example/confirm")).text
    assert 'href="https://bank.example/confirm"' in page


def test_a_crash_shows_a_page_and_no_trace(refuse):
    page = refuse(ZeroDivisionError("secret detail"))
    assert page.status_code == 500
    assert "you are never charged twice" in " ".join(page.text.split())
    assert "secret detail" not in page.text
    assert "Traceback" not in page.text


def test_an_unknown_address_is_a_page_of_ours(client):
    page = client.get("/nowhere")
    assert page.status_code == 404
    assert "Page not found" in page.text
    assert "Tidewater" in page.text


def test_a_wrong_method_names_the_right_ones(client):
    page = client.post("/plans")
    assert page.status_code == 405
    assert "GET" in page.headers["Allow"]


def test_a_form_without_its_token_changes_nothing(people, catalog, stripe):
    owner = people.owner()
    page = owner.post("/checkout", data={"price": "x"}, csrf=False)
    assert page.status_code == 400
    assert "no longer valid" in page.text


def test_what_an_error_says_is_text_not_markup(refuse):
    page = refuse(errors.Refused("<script>alert(1)</script>")).text
    assert "<script>alert" not in page
