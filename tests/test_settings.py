"""A person's own settings."""

from __future__ import annotations

import pytest

ADA = "ada@northwind.example"


def test_a_person_changes_their_name_and_how_amounts_are_written(people):
    client = people.owner(ADA)
    client.post("/settings", data={"name": "Ada King", "locale": "de_DE"})
    page = client.get("/settings").get_data(as_text=True)
    assert 'value="Ada King"' in page
    assert '<option selected value="de_DE">' in page


@pytest.mark.parametrize(
    "data", [{"name": "", "locale": "en_GB"}, {"name": "Ada", "locale": "xx_XX"}]
)
def test_settings_that_cannot_be_are_refused(people, data):
    assert people.owner(ADA).post("/settings", data=data).status_code == 422


def test_settings_lead_to_every_way_of_signing_in(people):
    page = people.owner(ADA).get("/settings").get_data(as_text=True)
    for path in ("/change-email", "/change", "/tf-setup", "/wan-register"):
        assert f'href="{path}"' in page


def test_settings_are_for_whoever_is_signed_in(client):
    assert client.get("/settings").headers["Location"] == "/login?next=/settings"


@pytest.mark.parametrize(
    ("locale", "in_words", "in_a_table", "within_the_year"),
    [
        ("en_GB", "19 December 2026", "19 Nov 2026", "on 19 December"),
        ("de_DE", "19. Dezember 2026", "19. Nov. 2026", "on 19. Dezember"),
        ("ja_JP", "2026年12月19日", "2026年11月19日", "on 12月19日"),
    ],
)
def test_dates_are_written_as_chosen(
    people, subscribe, locale, in_words, in_a_table, within_the_year
):
    owner = people.owner(ADA)
    subscribe("Northwind", "team", quantity=8)
    owner.post("/settings", data={"name": "Ada", "locale": locale})
    page = owner.get("/").get_data(as_text=True)
    for written in (in_words, in_a_table, within_the_year):
        assert written in page
