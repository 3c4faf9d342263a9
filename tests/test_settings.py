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
