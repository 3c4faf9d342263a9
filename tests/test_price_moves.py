"""Subscribers move to a new price: each once, on their day, whatever they do meanwhile."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from billing.price_changes import moving
from models import AuditEntry, PriceChange, PriceMove, db
from sandbox import events
from sandbox.store import store
from tests.conftest import mirrored
from tests.quote_page import OWNER, accept, after, text_of
from tests.staff import Desk


@pytest.fixture
def new_price(changing, app):
    """The id of the price that a change has made."""

    def find(number: int) -> str:
        with app.app_context():
            return db.session.get(PriceChange, number).new_price_id

    return find


def test_each_moves_at_the_first_renewal_after_their_notice(changing, new_price, clock):
    """30 days from 19 November is 19 December: who renews on that day at noon moves then."""
    a = changing.subscriber("Contoso", quantity=25)
    clock.advance(days=-1)
    b = changing.subscriber("Northwind", quantity=8)
    clock.advance(days=1)
    number = changing.change()
    assert changing.run().startswith("2 scheduled")
    old, new = changing.price_before, new_price(number)
    assert changing.phases(a) == [("2026-11-19", old, 25), ("2026-12-19", new, 25)]
    # One day before the notice is over it renews once more at the old price.
    assert changing.phases(b) == [("2026-11-18", old, 8), ("2027-01-18", new, 8)]
    assert changing.moves(number) == {
        "Contoso": ("scheduled", None),
        "Northwind": ("scheduled", None),
    }


def test_the_new_price_takes_the_old_ones_place_at_stripe_and_for_new_sign_ups(
    changing, new_price, client
):
    changing.subscriber("Contoso")
    old = changing.price()
    changing.stripe.v1.products.update("demo_team", {"default_price": old})
    changing.pull("product", "demo_team")
    number = changing.change()
    made = changing.stripe.v1.prices.retrieve(new_price(number), {"expand": ["currency_options"]})
    assert (made.unit_amount, made.lookup_key, made.active) == (5400, "demo_team_month", True)
    options = made.currency_options.to_dict()
    amounts = {code: option["unit_amount"] for code, option in options.items()}
    assert amounts == {"usd": 5400, "eur": 4950, "jpy": 8200}
    assert changing.stripe.v1.prices.retrieve(old).active is False
    assert changing.stripe.v1.products.retrieve("demo_team").default_price == made.id
    assert "$54" in text_of(client.get("/plans"))


def test_running_again_moves_nobody_twice(changing, stripe_calls):
    a = changing.subscriber("Contoso")
    changing.change()
    changing.run()
    before = changing.phases(a)
    calls = len(stripe_calls)
    assert changing.run().startswith("0 scheduled")
    assert len(stripe_calls) == calls
    assert changing.phases(a) == before
    assert len(changing.stripe.v1.subscription_schedules.list({}).data) == 1


def test_who_is_kept_stays_on_the_old_price_and_can_still_change_seats(changing, people, clock):
    people.join(OWNER)
    held = changing.subscriber("Northwind", quantity=8)
    old = changing.price()
    number = changing.change(rule="keep")
    assert changing.moves(number) == {}
    with changing.app.app_context():
        assert db.session.get(PriceChange, number).status == "done"
    clock.advance(days=10)
    ada = people.sign_in(OWNER)
    assert "You now have" in after(ada, accept(ada, "/seats?seats=10", seats="10"))
    item = changing.stripe.v1.subscriptions.retrieve(held)["items"].data[0]
    assert (item.price.id, item.quantity) == (old, 10)
    assert "From 19 December 2026 you have" in after(ada, accept(ada, "/seats?seats=5", seats="5"))
    assert changing.phases(held)[-1] == ("2026-12-19", old, 5)


@pytest.fixture
def northwind(changing, people):
    """Northwind with 8 seats of Team, moved by a change that is set down; Ada owns it."""
    people.join(OWNER)
    return changing.subscriber("Northwind", quantity=8)


# What subscribers do by themselves -----------------------------------------------------------


def test_more_seats_now_neither_lose_the_move_nor_go_back_with_it(
    changing, northwind, new_price, people, clock
):
    number = changing.change()
    changing.tasks()
    clock.advance(days=5)
    ada = people.sign_in(OWNER)
    page = text_of(ada.get("/seats?seats=10"))
    assert "$540.00" in page, page
    assert "You now have" in after(ada, accept(ada, "/seats?seats=10", seats="10"))
    assert changing.moves(number) == {"Northwind": ("pending", None)}
    assert changing.run().startswith("1 scheduled")
    assert changing.phases(northwind) == [
        ("2026-11-19", changing.price_before, 10),
        ("2026-12-19", new_price(number), 10),
    ]


def test_seats_changed_at_stripe_directly_are_not_undone_by_the_move(
    changing, northwind, new_price
):
    number = changing.change()
    changing.run()
    item = changing.stripe.v1.subscriptions.retrieve(northwind)["items"].data[0]
    changing.stripe.v1.subscription_items.update(item.id, {"quantity": 11})
    changing.pull_all(northwind)
    changing.run()
    assert [phase[2] for phase in changing.phases(northwind)] == [11, 11]
    assert changing.moves(number) == {"Northwind": ("scheduled", None)}


def test_fewer_seats_from_the_renewal_on_are_paid_at_the_price_of_that_day(
    changing, northwind, new_price, people
):
    number = changing.change()
    changing.run()
    ada = people.sign_in(OWNER)
    page = text_of(ada.get("/seats?seats=5"))
    assert "$270.00" in page, page
    said = after(ada, accept(ada, "/seats?seats=5", seats="5"))
    assert "From 19 December 2026 you have Team, 5 seats" in said
    changing.run()
    assert changing.phases(northwind) == [
        ("2026-11-19", changing.price_before, 8),
        ("2026-12-19", new_price(number), 5),
    ]
    # It is theirs to undo; what the operator changed stays.
    said = after(ada, ada.post("/scheduled-change/undo"))
    assert "The change you had scheduled is dropped" in said
    changing.run()
    assert changing.phases(northwind) == [
        ("2026-11-19", changing.price_before, 8),
        ("2026-12-19", new_price(number), 8),
    ]
    assert changing.moves(number) == {"Northwind": ("scheduled", None)}


def test_a_change_of_seats_that_was_scheduled_before_goes_on_at_the_new_price(
    changing, northwind, new_price, people
):
    ada = people.sign_in(OWNER)
    accept(ada, "/seats?seats=5", seats="5")
    number = changing.draft()
    assert "5 seats from 19 December 2026; stays so, at the new price" in changing.page(number)
    changing.choose(number)
    changing.confirm(number)
    changing.run()
    assert changing.phases(northwind) == [
        ("2026-11-19", changing.price_before, 8),
        ("2026-12-19", new_price(number), 5),
    ]


def test_who_is_on_the_way_to_another_plan_is_left_alone_and_moves_if_they_stay(
    changing, northwind, new_price, people
):
    # For whom the change goes on meanwhile.
    changing.subscriber("Contoso")
    ada = people.sign_in(OWNER)
    accept(ada, "/plan-change/starter")
    number = changing.draft()
    assert "Moves to Starter on 19 December 2026 anyway" in changing.page(number)
    changing.choose(number)
    changing.confirm(number)
    changing.run()
    assert changing.moves(number)["Northwind"] == ("skipped", "other_plan")
    before = changing.phases(northwind)
    assert [phase[2] for phase in before] == [8, 1]
    assert "dropped" in after(ada, ada.post("/scheduled-change/undo"))
    changing.run()
    assert changing.moves(number)["Northwind"] == ("scheduled", None)
    assert changing.phases(northwind)[-1] == ("2026-12-19", new_price(number), 8)


def test_who_changes_plan_meanwhile_is_skipped_and_keeps_their_plan(
    changing, northwind, people, clock
):
    number = changing.change()
    changing.run()
    clock.advance(days=3)
    ada = people.sign_in(OWNER)
    assert "You now have Business" in after(ada, accept(ada, "/plan-change/business?seats=8"))
    changing.run()
    assert changing.moves(number) == {"Northwind": ("skipped", "changed_plan")}
    assert changing.phases(northwind) == []
    with changing.app.app_context():
        assert mirrored(northwind).plan.name == "Business"
        assert db.session.get(PriceChange, number).status == "done"


def test_who_cancels_is_skipped_and_moves_after_all_when_they_stay(
    changing, northwind, new_price, people
):
    # For whom the change goes on meanwhile.
    changing.subscriber("Contoso")
    number = changing.change()
    changing.run()
    ada = people.sign_in(OWNER)
    ada.post("/cancellation", data={"feedback": "too_complex"})
    with changing.app.app_context():
        assert mirrored(northwind).is_ending
    changing.run()
    assert changing.moves(number)["Northwind"] == ("skipped", "ends_before")
    assert changing.phases(northwind) == []
    ada.post("/cancellation/undo")
    changing.run()
    assert changing.moves(number)["Northwind"] == ("scheduled", None)
    assert changing.phases(northwind)[-1] == ("2026-12-19", new_price(number), 8)


def test_a_pause_waits_and_the_move_comes_after_it(changing, northwind, people, clock):
    number = changing.change()
    changing.run()
    ada = people.sign_in(OWNER)
    ada.post("/pause", data={"months": "1"})
    with changing.app.app_context():
        assert mirrored(northwind).status == "paused"
    changing.run()
    assert changing.moves(number) == {"Northwind": ("pending", "paused")}
    assert "Paused; moves after it resumes" in changing.page(number)


def test_the_new_price_is_told_as_the_operators_and_cannot_be_undone_by_the_subscriber(
    changing, northwind, people
):
    changing.change()
    changing.run()
    ada = people.sign_in(OWNER)
    for url in ("/", "/subscription"):
        assert "Your price changes to $54 a seat on 19 December" in text_of(ada.get(url)), url
    assert "Keep Team as it is" not in text_of(ada.get("/"))
    charges = text_of(ada.get("/upcoming-charges"))
    assert "The first at the new price, $54 a seat. $432.00" in charges
    said = after(ada, ada.post("/scheduled-change/undo"))
    assert "There was no scheduled change to drop. Nothing was changed." in said
    assert len(changing.phases(northwind)) == 2


# What goes wrong on the way ------------------------------------------------------------------


@pytest.fixture
def chaos(sandbox):
    """Turns the sandbox's switches."""

    def turn(**given):
        answer = sandbox.test_client().post("/sandbox/chaos", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json

    return turn


CALLS = (
    ("POST", "/v1/subscription_schedules"),
    ("POST", "/v1/subscription_schedules/*"),
    ("GET", "/v1/subscription_schedules/*"),
    ("GET", "/v1/subscriptions/*"),
)


@pytest.mark.parametrize("answer", ["rate_limit", "lock_timeout", "500", "500_kept", "lost"])
def test_whatever_stripe_answers_on_the_way_everybody_moves_once(
    changing, new_price, chaos, clock, answer
):
    names = ("Contoso", "Northwind", "Fabrikam")
    held = {name: changing.subscriber(name, quantity=3) for name in names}
    number = changing.change()
    for method, path in CALLS:
        fault = {"method": method, "path": path, "answer": answer, "calls": 1}
        chaos(off=True, faults=[fault])
        changing.run()
        clock.advance(minutes=3)
    chaos(off=True, faults=[])
    changing.run()
    assert set(changing.moves(number).values()) == {("scheduled", None)}
    for subscription_id in held.values():
        assert changing.phases(subscription_id) == [
            ("2026-11-19", changing.price_before, 3),
            ("2026-12-19", new_price(number), 3),
        ]
    assert len(changing.stripe.v1.subscription_schedules.list({}).data) == len(names)


@pytest.mark.parametrize("answer", ["rate_limit", "500", "500_kept", "lost"])
@pytest.mark.parametrize(
    "call",
    [
        ("POST", "/v1/prices"),
        ("POST", "/v1/products/*"),
        ("POST", "/v1/prices/*"),
        ("GET", "/v1/products/*"),
    ],
    ids="-".join,
)
def test_a_launch_that_stops_between_two_steps_goes_on_and_makes_one_price(
    changing, new_price, chaos, clock, answer, call
):
    changing.subscriber("Contoso")
    old = changing.price()
    changing.stripe.v1.products.update("demo_team", {"default_price": old})
    changing.pull("product", "demo_team")
    number = changing.draft()
    changing.choose(number)
    chaos(faults=[{"method": call[0], "path": call[1], "answer": answer, "calls": 1}])
    assert changing.confirm(number).status_code == 303
    clock.advance(minutes=3)
    changing.run()
    clock.advance(minutes=3)
    changing.run()
    mine = [
        one
        for one in changing.stripe.v1.prices.list({"product": "demo_team", "limit": 100}).data
        if one.unit_amount == 5400
    ]
    assert [one.id for one in mine] == [new_price(number)]
    assert mine[0].lookup_key == "demo_team_month"
    assert changing.stripe.v1.products.retrieve("demo_team").default_price == mine[0].id
    assert changing.stripe.v1.prices.retrieve(old).active is False
    assert changing.moves(number) == {"Contoso": ("scheduled", None)}


def test_a_launch_taken_up_after_stripe_forgot_its_key_makes_no_second_price(
    changing, new_price, chaos, clock, sandbox
):
    """The answer to the new price is lost, and the worker is away for more than a day."""
    changing.subscriber("Contoso")
    number = changing.draft()
    changing.choose(number)
    chaos(faults=[{"method": "POST", "path": "/v1/prices", "answer": "lost", "calls": 1}])
    changing.confirm(number)
    with sandbox.app_context(), events.transaction():
        store.sql("DELETE FROM idempotency")
    clock.advance(hours=30)
    changing.run()
    made = changing.stripe.v1.prices.list({"product": "demo_team", "limit": 100}).data
    assert [one.id for one in made if one.unit_amount == 5400] == [new_price(number)]


def test_one_that_ended_at_stripe_meanwhile_is_skipped_and_the_others_move(changing):
    gone = changing.subscriber("Contoso")
    changing.subscriber("Northwind")
    number = changing.change()
    changing.stripe.v1.subscriptions.cancel(gone)
    changing.run()
    assert changing.moves(number) == {
        "Contoso": ("skipped", "ended"),
        "Northwind": ("scheduled", None),
    }


def test_one_that_changed_plan_at_stripe_unheard_of_is_left_alone(changing, stripe):
    held = changing.subscriber("Contoso")
    number = changing.change()
    item = stripe.v1.subscriptions.retrieve(held)["items"].data[0]
    stripe.v1.subscription_items.update(item.id, {"price": changing.price("demo_business_month")})
    changing.run()
    assert changing.moves(number) == {"Contoso": ("skipped", "changed_plan")}
    assert changing.phases(held) == []


def test_a_new_price_archived_by_hand_fails_the_move_and_says_so(changing, new_price, stripe):
    changing.subscriber("Contoso")
    number = changing.change()
    changing.stripe.v1.prices.update(new_price(number), {"active": False})
    changing.run()
    assert changing.moves(number) == {"Contoso": ("failed", None)}
    page = changing.page(number)
    assert "1 subscriber could not be scheduled. They go on paying the old price." in page
    assert "inactive" in page
    stripe.v1.prices.update(new_price(number), {"active": True})
    changing.mira.post(f"/admin/price-changes/{number}/retry")
    changing.run()
    assert changing.moves(number) == {"Contoso": ("scheduled", None)}


def test_an_old_price_archived_by_hand_before_its_turn_is_no_trouble(changing, stripe):
    changing.subscriber("Contoso")
    number = changing.draft()
    changing.choose(number)
    stripe.v1.prices.update(changing.price_before, {"active": False})
    changing.confirm(number)
    changing.run()
    assert changing.moves(number) == {"Contoso": ("scheduled", None)}


def test_a_trial_moves_at_its_end_and_the_trial_goes_on(changing, new_price, stripe):
    """The trial lasts 40 days, longer than the notice."""
    held = changing.subscriber("Contoso", quantity=2, trial_period_days=40)
    number = changing.change()
    changing.run()
    assert changing.phases(held) == [
        ("2026-11-19", changing.price_before, 2),
        ("2026-12-29", new_price(number), 2),
    ]
    found = stripe.v1.subscriptions.retrieve(held)
    phase, then = stripe.v1.subscription_schedules.retrieve(found.schedule).phases
    # A current phase that is sent without it would end the trial.
    assert (phase.trial_end, then.trial_end) == (found.trial_end, None)
    assert (found.status, f"{datetime.fromtimestamp(found.trial_end, UTC):%Y-%m-%d}") == (
        "trialing",
        "2026-12-29",
    )


def test_a_discount_goes_on_as_it_is(changing, stripe):
    stripe.v1.coupons.create({"id": "twenty", "percent_off": 20, "duration": "forever"})
    held = changing.subscriber("Contoso", discounts=[{"coupon": "twenty"}])
    before = stripe.v1.subscriptions.retrieve(held).discounts
    changing.change()
    changing.run()
    schedule = stripe.v1.subscriptions.retrieve(held).schedule
    phases = stripe.v1.subscription_schedules.retrieve(schedule).phases
    assert [[one.discount for one in phase.discounts] for phase in phases] == [before, before]


# Undoing ------------------------------------------------------------------------------------


def test_one_undone_stays_on_the_old_price_and_it_is_audited(changing, northwind, app):
    changing.subscriber("Contoso")
    number = changing.change()
    changing.run()
    with app.app_context():
        move = db.session.query(PriceMove).filter_by(subscription_id=northwind).one().id
    url = f"/admin/price-changes/{number}/moves/{move}/undo"
    said = after(changing.mira, changing.mira.post(url))
    assert "Northwind stays on the old price." in said
    assert changing.phases(northwind) == []
    assert changing.moves(number) == {
        "Contoso": ("scheduled", None),
        "Northwind": ("undone", None),
    }
    changing.run()
    assert changing.phases(northwind) == []
    assert "stays on the old price" in after(changing.mira, changing.mira.post(url))
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="price_move.undone").one()
        assert (entry.subject, entry.before["status"]) == (northwind, "scheduled")


def test_undoing_leaves_a_change_of_seats_that_is_the_subscribers_own(
    changing, northwind, people, app
):
    ada = people.sign_in(OWNER)
    accept(ada, "/seats?seats=5", seats="5")
    number = changing.change()
    changing.run()
    with app.app_context():
        move = db.session.query(PriceMove).one().id
    changing.mira.post(f"/admin/price-changes/{number}/moves/{move}/undo")
    assert changing.phases(northwind) == [
        ("2026-11-19", changing.price_before, 8),
        ("2026-12-19", changing.price_before, 5),
    ]


def test_all_undone_are_taken_back_even_while_stripe_is_silent_for_a_time(
    changing, stripe_is_down, clock
):
    held = [changing.subscriber(name) for name in ("Contoso", "Northwind", "Fabrikam")]
    number = changing.change()
    changing.run()
    page = text_of(changing.mira.get(f"/admin/price-changes/{number}/undo"))
    assert "Undo it for 3 subscribers?" in page
    up = stripe_is_down()
    changing.mira.post(f"/admin/price-changes/{number}/undo")
    changing.run()
    assert {status for status, _ in changing.moves(number).values()} == {"undoing"}
    up()
    clock.advance(minutes=3)
    changing.run()
    assert {status for status, _ in changing.moves(number).values()} == {"undone"}
    assert [changing.phases(one) for one in held] == [[], [], []]


# Pausing and stopping -----------------------------------------------------------------------


def test_paused_nobody_more_is_set_down_until_it_goes_on(changing, app):
    changing.subscriber("Contoso")
    number = changing.change()
    changing.mira.post(f"/admin/price-changes/{number}/pause")
    assert changing.run().startswith("0 scheduled")
    assert "Paused" in changing.page(number)
    changing.mira.post(f"/admin/price-changes/{number}/resumption")
    assert changing.run().startswith("1 scheduled")
    with app.app_context():
        actions = [entry.action for entry in db.session.query(AuditEntry)]
        assert {"price_change.paused", "price_change.resumed"} <= set(actions)


def test_stopped_who_is_not_set_down_stays_for_good_and_the_rest_can_be_undone(changing, app):
    changing.subscriber("Contoso")
    changing.subscriber("Northwind")
    number = changing.change()
    with app.app_context():
        moving.run(1)
    changing.mira.post(f"/admin/price-changes/{number}/stop")
    changing.run()
    assert sorted(changing.moves(number).values(), key=str) == [
        ("scheduled", None),
        ("skipped", "stopped"),
    ]
    assert "Undo for 1 subscriber" in changing.page(number)


def test_what_was_begun_when_it_is_stopped_is_taken_back_at_stripe(changing, chaos, clock):
    """The answer to the second call is lost: the schedule is there, and its row does not say so."""
    held = changing.subscriber("Contoso")
    number = changing.change()
    fault = {
        "method": "POST",
        "path": "/v1/subscription_schedules/*",
        "answer": "lost",
        "calls": 1,
    }
    chaos(faults=[fault])
    changing.run()
    assert len(changing.phases(held)) == 2
    assert changing.moves(number) == {"Contoso": ("pending", None)}
    changing.mira.post(f"/admin/price-changes/{number}/stop")
    clock.advance(minutes=3)
    changing.run()
    assert changing.moves(number) == {"Contoso": ("undone", None)}
    assert changing.phases(held) == []


def test_a_pace_is_kept_to(changing, app, clock, monkeypatch):
    """Two a second, five subscribers: nobody moves in the second that has had its two."""
    for name in ("A", "B", "C", "D", "E"):
        changing.subscriber(name)
    changing.change()
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(settings, price_moves_per_second=2)
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        clock.advance(seconds=seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    began = clock.now
    try:
        assert changing.run().startswith("5 scheduled")
    finally:
        app.config["SETTINGS"] = settings
    assert slept
    assert timedelta(seconds=2) <= clock.now - began < timedelta(seconds=4)


def held_discounts(changing, subscription):
    found = changing.stripe.v1.subscriptions.retrieve(
        subscription, {"expand": ["discounts.source.coupon"]}
    )
    return [discount.source.coupon.id for discount in found.discounts]


def test_a_coupon_from_staff_and_the_move_both_count(changing, northwind, new_price, people, app):
    changing.stripe.v1.coupons.create({"id": "half", "percent_off": 50, "duration": "forever"})
    changing.pull("coupon", "half")
    number = changing.change()
    changing.run()
    desk = Desk(app, people.staff_member("care@tidewater.example", "support"), "Northwind")
    desk.do(desk.path("coupon-application"), coupon="half")
    assert held_discounts(changing, northwind) == ["half"]
    account = f"/admin/customers/{desk.number}"
    assert "Discount: half" in text_of(desk.look(account))
    changing.run()
    assert changing.moves(number) == {"Northwind": ("scheduled", None)}
    assert "$54.00 a seat a month from 19 December 2026, by a price change" in text_of(
        desk.look(account)
    )
    assert changing.phases(northwind) == [
        ("2026-11-19", changing.price_before, 8),
        ("2026-12-19", new_price(number), 8),
    ]
    # 8 seats at $54.00, half of it.
    assert changing.stripe.v1.invoices.create_preview({"subscription": northwind}).total == 21600


def test_time_given_by_staff_puts_the_move_off(changing, northwind, new_price, people, app):
    number = changing.change()
    changing.run()
    desk = Desk(app, people.staff_member("care@tidewater.example", "support"), "Northwind")
    desk.do(desk.path("trial-extension"), until="2027-01-10")
    changing.run()
    assert changing.moves(number) == {"Northwind": ("scheduled", None)}
    assert changing.phases(northwind)[-1] == ("2027-01-10", new_price(number), 8)


def test_a_change_of_seats_that_waits_still_stands_in_the_way(changing, northwind, people, app):
    ada = people.sign_in(OWNER)
    accept(ada, "/seats?seats=6", seats="6")
    changing.change()
    changing.run()
    desk = Desk(app, people.staff_member("care@tidewater.example", "support"), "Northwind")
    for noun in ("coupon-application", "trial-extension"):
        assert "A change of plan or seats is scheduled" in text_of(desk.look(desk.path(noun)))


def test_who_is_on_the_way_to_the_old_price_is_told_of_beforehand(
    changing, northwind, people, clock
):
    starter = changing.subscriber("Contoso", "business")
    item = changing.stripe.v1.subscriptions.retrieve(starter)["items"].data[0]
    schedule = changing.stripe.v1.subscription_schedules.create({"from_subscription": starter})
    now = schedule.phases[0]
    first = {"price": item.price.id, "quantity": 1}
    later = {"price": changing.price_before, "quantity": 1}
    changing.stripe.v1.subscription_schedules.update(
        schedule.id,
        {
            "phases": [
                {"items": [first], "start_date": now.start_date, "end_date": now.end_date},
                {"items": [later], "duration": {"interval": "month"}},
            ]
        },
    )
    changing.pull_all(starter)
    number = changing.draft()
    said = "Scheduled to come to the old price from another one, and left on it"
    assert f"{said}; they can be moved afterwards 1" in changing.page(number)
    changing.choose(number)
    assert "On their way to the old price from another, and left on it 1" in changing.page(
        number, "/confirmation"
    )
