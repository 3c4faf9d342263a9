"""Plans as staff keep them: what is sold, to whom it is shown, at which prices."""

from __future__ import annotations

import re

import pytest

from models import AuditEntry, PlanDraft, db
from tests.plan_pages import TYPED, add_price, cards, draft_new, fields_of, follow, publish, text_of


@pytest.fixture
def admin(people, catalog):
    return people.staff_member("mira@tidewater.example", "admin")


def names_in_order(page):
    return re.findall(r'aria-label="Move ([^"]*) up"', page.text)


def test_the_list_shows_each_plan_with_its_prices_state_and_subscriptions(
    admin, people, subscribe, stripe, deliver_webhooks
):
    people.join("ada@northwind.example", "Northwind")
    people.join("bo@fabrikam.example", "Fabrikam")
    subscribe("Northwind", "team")
    subscribe("Fabrikam", "team", "year")
    stripe.v1.products.update("demo_starter", {"metadata": {"public": "false"}})
    stripe.v1.products.update("demo_business", {"active": False})
    deliver_webhooks()
    said = text_of(admin.get("/admin/plans"))
    assert "Team Published Most chosen Monthly $49 · €45 · ¥7,400" in said
    assert re.search(r"Team Published .*? Yearly \$490 · €450 · ¥74,000 2 ", said)
    assert "Starter Hidden" in said
    assert "Business Archived" in said


def test_without_a_plan_the_list_says_what_to_do(people):
    page = people.staff_member("mira@tidewater.example", "admin").get("/admin/plans")
    assert "No plans yet" in text_of(page)


def test_plans_move_up_and_down_for_visitors_too(admin, client):
    assert names_in_order(admin.get("/admin/plans")) == ["Starter", "Team", "Business"]
    moved = admin.post("/admin/plans/demo_business/place", data={"direction": "up", "place": "2"})
    page = follow(admin, moved)
    assert "Business is moved up." in text_of(page)
    assert names_in_order(page) == ["Starter", "Business", "Team"]
    assert list(cards(client.get("/plans"))) == ["Starter", "Business", "Team"]


def test_a_second_click_on_one_arrow_moves_nothing_further(admin):
    once = {"direction": "up", "place": "2"}
    admin.post("/admin/plans/demo_business/place", data=once)
    page = follow(admin, admin.post("/admin/plans/demo_business/place", data=once))
    assert "The order had changed already." in text_of(page)
    assert names_in_order(page) == ["Starter", "Business", "Team"]


@pytest.mark.parametrize(
    "sent", [{"direction": "sideways", "place": "1"}, {"direction": "up", "place": "x"}, {}]
)
def test_a_senseless_move_is_refused(admin, sent):
    assert admin.post("/admin/plans/demo_team/place", data=sent).status_code == 400


def test_an_unknown_plan_is_not_found(admin):
    for path in ("", "/draft", "/preview", "/hiding", "/archiving", "/prices/new"):
        assert admin.get(f"/admin/plans/nothing{path}").status_code == 404, path
    # Something that is sold once is no plan.
    assert admin.get("/admin/plans/demo_credits").status_code == 404


def test_a_new_plan_is_at_stripe_only_once_it_is_published_and_has_a_price(
    admin, client, stripe, stripe_calls
):
    before = len(stripe_calls)
    plan = draft_new(admin)
    page = admin.get(f"/admin/plans/{plan}")
    assert "A draft of a new plan. Nothing of it is at Stripe." in text_of(page)
    assert "It has no price. Add one before you publish it." in text_of(page)
    refused = follow(admin, publish(admin, plan))
    assert "It has no price." in text_of(refused)
    add_price(admin, plan, amount_usd="59", amount_eur="54.50", amount_jpy="8,900")
    assert len(stripe_calls) == before
    assert "Team Plus" not in cards(client.get("/plans"))

    done = text_of(follow(admin, publish(admin, plan)))
    assert "Team Plus is published. Visitors see it now." in done
    card = cards(client.get("/plans"))["Team Plus"]
    assert "$59 a seat a month" in card
    assert "Everything in Team A second workspace" in card
    assert "7 days free" in card
    assert list(cards(client.get("/plans"))) == ["Starter", "Team", "Business", "Team Plus"]
    assert "€54.50" in cards(client.get("/plans?currency=eur"))["Team Plus"]

    product = stripe.v1.products.retrieve(plan)
    assert product.metadata.to_dict() == {
        "slug": "team-plus",
        "public": "true",
        "position": "4",
        "min_seats": "2",
        "max_seats": "50",
        "trial_days": "7",
        "trial_needs_method": "true",
        "pausable": "true",
        "grace_days": "10",
        "highlight": "false",
    }
    price = stripe.v1.prices.retrieve(product.default_price, {"expand": ["currency_options"]})
    assert (price.lookup_key, price.unit_amount) == ("team-plus_month", 5900)
    assert price.currency_options["jpy"].unit_amount == 8900


def test_a_double_click_on_new_drafts_one_plan(admin, app):
    attempt = fields_of(admin.get("/admin/plans/new"))["attempt"]
    first = admin.post("/admin/plans", data={**TYPED, "attempt": attempt})
    second = admin.post("/admin/plans", data={**TYPED, "attempt": attempt})
    assert first.location == second.location
    with app.app_context():
        assert db.session.query(PlanDraft).count() == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": " "}, "Give the plan a name."),
        ({"name": "x" * 251}, "cannot be longer than 250"),
        ({"slug": "Team Plus"}, "Use small letters, digits and single dashes"),
        ({"slug": "team"}, "Another plan has the address team."),
        ({"features": "\n".join("abcdefghijklmnop")}, "15 features at most"),
        ({"features": "x" * 81}, "80 characters at most"),
        ({"min_seats": "two"}, "Enter a whole number from 1 to 999999."),
        ({"min_seats": "9", "max_seats": "3"}, "The most cannot be less than the fewest."),
        ({"max_seats": ""}, "how many seats there can be at most"),
        ({"trial_days": "731"}, "from 0 to 730"),
        ({"grace_days": "-1"}, "from 0 to 365"),
        ({"changes_to": ["demo_nothing"]}, "not a valid choice"),
    ],
)
def test_what_is_typed_wrong_is_said_at_its_field_and_kept(admin, app, typed, said):
    answer = admin.post("/admin/plans", data={**TYPED, **typed})
    assert answer.status_code == 422
    assert said in text_of(answer)
    kept = fields_of(answer)
    for name, value in typed.items():
        if name not in {"changes_to", "name"}:
            assert kept[name] == value
    assert kept["description"] == TYPED["description"]
    with app.app_context():
        assert db.session.query(PlanDraft).count() == 0


def test_two_drafts_cannot_have_one_address(admin):
    draft_new(admin)
    answer = admin.post("/admin/plans", data=TYPED)
    assert answer.status_code == 422
    assert "Another plan has the address team-plus." in text_of(answer)


def test_markup_in_a_name_is_text_on_every_page(admin):
    plan = draft_new(admin, name="<b>Bold</b> & <script>alert(1)</script>", slug="bold")
    add_price(admin, plan, amount_usd="5")
    for path in ("", "/draft", "/preview", "/draft/removal", "/prices/new"):
        page = admin.get(f"/admin/plans/{plan}{path}")
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text
    publish(admin, plan)
    assert "<script>alert" not in admin.get("/admin/plans").text


def test_every_step_is_in_the_audit_log_with_what_was_before(admin, app):
    plan = draft_new(admin)
    add_price(admin, plan, amount_usd="59")
    publish(admin, plan)
    admin.post("/admin/plans/demo_team/place", data={"direction": "up", "place": "1"})
    with app.app_context():
        entries = db.session.query(AuditEntry).filter(AuditEntry.user_id.is_not(None)).all()
        found = [e.action for e in entries if e.action.startswith(("plan", "price"))]
        moved = entries[-1]
        assert (moved.before, moved.after) == ({"position": 2}, {"position": 1})
        assert all(entry.ip for entry in entries)
    assert found == [
        "plan_draft.created",
        "plan_draft.price_planned",
        "plan.created",
        "price.created",
        "plan.published",
        "plan.moved",
    ]
