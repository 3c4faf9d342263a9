"""The sandbox's own clock: moved from its front page and by its API, everything due played."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import stripe

from sandbox import Sandbox, create_app
from sandbox import clock as sandbox_clock
from sandbox.tests.billing import Shop
from sandbox.tests.conftest import NOON

HERE = {"Sec-Fetch-Site": "same-origin"}
DAY = 86_400
HOUR = 3600


def at(year: int, month: int, day: int, hour: int = 12, minute: int = 0) -> int:
    """The unix second of a time in UTC."""
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp())


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def move(shop: Shop, **given: Any) -> Any:
    """The answer of the sandbox's own API to a move of its clock."""
    return shop.app.test_client().post("/sandbox/clock", json=given)


def told(shop: Shop) -> list[tuple[str, int]]:
    """Every event's type and time, in the order in which they happened."""
    found: list[Any] = []
    for event in shop.client.v1.events.list({"limit": 100}).auto_paging_iter():
        found.insert(0, (event.type, event.created))
    return found


# By API -------------------------------------------------------------------------------------


def test_it_moves_by_seconds_to_a_time_and_to_the_next_event(shop: Shop, clock: Any) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price())
    assert move(shop, advance=3 * DAY).json["now"] == NOON + 3 * DAY
    assert move(shop, to=NOON + 5 * DAY).json["now"] == clock.now() == NOON + 5 * DAY
    # The renewal on 1 June is announced seven days ahead.
    here = shop.app.test_client().get("/sandbox/clock").json
    assert here["next"] == {
        "at": at(2026, 5, 25),
        "what": "notice of the renewal of",
        "kind": "subscription",
        "id": subscription.id,
    }
    assert move(shop, next=True).json["now"] == at(2026, 5, 25)
    assert len(shop.events("invoice.upcoming")) == 1
    assert move(shop, next=True).json["now"] == at(2026, 6, 1)
    draft = shop.latest(subscription)
    assert (draft.status, draft.billing_reason) == ("draft", "subscription_cycle")
    answer = move(shop, next=True)
    assert answer.status_code == 200
    assert answer.json["now"] == at(2026, 6, 1, 13)
    assert shop.latest(subscription).status == "paid"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"to": NOON}, "moves forward only"),
        ({"to": NOON - 1}, "moves forward only"),
        ({"advance": -60}, "moves forward only"),
        ({"advance": "60"}, "Invalid integer"),
        ({"next": True}, "Nothing is due"),
        ({}, "exactly one"),
        ({"advance": 60, "to": NOON + 60}, "exactly one"),
        ({"by": 60}, "unknown parameter: by"),
        ({"advance": 60, "clock": "clock_000000000000000000000000"}, "No such"),
    ],
)
def test_a_move_that_cannot_be_is_refused(shop: Shop, given: Any, says: str, clock: Any) -> None:
    answer = move(shop, **given)
    assert answer.status_code == 400
    assert says in answer.json["error"]["message"]
    assert clock.now() == NOON


def test_another_sites_page_cannot_move_it(shop: Shop, clock: Any) -> None:
    browser = shop.app.test_client()
    # A form, or a script's text, are what a foreign page may send without being asked first.
    assert browser.post("/sandbox/clock", data={"advance": "60"}).status_code == 400
    text = browser.post("/sandbox/clock", data='{"advance": 60}', content_type="text/plain")
    assert text.status_code == 400
    foreign = browser.post("/time", data={"move": "day"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert clock.now() == NOON


def test_a_test_clock_is_moved_by_the_same_means(shop: Shop) -> None:
    frozen = shop.client.v1.test_helpers.test_clocks.create({"frozen_time": at(2027, 1, 31)})
    shop.subscribe(shop.customer(test_clock=frozen.id), shop.price())
    assert move(shop, clock=frozen.id, next=True).json["now"] == at(2027, 2, 21)
    refused = move(shop, clock=frozen.id, advance=90 * DAY)
    assert (refused.status_code, refused.json["error"]["param"]) == (400, "frozen_time")


# What time brings ---------------------------------------------------------------------------


def test_everything_that_is_due_happens_in_order_at_its_own_time(shop: Shop) -> None:
    month, year = shop.price(3000), shop.price(30_000, "year")
    trial = shop.subscribe(shop.customer(), month, trial_period_days=14)
    shop.subscribe(shop.customer(card=None), month, payment_behavior="default_incomplete")
    shop.client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": month.id, "quantity": 1}],
            "success_url": "http://127.0.0.1:8000/",
        }
    )
    leaving = shop.subscribe(shop.customer(), year, cancel_at=at(2026, 5, 20))
    invoiced = shop.subscribe(
        shop.customer(card=None), month, collection_method="send_invoice", days_until_due=3
    )
    held = shop.subscribe(shop.customer(), month)
    shop.client.v1.subscriptions.update(
        held.id,
        {"pause_collection": {"behavior": "void", "resumes_at": at(2026, 5, 10)}},
    )
    before = len(told(shop))
    move(shop, to=at(2026, 5, 22))
    happened = told(shop)[before:]
    assert [when for _, when in happened] == sorted(when for _, when in happened)
    for fact in (
        ("customer.subscription.updated", NOON + 23 * HOUR),  # incomplete_expired
        ("checkout.session.expired", NOON + 24 * HOUR),
        ("invoice.overdue", NOON + 3 * DAY),
        ("customer.subscription.updated", at(2026, 5, 10)),  # collection goes on
        ("customer.subscription.trial_will_end", at(2026, 5, 12)),
        ("invoice.created", at(2026, 5, 15)),
        ("invoice.paid", at(2026, 5, 15, 13)),
        ("customer.subscription.deleted", at(2026, 5, 20)),
    ):
        assert fact in happened
    assert [shop.again(one).status for one in (trial, leaving, invoiced, held)] == [
        "active",
        "canceled",
        "past_due",
        "active",
    ]
    assert shop.again(held).pause_collection is None


def test_coupons_and_promotion_codes_expire(shop: Shop) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 10, "redeem_by": NOON + 5 * DAY})
    code = shop.client.v1.promotion_codes.create(
        {
            "promotion": {"type": "coupon", "coupon": coupon.id},
            "code": "MAY",
            "expires_at": NOON + 2 * DAY,
        }
    )
    v1 = shop.client.v1
    assert (v1.coupons.retrieve(coupon.id).valid, v1.promotion_codes.retrieve(code.id).active) == (
        True,
        True,
    )
    move(shop, advance=2 * DAY)
    assert v1.promotion_codes.retrieve(code.id).active is False
    assert v1.coupons.retrieve(coupon.id).valid is True
    move(shop, advance=3 * DAY)
    assert v1.coupons.retrieve(coupon.id).valid is False


def test_a_failing_card_is_retried_until_the_end(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price())
    shop.card(customer, "pm_card_chargeCustomerFail")
    move(shop, to=at(2026, 6, 1, 13))
    failed = shop.latest(subscription)
    assert (failed.attempt_count, failed.next_payment_attempt) == (1, at(2026, 6, 2, 13))
    assert shop.again(subscription).status == "past_due"
    move(shop, to=at(2026, 6, 20))
    assert len(shop.events("invoice.payment_failed")) == 8
    assert shop.again(subscription).status == "canceled"


def test_a_bank_debit_settles_days_later(shop: Shop) -> None:
    customer = shop.customer(card=None)
    shop.card(customer, "pm_usBankAccount_success")
    subscription = shop.subscribe(customer, shop.price())
    assert shop.latest(subscription).status == "open"
    coming = shop.app.test_client().get("/sandbox/clock").json["next"]
    assert coming["what"] == "the bank's answer for"
    move(shop, next=True)
    assert shop.latest(subscription).status == "paid"


# The calendar -------------------------------------------------------------------------------


def renewals(shop: Shop, subscription: Any) -> list[int]:
    return [invoice.created for invoice in shop.invoices(subscription)]


def test_a_leap_day_is_kept_as_the_anchor_of_a_year(shop: Shop, clock: Any) -> None:
    clock.set(at(2028, 2, 29))
    subscription = shop.subscribe(shop.customer(), shop.price(12_000, "year"))
    move(shop, to=at(2032, 3, 1))
    assert renewals(shop, subscription) == [
        *(at(2028, 2, 29), at(2029, 2, 28), at(2030, 2, 28), at(2031, 2, 28), at(2032, 2, 29)),
    ]


def test_the_31st_is_kept_as_the_anchor_of_three_months(shop: Shop, clock: Any) -> None:
    clock.set(at(2026, 8, 31, 23, 59))
    price = shop.price(9000, recurring={"interval_count": 3})
    subscription = shop.subscribe(shop.customer(), price)
    move(shop, to=at(2027, 9, 1))
    assert renewals(shop, subscription) == [
        at(2026, 8, 31, 23, 59),
        at(2026, 11, 30, 23, 59),
        at(2027, 2, 28, 23, 59),
        at(2027, 5, 31, 23, 59),
        at(2027, 8, 31, 23, 59),
    ]


def test_an_anchor_on_create_bills_a_part_first(shop: Shop) -> None:
    # 14 of the 30 days from 15 April to 15 May are left on 1 May: 3000 * 14 / 30 = 1400.
    subscription = shop.subscribe(
        shop.customer(), shop.price(3000), billing_cycle_anchor=at(2026, 5, 15)
    )
    move(shop, to=at(2026, 6, 16))
    assert [(one.created, one.total) for one in shop.invoices(subscription)] == [
        (NOON, 1400),
        (at(2026, 5, 15), 3000),
        (at(2026, 6, 15), 3000),
    ]


def test_an_anchor_of_now_starts_a_new_cycle(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(3100))
    move(shop, to=at(2026, 5, 16))
    # 16 of May's 31 days from the 1st are left: 1600 back, 3100 for the new month.
    shop.client.v1.subscriptions.update(subscription.id, {"billing_cycle_anchor": {"type": "now"}})
    move(shop, to=at(2026, 6, 17))
    assert [(one.created, one.total) for one in shop.invoices(subscription)] == [
        (NOON, 3100),
        (at(2026, 5, 16), 1500),
        (at(2026, 6, 16), 3100),
    ]


# On the front page --------------------------------------------------------------------------


def press(shop: Shop, **form: str) -> Any:
    return shop.app.test_client().post("/time", data=form, headers=HERE)


def front(shop: Shop) -> str:
    return " ".join(shop.app.test_client().get("/").text.split())


def test_the_front_page_says_what_time_it_is_and_what_comes_next(shop: Shop) -> None:
    assert "1 May 2026" in front(shop)
    assert "Nothing is due." in front(shop)
    subscription = shop.subscribe(shop.customer(), shop.price())
    page = front(shop)
    assert "Next, in 24 days:" in page
    assert f'href="/objects/subscription/{subscription.id}"' in page


def test_a_day_a_month_the_next_event_and_a_date(shop: Shop, clock: Any) -> None:
    shop.subscribe(shop.customer(), shop.price())
    assert press(shop, move="day").status_code == 303
    assert clock.now() == at(2026, 5, 2)
    press(shop, move="month")
    assert clock.now() == at(2026, 6, 2)
    press(shop, move="next")
    assert clock.now() == at(2026, 6, 24)
    press(shop, move="date", date="2026-07-04")
    assert clock.now() == at(2026, 7, 4)
    assert "4 July 2026" in front(shop)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"move": "date", "date": "2026-05-01"}, "it is 1 May 2026 already"),
        ({"move": "date", "date": "2026-04-30"}, "cannot go to 30 April 2026"),
        ({"move": "date", "date": ""}, "Choose a date"),
        ({"move": "date", "date": "soon"}, "Choose a date"),
        ({"move": "next"}, "no next event"),
    ],
)
def test_what_cannot_be_is_said_on_the_page(
    shop: Shop, form: dict[str, str], says: str, clock: Any
) -> None:
    answer = press(shop, **form)
    assert answer.status_code == 422
    assert says in answer.text
    assert clock.now() == NOON


def test_each_test_clock_has_the_same_controls(shop: Shop) -> None:
    clocks = shop.client.v1.test_helpers.test_clocks
    frozen = clocks.create({"frozen_time": at(2027, 1, 31), "name": "Month ends"})
    shop.subscribe(shop.customer(test_clock=frozen.id), shop.price())
    assert "Month ends" in front(shop)
    press(shop, clock=frozen.id, move="month")
    assert clocks.retrieve(frozen.id).frozen_time == at(2027, 2, 28)
    too_far = press(shop, clock=frozen.id, move="date", date="2027-12-24")
    assert too_far.status_code == 422
    assert "The furthest it can go now is 28 April 2027." in too_far.text
    own_page = shop.app.test_client().get(f"/objects/test_helpers.test_clock/{frozen.id}").text
    assert "28 February 2027" in own_page
    assert 'value="next"' in own_page


# Told to others -----------------------------------------------------------------------------


def test_the_lead_over_the_machine_is_in_the_clock_file(tmp_path: Path) -> None:
    sandbox_clock.reset()
    path = tmp_path / "demo" / "clock_offset"
    app = create_app(str(tmp_path / "sandbox.sqlite3"), deliver=False, clock_file=path)
    assert path.read_text() == "0\n"
    app.test_client().post("/sandbox/clock", json={"advance": 40 * DAY})
    assert path.read_text() == f"{40 * DAY}\n"
    app.close()
    sandbox_clock.reset()
    again = create_app(str(tmp_path / "sandbox.sqlite3"), deliver=False, clock_file=path)
    assert path.read_text() == f"{40 * DAY}\n"
    assert again.test_client().get("/sandbox/clock").json["ahead"] == 40 * DAY
    assert [one.name for one in path.parent.iterdir()] == ["clock_offset"]
    again.close()
    sandbox_clock.reset()


def test_on_a_new_file_time_can_begin_in_the_past_and_reach_the_present(tmp_path: Path) -> None:
    sandbox_clock.reset()
    path, data = tmp_path / "clock_offset", str(tmp_path / "sandbox.sqlite3")
    begin = sandbox_clock.now() - 400 * DAY
    app = create_app(data, deliver=False, clock_file=path, begin=begin)
    here = app.test_client().get("/sandbox/clock").json
    assert here["now"] - begin in (0, 1)
    assert int(path.read_text()) in (-400 * DAY, -400 * DAY + 1)
    app.test_client().post("/sandbox/clock", json={"advance": 100 * DAY})
    app.close()
    sandbox_clock.reset()
    # It begins once: a file that is there already goes on where it was.
    again = create_app(data, deliver=False, clock_file=path, begin=begin)
    now = again.test_client().get("/sandbox/clock").json["ahead"]
    assert now in (-300 * DAY, -300 * DAY + 1)
    again.test_client().post("/sandbox/clock", json={"advance": -now})
    assert path.read_text() == "0\n"
    again.close()
    sandbox_clock.reset()
