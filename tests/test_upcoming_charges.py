"""What comes next: what the page foretells is what is charged, to the cent and to the day."""

from __future__ import annotations

import html
import itertools
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from billing import sync
from models import Customer, Price, Subscription, db
from tests.quote_page import OWNER, pass_time, text_of

PAGE = "/upcoming-charges"


@dataclass
class Row:
    """One foretold charge as a reader sees it."""

    what: str
    why: str
    on: str
    amount: str

    @property
    def day(self):
        return datetime.strptime(self.on, "%d %b %Y").date()

    @property
    def figure(self):
        """The amount in minor units, or None where the page does not name one."""
        digits = re.sub(r"[^\d]", "", self.amount)
        return int(digits) if digits else None


def rows(client):
    page = client.get(PAGE)
    assert page.status_code == 200, text_of(page)
    found = []
    for row in re.findall(r"<tr>\s*<td>.*?</tr>", page.text, re.S):
        on, cell, amount = re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)
        what, why = re.match(r"(.*?)<small>(.*)</small>", cell, re.S).groups()
        found.append(Row(*(plain(each) for each in (what, why, on, amount))))
    return found


def plain(markup):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split()).replace(" .", ".")


@pytest.fixture
def pull_all(app):
    """Brings the mirror up to date with a subscription, its customer and its schedule."""

    def pull(subscription_id):
        with app.app_context():
            row = sync.pull("subscription", subscription_id)
            sync.pull("customer", row.customer_id)
            if row.schedule_id:
                sync.pull("subscription_schedule", row.schedule_id)

    return pull


@pytest.fixture
def northwind(people, catalog):
    return people.owner()


# What is said


def test_twelve_renewals_are_listed_with_their_days_and_amounts(northwind, subscribe):
    subscribe("Northwind", "team", quantity=8)
    found = rows(northwind)
    assert len(found) == 12
    assert found[0] == Row("Team, monthly · 8 seats", "Monthly renewal.", "19 Dec 2026", "$392.00")
    assert [row.on for row in found[1:3]] == ["19 Jan 2027", "19 Feb 2027"]
    page = text_of(northwind.get(PAGE))
    assert "Each is charged to Visa ending 4242" in page
    assert "on its day or shortly after. These are the next 12; it goes on after" in page


def test_from_the_31st_short_months_bill_on_their_last_day_and_the_31st_returns(
    people, subscribe, clock
):
    clock.set(datetime(2027, 8, 31, 9, tzinfo=UTC))
    owner = people.owner()
    subscribe("Northwind", "team")
    assert [row.on for row in rows(owner)[:7]] == [
        "30 Sep 2027",
        "31 Oct 2027",
        "30 Nov 2027",
        "31 Dec 2027",
        "31 Jan 2028",
        "29 Feb 2028",
        "31 Mar 2028",
    ]


def test_the_first_charge_after_a_trial_says_so(northwind, subscribe, clock):
    subscribe("Northwind", "team", trial_end=int((clock.now + timedelta(days=14)).timestamp()))
    first, second = rows(northwind)[:2]
    assert (first.why, first.on, first.amount) == ("Your trial ends.", "3 Dec 2026", "$49.00")
    assert (second.why, second.on) == ("Monthly renewal.", "3 Jan 2027")


def test_a_yearly_renewal_is_named(northwind, subscribe):
    subscribe("Northwind", "team", "year", quantity=8)
    assert rows(northwind)[0].why == "Yearly renewal."
    assert rows(northwind)[0].on == "19 Nov 2027"


@pytest.mark.parametrize(
    ("coupon", "told"),
    [
        (
            {"percent_off": 25, "duration": "repeating", "duration_in_months": 3, "name": "SPRING"},
            [
                ("$294.00", "25% of SPRING off, until 19 February 2027."),
                ("$294.00", "25% of SPRING off, for the last time."),
                ("$392.00", "Without the 25% of SPRING off, which is over."),
                ("$392.00", "Monthly renewal."),
            ],
        ),
        (
            {"amount_off": 10000, "currency": "usd", "duration": "forever"},
            [("$292.00", "$100.00 off.")] * 4,
        ),
    ],
    ids=["repeating", "forever"],
)
def test_discounts_are_taken_off_while_they_last_and_missed_when_they_end(
    northwind, subscribe, stripe, coupon, told
):
    made = stripe.v1.coupons.create(coupon)
    subscribe("Northwind", "team", quantity=8, discounts=[{"coupon": made.id}])
    found = rows(northwind)[: len(told)]
    assert [row.amount for row in found] == [amount for amount, _ in told]
    for row, (_, why) in zip(found, told, strict=True):
        assert why in row.why


def test_a_discount_for_one_charge_is_gone_after_it(northwind, subscribe, stripe, pull_all):
    coupon = stripe.v1.coupons.create({"percent_off": 50, "duration": "once"})
    subscription = subscribe("Northwind", "team", quantity=8)
    stripe.v1.subscriptions.update(subscription, {"discounts": [{"coupon": coupon.id}]})
    pull_all(subscription)
    first, second, third = rows(northwind)[:3]
    assert (first.amount, second.amount) == ("$196.00", "$392.00")
    assert "50% off, this once." in first.why
    assert "Without the 50% off, which was for one charge." in second.why
    assert third.why == "Monthly renewal."


def test_a_coupon_for_another_product_takes_nothing_off(
    app, northwind, subscribe, stripe, pull_all
):
    subscription = subscribe("Northwind", "team", quantity=8)
    with app.app_context():
        starter = db.session.query(Price).filter_by(lookup_key="demo_starter_month").one()
        product = starter.product_id
    coupon = stripe.v1.coupons.create(
        {"percent_off": 50, "duration": "forever", "applies_to": {"products": [product]}}
    )
    stripe.v1.subscriptions.update(subscription, {"discounts": [{"coupon": coupon.id}]})
    pull_all(subscription)
    assert rows(northwind)[0].amount == "$392.00"


def test_credit_is_used_up_from_one_charge_to_the_next(app, northwind, subscribe):
    subscribe("Northwind", "team", quantity=8)
    with app.app_context():
        db.session.query(Customer).one().balance = -50000
        db.session.commit()
    found = rows(northwind)[:3]
    assert [row.amount for row in found] == ["$0.00", "$284.00", "$392.00"]
    assert "$392.00 of your credit is used. $108.00 of credit is left." in found[0].why
    assert "$108.00 of your credit is used, all that is left." in found[1].why


def test_what_is_too_little_to_charge_is_carried_over(app, northwind, subscribe):
    subscribe("Northwind", "team")
    with app.app_context():
        db.session.query(Customer).one().balance = -4870
        db.session.commit()
    found = rows(northwind)[:2]
    assert [row.amount for row in found] == ["$0.00", "$49.30"]
    assert "$0.30 is too little to charge, and is carried over to the next." in found[0].why
    assert "$0.30 is carried over from before." in found[1].why


def test_an_end_ends_the_list(northwind, subscribe, clock):
    subscribe("Northwind", "team", cancel_at=int(datetime(2027, 2, 19, 12, tzinfo=UTC).timestamp()))
    assert [row.on for row in rows(northwind)] == ["19 Dec 2026", "19 Jan 2027"]
    assert "Team ends on 19 February 2027; nothing is charged after that." in text_of(
        northwind.get(PAGE)
    )


def test_a_period_that_will_be_cut_short_costs_at_most_the_whole(northwind, subscribe):
    subscribe("Northwind", "team", cancel_at=int(datetime(2027, 1, 5, tzinfo=UTC).timestamp()))
    assert [row.amount for row in rows(northwind)] == ["at most $49.00"]


def test_payments_that_are_paused_start_again_when_it_was_said(northwind, subscribe, stripe):
    resumes = int(datetime(2027, 2, 1, tzinfo=UTC).timestamp())
    paused = {"behavior": "void", "resumes_at": resumes}
    subscribe("Northwind", "team", quantity=8)
    subscription = stripe.v1.subscriptions.list({}).data[0].id
    stripe.v1.subscriptions.update(subscription, {"pause_collection": paused})
    with northwind.application.app_context():
        sync.pull("subscription", subscription)
    first = rows(northwind)[0]
    assert (first.on, first.amount) == ("19 Feb 2027", "$392.00")
    assert first.why.startswith("Payments start again.")


def test_a_failed_payment_is_listed_on_the_day_it_is_tried_again(
    people, northwind, subscribe, deliver_webhooks, stripe, clock, sandbox
):
    subscription = subscribe("Northwind", "team", quantity=8)
    customer = stripe.v1.subscriptions.retrieve(subscription).customer
    bad = stripe.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer})
    stripe.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": bad.id}})
    pass_time(sandbox, clock, datetime(2026, 12, 19, 14, tzinfo=UTC))
    deliver_webhooks()
    first, second = rows(people.sign_in(OWNER))[:2]
    assert first.why == "The payment that did not go through, tried again."
    assert first.amount == "$392.00"
    assert (second.on, second.amount) == ("19 Jan 2027", "$392.00")


def test_a_card_that_expires_before_a_charge_is_named_beside_it(app, northwind, subscribe):
    subscribe("Northwind", "team")
    with app.app_context():
        card = db.session.query(Customer).one().default_payment_method
        card.exp_month, card.exp_year = 1, 2027
        db.session.commit()
    found = rows(northwind)
    assert "expired" not in found[1].why
    assert "Visa ending 4242 has expired by then." in found[2].why


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"cancel_at_period_end": True}, "Team ends on 19 December 2026. You are not charged"),
        ({"status": "paused"}, "Team is paused. Nothing is charged until it is resumed."),
        ({"status": "unpaid"}, "Nothing is charged by itself until what is open is paid."),
        ({"status": "incomplete"}, "starts when its first payment is finished"),
        ({"status": "canceled"}, "no subscription that runs"),
        ({"status": "hibernating"}, "We cannot tell yet what comes next."),
        ({"pause_collection": {"behavior": "void"}}, "Payments are paused. Nothing is charged"),
    ],
)
def test_where_nothing_comes_it_says_why(app, northwind, subscribe, columns, said):
    subscribe("Northwind", "team")
    with app.app_context():
        row = db.session.query(Subscription).one()
        for name, value in columns.items():
            setattr(row, name, value)
        db.session.commit()
    assert rows(northwind) == []
    assert said in text_of(northwind.get(PAGE))


def test_before_subscribing_it_says_what_will_appear(people, catalog):
    page = people.owner().get(PAGE)
    assert "Once you subscribe, your next charges stand here" in text_of(page)
    assert "See plans" in page.text


def test_the_home_page_and_the_list_name_the_same_charge(app, northwind, subscribe, stripe):
    coupon = stripe.v1.coupons.create({"percent_off": 12.5, "duration": "forever"})
    subscribe("Northwind", "team", quantity=7, discounts=[{"coupon": coupon.id}])
    with app.app_context():
        db.session.query(Customer).one().balance = -1234
        db.session.commit()
    first = rows(northwind)[0]
    assert f"Next charge is {first.amount} on 19 December" in text_of(northwind.get("/"))
    assert first.amount in text_of(northwind.get("/subscription"))


def test_a_renewal_not_heard_of_is_said_and_no_day_in_the_past_is_named(
    people, northwind, subscribe, clock
):
    subscribe("Northwind", "team", quantity=8)
    clock.set(datetime(2026, 12, 19, 18, tzinfo=UTC))
    owner = people.sign_in(OWNER)
    page = text_of(owner.get(PAGE))
    assert "Team is being renewed, and we have not heard yet how the payment went." in page
    assert rows(owner)[0].on == "19 Jan 2027"


def test_who_only_reads_sees_it_too_and_a_visitor_signs_in(northwind, subscribe, people, client):
    subscribe("Northwind", "team")
    people.join("eva@northwind.example", role="viewer")
    assert len(rows(people.sign_in("eva@northwind.example"))) == 12
    assert "/login" in client.get(PAGE).location


def test_another_accounts_charges_are_never_shown(northwind, subscribe, people):
    subscribe("Northwind", "team")
    assert rows(people.owner("mal@elsewhere.example", "Elsewhere")) == []


def test_it_asks_stripe_nothing(northwind, subscribe, stripe_calls):
    subscribe("Northwind", "team", quantity=8)
    before = len(stripe_calls)
    assert rows(northwind)
    assert len(stripe_calls) == before


# What is charged then


@dataclass
class Life:
    """A subscription as hypothesis makes it up."""

    wait: int
    plan: str
    interval: str
    seats: int
    currency: str
    trial_days: int | None
    coupon: dict | None
    balance: int
    change: tuple | None
    second: bool
    periods: int | None
    paused_days: int | None
    params: dict = field(default_factory=dict)


COUPONS = st.builds(
    lambda off, lasts: {**off, **lasts},
    st.one_of(
        st.integers(1, 100).map(lambda percent: {"percent_off": percent}),
        st.sampled_from([12.5, 33.33]).map(lambda percent: {"percent_off": percent}),
        st.integers(1, 60000).map(lambda amount: {"amount_off": amount}),
    ),
    st.one_of(
        st.just({"duration": "once"}),
        st.just({"duration": "forever"}),
        st.integers(1, 5).map(lambda n: {"duration": "repeating", "duration_in_months": n}),
    ),
)
LIVES = st.builds(
    Life,
    wait=st.integers(0, 45),
    plan=st.sampled_from(["starter", "team", "business"]),
    interval=st.sampled_from(["month", "month", "year"]),
    seats=st.integers(1, 25),
    currency=st.sampled_from(["usd", "usd", "eur", "jpy"]),
    trial_days=st.one_of(st.none(), st.none(), st.integers(1, 40)),
    coupon=st.one_of(st.none(), COUPONS),
    balance=st.one_of(st.just(0), st.integers(-100000, -1), st.integers(1, 5000)),
    change=st.one_of(
        st.none(),
        st.tuples(
            st.sampled_from(["starter", "team", "business"]),
            st.sampled_from(["month", "year"]),
            st.integers(1, 25),
        ),
    ),
    second=st.booleans(),
    periods=st.one_of(st.none(), st.none(), st.integers(1, 6)),
    paused_days=st.one_of(st.none(), st.none(), st.integers(1, 100)),
)
HORIZON = timedelta(days=430)
_numbers = itertools.count(1)


@runs(
    max_examples=12,
    phases=(Phase.generate,),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(life=LIVES)
def test_what_is_foretold_is_what_is_charged(
    app, people, subscribe, stripe, clock, sandbox, pull_all, life
):
    clock.advance(days=life.wait)
    name = f"Company {next(_numbers)}"
    owner = people.owner(f"owner@{name.replace(' ', '')}.example", name)
    subscription = begin(app, subscribe, stripe, clock, name, life)
    pull_all(subscription)
    with app.app_context():
        for invoice in stripe.v1.invoices.list({"subscription": subscription}).data:
            sync.pull("invoice", invoice.id)
    begun = clock.now
    foretold = rows(owner)
    pass_time(sandbox, clock, begun + HORIZON)
    resumed = begun + timedelta(days=life.paused_days or 0)
    charged = [
        invoice
        for invoice in reversed(
            stripe.v1.invoices.list({"subscription": subscription, "limit": 100}).data
        )
        if invoice.created > begun.timestamp()
        and invoice.status != "void"
        # The credit for what is left of a period that is cut short charges nothing.
        and (invoice.billing_reason == "subscription_cycle" or invoice.amount_due)
        # Credit pays what a pause of payments would make void, and nothing is charged.
        and (invoice.created >= resumed.timestamp() or invoice.amount_due)
    ]
    compare(foretold, charged, (begun + HORIZON).date())
    if stripe.v1.subscriptions.retrieve(subscription).status != "canceled":
        stripe.v1.subscriptions.cancel(subscription)


def begin(app, subscribe, stripe, clock, name, life):
    """The subscription at Stripe, with all that the life holds."""
    params = {"currency": life.currency}
    if life.trial_days:
        params["trial_end"] = int((clock.now + timedelta(days=life.trial_days)).timestamp())
    if life.coupon:
        of = {"currency": life.currency} if "amount_off" in life.coupon else {}
        coupon = stripe.v1.coupons.create({**life.coupon, **of})
        params["discounts"] = [{"coupon": coupon.id}]
    quantity = 1 if life.plan == "starter" else life.seats
    subscription = subscribe(name, life.plan, life.interval, quantity=quantity, **params)
    at_stripe = stripe.v1.subscriptions.retrieve(subscription)
    if life.balance:
        stripe.v1.customers.balance_transactions.create(
            at_stripe.customer, {"amount": life.balance, "currency": life.currency}
        )
    if life.second:
        other = "business" if life.plan != "business" else "team"
        price = stripe.v1.prices.list({"lookup_keys": [f"demo_{other}_year"]}).data[0]
        stripe.v1.subscription_items.create(
            {
                "subscription": subscription,
                "price": price.id,
                "quantity": 2,
                "proration_behavior": "none",
            }
        )
    if life.paused_days:
        resumes = int((clock.now + timedelta(days=life.paused_days)).timestamp())
        stripe.v1.subscriptions.update(
            subscription, {"pause_collection": {"behavior": "void", "resumes_at": resumes}}
        )
    if life.change and not life.second and not life.trial_days:
        schedule(stripe, subscription, *life.change)
    elif life.periods and life.interval == "month" and not life.second:
        ends = at_stripe["items"].data[0].current_period_end
        stripe.v1.subscriptions.update(subscription, {"cancel_at": ends + life.periods * 5 * 86400})
    return subscription


def schedule(stripe, subscription, plan, interval, seats):
    price = stripe.v1.prices.list({"lookup_keys": [f"demo_{plan}_{interval}"]}).data[0]
    made = stripe.v1.subscription_schedules.create({"from_subscription": subscription})
    now = made.phases[0]
    kept = [{"price": item.price, "quantity": item.quantity} for item in now["items"]]
    stripe.v1.subscription_schedules.update(
        made.id,
        {
            "end_behavior": "release",
            "phases": [
                {"items": kept, "start_date": now.start_date, "end_date": now.end_date},
                {
                    "items": [{"price": price.id, "quantity": 1 if plan == "starter" else seats}],
                    "start_date": now.end_date,
                    "duration": {"interval": interval, "interval_count": 1},
                },
            ],
        },
    )


def compare(foretold, charged, horizon):
    """Each charge was foretold on its day and with its amount, and nothing else was charged."""
    expected = [row for row in foretold if row.day < horizon]
    taken = charged[: len(expected)] if len(foretold) == 12 else charged
    told = [(row.on, row.amount) for row in foretold]
    was = [(datetime.fromtimestamp(i.created, UTC).date(), i.amount_due) for i in charged]
    assert [day for day, _ in was[: len(taken)]] == [row.day for row in expected], (told, was)
    for row, invoice in zip(expected, taken, strict=True):
        if row.figure is None:
            continue
        if row.amount.startswith("at most"):
            assert invoice.amount_due <= row.figure, (told, was)
        elif row.amount.startswith("about"):
            assert abs(invoice.amount_due - row.figure) <= 2, (told, was)
        else:
            assert invoice.amount_due == row.figure, (told, was)
