"""The account one acts for: switching, opening another, its name."""

from __future__ import annotations

import pytest

from models import Account, AuditEntry, db

ADA = "ada@northwind.example"


def test_a_person_with_two_accounts_switches_between_them(people):
    client = people.owner(ADA, "Northwind")
    other = people.join(ADA, "Southwind", "viewer")
    assert "Northwind." in client.get("/members").get_data(as_text=True)
    assert client.post("/accounts/switch", data={"account_id": other}).headers["Location"] == "/"
    page = client.get("/members").get_data(as_text=True)
    assert "can see and do what in Southwind." in page
    assert "Send invitation" not in page


def test_nobody_switches_to_an_account_of_others(people):
    client = people.owner(ADA)
    stranger = people.join("eve@evil.example", "Evil")
    for account_id in (stranger, 99999, 10**30, "", "x"):
        answer = client.post("/accounts/switch", data={"account_id": account_id})
        assert answer.status_code == 404
    assert "Northwind" in client.get("/members").get_data(as_text=True)


def test_the_switched_account_is_forgotten_when_one_is_removed_from_it(app, people):
    client = people.owner(ADA, "Northwind")
    other = people.join(ADA, "Southwind", "viewer")
    client.post("/accounts/switch", data={"account_id": other})
    with app.app_context():
        db.session.delete(db.session.get(Account, other))
        db.session.commit()
    assert "Northwind" in client.get("/members").get_data(as_text=True)


def test_an_owner_renames_the_account(app, people):
    client = people.owner(ADA)
    assert 'value="Northwind"' in client.get("/accounts/name").get_data(as_text=True)
    client.post("/accounts/name", data={"name": "Northwind & Sons"})
    with app.app_context():
        assert db.session.query(Account).one().name == "Northwind & Sons"
        entry = db.session.query(AuditEntry).one()
        assert (entry.before, entry.after) == ({"name": "Northwind"}, {"name": "Northwind & Sons"})
    assert "Northwind &amp; Sons" in client.get("/members").get_data(as_text=True)


def test_an_account_cannot_lose_its_name(people):
    client = people.owner(ADA)
    for name in ("", "   ", "x" * 201):
        assert client.post("/accounts/name", data={"name": name}).status_code == 422


@pytest.mark.parametrize("mark", ["\n", "\x85", "\u2028", "\N{RIGHT-TO-LEFT OVERRIDE}"])
def test_a_name_is_one_line_that_reads_as_it_is_written(people, mark):
    answer = people.owner(ADA).post("/accounts/name", data={"name": f"North{mark}wind"})
    assert answer.status_code == 422


def test_a_person_opens_another_account_and_owns_it(people):
    client = people.owner(ADA)
    assert client.get("/accounts/new").status_code == 200
    assert client.post("/accounts/new", data={"name": "Second"}).headers["Location"] == "/"
    page = client.get("/members").get_data(as_text=True)
    assert "can see and do what in Second." in page
    assert "Send invitation" in page
