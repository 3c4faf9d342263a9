"""Coupons: made, counted, retired."""

from __future__ import annotations

from dataclasses import replace

import pytest

from billing import sync
from models import AuditEntry, db
from tests.plan_pages import fields_of, follow, text_of

TYPED = {"name": "Spring", "kind": "percent", "percent": "20", "duration": "once"}


@pytest.fixture
def admin(people, catalog):
    return people.staff_member("mira@tidewater.example", "admin")


def make(admin, **typed):
    """Fills in the form and sends it; the answer."""
    attempt = fields_of(admin.get("/admin/coupons/new"))["attempt"]
    return admin.post("/admin/coupons", data={**TYPED, "attempt": attempt, **typed})


def made(admin, **typed):
    answer = make(admin, **typed)
    assert answer.status_code == 303, text_of(answer)
    return answer.location.rsplit("/", 1)[1]


def test_a_percentage_for_some_months_and_plans_is_made_at_stripe(admin, stripe, app):
    coupon_id = made(
        admin,
        percent="12.5",
        duration="repeating",
        months="3",
        redeem_by="2026-12-31",
        max_redemptions="100",
        products=["demo_team", "demo_business"],
    )
    coupon = stripe.v1.coupons.retrieve(coupon_id, {"expand": ["applies_to"]})
    assert (coupon.name, coupon.percent_off, coupon.duration_in_months) == ("Spring", 12.5, 3)
    # To the end of the day, UTC.
    assert coupon.redeem_by == 1798761599
    assert coupon.max_redemptions == 100
    assert coupon.applies_to.products == ["demo_team", "demo_business"]
    said = text_of(admin.get(f"/admin/coupons/{coupon_id}"))
    assert "12.5% off for 3 months." in said
    assert "Redeemed 0 of 100" in said
    assert "Plans Team, Business" in said
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="coupon.created").one()
        assert entry.subject == coupon_id
        assert entry.after["percent_off"] == "12.5"


def test_an_amount_is_typed_in_each_currency_with_its_own_decimals(admin, stripe):
    coupon_id = made(
        admin, kind="amount", percent="", amount_usd="10", amount_eur="9.50", amount_jpy="1,500"
    )
    coupon = stripe.v1.coupons.retrieve(coupon_id, {"expand": ["currency_options"]})
    assert (coupon.currency, coupon.amount_off) == ("usd", 1000)
    assert coupon.currency_options["eur"].amount_off == 950
    assert coupon.currency_options["jpy"].amount_off == 1500
    assert "$10, €9.50, ¥1,500 off for one payment." in text_of(
        admin.get(f"/admin/coupons/{coupon_id}")
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "Give it a name."),
        ({"name": "x" * 41}, "cannot be longer than 40"),
        ({"percent": ""}, "Enter a percentage such as 20."),
        ({"percent": "a fifth"}, "Enter a percentage such as 20."),
        ({"percent": "0"}, "Enter more than 0 and at most 100."),
        ({"percent": "101"}, "Enter more than 0 and at most 100."),
        ({"percent": "33.333"}, "Stripe keeps two decimals."),
        ({"kind": "amount"}, "Give an amount in one currency at least."),
        ({"kind": "amount", "amount_usd": "ten"}, "Write an amount such as 1,234.50."),
        ({"duration": "repeating"}, "Say for how many months."),
        ({"duration": "repeating", "months": "0"}, "from 1 to 120"),
        ({"redeem_by": "2026-11-18"}, "That day is over."),
        ({"redeem_by": "tomorrow"}, "Give a day such as 2026-12-31."),
        ({"redeem_by": "2035-01-01"}, "five years ahead at most"),
        ({"redeem_by": "9999-12-31"}, "five years ahead at most"),
        ({"max_redemptions": "-1"}, "Enter a whole number"),
    ],
)
def test_what_is_typed_wrong_is_said_at_its_field_and_kept(admin, stripe, typed, said):
    answer = make(admin, **typed)
    assert answer.status_code == 422
    assert said in text_of(answer)
    kept = fields_of(answer)
    for name, value in typed.items():
        assert kept[name] in (value, [value])
    assert [c.name for c in stripe.v1.coupons.list().data] == ["Stay with us"]


def test_a_form_sent_twice_makes_one_coupon(admin, stripe):
    attempt = fields_of(admin.get("/admin/coupons/new"))["attempt"]
    first = admin.post("/admin/coupons", data={**TYPED, "attempt": attempt})
    second = admin.post("/admin/coupons", data={**TYPED, "attempt": attempt})
    assert first.location == second.location
    assert "It was made when you sent this before." in text_of(follow(admin, second))
    assert [c.name for c in stripe.v1.coupons.list().data].count("Spring") == 1


def test_when_stripe_is_down_what_was_typed_stays_and_is_made_once_later(
    admin, stripe, stripe_is_down
):
    up = stripe_is_down()
    answer = make(admin, percent="15")
    assert answer.status_code == 503
    assert "Stripe did not answer" in text_of(answer)
    kept = fields_of(answer)
    assert kept["percent"] == "15"
    up()
    kept = {name: value for name, value in kept.items() if value}
    admin.post("/admin/coupons", data=kept)
    admin.post("/admin/coupons", data=kept)
    assert [c.percent_off for c in stripe.v1.coupons.list().data].count(15) == 1


def test_it_shows_who_has_it_now_and_how_often_it_was_redeemed(
    admin, people, subscribe, stripe, deliver_webhooks
):
    coupon_id = made(admin, duration="forever")
    people.join("ada@northwind.example", "Northwind")
    people.join("bo@fabrikam.example", "Fabrikam")
    sub = subscribe("Northwind", "team", discounts=[{"coupon": coupon_id}])
    subscribe("Fabrikam", "team")
    deliver_webhooks()
    said = text_of(admin.get(f"/admin/coupons/{coupon_id}"))
    assert "Northwind 19 Nov 2026" in said
    assert "Fabrikam" not in said
    assert "Redeemed 1 " in said
    stripe.v1.subscriptions.cancel(sub)
    deliver_webhooks()
    said = text_of(admin.get(f"/admin/coupons/{coupon_id}"))
    assert "Nobody has it now." in said
    assert "Redeemed 1 " in said


def test_those_who_have_it_are_paged(admin, people, subscribe, clock, monkeypatch):
    monkeypatch.setattr("billing.paging.page.__defaults__", (2,))
    coupon_id = made(admin, duration="forever")
    for name in ("Alfa", "Bravo", "Charlie"):
        people.join(f"owner@{name.lower()}.example", name)
        clock.advance(minutes=1)
        subscribe(name, "starter", discounts=[{"coupon": coupon_id}])
    first = admin.get(f"/admin/coupons/{coupon_id}")
    assert "Charlie" in first.text
    assert "Alfa" not in first.text
    older = first.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "Alfa" in admin.get(older).text


def test_redemptions_are_counted_again_when_asked(admin, people, subscribe, stripe):
    coupon_id = made(admin)
    people.join("ada@northwind.example", "Northwind")
    subscribe("Northwind", "team", discounts=[{"coupon": coupon_id}])
    page = follow(admin, admin.post(f"/admin/coupons/{coupon_id}/count"))
    assert "Redeemed 1 " in text_of(page)


def test_a_retired_coupon_cannot_be_redeemed_and_whoever_has_it_keeps_it(
    admin, people, subscribe, stripe, app
):
    coupon_id = made(admin, duration="forever")
    code = stripe.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon_id}, "code": "SPRING"}
    )
    admin.post(f"/admin/coupons/{coupon_id}/count")
    owner = people.owner()
    sub = subscribe("Northwind", "team", discounts=[{"promotion_code": code.id}])
    with app.app_context():
        sync.pull("promotion_code", code.id)
    asked = text_of(admin.get(f"/admin/coupons/{coupon_id}/retirement"))
    assert "and its promotion codes stop working" in asked
    assert "Whoever has its discount keeps it" in asked
    page = follow(admin, admin.post(f"/admin/coupons/{coupon_id}/retirement"))
    assert "Spring is retired. Whoever has it keeps it." in text_of(page)
    assert "Northwind" in text_of(page)
    assert "New promotion code" not in text_of(page)
    assert stripe.v1.subscriptions.retrieve(sub).discounts
    assert "Off" in text_of(admin.get(f"/admin/promotion-codes/{code.id}"))
    answer = owner.post("/promotion-code", data={"code": "SPRING"})
    assert answer.status_code == 422
    again = follow(admin, admin.post(f"/admin/coupons/{coupon_id}/retirement"))
    assert "Spring is retired already." in text_of(again)
    assert "Spring" not in text_of(admin.get("/admin/coupons"))
    assert "Spring" in text_of(admin.get("/admin/coupons?retired=1"))


def test_the_codes_of_a_retired_coupon_are_off_however_many_they_are(
    admin, stripe, deliver_webhooks, monkeypatch
):
    monkeypatch.setattr("billing.coupons.CODES_AT_ONCE", 1)
    coupon_id = made(admin)
    for number in range(3):
        stripe.v1.promotion_codes.create(
            {"promotion": {"type": "coupon", "coupon": coupon_id}, "code": f"SPRING-{number}"}
        )
    deliver_webhooks()
    assert "SPRING-0" in text_of(admin.get("/admin/promotion-codes"))
    admin.post(f"/admin/coupons/{coupon_id}/retirement")
    assert "SPRING-" not in text_of(admin.get("/admin/promotion-codes"))
    off = text_of(admin.get("/admin/promotion-codes?off=1"))
    assert all(f"SPRING-{number}" in off for number in range(3))
    assert "Works" not in off


def test_retiring_what_cancelling_offers_says_so(admin, app):
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], retention_coupon="demo_stay")
    assert "It is what is offered to who cancels" in text_of(
        admin.get("/admin/coupons/demo_stay/retirement")
    )


def test_the_list_says_what_each_takes_off_and_where_it_stands(admin, clock):
    made(admin, redeem_by="2026-11-30", products=["demo_team"], max_redemptions="5")
    said = text_of(admin.get("/admin/coupons"))
    assert "Spring 20% off, only Team One payment 30 Nov 2026 Can be redeemed 0 of 5" in said
    clock.advance(days=12)
    assert "Spring 20% off, only Team One payment 30 Nov 2026 Ended" in text_of(
        admin.get("/admin/coupons")
    )


def test_an_unknown_coupon_is_not_found(admin):
    for path in ("", "/retirement"):
        assert admin.get(f"/admin/coupons/nothing{path}").status_code == 404
    assert admin.get("/admin/promotion-codes/new/nothing").status_code == 404
