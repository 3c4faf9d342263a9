"""Changing a customer's balance: with what the next charge will be, once, on the record."""

from __future__ import annotations

import pytest

from tests.staff import agreed, words


@pytest.fixture
def path(desk):
    return desk.path("balance-adjustment")


@pytest.fixture
def customer(stripe, team):
    return stripe.v1.subscriptions.retrieve(team).customer


def test_a_credit_shows_what_the_next_charge_will_be_and_is_given_once(
    desk, stripe, path, customer
):
    page = desk.look(path, way="credit", amount="100", reason="Outage in November")
    said = words(page)
    assert "Next charge without it $392.00 on 19 December 2026" in said
    assert "Next charge with it $292.00 on 19 December 2026" in said
    assert "Balance afterwards $100.00 of credit" in said
    form = agreed(page)
    answers = [desk.press(path, form) for _ in range(2)]
    assert "$100.00 was credited to the balance: it is $100.00 of credit now." in words(
        desk.browser.get(answers[0].location)
    )
    (change,) = stripe.v1.customers.balance_transactions.list(customer).data
    assert (change.amount, change.description) == (-10000, "Outage in November")
    ((before, after, account_id),) = desk.audited("customer.balance_adjusted")
    assert (before["balance"], after["balance"], account_id) == (0, -10000, desk.number)


def test_a_debit_is_added_to_the_next_charge(desk, stripe, path, customer):
    page = desk.look(path, way="debit", amount="8", reason="Bank fee")
    assert "Next charge with it $400.00 on 19 December 2026" in words(page)
    desk.press(path, agreed(page))
    assert stripe.v1.customers.retrieve(customer).balance == 800


def test_a_balance_that_changed_meanwhile_is_shown_again(desk, stripe, path, customer):
    form = agreed(desk.look(path, way="credit", amount="100", reason="Outage"))
    stripe.v1.customers.balance_transactions.create(customer, {"amount": -700, "currency": "usd"})
    answer = desk.press(path, form)
    assert answer.status_code == 409
    assert "Balance now $7.00 of credit" in words(answer)
    assert stripe.v1.customers.retrieve(customer).balance == -700


@pytest.mark.parametrize(
    ("filled_in", "said"),
    [
        ({"amount": "0", "reason": "x"}, "Enter more than nothing."),
        ({"amount": "5"}, "Say why, for the customer's and your records."),
        ({"amount": "x", "reason": "y"}, "Write an amount such as 1,234.50"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(desk, path, filled_in, said):
    page = desk.look(path, way="credit", **filled_in)
    assert page.status_code == 422
    assert said in words(page)


def test_who_never_bought_anything_has_no_balance(desk, people):
    number = people.join("new@harbour.example", "Harbour")
    page = desk.look(f"/admin/customers/{number}/balance-adjustment")
    assert "has not bought anything yet" in words(page)
    assert desk.press(f"/admin/customers/{number}/balance-adjustment", {"attempt": "x"}).status_code
