"""Promotion codes: made for a coupon, found, switched off."""

from __future__ import annotations

import pytest
import requests

from models import Account, AuditEntry, db
from tests.plan_pages import fields_of, follow, text_of

NEW = "/admin/promotion-codes/new/demo_stay"


@pytest.fixture
def admin(people, catalog):
    return people.staff_member("mira@tidewater.example", "admin")


def make(admin, url=NEW, **typed):
    """Fills in the form and sends it; the answer."""
    attempt = fields_of(admin.get(url))["attempt"]
    return admin.post(url, data={"code": "SPRING", "attempt": attempt, **typed})


def codes(stripe):
    return [one.code for one in stripe.v1.promotion_codes.list().data]


def test_a_code_with_all_its_limits_is_made_at_stripe(admin, people, subscribe, stripe, app):
    people.join("ada@northwind.example", "Northwind")
    subscribe("Northwind", "team")
    answer = make(
        admin,
        code="spring-26",
        expires_at="2026-12-31",
        max_redemptions="50",
        first_time="y",
        customer="northwind",
        minimum_usd="20",
        minimum_jpy="3,000",
    )
    page = text_of(follow(admin, answer))
    assert "SPRING-26 works from now on." in page
    assert "Least order $20, ¥3,000" in page
    made = stripe.v1.promotion_codes.list(
        {"code": "SPRING-26", "expand": ["data.restrictions.currency_options"]}
    ).data[0]
    with app.app_context():
        customer = db.session.query(Account.stripe_customer_id).scalar()
        entry = db.session.query(AuditEntry).filter_by(action="promotion_code.created").one()
        assert entry.after["minima"] == {"usd": 2000, "jpy": 3000}
    assert (made.customer, made.max_redemptions, made.expires_at) == (customer, 50, 1798761599)
    assert made.restrictions.first_time_transaction
    assert made.restrictions.minimum_amount == 2000
    assert made.restrictions.minimum_amount_currency == "usd"
    assert made.restrictions.currency_options["jpy"].minimum_amount == 3000


def test_what_was_made_takes_off_what_it_says_for_a_visitor_who_types_it(admin, people):
    make(admin)
    owner = people.owner()
    owner.post("/promotion-code", data={"code": "spring"})
    assert "with SPRING" in owner.get("/plans").text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"code": ""}, "Say what people type."),
        ({"code": "20 % OFF"}, "Use letters, digits and dashes only."),
        ({"code": "x" * 101}, "cannot be longer than 100"),
        ({"expires_at": "2020-01-01"}, "That day is over."),
        ({"max_redemptions": "many"}, "Enter a whole number"),
        ({"customer": "Nobody Ltd"}, "No one customer is known by that."),
        ({"minimum_jpy": "9.5"}, "JPY has no decimals"),
    ],
)
def test_what_is_typed_wrong_is_said_at_its_field_and_kept(admin, stripe, typed, said):
    answer = make(admin, **typed)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert all(fields_of(answer)[name] == value for name, value in typed.items())
    assert codes(stripe) == []


def test_a_code_cannot_outlive_or_outdo_its_coupon(admin, stripe, deliver_webhooks):
    stripe.v1.coupons.create(
        {"id": "short", "percent_off": 5, "max_redemptions": 3, "redeem_by": 1798761599}
    )
    deliver_webhooks()
    answer = make(
        admin,
        "/admin/promotion-codes/new/short",
        max_redemptions="4",
        expires_at="2027-01-01",
    )
    assert answer.status_code == 422
    assert "The coupon itself can be redeemed 3 times at most." in text_of(answer)
    assert "The coupon itself ends on 2026-12-31." in text_of(answer)
    nonsense = make(admin, "/admin/promotion-codes/new/short", expires_at="soon")
    assert nonsense.status_code == 422
    assert "Give a day such as 2026-12-31." in text_of(nonsense)
    fits = make(
        admin,
        "/admin/promotion-codes/new/short",
        max_redemptions="3",
        expires_at="2026-12-31",
    )
    assert fits.status_code == 303


def test_a_spelling_in_use_is_refused_at_its_field(admin, stripe):
    make(admin)
    answer = make(admin, code="spring")
    assert answer.status_code == 422
    assert "An active code is spelled SPRING already." in text_of(answer)
    assert codes(stripe) == ["SPRING"]


def test_a_form_sent_twice_makes_one_code(admin, stripe):
    attempt = fields_of(admin.get(NEW))["attempt"]
    sent = {"code": "SPRING", "attempt": attempt}
    first, second = admin.post(NEW, data=sent), admin.post(NEW, data=sent)
    assert first.location == second.location
    assert codes(stripe) == ["SPRING"]
    # What is sent again with another limit meets what was made.
    third = admin.post(NEW, data={**sent, "max_redemptions": "5"})
    assert third.location == first.location
    assert "was made when you sent this before" in text_of(follow(admin, third))


def test_a_lost_answer_is_made_good_by_sending_it_again(admin, stripe, app, monkeypatch):
    attempt = fields_of(admin.get(NEW))["attempt"]
    send = requests.Session.request

    def lost(self, method, url, *args, **kwargs):
        send(self, method, url, *args, **kwargs)
        raise requests.exceptions.ReadTimeout

    monkeypatch.setattr(requests.Session, "request", lost)
    answer = admin.post(NEW, data={"code": "SPRING", "attempt": attempt})
    assert answer.status_code == 503
    assert "Try again: it goes on where it stopped" in text_of(answer)
    assert fields_of(answer)["code"] == "SPRING"
    monkeypatch.undo()
    again = admin.post(NEW, data={"code": "SPRING", "attempt": attempt})
    assert again.status_code == 303
    assert codes(stripe) == ["SPRING"]
    with app.app_context():
        assert db.session.query(AuditEntry).filter_by(action="promotion_code.created").count() == 1


def test_it_shows_who_used_it(admin, people, subscribe, stripe, deliver_webhooks):
    code_id = make(admin).location.rsplit("/", 1)[1]
    people.join("ada@northwind.example", "Northwind")
    subscribe("Northwind", "team", discounts=[{"promotion_code": code_id}])
    deliver_webhooks()
    said = text_of(admin.get(f"/admin/promotion-codes/{code_id}"))
    assert "Northwind 19 Nov 2026 19 Feb 2027" in said
    assert "Redeemed 1 " in said
    assert "SPRING" in text_of(admin.get("/admin/coupons/demo_stay"))


def test_switching_off_ends_it_for_others_and_not_for_who_used_it(
    admin, people, subscribe, stripe, app
):
    code_id = make(admin).location.rsplit("/", 1)[1]
    people.join("ada@northwind.example", "Northwind")
    sub = subscribe("Northwind", "team", discounts=[{"promotion_code": code_id}])
    assert "Nobody can use it any more" in text_of(
        admin.get(f"/admin/promotion-codes/{code_id}/retirement")
    )
    page = follow(admin, admin.post(f"/admin/promotion-codes/{code_id}/retirement"))
    assert "SPRING is switched off." in text_of(page)
    assert stripe.v1.promotion_codes.retrieve(code_id).active is False
    assert stripe.v1.subscriptions.retrieve(sub).discounts
    again = follow(admin, admin.post(f"/admin/promotion-codes/{code_id}/retirement"))
    assert "SPRING is switched off already." in text_of(again)
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="promotion_code.retired").one()
        assert entry.before == {"active": True, "code": "SPRING"}
    # Its spelling is free again.
    assert make(admin).status_code == 303


def test_codes_are_found_by_how_they_begin(admin):
    make(admin)
    follow(admin, make(admin, code="SUMMER"))
    page = text_of(admin.get("/admin/promotion-codes?code=sp"))
    assert "SPRING" in page
    assert "SUMMER" not in page
    assert "No working code begins with zz%." in text_of(
        admin.get("/admin/promotion-codes?code=zz%25")
    )


def test_an_unknown_code_is_not_found(admin):
    assert admin.get("/admin/promotion-codes/promo_nothing").status_code == 404
