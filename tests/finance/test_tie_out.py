"""Whether what was invoiced in a period is accounted for, to the cent."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as runs
from hypothesis import strategies as st
from stripe import CardError, InvalidRequestError

from billing import tie_out
from billing.exports.period import Period, ZoneInfo
from billing.money import MINUS
from models import CreditNote, Invoice, db
from tests.shared import SharedPortal

ALL_TIME = {"period": "all"}


def figures(browser, **search):
    """What the file says: {(currency, figure): text}."""
    answer = browser.get("/finance/tie-out.csv", query_string=search or ALL_TIME)
    rows = csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline=""))
    return {(row["currency"], row["figure"]): row["amount"] for row in rows}


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


# A ledger worked out by hand ----------------------------------------------------------------


@pytest.fixture
def ledger(books, clock):
    """November 2026 in dollars, one invoice for each thing that can become of one.

    | invoice                                          | total | what became of it               |
    |--------------------------------------------------|-------|---------------------------------|
    | paid by card                                     | 100   | paid 100                        |
    | paid, then 30 credited: 20 refunded, 10 balance  | 200   | credited 30, paid 170           |
    | 50 credited before payment, the rest paid        | 150   | credited 50, paid 100           |
    | paid outside Stripe                              | 80    | paid 80                         |
    | void, after 5 were credited                      | 70    | credited 5, voided 65           |
    | given up, after 15 were credited                 | 60    | credited 15, uncollectible 45   |
    | given up, then paid after all                    | 40    | paid 40                         |
    | open, with 25 of balance used                    | 90    | paid 25, open 65                |
    | a negative one, into the balance                 | -35   | paid -35                        |
    | nothing at all                                   | 0     |                                 |
    """
    ada = books.customer()
    books.pay(books.invoice(ada, 10000))

    credited = books.invoice(ada, 20000)
    books.pay(credited)
    books.credit(credited, 3000, refund_amount=2000, credit_amount=1000)
    books.balance(ada, 1000)  # the credit is used up otherwise, and out of the picture

    before = books.invoice(ada, 15000)
    books.credit(before, 5000)
    books.pay(before)

    books.pay(books.invoice(ada, 8000), paid_out_of_band=True)

    void = books.invoice(ada, 7000)
    books.credit(void, 500)
    books.void(void)

    lost = books.invoice(ada, 6000)
    books.credit(lost, 1500)
    books.give_up(lost)

    late = books.invoice(ada, 4000)
    books.give_up(late)
    books.pay(late)

    books.balance(ada, -2500)
    books.invoice(ada, 9000)

    books.invoice(ada, -3500)
    books.balance(ada, 3500)
    books.invoice(ada, 0)
    return ada


def test_a_ledger_worked_out_by_hand(ledger, finance):
    found = figures(finance)
    assert {key: amount for (_, key), amount in found.items()} == {
        # 100 + 200 + 150 + 80 + 70 + 60 + 40 + 90 - 35 + 0
        "total": "755.00",
        # 30 + 50 + 5 + 15
        "credited": "100.00",
        "voided": "65.00",
        "uncollectible": "45.00",
        # 100 + 170 + 100 + 80 + 40 + 25 - 35; and 755 - 100 - 65 - 45 = 545 = 480 + 65
        "paid": "480.00",
        "open": "65.00",
        # 100 + 200 + 100 + 40
        "by_stripe": "440.00",
        "off_stripe": "80.00",
        # 25 - 35
        "from_balance": "-10.00",
        "given_back": "30.00",
        "difference": "0.00",
        "refunds": "20.00",
        "refunds_credited": "20.00",
        "refunds_made": "20.00",
        "credit_notes_issued": "100.00",
        "overpaid": "0.00",
    }


def test_the_page_says_the_equation_and_that_it_ties(ledger, finance):
    said = words(finance.get("/finance/tie-out?period=all"))
    assert "Ties out" in said
    assert (
        f"$755.00 invoiced {MINUS} $100.00 credited {MINUS} $65.00 voided {MINUS} $45.00 "
        "uncollectible = $480.00 paid + $65.00 still open" in said
    )


def test_each_part_leads_to_its_rows_whose_total_is_the_part(ledger, finance):
    page = finance.get("/finance/tie-out?period=all").text
    row = r'([^<>]+)<small>[^<]*</small></th>\s*<td[^>]*><a href="([^"]+)">([^<]+)<'
    linked = re.findall(row, page)
    parts = {name.replace("&#39;", "'"): (url, amount) for name, url, amount in linked}
    assert {name: amount for name, (_, amount) in parts.items()} == {
        "Invoiced": "$755.00",
        "Credited": "$100.00",
        "Voided": "$65.00",
        "Uncollectible": "$45.00",
        "Paid": "$480.00",
        "Through Stripe": "$440.00",
        "Outside Stripe": "$80.00",
        "From the customer's balance": f"{MINUS}$10.00",
        "Given back by credit notes": "$30.00",
        "Still open": "$65.00",
        "Refunds of these invoices": "$20.00",
        "Of them, behind credit notes": "$20.00",
        "Refunds made in the period": "$20.00",
        "Credit notes issued in the period": "$100.00",
    }
    for name, (url, amount) in parts.items():
        rows = finance.get(url.replace("&amp;", "&")).text
        totals = rows.split("</caption>")[1].split("</table>")[0]
        assert f">{amount}</td>" in totals, name


def test_only_invoices_finalised_in_the_period_of_the_zone_count(books, clock, finance, people):
    clock.set(datetime(2026, 11, 30, 23, 30, tzinfo=UTC))
    ada = books.customer()
    books.pay(books.invoice(ada, 1000))
    clock.advance(hours=1)
    second = books.invoice(ada, 500)
    november = {"since": "2026-11-01", "until": "2026-11-30"}
    assert figures(finance, **november, tz="UTC")["USD", "total"] == "10.00"
    # In Berlin it was December already.
    assert ("USD", "total") not in figures(finance, **november, tz="Europe/Berlin")
    december = {"since": "2026-12-01", "until": "2026-12-31", "tz": "UTC"}
    assert figures(finance, **december)["USD", "total"] == "5.00"
    # A later payment counts where the invoice was finalised.
    clock.advance(days=3)
    books.pay(second)
    later = people.staff_member("later@tidewater.example", "finance")
    assert figures(later, **december)["USD", "paid"] == "5.00"


def test_currencies_stay_apart(books, finance):
    books.pay(books.invoice(books.customer(), 1050))
    books.invoice(books.customer(), 1500, currency="jpy")
    books.invoice(books.customer(), 5120, currency="kwd")
    found = figures(finance)
    assert found["USD", "paid"] == "10.50"
    assert found["JPY", "open"] == "1500"
    assert found["KWD", "open"] == "5.120"
    assert all(found[currency, "difference"].strip("0.") == "" for currency, _ in found)


def test_a_credit_note_that_the_mirror_lacks_shows_with_its_invoice(app, books, finance):
    invoice = books.invoice(books.customer(), 10000)
    note = books.credit(invoice, 3000)
    with app.app_context():
        db.session.delete(db.session.get(CreditNote, note))
        db.session.commit()
        number = db.session.get(Invoice, invoice).number
    said = words(finance.get("/finance/tie-out?period=all"))
    assert "Off by $30.00" in said
    assert "Ties out" not in said
    assert number in said.split("Invoices that differ")[1]
    assert figures(finance)["USD", "difference"] == "30.00"


def test_a_refund_of_an_earlier_months_invoice_stands_apart(books, clock, people):
    invoice = books.invoice(books.customer(), 10000)
    books.pay(invoice)
    clock.advance(days=13)
    books.refund(invoice, 2500)
    finance = people.staff_member("finance@tidewater.example", "finance")
    december = figures(finance, since="2026-12-01", until="2026-12-31", tz="UTC")
    assert december["USD", "refunds_made"] == "25.00"
    assert december["USD", "total"] == december["USD", "refunds"] == "0.00"
    november = figures(finance, since="2026-11-01", until="2026-11-30", tz="UTC")
    assert november["USD", "refunds"] == "25.00"
    assert november["USD", "refunds_credited"] == november["USD", "refunds_made"] == "0.00"
    # Without a credit note the invoice stays paid.
    assert november["USD", "paid"] == "100.00"


def test_a_period_without_anything_says_so(finance):
    assert "Nothing was invoiced" in finance.get("/finance/tie-out").text


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("since=2026-02-30", "Give a day as 2026-11-30."),
        ("since=2026-12-01&until=2026-11-01", "This day is before the first."),
        ("tz=Mars/Olympus", "There is no such time zone."),
        ("since=0001-01-01", "Give a day between"),
        ("period=yesterday", "There is no such period."),
    ],
)
def test_a_period_that_makes_no_sense_is_said_at_its_field(finance, search, said):
    for address in ("/finance/tie-out", "/finance/tie-out.csv"):
        answer = finance.get(f"{address}?{search}")
        assert answer.status_code == 422
        assert said in answer.text


# What Stripe's fields can say beyond what the sandbox does ----------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(
            {"status": "open", "amount_paid": 400, "amount_remaining": 600},
            {"paid": 400, "open": 600},
            id="partly paid",
        ),
        pytest.param(
            {"status": "void", "amount_paid": 400, "amount_remaining": 600},
            {"paid": 400, "voided": 600},
            id="partly paid, then void",
        ),
        pytest.param(
            {"status": "void", "amount_due": 0, "amount_remaining": 0},
            {"voided": 1000},
            id="void, asking for nothing any more",
        ),
        pytest.param(
            {"status": "uncollectible", "amount_paid": 400, "amount_remaining": 600},
            {"paid": 400, "uncollectible": 600},
            id="partly paid, then given up",
        ),
        pytest.param(
            {"status": "paid", "amount_paid": 1250, "amount_overpaid": 250, "amount_remaining": 0},
            {"paid": 1000, "overpaid": 250},
            id="overpaid, counted in what was paid",
        ),
        pytest.param(
            {"status": "paid", "amount_paid": 1000, "amount_overpaid": 250, "amount_remaining": 0},
            {"paid": 1000, "overpaid": 250},
            id="overpaid, beside what was paid",
        ),
        pytest.param(
            {
                "status": "paid",
                "starting_balance": 300,
                "ending_balance": 0,
                "amount_due": 1300,
                "amount_paid": 1300,
                "amount_remaining": 0,
            },
            {"paid": 1000, "by_stripe": 1300, "from_balance": -300},
            id="a debt of the balance collected with it",
        ),
    ],
)
def test_what_a_payment_in_parts_or_too_much_comes_to(app, books, finance, said, expected):
    invoice = books.invoice(books.customer(), 1000)
    with app.app_context():
        row = db.session.get(Invoice, invoice)
        for field, value in said.items():
            setattr(row, field, value)
        db.session.commit()
    found = figures(finance)
    assert found["USD", "difference"] == "0.00"
    assert {key: found["USD", key] for key in expected} == {
        key: f"{amount / 100:.2f}" for key, amount in expected.items()
    }


def test_what_was_overpaid_leads_to_the_invoices_that_were(app, books, finance):
    invoices = [books.invoice(books.customer(), 1000) for _ in range(2)]
    with app.app_context():
        row = db.session.get(Invoice, invoices[0])
        row.status, row.amount_remaining = "paid", 0
        row.amount_paid, row.amount_overpaid = 1250, 250
        db.session.commit()
    page = finance.get("/finance/tie-out?period=all").text
    (url,) = re.findall(r'href="([^"]+)">\$2\.50<', page)
    rows = finance.get(url.replace("&amp;", "&")).text
    assert invoices[0] in rows
    assert invoices[1] not in rows
    assert 'data-label="Overpaid">$2.50</td>' in rows


# Any sequence of actions --------------------------------------------------------------------

AMOUNTS = st.sampled_from([1, 30, 999, 5000, 12345, -700, 0])
ACTIONS = st.one_of(
    st.tuples(st.just("invoice"), AMOUNTS, st.sampled_from(["usd", "jpy"])),
    st.tuples(st.just("invoice"), AMOUNTS, st.just("usd")),
    st.tuples(
        st.sampled_from(["pay", "decline", "elsewhere", "void", "give up"]), st.integers(0, 9)
    ),
    st.tuples(
        st.just("credit"),
        st.integers(0, 9),
        st.sampled_from([1, 3, 2]),
        st.sampled_from(["refund_amount", "credit_amount", "out_of_band_amount", "before"]),
    ),
    st.tuples(st.just("void credit"), st.integers(0, 9)),
    st.tuples(st.just("refund"), st.integers(0, 9), st.sampled_from([2, 3])),
    st.tuples(st.just("balance"), st.sampled_from([-4000, -50, 1500])),
)


class Story:
    """Carries out what may be done and lets Stripe refuse the rest."""

    def __init__(self, books):
        self.books, self.ada = books, books.customer()
        self.invoices: list[str] = []
        self.notes: list[str] = []

    def play(self, action):
        kind, *given = action
        if kind == "balance":
            self.books.balance(self.ada, given[0])
        elif kind == "invoice":
            self.invoices.append(self.books.invoice(self.ada, given[0], currency=given[1]))
        elif kind == "void credit" and self.notes:
            self.books.void_credit(self.notes[given[0] % len(self.notes)])
        elif self.invoices and kind != "void credit":
            self.about(kind, self.invoices[given[0] % len(self.invoices)], *given[1:])

    def about(self, kind, invoice, share=1, how="before"):
        books = self.books
        now = books.v1.invoices.retrieve(invoice)
        if kind == "pay":
            books.pay(invoice)
        elif kind == "decline":
            card = books.v1.payment_methods.attach(
                "pm_card_chargeCustomerFail", {"customer": self.ada}
            )
            books.pay(invoice, payment_method=card.id)
        elif kind == "elsewhere":
            books.pay(invoice, paid_out_of_band=True)
        elif kind == "void":
            books.void(invoice)
        elif kind == "give up":
            books.give_up(invoice)
        elif kind == "refund":
            books.refund(invoice, max(now.amount_paid // share, 1))
        else:
            amount = (now.total if how != "before" else now.amount_remaining) // share
            given = {} if how == "before" else {how: amount}
            self.notes.append(books.credit(invoice, amount, **given))


@runs(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(actions=[("balance", -4000), ("invoice", 5000, "usd"), ("void", 0)])
@example(actions=[("balance", 1500), ("invoice", 5000, "usd"), ("give up", 0), ("pay", 0)])
@example(actions=[("invoice", 30, "usd"), ("invoice", -700, "usd"), ("invoice", 999, "usd")])
@given(actions=st.lists(ACTIONS, min_size=4, max_size=18))
def test_any_sequence_of_actions_ties_out_from_the_mirror(
    shared_portal: SharedPortal, shared_sandbox, stripe, books, actions
):
    shared_portal.renew()
    shared_sandbox.renew()
    story = Story(books)
    for action in actions:
        try:
            story.play(action)
        except (InvalidRequestError, CardError, ValueError):
            # Stripe refuses it, or there is no payment that could be refunded.
            for invoice in story.invoices:
                books.pull("invoice", invoice)
    with books.app.app_context():
        found = tie_out.of(Period(ZoneInfo("UTC")))
        assert not tie_out.differing(Period(ZoneInfo("UTC")))
    for one in found:
        assert one.ties, (one.currency, one.figures)
        expected = by_hand(stripe, one.currency)
        assert {key: one.amount(key) for key in expected} == expected


def by_hand(stripe, currency):
    """The figures from Stripe's own objects: charges, balance transactions, credit notes."""
    v1 = stripe.v1
    invoices = [
        i
        for i in v1.invoices.list({"limit": 100}).data
        if i.currency == currency and i.status != "draft"
    ]
    ids = {i.id for i in invoices}
    notes = [
        n
        for n in v1.credit_notes.list({"limit": 100}).data
        if n.invoice in ids and n.status == "issued"
    ]
    paid_by = {
        p.payment.payment_intent: p.invoice
        for i in invoices
        for p in v1.invoice_payments.list({"invoice": i.id}).data
    }
    moved = [
        t
        for c in v1.customers.list({}).data
        for t in v1.customers.balance_transactions.list(c.id, {"limit": 100}).data
        if t.invoice in ids and t.type != "credit_note"
    ]
    after = sum(n.post_payment_amount for n in notes)
    by_stripe = sum(
        c.amount
        for c in v1.charges.list({"limit": 100}).data
        if c.status == "succeeded" and paid_by.get(c.payment_intent) in ids
    )
    elsewhere = sum(i.amount_paid_off_stripe or 0 for i in invoices)
    balance = sum(t.amount for t in moved)
    return {
        "total": sum(i.total for i in invoices),
        "credited": sum(n.total for n in notes),
        "uncollectible": sum(i.amount_remaining for i in invoices if i.status == "uncollectible"),
        "by_stripe": by_stripe,
        "off_stripe": elsewhere,
        "from_balance": balance,
        "given_back": after,
        "paid": by_stripe + elsewhere + balance - after,
        "open": sum(i.amount_remaining for i in invoices if i.status == "open"),
    }
