"""Recurring revenue: what it is, what moved it, whom it comes from."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from models import SubscriptionState, db
from tests.market import FAILING, Market
from tests.quote_page import text_of

REVENUE = "/finance/metrics"
MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"


def on(day: int, month: int, year: int = 2027, hour: int = 12) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.fixture
def market(app: Any, sandbox: Any, stripe: Any, clock: Any, catalog: None) -> Any:
    """Subscribers of whom the portal hears nothing until it asks."""
    settings = app.config["SETTINGS"]
    yield Market(app, sandbox, stripe, clock, hears=False)
    app.config["SETTINGS"] = settings


@pytest.fixture
def finance(people: Any) -> Any:
    return lambda: people.staff_member("finance@tidewater.example", "finance")


def table(client: Any, name: str, **search: str) -> list[list[str]]:
    answer = client.get(f"{REVENUE}/{name}.csv", query_string=search)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.text)))[1:]


def figures(client: Any, **search: str) -> dict[str, str]:
    """The figures of the page and the line under each, by their labels."""
    page = client.get(REVENUE, query_string=search).text
    found = re.findall(
        r'<dt>([^<]+)</dt>\s*<dd class="figure">(.*?)</dd>'
        r'(?:\s*<dd class="figure-note".*?>(.*?)</dd>)?',
        page,
    )
    return {
        label: " / ".join(re.sub("<.*?>", "", part) for part in (value, note) if part)
        for label, value, note in found
    }


def behind(client: Any, figure: str, **search: str) -> dict[str, list[str]]:
    """The subscribers of a figure's list with their amounts, and what the list comes to."""
    page = client.get(f"{REVENUE}/subscribers", query_string={"figure": figure, **search})
    assert page.status_code == 200, page.text
    rows = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", page.text, re.DOTALL)
    found = {}
    for row in rows:
        name, *cells = re.split(r"</th>|</td>", row)
        cell = [re.sub(r"<.*?>", "", each).strip() for each in cells]
        found[re.sub("<.*?>", "", name)] = [each for each in cell if each]
    return found


def test_a_ledger_worked_out_by_hand(market, finance, app, people):
    # Per month: Starter $19, Team $49 or €45, Business $99; a year costs ten months.
    market.subscribes("Ada", seats=2)  # 98.00
    market.subscribes("Bob", "business")  # 99.00
    market.subscribes("Cyd", "starter")  # 19.00
    market.subscribes("Dan", interval="year")  # 490.00 / 12 = 40.83
    market.subscribes("Eve", trial_period_days=14)  # 49.00 from 3 December
    market.subscribes("Fay", trial_period_days=14)
    market.subscribes("Kim", currency="eur")  # 45.00 EUR
    market.until(on(1, 12, 2026))
    market.leaves("Fay")
    market.until(on(5, 12, 2026))
    market.subscribes("Gus", "business", seats=3)  # 297.00
    market.subscribes("Hal")  # came and left within the month: in no figure
    market.until(on(10, 12, 2026))
    market.changes("Ada", seats=3)  # 98.00 -> 147.00
    market.until(on(12, 12, 2026))
    market.changes("Bob", "team")  # 99.00 -> 49.00
    market.until(on(20, 12, 2026))
    market.leaves("Hal")
    market.until(on(4, 1))
    market.leaves("Cyd")  # 19.00 -> 0
    market.subscribes("Ian")
    market.takes("Ian", percent_off=50)  # 24.50
    market.pays_with("Bob", FAILING)
    market.until(on(8, 1))
    market.pauses("Gus")  # 297.00 -> 0
    market.until(on(25, 1))
    market.makes_good("Bob")  # the renewal of the 19th, 49.00
    market.pays_with("Eve", FAILING)
    market.until(on(1, 2))
    market.takes("Ada", "repeating", percent_off=50)  # 147.00 -> 73.50 until 1 April
    market.until(on(2, 2))
    market.resumes("Gus")  # 0 -> 297.00
    market.until(on(10, 2))
    market.subscribes("Joy", "starter")  # 19.00
    market.subscribes("Cyd", "starter")  # 0 -> 19.00
    market.until(on(5, 3))
    market.leaves("Kim")
    market.until(on(10, 4))
    market.asks_stripe_for_everything()

    client = finance()
    assert table(client, "months", currency="usd") == [
        # month, currency, new, reactivation, expansion, contraction, churn, change, MRR, how many
        ["2026-11", "USD", "256.83", "0.00", "0.00", "0.00", "0.00", "256.83", "256.83", "4"],
        ["2026-12", "USD", "346.00", "0.00", "49.00", "-50.00", "0.00", "345.00", "601.83", "6"],
        ["2027-01", "USD", "24.50", "0.00", "0.00", "0.00", "-316.00", "-291.50", "310.33", "5"],
        ["2027-02", "USD", "19.00", "316.00", "0.00", "-73.50", "-49.00", "212.50", "522.83", "7"],
        ["2027-03", "USD", "0.00", "0.00", "0.00", "0.00", "0.00", "0.00", "522.83", "7"],
        ["2027-04", "USD", "0.00", "0.00", "73.50", "0.00", "0.00", "73.50", "596.33", "7"],
    ]
    assert table(client, "months", currency="eur", month="2027-03") == [
        ["2026-11", "EUR", "45.00", "0.00", "0.00", "0.00", "0.00", "45.00", "45.00", "1"],
        ["2026-12", "EUR", "0.00", "0.00", "0.00", "0.00", "0.00", "0.00", "45.00", "1"],
        ["2027-01", "EUR", "0.00", "0.00", "0.00", "0.00", "0.00", "0.00", "45.00", "1"],
        ["2027-02", "EUR", "0.00", "0.00", "0.00", "0.00", "0.00", "0.00", "45.00", "1"],
        ["2027-03", "EUR", "0.00", "0.00", "0.00", "0.00", "-45.00", "-45.00", "0.00", "0"],
    ]
    assert figures(client, currency="usd", month="2026-12") == {
        "MRR": "$601.83 / +$345.00 this month",
        "Net retention, 12 months": f"{DASH} / nobody paid in December 2025",
        "Customer churn": "0.0% / 0 of 4 left",
        "Failed payments won back": "None failed",
        "ARR": "$7,221.96 / MRR times twelve",
        "Revenue per subscriber (ARPA)": "$100.30 / 6 subscribers",  # 601.83 / 6 = 100.305
        "Revenue churn": "19.5% / $50.00 lost",  # 50.00 / 256.83
        "Trial conversion": "50.0% / 1 of 2 became paid",
    }
    january = figures(client, currency="usd", month="2027-01")
    assert january["Customer churn"] == "33.3% / 2 of 6 left"
    assert january["Revenue churn"] == "52.5% / $316.00 lost"  # 316.00 / 601.83
    assert january["Failed payments won back"] == "1 of 1 / $0.00 still open"
    assert figures(client, currency="usd", month="2027-02")["Failed payments won back"] == (
        "0 of 1 / $0.00 still open"
    )
    # month, currency, invoices won back, lost, open, and their amounts
    assert table(client, "failed-payments", currency="usd", month="2027-02") == [
        ["2026-11", "USD", "0", "0", "0", "0.00", "0.00", "0.00"],
        ["2026-12", "USD", "0", "0", "0", "0.00", "0.00", "0.00"],
        ["2027-01", "USD", "1", "0", "0", "49.00", "0.00", "0.00"],
        ["2027-02", "USD", "0", "1", "0", "0.00", "49.00", "0.00"],
    ]
    # cohort, month, currency, how many pay, of, MRR
    assert table(client, "cohorts", currency="usd", month="2027-02") == [
        ["2026-11", "2026-11", "USD", "4", "4", "256.83"],
        ["2026-11", "2026-12", "USD", "4", "4", "255.83"],
        ["2026-11", "2027-01", "USD", "3", "4", "236.83"],
        ["2026-11", "2027-02", "USD", "4", "4", "182.33"],
        ["2026-12", "2026-12", "USD", "2", "2", "346.00"],
        ["2026-12", "2027-01", "USD", "1", "2", "49.00"],
        ["2026-12", "2027-02", "USD", "1", "2", "297.00"],
        ["2027-01", "2027-01", "USD", "1", "1", "24.50"],
        ["2027-01", "2027-02", "USD", "1", "1", "24.50"],
        ["2027-02", "2027-02", "USD", "1", "1", "19.00"],
    ]
    assert behind(client, "new", currency="usd", month="2026-12") == {
        "Gus": ["$0.00", "$297.00", "+$297.00"],
        "Eve": ["$0.00", "$49.00", "+$49.00"],
        "All 2": ["$0.00", "$346.00", "+$346.00"],
    }
    assert behind(client, "contraction", currency="usd", month="2026-12") == {
        "Bob": ["$99.00", "$49.00", f"{MINUS}$50.00"],
        "All 1": ["$99.00", "$49.00", f"{MINUS}$50.00"],
    }
    assert behind(client, "reactivation", currency="usd", month="2027-02") == {
        "Gus": ["$0.00", "$297.00", "+$297.00"],
        "Cyd": ["$0.00", "$19.00", "+$19.00"],
        "All 2": ["$0.00", "$316.00", "+$316.00"],
    }
    assert behind(client, "churn", currency="usd", month="2027-01").keys() == {
        "Gus",
        "Cyd",
        "All 2",
    }
    assert behind(client, "converted", currency="usd", month="2026-12").keys() == {"Eve", "All 1"}
    assert behind(client, "trials", currency="usd", month="2026-12").keys() == {
        "Eve",
        "Fay",
        "All 2",
    }
    cohort = behind(client, "cohort", cohort="2026-11", currency="usd", month="2027-01")
    assert cohort == {
        "Ada": ["$147.00"],
        "Bob": ["$49.00"],
        "Dan": ["$40.83"],
        "All 3": ["$236.83"],
    }
    failed = client.get(f"{REVENUE}/failed-payments?outcome=lost&currency=usd&month=2027-02")
    assert "Eve" in failed.text
    assert "Bob" not in failed.text

    # All of it in one currency: 601.83 + 45.00 * 1.10 in December.
    rates = {"reporting_currency": "usd", "exchange_rates": {"eur": Decimal("1.10")}}
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], **rates)
    assert figures(client, month="2026-12")["MRR"] == "$651.33 / +$345.00 this month"
    assert "1 EUR = 1.10 USD" in text_of(client.get(f"{REVENUE}?month=2026-12"))
    assert behind(client, "mrr", month="2026-12")["All 7"] == ["$651.33"]

    # A year later: of 256.83 in November 2026, Ada pays 147.00, Bob 49.00, Cyd and Dan the same.
    market.until(on(1, 12))
    market.asks_stripe_for_everything()
    client = people.staff_member("later@tidewater.example", "finance")
    a_year = figures(client, currency="usd", month="2027-11")
    assert a_year["Net retention, 12 months"] == "99.6% / gross 80.5%"  # 255.83, 206.83
    assert behind(client, "retention", currency="usd", month="2027-11")["All 4"] == [
        "$256.83",
        "$255.83",
        f"{MINUS}$1.00",
    ]


def test_a_rate_that_is_not_set_is_said(market, finance, app):
    market.subscribes("Ada")
    market.subscribes("Kim", currency="eur")
    market.asks_stripe_for_everything()
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], reporting_currency="usd")
    client = finance()
    assert "Left out, because no rate is set: EUR." in text_of(client.get(REVENUE))
    assert behind(client, "mrr") == {"Ada": ["$49.00"], "All 1": ["$49.00"]}


def test_before_anybody_pays_the_page_says_what_will_be_there(finance, catalog):
    page = text_of(finance().get(REVENUE))
    assert "No revenue yet" in page
    assert "$0.00" in page


def kept(number: int, **more: Any) -> SubscriptionState:
    """The state of a subscription of which nothing else is known here."""
    given = {"mrr": 4900, "not_counted": 0, "currency": "usd", "status": "active", **more}
    return SubscriptionState(
        subscription_id=f"sub_{number}",
        customer_id=f"cus_{number:03}",
        at=on(19, 11, 2026),
        quantity=1,
        is_trial=False,
        is_seen=True,
        **given,
    )


def keeps(app: Any, states: list[SubscriptionState]) -> None:
    with app.app_context():
        db.session.add_all(states)
        db.session.commit()


def test_a_long_list_is_paged_and_every_page_says_what_all_of_it_comes_to(finance, app):
    keeps(app, [kept(number) for number in range(60)])
    client = finance()
    first, second = (
        behind(client, "mrr", page=page, month="2026-11", currency="usd") for page in ("1", "2")
    )
    assert (len(first), len(second)) == (50 + 1, 10 + 1)
    assert first["All 60"] == second["All 60"] == ["$2,940.00"]
    assert not (first.keys() & second.keys()) - {"All 60"}
    page = client.get(f"{REVENUE}/subscribers?figure=mrr&month=2026-11&currency=usd")
    assert "1 to 50 of 60" in text_of(page)
    assert len(table(client, "subscribers", figure="mrr", currency="usd")) == 60


def test_what_depends_on_usage_is_said_to_be_in_no_figure(finance, app):
    keeps(app, [kept(1), kept(2, not_counted=1, mrr=1900)])
    client = finance()
    assert "1 subscription is not counted in part." in text_of(client.get(REVENUE))
    assert behind(client, "not_counted")["All 1"] == ["$19.00"]


@pytest.mark.parametrize("currency", ["usd", "jpy"])
def test_a_page_of_figures_carries_no_style_and_no_script_of_its_own(finance, app, currency):
    keeps(app, [kept(1, currency=currency, mrr=10**13), kept(2, currency=currency)])
    page = finance().get(f"{REVENUE}?currency={currency}")
    assert page.text.count('role="img"') == 2 * 2
    assert not re.search(r"style=|<style|<script(?! type=.module. src)", page.text)
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "search",
    [
        "?month=2026-13",
        "?month=November",
        "?month=2030-01",
        "?currency=xyz",
        "?currency=all",
        "/subscribers?figure=nothing",
        "/subscribers",
        "/subscribers?figure=mrr&page=7",
        "/subscribers?figure=cohort&cohort=soon",
        "/failed-payments?outcome=perhaps",
        "/everything.csv",
        "/subscribers.csv?figure=nothing",
    ],
)
def test_what_is_not_there_is_not_found(finance, search):
    assert finance().get(f"{REVENUE}{search}").status_code == 404


def test_the_address_of_finance_leads_to_its_figures(finance):
    answer = finance().get("/finance")
    assert (answer.status_code, answer.location) == (302, REVENUE)
