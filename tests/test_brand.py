"""The operator's brand: any colour stays readable, and every page wears it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.colour import DARK_GROUNDS, LIGHT_GROUNDS, contrast, readable, text_on
from models import db

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.fixture
def branded(app):
    """Gives the application another brand."""

    def wear(**changes):
        settings = app.config["SETTINGS"]
        app.config["SETTINGS"] = replace(settings, brand=replace(settings.brand, **changes))
        return app.test_client()

    return wear


@given(COLOURS)
def test_text_on_the_brands_colour_can_always_be_read(colour):
    assert contrast(text_on(colour), colour) >= 4.5


@given(COLOURS)
def test_text_in_the_brands_colour_can_always_be_read(colour):
    assert all(contrast(readable(colour, dark=False), ground) >= 4.5 for ground in LIGHT_GROUNDS)
    assert all(contrast(readable(colour, dark=True), ground) >= 4.5 for ground in DARK_GROUNDS)


def test_a_readable_colour_is_used_as_it_is():
    assert readable("#0f6b58", dark=False) == "#0f6b58"


def test_contrast_is_wcags():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_the_stylesheet_carries_the_colour_and_is_cached(branded):
    answer = branded(colour="#ffcc00").get("/brand.css")
    assert answer.mimetype == "text/css"
    assert "--brand: #ffcc00;" in answer.text
    assert "--on-brand: #000000;" in answer.text
    assert answer.cache_control.max_age > 0
    assert "Set-Cookie" not in answer.headers


def test_an_unchanged_stylesheet_is_not_sent_again(client):
    first = client.get("/brand.css")
    again = client.get("/brand.css", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_the_icon_is_drawn_in_the_colour(branded):
    answer = branded(colour="#123456").get("/brand.svg")
    assert answer.mimetype == "image/svg+xml"
    assert "#123456" in answer.text


def test_every_page_names_the_operator_and_how_to_reach_them(client):
    page = client.get("/plans").text
    assert "Tidewater" in page
    assert "mailto:support@tidewater.example" in page


def test_no_page_needs_an_inline_script_or_style(people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "team")
    for path in ("/", "/plans", "/subscription"):
        page = owner.get(path).text
        assert "<style" not in page
        assert " style=" not in page
        assert "<script>" not in page


def test_a_header_offers_what_the_role_may_use(people, catalog):
    people.join("eva@northwind.example", role="viewer")
    viewer = people.sign_in("eva@northwind.example").get("/").text
    owner = people.owner().get("/").text
    assert "Payment methods</a>" in owner
    assert "Payment methods</a>" not in viewer
    assert ">Invoices</a>" in viewer


def test_who_has_several_accounts_can_switch(people, catalog):
    people.join("ada@northwind.example", "Northwind")
    people.join("ada@northwind.example", "Contoso")
    browser = people.sign_in("ada@northwind.example")
    page = browser.get("/").text
    assert 'action="/accounts/switch"' in page
    assert "Contoso" in page


def test_the_error_page_needs_no_database(app, people):
    owner = people.owner()

    def rename(old, new):
        with app.app_context():
            db.session.execute(db.text(f"ALTER TABLE {old} RENAME TO {new}"))
            db.session.commit()

    # Whatever is asked of the database fails at who is signed in.
    rename("users", "users_gone")
    try:
        page = owner.get("/")
    finally:
        rename("users_gone", "users")
    assert page.status_code == 500
    assert "Something went wrong on our side" in page.text
    assert "support@tidewater.example" in page.text
