"""Taking a plan off the plans page, ending its sale, putting it back."""

from __future__ import annotations

import pytest

from models import AuditEntry, db
from tests.plan_pages import cards, draft_new, follow, publish, text_of


@pytest.fixture
def admin(people, catalog):
    return people.staff_member("mira@tidewater.example", "admin")


def test_hiding_says_how_many_keep_it_and_takes_it_off_the_page(
    admin, client, people, subscribe, stripe, app
):
    people.join("ada@northwind.example", "Northwind")
    subscribe("Northwind", "team")
    asked = text_of(admin.get("/admin/plans/demo_team/hiding"))
    assert "1 subscription keeps it and renews at the same price." in asked
    page = follow(admin, admin.post("/admin/plans/demo_team/hiding"))
    assert "Team is hidden. Whoever has it keeps it." in text_of(page)
    assert "Team" not in cards(client.get("/plans"))
    assert stripe.v1.products.retrieve("demo_team").active
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="plan.hidden").one()
        assert (entry.before, entry.after) == ({"public": True}, {"public": False})
    again = follow(admin, admin.post("/admin/plans/demo_team/hiding"))
    assert "Team is hidden already." in text_of(again)


def test_archiving_ends_its_sale_and_leaves_its_subscribers_alone(
    admin, client, people, subscribe, stripe
):
    owner = people.owner()
    sub = subscribe("Northwind", "team", quantity=8)
    asked = text_of(admin.get("/admin/plans/demo_team/archiving"))
    assert "1 subscription keeps it" in asked
    admin.post("/admin/plans/demo_team/archiving")
    assert stripe.v1.products.retrieve("demo_team").active is False
    assert "Team" not in cards(client.get("/plans"))
    assert stripe.v1.subscriptions.retrieve(sub).status == "active"
    assert "Team" in text_of(owner.get("/subscription"))
    page = text_of(admin.get("/admin/plans/demo_team"))
    assert "Archived. 1 subscription on it goes on as before." in page
    refused = text_of(follow(admin, publish(admin, "demo_team")))
    assert "This plan is archived. Restore it first. Nothing was published." in refused


def test_a_restored_plan_is_hidden_until_it_is_published(admin, client):
    admin.post("/admin/plans/demo_team/archiving")
    page = follow(admin, admin.post("/admin/plans/demo_team/restoration"))
    assert "Team is back, hidden." in text_of(page)
    assert "Team" not in cards(client.get("/plans"))
    publish(admin, "demo_team")
    assert "Team" in cards(client.get("/plans"))


def test_when_stripe_is_down_nothing_is_hidden_and_the_page_says_so(admin, client, stripe_is_down):
    stripe_is_down()
    page = follow(admin, admin.post("/admin/plans/demo_team/hiding"))
    assert "Stripe did not answer" in text_of(page)
    assert "Team" in cards(client.get("/plans"))


def test_a_draft_that_is_not_at_stripe_cannot_be_hidden(admin):
    plan = draft_new(admin)
    assert admin.get(f"/admin/plans/{plan}/hiding").status_code == 404
    assert admin.post(f"/admin/plans/{plan}/archiving").status_code == 404
