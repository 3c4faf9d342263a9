"""Whatever subscribers do, the movements add up, the lists add up, and the past can be found again.

Each example is a stretch of some months in which subscribers act at Stripe, one action every few
days; the portal hears of it by webhooks.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from billing import clock as portal_clock
from billing import mrr
from billing.metrics.book import MOVEMENTS
from billing.metrics.months import Month
from billing.metrics.report import Report
from billing.metrics.view import View, currencies
from models import Subscription, db
from tests.market import FAILING, GOOD, Market

FEW = runs(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    # Making a failing stretch of months shorter would take minutes.
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
PLANS, SEATS, INTERVALS = ("starter", "team", "business"), (1, 2, 5), ("month", "year")
ACTIONS = st.one_of(
    st.tuples(
        st.just("subscribes"),
        st.sampled_from(PLANS),
        st.sampled_from(SEATS),
        st.sampled_from(INTERVALS),
        st.sampled_from(("usd", "eur", "jpy")),
        st.sampled_from((0, 14)),
    ),
    st.tuples(
        st.just("changes"),
        st.sampled_from(PLANS),
        st.sampled_from(SEATS),
        st.sampled_from(INTERVALS),
    ),
    st.tuples(st.just("takes"), st.sampled_from(("once", "repeating", "forever"))),
    st.tuples(st.just("pauses")),
    st.tuples(st.just("resumes")),
    st.tuples(st.just("leaves"), st.booleans()),
    st.tuples(st.just("pays_with"), st.sampled_from((GOOD, FAILING))),
    st.tuples(st.just("makes_good")),
)
STEPS = st.tuples(st.sampled_from(("Ada", "Bob")), ACTIONS, st.integers(1, 14))


@pytest.fixture
def market(app: Any, sandbox: Any, stripe: Any, clock: Any, catalog: None) -> Any:
    settings = app.config["SETTINGS"]
    yield Market(app, sandbox, stripe, clock)
    app.config["SETTINGS"] = settings


def acts(market: Market, who: str, what: str, *terms: Any) -> None:
    if what == "subscribes":
        plan, seats, interval, currency, trial = terms
        # A customer keeps the currency it paid in first.
        market.subscribes(
            who, plan, seats, interval, currency, **({"trial_period_days": trial} if trial else {})
        )
    elif what == "takes":
        found = market.current(who)
        # Of a coupon taken away before it was billed nothing is left at Stripe.
        if found is not None and not found.discounts:
            market.takes(who, terms[0], percent_off=25)
    else:
        getattr(market, what)(who, *terms)


def worth_over_time(market: Market) -> list[tuple[Any, ...]]:
    """When the standing or the MRR of each subscription changed, and to what."""
    with market.app.app_context():
        return [
            (subscription, *step)
            for subscription, states in groupby(market.states(), key=lambda one: one[0])
            for step in _changes(states)
        ]


def _changes(states: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for _, at, status, worth in states:
        if not found or found[-1][1:] != (status, worth):
            found.append((at, status, worth))
    return found


def figures_add_up(moment: Any) -> None:
    for currency in currencies():
        report = Report(View(currency), Month.of(moment), moment)
        before = 0
        for totals in report.book.totals.values():
            assert before + totals.change == totals.mrr
            before = totals.mrr
            for figure in ("mrr", *MOVEMENTS):
                listing = Report(View(currency), totals.month, moment).listing(figure)
                if figure == "mrr":
                    assert (listing.after, len(listing.rows)) == (totals.mrr, totals.subscribers)
                else:
                    said = (totals.amounts[figure], totals.counts[figure])
                    assert (listing.change, len(listing.rows)) == said
        held = db.session.query(Subscription).filter_by(currency=currency)
        assert report.totals.mrr == sum(mrr.of(each) for each in held)


@FEW
@given(steps=st.lists(STEPS, min_size=5, max_size=8))
def test_movements_add_up_and_the_past_can_be_found_again(market, steps):
    market.customers.clear()
    for who in ("Ada", "Bob"):
        acts(market, who, "subscribes", "team", 2, "month", "usd" if who == "Ada" else "jpy", 0)
    market.passes(1)
    for who, action, days in steps:
        acts(market, who, *action)
        market.passes(days)
    with market.app.app_context():
        figures_add_up(portal_clock.now())
    seen = worth_over_time(market)
    market.forgets_and_rebuilds()
    assert worth_over_time(market) == seen
    with market.app.app_context():
        figures_add_up(portal_clock.now())
    for who in ("Ada", "Bob"):
        market.leaves(who)
