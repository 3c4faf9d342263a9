"""What is offered to who cancels: one thing that fits, once, exactly as it is then charged."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import requests

from models import AuditEntry, CancellationOffer, db
from tests.quote_page import OWNER, accept, after, invoices_of, pass_time, pull, text_of, use_card
from tests.test_purchases import lose_answer

COUPON = "demo_stay"
REASON = {"feedback": "too_expensive"}


@pytest.fixture
def settings(settings):
    return replace(settings, retention_coupon=COUPON)


@pytest.fixture
def subscribed(people, subscribe):
    """Northwind on a plan; its owner, signed in, and the subscription's id."""

    def make(plan="team", **params):
        people.join(OWNER)
        subscription_id = subscribe("Northwind", plan, **params)
        return people.sign_in(OWNER), subscription_id

    return make


@pytest.fixture
def report(app):
    return lambda: app.test_cli_runner().invoke(args=["billing", "retention-report"]).output


def offered(page, reason):
    """The words offered beside a reason, and what its button sends; neither where there is none."""
    body = page.get_data(as_text=True)
    (choice,) = [
        part
        for part in re.split(r'<div class="choice reason">', body)[1:]
        if f'value="{reason}"' in part
    ]
    found = re.search(r'<div class="offer">(.*?)</div>', choice, re.S)
    if found is None:
        return None, None
    words = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", found.group(1)))).strip()
    return words, re.search(r'name="offer" value="([^"]+)"', found.group(1)).group(1)


def take(browser, reason):
    """Presses the button of the offer beside the reason."""
    _, sent = offered(browser.get("/cancellation"), reason)
    return browser.post("/cancellation/offer", data={"offer": sent})


def recorded(app):
    with app.app_context():
        found = db.session.query(CancellationOffer).order_by(CancellationOffer.id)
        return [(one.reason, one.offer, one.answer, one.outcome) for one in found]


def discounts(stripe, subscription_id):
    found = stripe.v1.subscriptions.retrieve(subscription_id, {"expand": ["discounts"]}).discounts
    return [one.source.coupon for one in found]


# The coupon -------------------------------------------------------------------------------------


def test_its_effect_is_told_exactly_without_asking_stripe(subscribed, stripe_calls):
    owner, _ = subscribed()
    before = len(stripe_calls)
    words, _ = offered(owner.get("/cancellation"), "too_expensive")
    assert words.startswith(
        "Stay for less: $39.20 instead of $49.00 for 2 months. It begins with your payment on "
        "19 December 2026."
    ) or words.startswith(
        "Stay for less: $39.20 instead of $49.00 for 3 months. It begins with your payment on "
        "19 December 2026."
    )
    assert len(stripe_calls) == before


def test_what_was_told_is_what_the_following_months_charge(subscribed, app, stripe, sandbox, clock):
    owner, team = subscribed()
    clock.advance(days=6)
    words, _ = offered(owner.get("/cancellation"), "too_expensive")
    assert "$39.20 instead of $49.00 for 3 months" in words
    page = after(owner, take(owner, "too_expensive"))
    assert "From 19 December 2026 you pay $39.20 instead of $49.00, for 3 months." in page
    assert "Nothing was charged today." in page
    assert discounts(stripe, team) == [COUPON]
    assert recorded(app) == [("too_expensive", "coupon", "accepted", "applied")]
    pass_time(sandbox, clock, datetime(2027, 3, 20, tzinfo=UTC))
    # 49.00 on 19 November, three months at 49.00 less 20 %, and the full price again.
    assert [amount for _, amount in reversed(invoices_of(stripe, team))] == [
        *(4900, 3920, 3920, 3920, 4900),
    ]
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="subscription.discounted").one()
        assert (entry.user.email, entry.after) == (OWNER, {"coupon": COUPON})


def test_it_is_offered_once_whatever_the_answer(subscribed, app, stripe):
    owner, team = subscribed()
    owner.post("/cancellation", data=REASON)
    assert recorded(app) == [("too_expensive", "coupon", "declined", "cancelled")]
    owner.post("/cancellation/undo")
    words, sent = offered(owner.get("/cancellation"), "too_expensive")
    assert words.startswith("Starter costs $19.00 every month.")
    assert sent == "smaller_plan"
    answer = owner.post("/cancellation/offer", data={"offer": "coupon:3920"})
    assert "not to be had as it was shown" in after(owner, answer)
    assert discounts(stripe, team) == []


def test_looking_without_answering_uses_nothing_up(subscribed, app):
    owner, _ = subscribed()
    for _ in range(3):
        assert offered(owner.get("/cancellation"), "too_expensive")[1] == "coupon:3920"
    owner.post("/cancellation", data={"feedback": "other"})
    assert recorded(app) == []


def test_pressing_it_twice_redeems_it_once(subscribed, app, stripe):
    owner, team = subscribed()
    _, sent = offered(owner.get("/cancellation"), "too_expensive")
    for _ in range(2):
        page = after(owner, owner.post("/cancellation/offer", data={"offer": sent}))
    assert "Your discount is in place already." in page
    assert discounts(stripe, team) == [COUPON]
    assert stripe.v1.coupons.retrieve(COUPON).times_redeemed == 1
    assert recorded(app) == [("too_expensive", "coupon", "accepted", "applied")]


def test_a_lost_answer_is_noticed_by_the_webhook(
    subscribed, app, stripe, monkeypatch, deliver_webhooks
):
    owner, team = subscribed()
    lose_answer(monkeypatch, r"/subscriptions/sub_\w+$")
    answer = take(owner, "too_expensive")
    assert answer.status_code == 503
    assert "we do not know yet whether this went through" in text_of(answer)
    monkeypatch.undo()
    assert recorded(app)[0][3] == "asked"
    assert set(deliver_webhooks()) == {200}
    assert recorded(app) == [("too_expensive", "coupon", "accepted", "applied")]
    assert discounts(stripe, team) == [COUPON]


def test_what_stripe_never_got_can_be_pressed_again(subscribed, app, stripe, monkeypatch):
    owner, team = subscribed()
    send = requests.Session.request

    def drop(self, method, url, *args, **kwargs):
        if method.lower() == "post" and "/subscriptions/" in url:
            raise requests.exceptions.ConnectTimeout
        return send(self, method, url, *args, **kwargs)

    monkeypatch.setattr(requests.Session, "request", drop)
    assert take(owner, "too_expensive").status_code == 503
    monkeypatch.undo()
    assert "Good to have you." in after(owner, take(owner, "too_expensive"))
    assert recorded(app) == [("too_expensive", "coupon", "accepted", "applied")]
    assert discounts(stripe, team) == [COUPON]


def test_while_stripe_is_down_the_page_offers_and_a_press_promises_nothing(
    subscribed, app, stripe, stripe_is_down
):
    owner, team = subscribed()
    up = stripe_is_down()
    answer = take(owner, "too_expensive")
    assert answer.status_code == 503
    assert "Nothing was changed and you were not charged." in text_of(answer)
    up()
    assert recorded(app) == []
    assert discounts(stripe, team) == []


def test_one_that_was_withdrawn_meanwhile_changes_nothing(subscribed, app, stripe):
    owner, team = subscribed()
    _, sent = offered(owner.get("/cancellation"), "too_expensive")
    stripe.v1.coupons.delete(COUPON)
    page = after(owner, owner.post("/cancellation/offer", data={"offer": sent}))
    assert "Nothing was changed and nothing was cancelled." in page
    assert offered(owner.get("/cancellation"), "too_expensive")[1] == "smaller_plan"
    assert discounts(stripe, team) == []


@pytest.mark.parametrize("sent", ["", "coupon", "coupon:1", "coupon:x", "gift:3920", "pause:"])
def test_a_made_up_offer_changes_nothing(subscribed, app, stripe, sent):
    owner, team = subscribed("starter")
    owner.post("/cancellation/offer", data={"offer": sent})
    assert discounts(stripe, team) == []
    assert [row for row in recorded(app) if row[1] == "coupon"] == []


def test_whoever_has_a_discount_is_offered_no_second(subscribed, stripe):
    other = stripe.v1.coupons.create({"percent_off": 10, "duration": "forever"}).id
    owner, _ = subscribed(discounts=[{"coupon": other}])
    assert offered(owner.get("/cancellation"), "too_expensive")[1] == "smaller_plan"


def test_a_yearly_plan_that_renews_after_it_ended_is_offered_nothing_empty(subscribed):
    owner, _ = subscribed(interval="year")
    assert offered(owner.get("/cancellation"), "too_expensive")[1] == "smaller_plan"


def test_in_a_trial_it_begins_with_the_first_payment(subscribed):
    owner, _ = subscribed(trial_period_days=14)
    words, _ = offered(owner.get("/cancellation"), "too_expensive")
    assert (
        "$39.20 instead of $49.00 for 3 months. It begins with your payment on 3 December" in words
    )


def test_where_stripe_would_round_no_figure_is_promised(subscribed, app, stripe):
    stripe.v1.coupons.create({"id": "odd", "percent_off": 33.33, "duration": "forever"})
    owner, _ = subscribed("starter")
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], retention_coupon="odd")
    pull(app, "coupon", "odd")
    assert offered(owner.get("/cancellation"), "too_expensive") == (None, None)


def test_an_amount_off_for_good_is_told_so(subscribed, app, stripe):
    stripe.v1.coupons.create(
        {"id": "less", "amount_off": 900, "currency": "usd", "duration": "forever"}
    )
    owner, _ = subscribed("starter")
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], retention_coupon="less")
    pull(app, "coupon", "less")
    words, _ = offered(owner.get("/cancellation"), "too_expensive")
    assert "$10.00 instead of $19.00 a month for as long as you stay" in words


def test_a_smaller_plan_off_the_paths_of_ones_own_is_not_offered(subscribed, app, stripe):
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], retention_coupon=None)
    stripe.v1.products.update("demo_team", {"metadata": {"changes_to": "demo_business"}})
    pull(app, "product", "demo_team")
    owner, _ = subscribed()
    sent = offered(owner.get("/cancellation"), "too_expensive")[1]
    assert sent is None or not sent.startswith("smaller_plan")


# Everything else --------------------------------------------------------------------------------


def test_a_smaller_plan_leads_to_its_quote(subscribed, app):
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], retention_coupon=None)
    owner, _ = subscribed()
    answer = take(owner, "too_expensive")
    assert answer.headers["Location"] == "/plan-change/starter"
    assert recorded(app) == [("too_expensive", "smaller_plan", "accepted", "led_on")]


def test_who_does_not_use_it_may_pause(subscribed, app):
    owner, _ = subscribed()
    words, _ = offered(owner.get("/cancellation"), "unused")
    assert words.startswith("Pause Team instead.")
    assert take(owner, "unused").headers["Location"] == "/pause"
    assert recorded(app) == [("unused", "pause", "accepted", "led_on")]


def test_fewer_seats_where_it_cannot_be_paused(subscribed, app, stripe, deliver_webhooks):
    owner, _ = subscribed(quantity=3)
    stripe.v1.products.update("demo_team", {"metadata": {"pausable": "false"}})
    assert set(deliver_webhooks()) == {200}
    words, _ = offered(owner.get("/cancellation"), "unused")
    assert words.startswith("You have 3 seats.")
    assert take(owner, "unused").headers["Location"] == "/seats"


def test_a_single_seat_that_cannot_be_paused_is_offered_nothing(
    subscribed, stripe, deliver_webhooks
):
    owner, _ = subscribed(quantity=1)
    stripe.v1.products.update("demo_team", {"metadata": {"pausable": "false"}})
    assert set(deliver_webhooks()) == {200}
    assert offered(owner.get("/cancellation"), "unused") == (None, None)


def test_no_reason_has_more_than_one_offer_and_cancelling_is_always_there(subscribed):
    owner, _ = subscribed(quantity=3)
    body = owner.get("/cancellation").get_data(as_text=True)
    for choice in re.split(r'<div class="choice reason">', body)[1:]:
        assert choice.split("</fieldset>")[0].count('class="offer"') <= 1
    assert "Cancel Team" in body
    # Pressing Enter in the form must not take an offer.
    form = re.search(r'<form class="form cancellation".*?</form>', body, re.S).group(0)
    for button in re.findall(r"<button[^>]*>", form):
        assert 'form="accept-offer"' in button or 'name="offer"' not in button


def test_past_due_nothing_is_offered_that_cannot_be_had(
    subscribed, app, stripe, sandbox, clock, people
):
    owner, team = subscribed(quantity=2)
    use_card(app, stripe, team, "pm_card_chargeCustomerFail")
    pass_time(sandbox, clock, datetime(2026, 12, 19, 14, 0, tzinfo=UTC))
    pull(app, "subscription", team)
    pull(app, "invoice", stripe.v1.subscriptions.retrieve(team).latest_invoice)
    owner = people.sign_in(OWNER)
    page = owner.get("/cancellation")
    assert offered(page, "too_expensive") == (None, None)
    assert offered(page, "unused") == (None, None)
    assert "It ends on 19 January 2027, and no new period is charged." in text_of(page)
    assert "without it you keep your access until 26 December 2026 only" in text_of(page)
    said = after(owner, owner.post("/cancellation", data=REASON))
    assert "The open invoice still waits to be paid." in said


def test_paused_it_ends_at_once_and_the_page_says_why(subscribed, app, stripe):
    owner, team = subscribed()
    owner.post("/pause", data={"months": "1"})
    pull(app, "subscription", team)
    page = text_of(owner.get("/cancellation"))
    assert "It is paused, so there is no paid time to wait for: it ends at once." in page
    owner.post("/cancellation", data=REASON)
    assert stripe.v1.subscriptions.retrieve(team).status == "canceled"


def test_a_change_that_waits_for_the_bank_is_named_and_nothing_is_offered(subscribed, app, stripe):
    owner, team = subscribed()
    use_card(app, stripe, team, "pm_card_threeDSecure2Required")
    accept(owner, "/plan-change/business")
    page = owner.get("/cancellation")
    assert "A change of your plan waits for your bank. Cancelling drops it" in text_of(page)
    assert offered(page, "too_expensive") == (None, None)


def test_with_a_change_scheduled_no_coupon_is_offered(subscribed):
    owner, _ = subscribed()
    accept(owner, "/plan-change/starter")
    assert offered(owner.get("/cancellation"), "too_expensive") == (None, None)


def test_a_viewer_accepts_nothing(subscribed, people, stripe):
    _, team = subscribed()
    people.join("viewer@northwind.example", role="viewer")
    viewer = people.sign_in("viewer@northwind.example")
    assert viewer.post("/cancellation/offer", data={"offer": "coupon:3920"}).status_code == 403
    assert discounts(stripe, team) == []


# For staff --------------------------------------------------------------------------------------


def test_the_report_shows_what_keeps_people(
    subscribed, people, subscribe, app, stripe, clock, sandbox, report
):
    assert report() == "Nobody has answered an offer yet.\n"
    owner, _team = subscribed()
    take(owner, "too_expensive")
    people.join("noor@fjord.example", "Fjord")
    subscribe("Fjord", "business", interval="year")
    fjord = people.sign_in("noor@fjord.example")
    fjord.post("/cancellation", data=REASON)
    people.join("kenji@tokyo.example", "Tokyo")
    tokyo_id = subscribe("Tokyo", "team", currency="jpy")
    tokyo = people.sign_in("kenji@tokyo.example")
    take(tokyo, "too_expensive")
    said = report()
    assert "too expensive, coupon shown 2, accepted 2 still subscribed after 90 days: 0 of 0" in (
        " ".join(said.split())
    )
    assert "too expensive, smaller plan shown 1, accepted 0" in " ".join(said.split())
    assert "at stake: $49.00 every month" in said
    assert "at stake: \u00a57,400 every month" in said
    assert "at stake: $990.00 every year" in said
    stripe.v1.subscriptions.cancel(tokyo_id)
    pull(app, "subscription", tokyo_id)
    clock.advance(days=91)
    assert "still subscribed after 90 days: 1 of 2" in report()


def test_how_long_an_offer_was_looked_at_is_kept(subscribed, app, clock):
    owner, _ = subscribed()
    owner.get("/cancellation")
    clock.advance(minutes=7)
    owner.post("/cancellation", data=REASON)
    with app.app_context():
        row = db.session.query(CancellationOffer).one()
        assert row.answered_at - row.shown_at == timedelta(minutes=7)
        assert (row.amount, row.currency, row.interval) == (4900, "usd", "month")


def test_the_doctor_looks_at_the_coupon(app, stripe, catalog):
    def doctor():
        return app.test_cli_runner().invoke(args=["billing", "doctor"]).output

    assert f"ok       retention coupon: {COUPON} can be redeemed" in doctor()
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], retention_coupon="nothing")
    assert "PROBLEM  retention coupon: Stripe has no coupon nothing" in doctor()
    stripe.v1.coupons.create({"id": "used", "percent_off": 5, "max_redemptions": 1})
    customer = stripe.v1.customers.create({"name": "First"})
    card = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    price = stripe.v1.prices.list({"lookup_keys": ["demo_starter_month"]}).data[0].id
    stripe.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price}],
            "default_payment_method": card.id,
            "discounts": [{"coupon": "used"}],
        }
    )
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], retention_coupon="used")
    assert "PROBLEM  retention coupon: used cannot be redeemed any more" in doctor()
