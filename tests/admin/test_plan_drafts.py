"""A plan's draft: edited, looked at as a visitor will see it, published or dropped."""

from __future__ import annotations

import re

import pytest
import requests

from models import AuditEntry, PlanDraft, db
from tests.plan_pages import (
    add_price,
    cards,
    draft_new,
    edit,
    fields_of,
    follow,
    publish,
    text_of,
)


@pytest.fixture
def admin(people, catalog):
    return people.staff_member("mira@tidewater.example", "admin")


@pytest.fixture
def other(people, admin):
    return people.staff_member("tom@tidewater.example", "admin")


@pytest.fixture
def losing_answers(monkeypatch):
    """Stripe does what is asked at a path, and its answer never arrives; then it is silent."""

    def lose(ending: str):
        send, silent = requests.Session.request, []

        def request(self, method, url, *args, **kwargs):
            answer = send(self, method, url, *args, **kwargs)
            if silent or (method.upper() == "POST" and url.endswith(ending)):
                silent.append(url)
                raise requests.exceptions.ReadTimeout
            return answer

        monkeypatch.setattr(requests.Session, "request", request)

    return lose


def audited(app, action):
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action=action).one()
        return entry.before, entry.after


def test_an_edit_is_seen_by_nobody_before_it_is_published(admin, client, stripe, stripe_calls):
    before = len(stripe_calls)
    preview = follow(admin, edit(admin, "demo_team", name="Crew", trial_days="30"))
    assert len(stripe_calls) == before
    assert "Team" in cards(client.get("/plans"))
    assert "30 days free" in cards(preview)["Crew"]
    said = text_of(preview)
    assert "What publishing changes (2) Name Team becomes Crew Trial days 14 becomes 30" in said

    done = follow(admin, publish(admin, "demo_team"))
    assert "Crew is published." in text_of(done)
    assert "30 days free" in cards(client.get("/plans"))["Crew"]
    product = stripe.v1.products.retrieve("demo_team")
    # What was not edited is as it was.
    assert product.metadata.to_dict() == {
        "slug": "team",
        "public": "true",
        "position": "2",
        "highlight": "true",
        "min_seats": "1",
        "max_seats": "25",
        "trial_days": "30",
        "pausable": "true",
    }


def test_what_was_published_is_audited_with_before_and_after(admin, app):
    edit(admin, "demo_team", name="Crew", grace_days="3")
    assert audited(app, "plan_draft.saved") == (
        {"name": "Team", "grace_days": None},
        {"name": "Crew", "grace_days": 3},
    )
    publish(admin, "demo_team")
    assert audited(app, "plan.published") == (
        {"name": "Team", "grace_days": None},
        {"name": "Crew", "grace_days": 3},
    )


def test_the_preview_is_the_very_page_a_visitor_gets_once_it_is_published(admin, client):
    edit(admin, "demo_business", name="Enterprise", features="One\nTwo", highlighted=["y"])
    preview = admin.get("/admin/plans/demo_business/preview?interval=year&currency=eur")
    publish(admin, "demo_business")
    seen = client.get("/plans?interval=year&currency=eur")

    def page(answer):
        body = re.search(r"(?s)<main.*</main>", answer.text)[0]
        body = re.sub(r'(?s)<aside class="preview-bar".*?</aside>', "", body)
        body = re.sub(r'(?s)<div class="flashes">.*?</div>\s*</div>\s*</div>', "", body)
        # The switches lead to other addresses, which are no part of what is seen.
        return re.sub(r'href="[^"]*"|\s+', " ", body)

    assert page(preview) == page(seen)
    assert "Sign in" in preview.text
    assert "/admin/plans/demo_business/preview?interval=month" in preview.text


def test_one_plan_at_most_is_marked_as_the_one_most_chosen(admin, client, stripe, app):
    page = admin.get("/admin/plans/demo_business/draft")
    assert "Team has the mark now and loses it." in text_of(page)
    preview = follow(admin, edit(admin, "demo_business", highlighted=["y"]))
    for shown in (
        cards(preview),
        (publish(admin, "demo_business"), cards(client.get("/plans")))[1],
    ):
        assert "Most chosen" in shown["Business"]
        assert "Most chosen" not in shown["Team"]
    assert stripe.v1.products.retrieve("demo_team").metadata["highlight"] == "false"
    assert audited(app, "plan.mark_moved")[1] == {"highlighted": False, "now": "demo_business"}


def test_paths_are_chosen_by_name_and_hold_for_subscribers(admin, people, subscribe, stripe):
    owner = people.owner()
    subscribe("Northwind", "team")
    edit(admin, "demo_team", changes_to=["demo_starter"])
    publish(admin, "demo_team")
    assert stripe.v1.products.retrieve("demo_team").metadata["changes_to"] == "demo_starter"
    assert "Changes to Starter" in text_of(admin.get("/admin/plans/demo_team"))
    shown = cards(owner.get("/plans"))
    assert "Team cannot be changed to this plan here." in shown["Business"]
    assert "Move to Starter" in shown["Starter"]
    edit(admin, "demo_team", changes_to=None)
    publish(admin, "demo_team")
    assert "Upgrade to Business" in cards(owner.get("/plans"))["Business"]


def test_the_second_of_two_who_edit_is_told_and_loses_nothing(admin, other, app):
    mine = fields_of(admin.get("/admin/plans/demo_team/draft"))
    edit(other, "demo_team", name="Crew", trial_days="30")
    answer = admin.post(
        "/admin/plans/demo_team/draft",
        data={**mine, "name": "Squad", "description": "Typed at length"},
    )
    assert answer.status_code == 409
    said = text_of(answer)
    assert "changed this plan while you were editing it." in said
    assert "Name Team becomes Crew Trial days 14 becomes 30" in said
    kept = fields_of(answer)
    assert (kept["name"], kept["description"]) == ("Squad", "Typed at length")
    # What only the other touched is theirs.
    assert kept["trial_days"] == "30"
    saved = admin.post("/admin/plans/demo_team/draft", data=kept)
    assert saved.status_code == 303
    with app.app_context():
        values = db.session.get(PlanDraft, "demo_team").values
        assert (values["name"], values["description"], values["trial_days"]) == (
            "Squad",
            "Typed at length",
            30,
        )


def test_whoever_edits_while_another_publishes_is_told_too(admin, other):
    mine = fields_of(admin.get("/admin/plans/demo_team/draft"))
    edit(other, "demo_team", name="Crew")
    publish(other, "demo_team")
    answer = admin.post("/admin/plans/demo_team/draft", data={**mine, "description": "Mine"})
    assert answer.status_code == 409
    assert "Admin changed this plan while you were editing it." in text_of(answer)
    assert fields_of(answer)["name"] == "Crew"
    assert fields_of(answer)["description"] == "Mine"


def test_a_draft_edited_after_its_preview_is_not_published_unseen(admin, other, stripe):
    edit(admin, "demo_team", name="Crew")
    page = admin.get("/admin/plans/demo_team/preview").text
    version = re.search(r'name="version" value="(\d+)"', page)[1]
    edit(other, "demo_team", name="Gang")
    answer = admin.post(
        "/admin/plans/demo_team/publication", data={"version": version, "visible": "1"}
    )
    assert "Somebody edited it since you looked." in text_of(follow(admin, answer))
    assert stripe.v1.products.retrieve("demo_team").name == "Team"


def test_an_edit_that_changes_nothing_leaves_no_draft(admin, app):
    page = follow(admin, edit(admin, "demo_team"))
    assert "Nothing is different from what is published" in text_of(page)
    edit(admin, "demo_team", name="Crew")
    edit(admin, "demo_team", name="Team")
    with app.app_context():
        assert db.session.query(PlanDraft).count() == 0


def test_a_refused_edit_is_kept_as_typed(admin):
    answer = edit(admin, "demo_team", slug="business", trial_days="soon")
    assert answer.status_code == 422
    assert "Another plan has the address business." in text_of(answer)
    assert fields_of(answer)["trial_days"] == "soon"


def test_a_draft_is_dropped_after_a_look_at_what_is_lost(admin, app):
    edit(admin, "demo_team", name="Crew")
    asked = admin.get("/admin/plans/demo_team/draft/removal")
    assert "Team becomes Crew" in text_of(asked)
    page = follow(admin, admin.post("/admin/plans/demo_team/draft/removal"))
    assert "The draft of Crew is dropped." in text_of(page)
    with app.app_context():
        assert db.session.query(PlanDraft).count() == 0
    new = draft_new(admin)
    admin.post(f"/admin/plans/{new}/draft/removal")
    assert admin.get(f"/admin/plans/{new}").status_code == 404


def test_a_hidden_plan_is_edited_without_being_shown(admin, client, stripe, deliver_webhooks):
    stripe.v1.products.update("demo_team", {"metadata": {"public": "false"}})
    deliver_webhooks()
    edit(admin, "demo_team", name="Crew")
    page = admin.get("/admin/plans/demo_team/preview")
    assert "Crew" in cards(page)
    assert "Save, keep it hidden" in page.text
    publish(admin, "demo_team", visible="0")
    assert stripe.v1.products.retrieve("demo_team").name == "Crew"
    assert "Crew" not in cards(client.get("/plans"))
    assert "Crew is published." in text_of(follow(admin, publish(admin, "demo_team")))
    assert "Crew" in cards(client.get("/plans"))


def test_publishing_twice_changes_nothing_twice(admin, stripe_calls):
    edit(admin, "demo_team", name="Crew")
    publish(admin, "demo_team")
    before = len(stripe_calls)
    again = admin.post("/admin/plans/demo_team/publication", data={"version": "1", "visible": "1"})
    assert "There is nothing left to publish." in text_of(follow(admin, again))
    assert len(stripe_calls) == before


def test_when_stripe_is_down_the_draft_stays_and_publishing_goes_on_later(
    admin, client, stripe, stripe_is_down
):
    plan = draft_new(admin)
    add_price(admin, plan, amount_usd="59")
    up = stripe_is_down()
    assert admin.get(f"/admin/plans/{plan}/preview").status_code == 200
    said = text_of(follow(admin, publish(admin, plan)))
    assert "Publishing stopped. Stripe did not answer" in said
    up()
    publish(admin, plan)
    assert "Team Plus" in cards(client.get("/plans"))


@pytest.mark.parametrize("lost", ["/v1/products", "/v1/prices", "/publication"])
def test_an_answer_lost_in_the_middle_makes_nothing_twice(
    admin, client, stripe, losing_answers, monkeypatch, lost
):
    plan = draft_new(admin)
    add_price(admin, plan, amount_usd="59")
    add_price(admin, plan, interval="year", amount_usd="590")
    losing_answers(f"/v1/products/{plan}" if lost == "/publication" else lost)
    said = text_of(follow(admin, publish(admin, plan)))
    assert "it goes on where it stopped and makes nothing twice" in said
    monkeypatch.undo()
    assert "Team Plus" not in cards(client.get("/plans"))
    publish(admin, plan)
    assert "$59 a seat" in cards(client.get("/plans"))["Team Plus"]
    prices = stripe.v1.prices.list({"product": plan}).data
    assert sorted(price.unit_amount for price in prices) == [5900, 59000]
    names = [product.name for product in stripe.v1.products.list().data]
    assert names.count("Team Plus") == 1


def test_an_operators_edit_at_stripe_survives_a_draft_of_something_else(
    admin, stripe, deliver_webhooks
):
    edit(admin, "demo_team", trial_days="30")
    stripe.v1.products.update("demo_team", {"name": "Team (by dashboard)"})
    deliver_webhooks()
    assert "Team (by dashboard)" in cards(admin.get("/admin/plans/demo_team/preview"))
    publish(admin, "demo_team")
    product = stripe.v1.products.retrieve("demo_team")
    assert (product.name, product.metadata["trial_days"]) == ("Team (by dashboard)", "30")
