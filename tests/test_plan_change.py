"""Changing plan and interval, by the front door.

Amounts are worked out by hand: Team is $49 a seat a month, Business $99, Starter $19 flat, a year
costs ten months. The subscription begins on 19 November at noon; on 4 December at noon exactly
half of its 30 days is left.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import requests

from billing.money import MINUS
from models import AuditEntry, Quote, db
from tests.quote_page import (
    OWNER,
    accept,
    after,
    at_stripe,
    in_mirror,
    invoices_of,
    offers_quote,
    pass_time,
    pull,
    quote_in,
    row_of,
    stored_quote,
    text_of,
    use_card,
)
from tests.subscriber import HALF_WAY

# The period ends on 19 December at noon; its invoice is a draft for an hour.
INVOICED = datetime(2026, 12, 19, 14, 0, tzinfo=UTC)


@pytest.fixture
def owner(team, people):
    return people.sign_in(OWNER)


@pytest.fixture
def losing_answers(monkeypatch):
    """Requests to a path that ends so are done by Stripe, but their answers never arrive.

    From then on Stripe is silent, so that it cannot be asked what became of them either.
    """

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


# What is shown


def test_an_upgrade_is_quoted_line_by_line_with_what_is_due_today_and_from_then_on(owner):
    page = owner.get("/plan-change/business")
    assert page.status_code == 200
    assert "Upgrade to Business" in text_of(page)
    assert "Unused time on Team 8 seats, 4 to 19 December" in text_of(page)
    assert row_of(page, "Unused time on Team") == f"{MINUS}$196.00"
    assert row_of(page, "Business 8 seats, 4 to 19 December") == "$396.00"
    assert row_of(page, "Due today, Visa ending 4242") == "$200.00"
    assert row_of(page, "From 19 December 2026, every month") == "$792.00"
    assert "Pay $200.00 and upgrade" in text_of(page)


def test_discount_tax_and_balance_are_lines_that_add_up(owner, team, stripe, app):
    # 10 % off, 20 % tax on top, $30 of credit: 200 - 20 = 180; + 36 tax = 216; - 30 = 186.
    coupon = stripe.v1.coupons.create({"percent_off": 10, "duration": "forever"})
    rate = stripe.v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": False})
    stripe.v1.subscriptions.update(
        team, {"discounts": [{"coupon": coupon.id}], "default_tax_rates": [rate.id]}
    )
    customer = stripe.v1.subscriptions.retrieve(team).customer
    stripe.v1.customers.balance_transactions.create(customer, {"amount": -3000, "currency": "usd"})
    page = owner.get("/plan-change/business")
    quote = stored_quote(app, quote_in(page))
    added = [line for line in quote.lines if line["kind"] != "tax_included"]
    assert sum(line["amount"] for line in added) == quote.amount_due
    assert row_of(page, "From your credit balance") == f"{MINUS}$30.00"
    # 8 seats at $99, less 10 %, plus 20 %.
    assert row_of(page, "From 19 December 2026") == "$855.36"
    answer = owner.post("/plan-change/business", data={"quote": quote.id})
    assert answer.status_code == 303
    assert invoices_of(stripe, team)[0] == ("paid", quote.amount_due)


def test_going_yearly_starts_a_year_today_less_what_was_not_used(owner, team, stripe):
    # 8 seats at $490 less half a month of Team: 3920 - 196.
    page = owner.get("/plan-change/team?interval=year")
    assert "Switch to yearly billing" in text_of(page)
    assert row_of(page, "Due today") == "$3,724.00"
    assert row_of(page, "From 4 December 2027, every year") == "$3,920.00"
    answer = owner.post("/plan-change/team?interval=year", data={"quote": quote_in(page)})
    assert "You now have Team, 8 seats, billed yearly. $3,724.00 was charged." in after(
        owner, answer
    )
    assert at_stripe(stripe, team) == ("demo_team_year", 8)


def test_a_subscription_in_euro_is_quoted_and_billed_in_euro(
    people, subscribe, clock, stripe, sandbox
):
    # €45 and €92 a seat, one seat, half a month: 46 - 22.50.
    people.join(OWNER)
    team = subscribe("Northwind", "team", currency="eur")
    clock.set(HALF_WAY)
    owner = people.sign_in(OWNER)
    assert row_of(owner.get("/plan-change/business"), "Due today") == "€23.50"
    assert row_of(owner.get("/plan-change/starter"), "From 19 December 2026") == "€18.00"
    accept(owner, "/plan-change/starter")
    pass_time(sandbox, clock, INVOICED)
    assert invoices_of(stripe, team) == [("paid", 1800), ("paid", 4500)]


def test_the_plan_one_has_needs_no_quote_and_no_call(owner, stripe_calls):
    before = len(stripe_calls)
    page = owner.get("/plan-change/team?interval=month")
    assert "You are already on Team with 8 seats, billed every month." in text_of(page)
    assert not offers_quote(page)
    assert len(stripe_calls) == before


def test_other_seats_on_the_plan_one_has_are_a_matter_of_seats(owner):
    answer = owner.get("/plan-change/team?seats=10")
    assert answer.headers["Location"].endswith("/seats?seats=10")


def test_a_plan_that_is_not_sold_at_that_interval_says_so(owner, stripe, app):
    product = stripe.v1.products.create({"name": "Solo", "metadata": {"slug": "solo"}})
    price = stripe.v1.prices.create(
        {
            "product": product.id,
            "currency": "eur",
            "unit_amount": 900,
            "recurring": {"interval": "month"},
        }
    )
    pull(app, "product", product.id)
    pull(app, "price", price.id)
    page = owner.get("/plan-change/solo")
    assert "Solo is not sold that way" in text_of(page)
    assert "Your subscription is in USD" in text_of(page)
    assert not offers_quote(page)


def test_an_unknown_plan_is_not_found(owner):
    assert owner.get("/plan-change/no-such-plan").status_code == 404
    assert owner.post("/plan-change/no-such-plan").status_code == 404


def test_seats_for_the_new_plan_can_be_chosen_within_its_limits(owner, team, stripe):
    page = owner.get("/plan-change/business?seats=10")
    # 10 seats at $99 for half a month, less 8 at $49.
    assert row_of(page, "Due today") == "$299.00"
    owner.post("/plan-change/business?seats=10", data={"quote": quote_in(page)})
    assert at_stripe(stripe, team) == ("demo_business_month", 10)


@pytest.mark.parametrize("order", ["slug=x", "_method=X", "_external=1&_scheme=javascript"])
def test_the_address_carries_nothing_but_the_choice_into_the_form(owner, order):
    page = owner.get(f"/plan-change/business?seats=9&{order}")
    assert 'action="/plan-change/business?seats=9"' in page.get_data(as_text=True)
    answer = owner.post(f"/plan-change/business?seats=9&{order}", data={"quote": "none"})
    assert answer.headers["Location"] == "/plan-change/business?seats=9"


def test_a_senseless_number_of_seats_is_refused_and_kept(owner):
    for typed in ("0", "-3", "501", "9" * 40, "ten", "1.5", ""):
        page = owner.get("/plan-change/business", query_string={"seats": typed})
        assert page.status_code == 422
        assert "Enter a whole number from 1 to 500." in text_of(page)
        assert f'value="{typed}"' in page.get_data(as_text=True)
        assert not offers_quote(page)


def test_without_a_payment_method_one_is_asked_for_before_anything_is_confirmed(
    owner, team, stripe, app
):
    customer = stripe.v1.subscriptions.retrieve(team).customer
    for method in stripe.v1.payment_methods.list({"customer": customer}).data:
        stripe.v1.payment_methods.detach(method.id)
        pull(app, "payment_method", method.id)
    pull(app, "customer", customer)
    page = owner.get("/plan-change/business")
    assert "You have no payment method." in text_of(page)
    assert not offers_quote(page)


# Confirming


def test_confirming_charges_exactly_what_was_shown(owner, team, stripe, app):
    quote_id = quote_in(owner.get("/plan-change/business"))
    answer = owner.post("/plan-change/business", data={"quote": quote_id})
    assert "You now have Business, 8 seats, billed monthly. $200.00 was charged." in after(
        owner, answer
    )
    assert at_stripe(stripe, team) == ("demo_business_month", 8)
    assert in_mirror(app, team) == ("demo_business_month", 8)
    assert invoices_of(stripe, team)[0] == ("paid", 20000)
    quote = stored_quote(app, quote_id)
    assert (quote.amount_due, quote.charged_amount) == (20000, 20000)
    assert quote.invoice_id == stripe.v1.subscriptions.retrieve(team).latest_invoice
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="plan.changed").one()
        assert entry.subject == team
        assert entry.after["takes_effect"] == "now"


def test_a_minute_spent_reading_changes_nothing_in_the_amount(owner, team, stripe, clock):
    quote_id = quote_in(owner.get("/plan-change/business"))
    clock.advance(minutes=29)
    owner.post("/plan-change/business", data={"quote": quote_id})
    assert invoices_of(stripe, team)[0] == ("paid", 20000)


def test_two_clicks_make_one_change_and_one_charge(owner, team, stripe, app):
    quote_id = quote_in(owner.get("/plan-change/business"))
    for _ in range(2):
        answer = owner.post("/plan-change/business", data={"quote": quote_id})
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith("/subscription")
    assert invoices_of(stripe, team) == [("paid", 20000), ("paid", 39200)]
    with app.app_context():
        assert db.session.query(AuditEntry).filter_by(action="plan.changed").count() == 1


def test_two_clicks_that_cross_make_one_change_and_both_end_well(
    owner, team, stripe, people, monkeypatch
):
    quote_id = quote_in(owner.get("/plan-change/business"))
    other = people.sign_in(OWNER)
    send, clicks = requests.Session.request, []

    def request(self, method, url, *args, **kwargs):
        # The second click overtakes the first, which has looked but not yet changed anything.
        if url.endswith("/create_preview") and not clicks:
            clicks.append("second")
            answer = other.post("/plan-change/business", data={"quote": quote_id})
            assert answer.headers["Location"].endswith("/subscription")
        return send(self, method, url, *args, **kwargs)

    monkeypatch.setattr(requests.Session, "request", request)
    answer = owner.post("/plan-change/business", data={"quote": quote_id})
    assert clicks == ["second"]
    assert answer.headers["Location"].endswith("/subscription")
    assert invoices_of(stripe, team) == [("paid", 20000), ("paid", 39200)]


def refused(owner, team, stripe, answer, url="/plan-change/business"):
    """Nothing was changed, and a fresh quote is shown with the reason."""
    assert answer.headers["Location"].endswith(url)
    page = owner.get(answer.headers["Location"])
    assert "Nothing was changed and you were not charged." in text_of(page)
    assert invoices_of(stripe, team) == [("paid", 39200)]
    return page


def test_a_quote_older_than_half_an_hour_is_asked_for_again(owner, team, stripe, clock):
    quote_id = quote_in(owner.get("/plan-change/business"))
    clock.advance(minutes=30)
    answer = owner.post("/plan-change/business", data={"quote": quote_id})
    assert offers_quote(refused(owner, team, stripe, answer))


def test_without_a_quote_of_ours_nothing_is_charged(owner, team, stripe):
    for sent in ({}, {"quote": ""}, {"quote": "made-up"}):
        answer = owner.post("/plan-change/business", data=sent)
        assert offers_quote(refused(owner, team, stripe, answer))


def test_another_account_cannot_use_the_quote(owner, team, stripe, people, app):
    quote_id = quote_in(owner.get("/plan-change/business"))
    with app.app_context():
        quote = db.session.get(Quote, quote_id)
        quote.account_id = people.join("eve@other.example", "Other")
        db.session.commit()
    answer = owner.post("/plan-change/business", data={"quote": quote_id})
    refused(owner, team, stripe, answer)


def test_a_quote_for_one_plan_does_not_buy_another(owner, team, stripe):
    quote_id = quote_in(owner.get("/plan-change/team?interval=year"))
    answer = owner.post("/plan-change/business", data={"quote": quote_id})
    refused(owner, team, stripe, answer)


def test_a_change_in_another_tab_makes_the_quote_void(owner, team, stripe, app):
    quote_id = quote_in(owner.get("/plan-change/business"))
    item = stripe.v1.subscriptions.retrieve(team)["items"].data[0].id
    stripe.v1.subscriptions.update(
        team, {"items": [{"id": item, "quantity": 9}], "proration_behavior": "none"}
    )
    answer = owner.post("/plan-change/business", data={"quote": quote_id})
    refused(owner, team, stripe, answer)
    assert at_stripe(stripe, team) == ("demo_team_month", 9)


def test_a_balance_that_moved_makes_the_quote_void(owner, team, stripe):
    quote_id = quote_in(owner.get("/plan-change/business"))
    customer = stripe.v1.subscriptions.retrieve(team).customer
    stripe.v1.customers.balance_transactions.create(customer, {"amount": 700, "currency": "usd"})
    answer = owner.post("/plan-change/business", data={"quote": quote_id})
    page = refused(owner, team, stripe, answer)
    assert row_of(page, "Due today") == "$207.00"


def test_a_plan_withdrawn_meanwhile_is_refused_in_our_words(owner, team, stripe):
    quote_id = quote_in(owner.get("/plan-change/business"))
    (price,) = stripe.v1.prices.list({"lookup_keys": ["demo_business_month"]}).data
    stripe.v1.prices.update(price.id, {"active": False})
    refusals = [
        owner.post("/plan-change/business", data={"quote": quote_id}),
        owner.get("/plan-change/business"),
    ]
    for answer in refusals:
        assert answer.status_code == 409
        assert "Nothing was changed and you were not charged." in text_of(answer)
    assert invoices_of(stripe, team) == [("paid", 39200)]


def test_a_card_removed_meanwhile_is_asked_for_before_anything_is_charged(owner, team, stripe):
    quote_id = quote_in(owner.get("/plan-change/business"))
    customer = stripe.v1.customers.retrieve(stripe.v1.subscriptions.retrieve(team).customer)
    stripe.v1.payment_methods.detach(customer.invoice_settings.default_payment_method)
    page = refused(
        owner, team, stripe, owner.post("/plan-change/business", data={"quote": quote_id})
    )
    assert not offers_quote(page)


def test_two_tabs_that_schedule_at_once_end_in_one_change(owner, team, stripe, people, monkeypatch):
    quotes = [quote_in(owner.get("/plan-change/starter")) for _ in range(2)]
    other, send, clicks = people.sign_in(OWNER), requests.Session.request, []

    def request(self, method, url, *args, **kwargs):
        if method == "post" and url.endswith("/subscription_schedules") and not clicks:
            clicks.append("second")
            other.post("/plan-change/starter", data={"quote": quotes[1]})
        return send(self, method, url, *args, **kwargs)

    monkeypatch.setattr(requests.Session, "request", request)
    answer = owner.post("/plan-change/starter", data={"quote": quotes[0]})
    assert clicks == ["second"]
    assert "sub_sched" not in after(owner, answer)
    assert len(stripe.v1.subscription_schedules.list().data) == 1


def test_a_declined_card_leaves_the_old_plan_and_nothing_to_pay(owner, team, stripe, app):
    use_card(app, stripe, team, "pm_card_chargeCustomerFail")
    page = accept(owner, "/plan-change/business")
    assert page.status_code == 402
    assert "You stay on Team with 8 seats; nothing was changed." in text_of(page)
    assert "You were not charged" in text_of(page)
    assert at_stripe(stripe, team) == ("demo_team_month", 8)
    assert [status for status, _ in invoices_of(stripe, team) if status == "open"] == []
    # The page holds a fresh quote: with a card that works it goes through.
    use_card(app, stripe, team, "pm_card_visa")
    answer = owner.post("/plan-change/business", data={"quote": quote_in(page)})
    assert "You now have Business, 8 seats" in after(owner, answer)


def test_a_trial_changes_at_once_and_charges_nothing(people, subscribe, stripe, clock):
    people.join(OWNER)
    team = subscribe("Northwind", "team", quantity=2, trial_period_days=14)
    owner = people.sign_in(OWNER)
    for slug, lookup_key in (
        ("business", "demo_business_month"),
        ("starter", "demo_starter_month"),
    ):
        page = owner.get(f"/plan-change/{slug}")
        assert row_of(page, "Today") == "$0.00"
        assert "Your trial goes on until 3 December 2026" in text_of(page)
        answer = owner.post(f"/plan-change/{slug}", data={"quote": quote_in(page)})
        assert "Nothing was charged." in after(owner, answer)
        assert at_stripe(stripe, team)[0] == lookup_key
    assert stripe.v1.subscriptions.retrieve(team).status == "trialing"
    assert sum(amount for _, amount in invoices_of(stripe, team)) == 0


def test_who_pays_by_invoice_gets_one_for_the_difference(people, subscribe, stripe, clock):
    people.join(OWNER)
    team = subscribe("Northwind", "team", collection_method="send_invoice", days_until_due=30)
    owner = people.sign_in(OWNER)
    page = owner.get("/plan-change/business")
    assert row_of(page, "Due by invoice") == "$50.00"
    assert "Switch, and send me the invoice" in text_of(page)
    answer = owner.post("/plan-change/business", data={"quote": quote_in(page)})
    assert "$50.00 is due; you find the invoice under Invoices." in after(owner, answer)
    assert at_stripe(stripe, team) == ("demo_business_month", 1)


def test_while_it_is_paused_nothing_is_quoted(owner, team, stripe, app):
    stripe.v1.subscriptions.update(team, {"pause_collection": {"behavior": "void"}})
    pull(app, "subscription", team)
    page = owner.get("/plan-change/business")
    assert "Your subscription is paused" in text_of(page)
    assert not offers_quote(page)


# At the end of the period


def test_a_downgrade_waits_for_the_end_of_the_period(owner, team, stripe, app, clock, sandbox):
    page = owner.get("/plan-change/starter")
    assert "You keep Team until 19 December 2026" in text_of(page)
    assert "You would lose 7 seats on 19 December 2026." in text_of(page)
    assert row_of(page, "Today") == "$0.00"
    assert row_of(page, "From 19 December 2026, every month") == "$19.00"
    answer = owner.post("/plan-change/starter", data={"quote": quote_in(page)})
    assert "From 19 December 2026 you have Starter, billed monthly" in after(owner, answer)
    assert at_stripe(stripe, team) == ("demo_team_month", 8)
    assert invoices_of(stripe, team) == [("paid", 39200)]
    pass_time(sandbox, clock, INVOICED)
    assert at_stripe(stripe, team) == ("demo_starter_month", 1)
    assert invoices_of(stripe, team) == [("paid", 1900), ("paid", 39200)]


def test_what_the_subscription_had_is_still_there_after_a_downgrade(
    owner, team, stripe, app, clock, sandbox
):
    coupon = stripe.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    rate = stripe.v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": False})
    customer = stripe.v1.subscriptions.retrieve(team).customer
    card = stripe.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer})
    stripe.v1.subscriptions.update(
        team,
        {
            "discounts": [{"coupon": coupon.id}],
            "default_tax_rates": [rate.id],
            "default_payment_method": card.id,
            "metadata": {"crm": "42"},
        },
    )
    (discount,) = stripe.v1.subscriptions.retrieve(team).discounts
    accept(owner, "/plan-change/starter")
    pass_time(sandbox, clock, INVOICED)
    subscription = stripe.v1.subscriptions.retrieve(team)
    assert at_stripe(stripe, team) == ("demo_starter_month", 1)
    assert subscription.discounts == [discount]
    assert [r.id for r in subscription.default_tax_rates] == [rate.id]
    assert subscription.default_payment_method == card.id
    assert subscription.metadata.to_dict() == {"crm": "42"}
    # $19, half off, plus 20 %.
    assert invoices_of(stripe, team)[0] == ("paid", 1140)


def test_a_scheduled_change_can_be_undone(owner, team, stripe, clock, app, sandbox):
    accept(owner, "/plan-change/starter")
    assert "It changes to Starter on 19 December." in owner.get("/plans").text
    assert "You keep Team as it is." in after(owner, owner.post("/scheduled-change/undo"))
    assert stripe.v1.subscriptions.retrieve(team).schedule is None
    assert "no scheduled change" in after(owner, owner.post("/scheduled-change/undo"))
    pass_time(sandbox, clock, INVOICED)
    assert at_stripe(stripe, team) == ("demo_team_month", 8)


def test_yearly_to_monthly_waits_for_the_end_of_the_year(people, subscribe, clock, stripe):
    people.join(OWNER)
    team = subscribe("Northwind", "team", "year", quantity=2)
    clock.set(HALF_WAY)
    owner = people.sign_in(OWNER)
    page = owner.get("/plan-change/team?interval=month")
    assert row_of(page, "Today") == "$0.00"
    assert row_of(page, "From 19 November 2027, every month") == "$98.00"
    owner.post("/plan-change/team?interval=month", data={"quote": quote_in(page)})
    assert at_stripe(stripe, team) == ("demo_team_year", 2)
    schedule = stripe.v1.subscription_schedules.retrieve(
        stripe.v1.subscriptions.retrieve(team).schedule
    )
    now, then = schedule.phases
    assert schedule.end_behavior == "release"
    assert now.end_date == then.start_date == datetime(2027, 11, 19, 12, tzinfo=UTC).timestamp()
    assert (now.proration_behavior, then.proration_behavior) == ("none", "none")


def test_the_next_charge_after_a_scheduled_change_keeps_the_discount(owner, team, stripe, app):
    coupon = stripe.v1.coupons.create({"percent_off": 25, "duration": "forever"})
    stripe.v1.subscriptions.update(team, {"discounts": [{"coupon": coupon.id}]})
    assert accept(owner, "/plan-change/starter").status_code == 303
    # A quarter off $19.00.
    assert "Next charge is $14.25 on 19 December" in text_of(owner.get("/"))


def test_a_second_scheduled_change_takes_the_place_of_the_first_and_says_so(
    owner, team, stripe, clock, sandbox
):
    accept(owner, "/plan-change/starter")
    page = owner.get("/seats?seats=3")
    assert "You have a change scheduled: Starter, on 19 December 2026." in text_of(page)
    assert "This one takes its place." in text_of(page)
    owner.post("/seats", data={"quote": quote_in(page), "seats": "3"})
    pass_time(sandbox, clock, INVOICED)
    assert at_stripe(stripe, team) == ("demo_team_month", 3)
    assert invoices_of(stripe, team)[0] == ("paid", 14700)


def test_an_upgrade_drops_the_scheduled_downgrade(owner, team, stripe, clock, sandbox):
    accept(owner, "/plan-change/starter")
    answer = accept(owner, "/plan-change/business")
    assert "You now have Business, 8 seats" in after(owner, answer)
    assert stripe.v1.subscriptions.retrieve(team).schedule is None
    pass_time(sandbox, clock, INVOICED)
    assert at_stripe(stripe, team) == ("demo_business_month", 8)
    assert invoices_of(stripe, team)[0] == ("paid", 79200)


def test_a_declined_upgrade_keeps_the_scheduled_downgrade(owner, team, stripe, app):
    accept(owner, "/plan-change/starter")
    use_card(app, stripe, team, "pm_card_chargeCustomerFail")
    assert accept(owner, "/plan-change/business").status_code == 402
    assert stripe.v1.subscriptions.retrieve(team).schedule is not None
    assert "It changes to Starter on 19 December." in text_of(owner.get("/subscription"))


def test_what_is_scheduled_already_is_not_scheduled_again(owner):
    accept(owner, "/plan-change/starter")
    page = owner.get("/plan-change/starter")
    assert "changes to exactly this on 19 December 2026" in text_of(page)
    assert not offers_quote(page)


# What stands in the way


def test_an_ending_subscription_is_kept_first(owner, team, stripe, app):
    stripe.v1.subscriptions.update(team, {"cancel_at_period_end": True})
    pull(app, "subscription", team)
    page = owner.get("/plan-change/business")
    assert "Team ends on 19 December 2026. Keep it first" in text_of(page)
    assert not offers_quote(page)


def test_whoever_owes_pays_first(owner, team, stripe, app, clock, people, sandbox):
    use_card(app, stripe, team, "pm_card_chargeCustomerFail")
    pass_time(sandbox, clock, INVOICED)
    pull(app, "subscription", team)
    owner = people.sign_in(OWNER)
    page = owner.get("/plan-change/business")
    assert "$392.00 is still open." in text_of(page)
    invoice = stripe.v1.subscriptions.retrieve(team).latest_invoice
    assert f'href="/invoices/{invoice}"' in page.get_data(as_text=True)
    assert not offers_quote(page)


def test_without_a_subscription_there_are_plans_to_choose(people, catalog):
    owner = people.owner()
    for answer in (owner.get("/plan-change/team"), owner.post("/plan-change/team")):
        assert answer.headers["Location"].endswith("/plans")


def test_only_owners_and_billing_change_plans(team, people, client):
    assert "/login" in client.get("/plan-change/business").headers["Location"]
    people.join("viewer@northwind.example", role="viewer")
    viewer = people.sign_in("viewer@northwind.example")
    assert viewer.get("/plan-change/business").status_code == 403
    assert viewer.post("/plan-change/business").status_code == 403
    assert viewer.post("/scheduled-change/undo").status_code == 403
    people.join("bill@northwind.example", role="billing")
    assert offers_quote(people.sign_in("bill@northwind.example").get("/plan-change/business"))


# When Stripe does not answer


def test_when_stripe_is_down_the_page_still_shows_the_plan_and_its_list_price(
    owner, stripe_is_down
):
    stripe_is_down()
    page = owner.get("/plan-change/business")
    assert page.status_code == 200
    assert "We cannot work out the exact cost right now." in text_of(page)
    assert row_of(page, "Business, 8 seats, every month") == "$792.00"
    assert not offers_quote(page)


def test_a_page_that_quotes_does_not_wait_for_stripe_again_and_again(
    app, owner, stripe_calls, stripe_is_down
):
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], stripe_network_retries=2)
    stripe_is_down()
    before = len(stripe_calls)
    assert owner.get("/plan-change/business").status_code == 200
    assert len(stripe_calls) == before + 1


def test_when_stripe_is_down_confirming_says_that_nothing_happened(
    owner, team, stripe, stripe_is_down
):
    quote_id = quote_in(owner.get("/plan-change/business"))
    up = stripe_is_down()
    page = owner.post("/plan-change/business", data={"quote": quote_id})
    assert page.status_code == 503
    assert "Nothing was changed and you were not charged." in text_of(page)
    up()
    assert at_stripe(stripe, team) == ("demo_team_month", 8)
    # The quote still holds.
    answer = owner.post("/plan-change/business", data={"quote": quote_id})
    assert "$200.00 was charged." in after(owner, answer)


def test_a_lost_answer_is_looked_up_and_never_charged_again(
    owner, team, stripe, losing_answers, monkeypatch
):
    quote_id = quote_in(owner.get("/plan-change/business"))
    losing_answers(f"/v1/subscriptions/{team}")
    page = owner.post("/plan-change/business", data={"quote": quote_id})
    assert page.status_code == 503
    assert "we do not know yet whether this went through" in text_of(page)
    monkeypatch.undo()
    answer = owner.post("/plan-change/business", data={"quote": quote_id})
    assert "You now have Business, 8 seats, billed monthly. $200.00 was charged." in after(
        owner, answer
    )
    assert invoices_of(stripe, team) == [("paid", 20000), ("paid", 39200)]


def test_after_a_lost_answer_the_page_finds_out_instead_of_quoting_again(
    owner, team, losing_answers, monkeypatch, app
):
    quote_id = quote_in(owner.get("/plan-change/business"))
    losing_answers(f"/v1/subscriptions/{team}")
    owner.post("/plan-change/business", data={"quote": quote_id})
    monkeypatch.undo()
    page = owner.get("/plan-change/business")
    assert "You are already on Business with 8 seats" in text_of(page)
    assert stored_quote(app, quote_id).charged_amount == 20000


@pytest.fixture
def only_to_starter(stripe, app):
    """Team, which may be changed to Starter and to nothing else."""
    stripe.v1.products.update("demo_team", {"metadata": {"changes_to": "starter"}})
    pull(app, "product", "demo_team")


def test_a_plan_off_the_paths_of_ones_own_is_not_quoted_and_says_whom_to_ask(
    owner, team, only_to_starter, stripe
):
    page = owner.get("/plan-change/business")
    assert "Team cannot be changed to Business here" in text_of(page)
    assert "write to" in text_of(page)
    assert not offers_quote(page)
    assert offers_quote(owner.get("/plan-change/starter"))
    assert at_stripe(stripe, team) == ("demo_team_month", 8)


def test_another_interval_of_ones_own_plan_needs_no_path(owner, only_to_starter):
    assert offers_quote(owner.get("/plan-change/team?interval=year"))


def test_a_quote_from_before_its_path_was_closed_changes_nothing(owner, team, stripe, app):
    quote_id = quote_in(owner.get("/plan-change/business"))
    stripe.v1.products.update("demo_team", {"metadata": {"changes_to": "demo_starter"}})
    pull(app, "product", "demo_team")
    answer = owner.post("/plan-change/business", data={"quote": quote_id})
    assert "Team cannot be changed to Business here" in after(owner, answer)
    assert at_stripe(stripe, team) == ("demo_team_month", 8)
