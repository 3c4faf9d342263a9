"""The inbox of webhooks: what came, what became of it, once more."""

from __future__ import annotations

import json

import pytest

from billing import webhook_inbox
from models import AuditEntry, Product, WebhookEvent, db
from tests.test_webhooks import an_event


@pytest.fixture
def admin(catalog, people):
    return people.staff_member("mira@tidewater.example", "admin")


@pytest.fixture
def came(stripe, people, subscribe, deliver, stripe_is_down):
    """Four events: of a product, a customer of Northwind, an unknown type, and one that waits."""
    people.join("ada@northwind.example", "Northwind")
    subscription = subscribe()
    about = {
        "object": "subscription",
        "id": subscription,
        "latest_invoice": {"confirmation_secret": {"client_secret": "pi_1_secret_x"}},
    }
    deliver(an_event("customer.subscription.updated", about=about, id="evt_subscription"))
    deliver(an_event("climate.order.created", about={"object": "order"}, id="evt_ignored"))
    product = stripe.v1.products.create({"name": "Team"})
    up = stripe_is_down()
    deliver(an_event(about={"object": "product", "id": product.id}, id="evt_waits"))
    up()
    return {"subscription": subscription, "product": product.id}


def number(app, stripe_id: str) -> int:
    with app.app_context():
        return db.session.query(WebhookEvent.id).filter_by(stripe_id=stripe_id).scalar()


def page(admin, address: str) -> str:
    answer = admin.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def fail_all(app):
    with app.app_context():
        db.session.query(WebhookEvent).filter_by(status="pending").update({"status": "failed"})
        db.session.commit()


def test_before_the_first_webhook_the_page_says_how_one_comes(admin):
    assert "flask billing doctor" in page(admin, "/admin/webhooks")


def test_the_newest_is_first_and_each_has_its_fate(admin, came):
    listed = page(admin, "/admin/webhooks")
    places = [
        listed.index(f">{type}</a>")
        for type in ("product.updated", "climate.order.created", "customer.subscription.updated")
    ]
    assert places == sorted(places)
    for status in ("Pending", "Ignored", "Processed", "StripeUnavailable"):
        assert status in listed


SEARCHES = [
    ("status=pending", {"evt_waits"}),
    ("type=climate.order.created", {"evt_ignored"}),
    ("named=evt_subscription", {"evt_subscription"}),
    ("named={subscription}", {"evt_subscription"}),
    ("error=unavailable", {"evt_waits"}),
    ("error=unavailable&status=processed", set()),
    ("since=2026-11-19&until=2026-11-19", {"evt_waits", "evt_ignored", "evt_subscription"}),
    ("since=2026-11-20", set()),
    ("until=2026-11-18", set()),
]


def test_each_filter_finds_what_it_says(app, admin, came):
    names = {
        name: f'/admin/webhooks/{number(app, name)}"'
        for name in ("evt_waits", "evt_ignored", "evt_subscription")
    }
    for search, found in SEARCHES:
        listed = page(admin, f"/admin/webhooks?{search.format(**came)}")
        assert {name for name, link in names.items() if link in listed} == found, search
        assert ("Nothing matches" in listed) is (not found)


def test_a_filter_that_makes_no_sense_is_said_at_its_field(admin):
    for search in ("since=nonsense", "since=2026-11-20&until=2026-11-19"):
        answer = admin.get(f"/admin/webhooks?{search}")
        assert answer.status_code == 422
        assert "field-error" in answer.get_data(as_text=True)


def test_a_long_inbox_is_read_page_by_page(app, admin, deliver):
    for n in range(30):
        deliver(an_event("climate.order.created", about={}, id=f"evt_{n:02}"))
    first = page(admin, "/admin/webhooks?status=ignored")
    assert (first.count("<tr>"), "Older" in first) == (26, True)
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "status=ignored" in older
    assert page(admin, older).count("<tr>") == 6


def test_one_event_shows_what_came_without_secrets_and_what_it_led_to(app, admin, came):
    shown = page(admin, f"/admin/webhooks/{number(app, 'evt_subscription')}")
    assert "Northwind</a>" in shown
    assert came["subscription"] in shown
    assert "&#34;latest_invoice&#34;" in shown
    assert "secret_x" not in shown
    with app.app_context():
        assert "secret_x" not in json.dumps(db.session.query(WebhookEvent.payload).first()[0])


def test_what_failed_is_processed_again_at_once(app, admin, came):
    fail_all(app)
    waits = number(app, "evt_waits")
    assert "Given up" in page(admin, f"/admin/webhooks/{waits}")
    for _ in range(2):  # two presses do no harm
        answer = admin.post(f"/admin/webhooks/{waits}/processing", follow_redirects=True)
        assert "It is processed" in answer.get_data(as_text=True)
    with app.app_context():
        assert db.session.get(Product, came["product"]).name == "Team"
        done = db.session.query(AuditEntry).filter_by(action="webhook.processed_again").first()
        assert (done.subject, done.before["status"]) == ("evt_waits", "failed")


def test_when_it_cannot_be_processed_the_page_says_why_and_it_is_tried_again(
    app, admin, came, stripe_is_down
):
    fail_all(app)
    stripe_is_down()
    answer = admin.post(
        f"/admin/webhooks/{number(app, 'evt_waits')}/processing", follow_redirects=True
    ).get_data(as_text=True)
    assert "could not be processed" in answer
    assert "StripeUnavailable" in answer
    assert "The next attempt is due" in answer


def test_what_is_not_for_us_cannot_be_processed(app, admin, deliver, stripe_calls):
    deliver(an_event(livemode=True, id="evt_other"))
    other = number(app, "evt_other")
    assert "Process again" not in page(admin, f"/admin/webhooks/{other}")
    before = len(stripe_calls)
    admin.post(f"/admin/webhooks/{other}/processing")
    assert len(stripe_calls) == before
    assert "Quarantined" in page(admin, f"/admin/webhooks/{other}")


def test_all_that_failed_are_done_by_the_background_once(app, admin, came, stripe_calls):
    fail_all(app)
    before = len(stripe_calls)
    answer = admin.post("/admin/webhooks/processing", follow_redirects=True).get_data(as_text=True)
    assert "1 failed event is due again" in answer
    assert len(stripe_calls) == before  # nothing yet: the sweep does it
    again = admin.post("/admin/webhooks/processing", follow_redirects=True).get_data(as_text=True)
    assert "No event is marked as failed" in again
    with app.app_context():
        assert webhook_inbox.sweep(only_due=True) == (1, 0)
        assert webhook_inbox.sweep(only_due=True) == (0, 0)
    assert "Process all failed again" not in page(admin, "/admin/webhooks")


def test_an_event_that_is_none_is_not_found(admin):
    for none in ("9", "99999999999999999999", "x"):
        assert admin.get(f"/admin/webhooks/{none}").status_code == 404
    assert admin.post("/admin/webhooks/9/processing").status_code == 404
