"""Promotion codes: told apart when they do not count, and shown with their effect before paying."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import AuditEntry, CheckoutIntent, PromotionCode, db
from tests.checkout_page import pay
from tests.quote_page import (
    OWNER,
    after,
    invoices_of,
    pass_time,
    quote_in,
    row_of,
    stored_quote,
    text_of,
)
from tests.subscriber import HALF_WAY
from tests.test_checkout import price_of


@pytest.fixture
def code(stripe, catalog):
    """Makes a promotion code: code("SPRING", percent_off=20); limits go to the code itself."""

    def make(word, coupon=None, **limits):
        made = stripe.v1.coupons.create(coupon or {"percent_off": 20, "duration": "once"})
        return stripe.v1.promotion_codes.create(
            {"promotion": {"type": "coupon", "coupon": made.id}, "code": word, **limits}
        )

    return make


@pytest.fixture
def new(people, without_trials):
    """The owner of an account that never bought anything; no plan has a trial here."""
    return people.owner()


@pytest.fixture
def owner(people, team):
    return people.sign_in(OWNER)


def use(browser, word, **fields):
    return browser.post("/promotion-code", data={"code": word, **fields})


def test_a_code_shows_what_each_plan_costs_with_it_before_anything_is_paid(new, code):
    code("SPRING20", {"percent_off": 20, "duration": "repeating", "duration_in_months": 3})
    page = after(new, use(new, "spring20"))
    assert "SPRING20 20% off for 3 months" in page
    assert "$15.20 with SPRING20 for 3 months" in page  # Starter, 19.00
    assert "1 seat: $39.20 with SPRING20 for 3 months" in page  # Team, 49.00
    assert "1 seat: $79.20 with SPRING20 for 3 months" in page  # Business, 99.00


def test_an_amount_off_never_makes_a_price_negative(new, code):
    code("BIG", {"amount_off": 5000, "currency": "usd", "duration": "once"})
    page = after(new, use(new, "BIG"))
    assert "$0.00 with BIG for the first payment" in page
    assert "1 seat: $49.00 with BIG for the first payment" in page


def test_half_a_cent_is_rounded_as_stripe_rounds_it(new, code, sandbox, app, stripe):
    code("ODD", {"percent_off": 12.5, "duration": "forever"})
    # 12.5 % of 19.00 is 2.375.
    assert "$16.62 with ODD for as long as you keep it" in after(new, use(new, "ODD"))
    chosen = new.post("/checkout", data={"price": price_of(app, "starter"), "currency": "usd"})
    new.get(pay(sandbox, chosen.location))
    (invoice,) = stripe.v1.invoices.list().data
    assert invoice.total == 1662


def test_checkout_starts_with_the_code_and_charges_what_was_shown(
    new, code, app, stripe, sandbox, people
):
    made = code("SPRING20")
    use(new, "SPRING20")
    chosen = new.post(
        "/checkout", data={"price": price_of(app), "currency": "usd", "quantity": "2"}
    )
    (session,) = stripe.v1.checkout.sessions.list().data
    assert session.allow_promotion_codes is None
    assert session.amount_total == 7840
    new.get(pay(sandbox, chosen.location))
    (invoice,) = stripe.v1.invoices.list().data
    assert (invoice.status, invoice.amount_paid) == ("paid", 7840)
    assert stripe.v1.promotion_codes.retrieve(made.id).times_redeemed == 1
    # Used is used: nothing is shown with it any more.
    assert "SPRING20" not in text_of(new.get("/plans"))


def test_another_code_opens_another_page_at_checkout(new, code, app, stripe):
    code("ONE")
    code("TWO", {"percent_off": 50, "duration": "once"})
    form = {"price": price_of(app), "currency": "usd"}
    for word in ("ONE", "TWO"):
        use(new, word)
        new.post("/checkout", data=form)
    second, first = stripe.v1.checkout.sessions.list().data
    assert (first.status, first.amount_total) == ("expired", 3920)
    assert (second.status, second.amount_total) == ("open", 2450)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"expires_at": 1}, "LATE has expired."),
        ({"max_redemptions": 1}, "LATE has been used as often as it may be."),
        ({"active": False}, "LATE is not valid any more."),
        ({"restrictions": {"first_time_transaction": True}}, "LATE is for first purchases"),
    ],
)
def test_why_a_code_does_not_count_is_told_apart(
    owner, code, stripe, clock, limits, said, subscribe, people
):
    if "expires_at" in limits:
        limits = {"expires_at": int((clock.now + timedelta(hours=1)).timestamp())}
    made = code("LATE", **limits)
    if "max_redemptions" in limits:
        people.join("eve@evil.example", "Evil")
        subscribe("Evil", "starter", discounts=[{"promotion_code": made.id}])
    if "expires_at" in limits:
        clock.advance(hours=2)
    answer = use(owner, "LATE")
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert 'value="LATE"' in answer.get_data(as_text=True)


def test_a_code_nobody_knows_and_a_code_of_somebody_else_read_the_same(new, code, stripe):
    other = stripe.v1.customers.create({"name": "Other"})
    code("THEIRS", customer=other.id)
    for word in ("THEIRS", "NOBODYS"):
        answer = use(new, word)
        assert answer.status_code == 422
        assert f"We do not know the code {word}." in text_of(answer)


@pytest.mark.parametrize("typed", ["", "   ", "x" * 300, "<b>", "été"])
def test_what_is_no_code_is_refused_and_kept(new, typed, stripe_calls):
    answer = use(new, typed)
    assert answer.status_code == 422
    assert "SPRING" not in text_of(answer)
    assert "<b>" not in answer.get_data(as_text=True)


def test_a_code_for_one_plan_says_so_on_the_others_and_is_not_used_there(
    new, code, app, stripe, sandbox
):
    code(
        "TEAMS", {"percent_off": 10, "duration": "once", "applies_to": {"products": ["demo_team"]}}
    )
    page = after(new, use(new, "TEAMS"))
    assert "TEAMS does not count for Starter." in page
    assert "1 seat: $44.10 with TEAMS" in page
    new.post("/checkout", data={"price": price_of(app, "starter"), "currency": "usd"})
    (session,) = stripe.v1.checkout.sessions.list().data
    assert session.amount_total == 1900


def test_a_minimum_that_is_not_reached_is_named(new, code):
    code(
        "BULK",
        restrictions={"minimum_amount": 4000, "minimum_amount_currency": "usd"},
    )
    page = after(new, use(new, "BULK"))
    assert "BULK needs an order of at least $40.00." in page
    assert "1 seat: $39.20 with BULK" in page


def test_a_code_in_another_currency_says_so(new, code):
    code("EURO", {"amount_off": 500, "currency": "eur", "duration": "once"})
    use(new, "EURO")
    assert "EURO does not count in USD." in text_of(new.get("/plans?currency=usd"))
    assert "1 seat: €40.00 with EURO" in text_of(new.get("/plans?currency=eur"))


def test_an_upgrade_with_a_code_is_quoted_and_charged_with_it(owner, team, code, stripe, app):
    code("UP20", {"percent_off": 20, "duration": "repeating", "duration_in_months": 2})
    page = use(owner, "UP20", plan="business", seats="8")
    assert page.headers["Location"] == "/plan-change/business?seats=8"
    quoted = owner.get(page.headers["Location"])
    assert "UP20 takes 20% off for 2 months, before tax." in text_of(quoted)
    # Half a month of 8 seats: 0.8 * 396.00 for Business less 196.00 for Team.
    assert row_of(quoted, "Due today") == "$120.80"
    assert row_of(quoted, "From 19 December 2026") == "$633.60"
    answer = owner.post("/plan-change/business?seats=8", data={"quote": quote_in(quoted)})
    assert "$120.80 was charged." in after(owner, answer)
    assert invoices_of(stripe, team)[0] == ("paid", 12080)
    quote = stored_quote(app, quote_in(quoted))
    assert (quote.amount_due, quote.charged_amount) == (12080, 12080)
    assert "UP20" not in text_of(owner.get("/plans"))


def test_a_code_for_one_payment_counts_for_the_one_made_today(
    owner, team, code, stripe, clock, sandbox
):
    code("ONCE50", {"percent_off": 50, "duration": "once"})
    use(owner, "ONCE50")
    quoted = owner.get("/plan-change/business?seats=8")
    # 0.5 * 396.00 less 196.00.
    assert row_of(quoted, "Due today") == "$2.00"
    assert row_of(quoted, "From 19 December 2026") == "$792.00"
    owner.post("/plan-change/business?seats=8", data={"quote": quote_in(quoted)})
    pass_time(sandbox, clock, HALF_WAY + timedelta(days=16))
    assert invoices_of(stripe, team)[:2] == [("paid", 79200), ("paid", 200)]


def test_a_code_with_a_downgrade_counts_from_the_day_it_happens(
    owner, team, code, stripe, clock, sandbox
):
    code("STAY", {"percent_off": 25, "duration": "once"})
    use(owner, "STAY")
    quoted = owner.get("/plan-change/starter")
    assert row_of(quoted, "From 19 December 2026") == "$14.25"
    owner.post("/plan-change/starter", data={"quote": quote_in(quoted)})
    pass_time(sandbox, clock, HALF_WAY + timedelta(days=16))
    assert invoices_of(stripe, team)[0] == ("paid", 1425)


def test_a_code_that_runs_out_between_quote_and_confirmation_charges_nothing(
    owner, team, code, stripe
):
    made = code("GONE")
    use(owner, "GONE")
    quote = quote_in(owner.get("/plan-change/business?seats=8"))
    stripe.v1.promotion_codes.update(made.id, {"active": False})
    answer = owner.post("/plan-change/business?seats=8", data={"quote": quote})
    page = after(owner, answer)
    assert "expired or been used up a moment ago. You were not charged." in page
    assert len(invoices_of(stripe, team)) == 1
    assert "GONE" not in page


def test_a_code_that_runs_out_before_checkout_opens_is_told_and_dropped(new, code, stripe, app):
    made = code("GONE")
    use(new, "GONE")
    stripe.v1.promotion_codes.update(made.id, {"active": False})
    form = {"price": price_of(app), "currency": "usd"}
    assert "That code cannot be used" in after(new, new.post("/checkout", data=form))
    assert stripe.v1.checkout.sessions.list().data == []
    assert new.post("/checkout", data=form).location.startswith("http://127.0.0.1:8001/c/pay/")
    with app.app_context():
        found = db.session.query(CheckoutIntent).order_by(CheckoutIntent.id)
        assert [intent.status for intent in found] == ["expired", "open"]


def test_a_code_can_be_dropped(new, code):
    code("SPRING20")
    use(new, "SPRING20")
    assert "Prices are shown without it" in after(new, new.post("/promotion-code/removal"))
    assert "with SPRING20" not in text_of(new.get("/plans"))


def test_who_entered_and_dropped_a_code_is_in_the_audit_log(new, code, app):
    made = code("SPRING")
    use(new, "NOSUCH")
    use(new, "SPRING")
    for _ in range(2):
        new.post("/promotion-code/removal")
    with app.app_context():
        told = db.session.query(AuditEntry).filter(AuditEntry.action.like("promotion_code.%")).all()
        assert [(entry.action, entry.subject, entry.after) for entry in told] == [
            ("promotion_code.chosen", made.id, {"code": "SPRING"}),
            ("promotion_code.dropped", made.id, None),
        ]
        assert {entry.user.email for entry in told} == {"ada@northwind.example"}


def test_a_webhook_that_ends_a_code_ends_its_prices(new, code, stripe, deliver_webhooks):
    made = code("SPRING20")
    use(new, "SPRING20")
    stripe.v1.coupons.delete(made.promotion.coupon)
    deliver_webhooks()
    assert "with SPRING20" not in text_of(new.get("/plans"))


def test_when_stripe_is_down_the_code_is_kept_in_the_field(new, code, stripe_is_down):
    code("SPRING20")
    up = stripe_is_down()
    answer = use(new, "SPRING20")
    assert answer.status_code == 503
    assert "could not check the code just now" in text_of(answer)
    assert 'value="SPRING20"' in answer.get_data(as_text=True)
    up()
    assert "with SPRING20" in after(new, use(new, "SPRING20"))


def test_a_viewer_may_not_enter_codes(people, team, code):
    people.join("vic@northwind.example", role="viewer")
    viewer = people.sign_in("vic@northwind.example")
    code("SPRING20")
    assert use(viewer, "SPRING20").status_code == 403
    assert "Promotion code" not in text_of(viewer.get("/plans"))


def test_guessing_codes_is_slowed_down(limited, people, catalog):
    with limited.app_context():
        assert db.session.query(PromotionCode).count() == 0
    owner = people.owner()
    answers = [use(owner, f"GUESS{number}").status_code for number in range(21)]
    assert answers == [422] * 20 + [429]


def test_the_way_back_leads_to_our_own_pages_only(new, code):
    code("SPRING20")
    answer = use(new, "SPRING20", plan="//evil.example", interval="https://evil.example")
    assert answer.headers["Location"].startswith("/plans?")


def test_starting_checkout_is_in_the_audit_log_as_before(new, code, app):
    code("SPRING20")
    use(new, "SPRING20")
    new.post("/checkout", data={"price": price_of(app), "currency": "usd"})
    with app.app_context():
        assert db.session.query(AuditEntry).filter_by(action="checkout.started").count() == 1


def test_a_code_for_one_payment_waits_for_the_first_that_is_made_after_a_trial(
    people, code, app, stripe, sandbox, clock
):
    new = people.owner()
    code("LATER", {"percent_off": 50, "duration": "once"})
    use(new, "LATER")
    chosen = new.post("/checkout", data={"price": price_of(app), "currency": "usd"})
    new.get(pay(sandbox, chosen.location))
    pass_time(sandbox, clock, clock.now + timedelta(days=15))
    assert [invoice.total for invoice in stripe.v1.invoices.list().data] == [2450, 0]
