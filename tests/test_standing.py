"""The first sentence of the overview: where one stands, what comes next, what to do."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

import pytest

from models import Customer, PaymentMethod, Subscription, db

RENEWAL = "19 December"  # a month after the suite's day, 19 November 2026


@pytest.fixture
def stand(app, people, subscribe):
    """Signs in a subscriber of Team with 8 seats whose mirror is then as told; the client.

    Keywords are columns of the subscription; `invoice` are those of its latest invoice.
    """

    def arrange(*, invoice=None, plan="team", quantity=8, params=None, **columns):
        owner = people.owner()
        subscription = subscribe("Northwind", plan, quantity=quantity, **(params or {}))
        with app.app_context():
            row = db.session.get(Subscription, subscription)
            for name, value in columns.items():
                setattr(row, name, value)
            for name, value in (invoice or {}).items():
                setattr(row.latest_invoice, name, value)
            db.session.commit()
        return owner

    return arrange


UNPAID = {"status": "open", "amount_remaining": 39200, "amount_paid": 0, "attempt_count": 1}


def text_of(markup):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split()).replace(" .", ".")


def panel(client, path="/"):
    """The panel's sentence, the line under it, and its actions."""
    page = client.get(path)
    assert page.status_code == 200
    found = re.search(r'<section class="standing".*?</section>', page.text, re.S)[0]
    sentence = re.search(r"<h1>(.*?)</h1>", found, re.S)[1]
    detail = re.search(r"</h1>\s*<p>(.*?)</p>", found, re.S)[1]
    actions = re.findall(r"<(?:a|button) [^>]*>(.*?)</(?:a|button)>", found, re.S)
    return text_of(sentence), text_of(detail), [text_of(a) for a in actions]


def test_active_names_the_next_charge_its_day_and_its_card(stand):
    sentence, detail, actions = panel(stand())
    assert sentence == (
        f"You are on Team. Next charge is $392.00 on {RENEWAL}, to Visa ending 4242."
    )
    assert detail == "8 seats at $49.00 a month."
    assert actions == ["Change plan", "Cancel"]


def test_trialing_names_the_first_charge(stand):
    end = datetime(2026, 12, 3, 12, tzinfo=UTC)
    sentence, detail, actions = panel(stand(params={"trial_end": int(end.timestamp())}))
    assert sentence == (
        "Your trial of Team runs until 3 December. "
        "First charge is $392.00 on 3 December, to Visa ending 4242."
    )
    assert "Nothing was charged" in detail
    assert actions == ["Change plan", "Cancel trial"]


def test_past_due_says_what_failed_and_when_it_is_tried_again(stand):
    retry = datetime(2026, 11, 23, 12, tzinfo=UTC)
    owner = stand(status="past_due", invoice={**UNPAID, "next_payment_attempt": retry})
    sentence, detail, actions = panel(owner)
    assert sentence == "Your payment of $392.00 did not go through."
    assert "again on 23 November" in detail
    assert actions == ["Pay now", "Use another card"]


def test_past_due_without_another_try_says_so(stand):
    owner = stand(status="past_due", invoice={**UNPAID, "next_payment_attempt": None})
    assert "We do not try again by ourselves" in panel(owner)[1]


def test_unpaid_names_what_is_owed(stand):
    sentence, _, actions = panel(stand(status="unpaid", invoice=UNPAID))
    assert sentence == "Team is on hold: $392.00 is unpaid."
    assert actions[0] == "Pay now"


def test_incomplete_counts_down_to_its_end(stand):
    sentence, detail, actions = panel(stand(status="incomplete", invoice=UNPAID))
    assert sentence == (
        "Your first payment of $392.00 is not finished. Team starts as soon as it is."
    )
    # 23 hours after noon of 19 November.
    assert "Finish it by 20 Nov 2026, 11:00 UTC" in detail
    assert actions == ["Finish the payment", "Use another card"]


def test_incomplete_expired_was_not_charged(stand):
    sentence, detail, actions = panel(stand(status="incomplete_expired"))
    assert sentence == "Your order of Team was not paid in time and has expired."
    assert "You were not charged" in detail
    assert actions == ["See plans"]


def test_canceled_names_the_day_it_ended(stand):
    ended = datetime(2026, 11, 2, tzinfo=UTC)
    sentence, detail, actions = panel(stand(status="canceled", ended_at=ended))
    assert sentence == "Team ended on 2 November."
    assert "invoices stay here" in detail
    assert actions == ["See plans"]


def test_paused_says_nothing_is_charged(stand):
    sentence, _, _ = panel(stand(status="paused"))
    assert sentence == "Team is paused. You are not being charged."


def test_a_status_we_do_not_know_claims_nothing(stand):
    sentence, detail, _ = panel(stand(status="hibernating"))
    assert sentence == "You are on Team."
    assert "checking" in detail


def test_without_a_subscription_one_is_led_to_the_plans(people, catalog):
    sentence, _, actions = panel(people.owner())
    assert sentence == "You have no subscription yet."
    assert actions == ["See plans"]


@pytest.mark.parametrize(
    "ending",
    [
        {"cancel_at_period_end": True},
        {"cancel_at": datetime(2026, 12, 19, 12, tzinfo=UTC)},
    ],
)
def test_ending_either_way_names_the_last_day_and_offers_to_stay(stand, ending):
    sentence, detail, actions = panel(stand(**ending))
    assert sentence == f"Team ends on {RENEWAL}. You are not charged again."
    assert "You keep Team until then" in detail
    assert actions == ["Keep Team"]


def test_ending_after_another_renewal_still_names_that_charge(stand):
    sentence, _, _ = panel(stand(cancel_at=datetime(2027, 1, 5, tzinfo=UTC)))
    assert sentence.startswith("Team ends on 5 January. Next charge is $392.00 on 19 December")


def test_a_scheduled_change_is_named_with_what_will_be_charged(
    stand, stripe, deliver_webhooks, app
):
    owner = stand()
    with app.app_context():
        row = db.session.query(Subscription).one()
        subscription, item = row.stripe_id, row.item
        ends, price = int(row.current_period_end.timestamp()), item.price_id
    starter = stripe.v1.prices.list({"lookup_keys": ["demo_starter_month"]}).data[0]
    schedule = stripe.v1.subscription_schedules.create({"from_subscription": subscription})
    stripe.v1.subscription_schedules.update(
        schedule.id,
        {
            "end_behavior": "release",
            "phases": [
                {
                    "items": [{"price": price, "quantity": 8}],
                    "start_date": schedule.phases[0].start_date,
                    "end_date": ends,
                },
                {"items": [{"price": starter.id, "quantity": 1}], "start_date": ends},
            ],
        },
    )
    deliver_webhooks()
    sentence, detail, actions = panel(owner)
    assert sentence == f"You are on Team. It changes to Starter on {RENEWAL}."
    assert "Next charge is $19.00" in detail
    assert actions == ["Keep Team as it is", "Cancel"]
    assert "What changes" in owner.get("/subscription").text


def test_without_a_payment_method_it_says_what_to_do(stand, app):
    owner = stand()
    with app.app_context():
        db.session.query(Customer).one().default_payment_method_id = None
        db.session.commit()
    sentence, detail, actions = panel(owner)
    assert sentence == "You are on Team, and there is nothing to pay the next charge with."
    assert f"$392.00 on {RENEWAL}." in detail
    assert actions[0] == "Add a payment method"


def test_a_card_that_expires_before_the_next_charge_is_named(stand, app):
    owner = stand()
    with app.app_context():
        card = db.session.query(PaymentMethod).one()
        card.exp_month, card.exp_year = 11, 2026
        db.session.commit()
    assert panel(owner)[0] == (
        f"You are on Team. Visa ending 4242 expires before the next charge on {RENEWAL}."
    )


def test_paused_collection_is_not_called_a_paused_subscription(stand):
    until = datetime(2027, 2, 1, tzinfo=UTC)
    paused = {"behavior": "void", "resumes_at": int(until.timestamp())}
    sentence, detail, _ = panel(stand(pause_collection=paused))
    assert sentence == "You are on Team, and payments are paused."
    assert "until 1 February 2027" in detail


def test_invoiced_customers_are_told_of_an_invoice_not_a_charge(stand):
    owner = stand(
        params={"collection_method": "send_invoice", "days_until_due": 14},
        invoice={"status": "paid"},
    )
    sentence = panel(owner)[0]
    assert f"The next invoice, $392.00, comes on {RENEWAL} and is due within 14 days." in sentence


def test_credit_on_the_account_lowers_the_next_charge(stand, app):
    owner = stand()
    with app.app_context():
        db.session.query(Customer).one().balance = -5000
        db.session.commit()
    sentence, detail, _ = panel(owner)
    assert "Next charge is $342.00" in sentence
    assert "$50.00 of your credit is used" in detail


def test_credit_beyond_the_price_leaves_nothing_to_pay(stand, app):
    owner = stand()
    with app.app_context():
        db.session.query(Customer).one().balance = -50000
        db.session.commit()
    assert f"Nothing is due on {RENEWAL}." in panel(owner)[0]


def test_credit_in_another_currency_pays_nothing_of_the_next_charge(stand, app):
    owner = stand()
    with app.app_context():
        customer = db.session.query(Customer).one()
        customer.currency, customer.balance = "eur", -5000
        db.session.commit()
    sentence, detail, _ = panel(owner)
    assert "Next charge is $392.00" in sentence
    assert "credit" not in detail


@pytest.mark.parametrize(
    ("coupon", "said"),
    [
        ({"percent_off": 25, "duration": "forever"}, "Next charge is $294.00 on"),
        ({"amount_off": 1000, "currency": "usd", "duration": "forever"}, "is $382.00 on"),
        ({"percent_off": 33.33, "duration": "forever"}, "is about $261.35 on"),
    ],
)
def test_a_discount_is_taken_off_the_next_charge(stand, stripe, coupon, said):
    made = stripe.v1.coupons.create(coupon)
    sentence, detail, _ = panel(stand(params={"discounts": [{"coupon": made.id}]}))
    assert said in sentence
    assert "Your discount is taken off" in detail


def test_tax_on_top_is_said_rather_than_guessed(stand, stripe):
    rate = stripe.v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False})
    sentence, _, _ = panel(stand(params={"default_tax_rates": [rate.id]}))
    assert "Next charge is $392.00 plus tax on" in sentence


def test_tax_within_the_price_leaves_the_figure_alone(stand, stripe):
    rate = stripe.v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": True})
    assert "is $392.00 on" in panel(stand(params={"default_tax_rates": [rate.id]}))[0]


def test_an_amount_nobody_can_know_yet_is_left_out(stand, app):
    owner = stand()
    with app.app_context():
        db.session.query(Subscription).one().price.usage_type = "metered"
        db.session.commit()
    sentence, _, _ = panel(owner)
    assert sentence == f"You are on Team. Next charge is on {RENEWAL}, to Visa ending 4242."


def test_who_only_reads_sees_the_sentence_and_no_actions(stand, people):
    stand()
    people.join("eva@northwind.example", role="viewer")
    sentence, _, actions = panel(people.sign_in("eva@northwind.example"))
    assert sentence.startswith("You are on Team.")
    assert actions == []


def test_far_dates_carry_their_year(people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "team", "year", quantity=8)
    assert "on 19 November 2027, to Visa" in panel(owner)[0]


def test_the_page_never_asks_stripe(stand, stripe_calls):
    owner = stand()
    before = len(stripe_calls)
    owner.get("/")
    owner.get("/subscription")
    owner.get("/plans")
    assert len(stripe_calls) == before
