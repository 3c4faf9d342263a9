"""Refunding a payment of an invoice: what is shown is what Stripe gives back, and only once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.quote_page import pass_time
from tests.staff import agreed, words


@pytest.fixture
def path(invoice):
    return f"/admin/invoices/{invoice}/refund"


def refunds(stripe):
    return [(each.amount, each.status) for each in stripe.v1.refunds.list({}).data]


def test_a_part_is_shown_before_and_refunded_after_the_button(desk, stripe, path, invoice):
    page = desk.look(path, amount="92.50", reason="duplicate", note="asked by phone")
    said = words(page)
    assert "Refunded to Visa ending 4242 A card shows it within 10 days" in said
    assert "$92.50" in said
    assert "Left to refund of this payment afterwards of $392.00 $299.50" in said
    assert refunds(stripe) == []
    answer = desk.press(path, agreed(page))
    assert answer.location == f"/admin/invoices/{invoice}"
    assert "$92.50 was refunded." in words(desk.browser.get(answer.location))
    assert refunds(stripe) == [(9250, "succeeded")]
    made = stripe.v1.refunds.list({}).data[0]
    assert made.reason == "duplicate"
    assert made.metadata.note == "asked by phone"
    ((before, after, account_id),) = desk.audited("invoice.refunded")
    assert (before["to_refund"], after["amount"], after["refund"]) == (39200, 9250, made.id)
    assert account_id == desk.number


def test_the_form_begins_with_all_that_is_left(desk, path):
    desk.do(path, amount="100", reason="duplicate")
    body = desk.look(path).get_data(as_text=True)
    assert 'value="292.00"' in body


def test_a_second_press_a_reload_and_a_back_button_refund_once(desk, stripe, path):
    form = agreed(desk.look(path, amount="100", reason="duplicate"))
    answers = [desk.press(path, form) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {303}
    assert refunds(stripe) == [(10000, "succeeded")]
    assert desk.actions() == ["done"]
    assert len(desk.audited("invoice.refunded")) == 1


def test_a_second_tab_is_told_that_it_has_changed(desk, stripe, path):
    first = agreed(desk.look(path, amount="100", reason="duplicate"))
    second = agreed(desk.look(path, amount="100", reason="duplicate"))
    desk.press(path, first)
    answer = desk.press(path, second)
    assert answer.status_code == 409
    said = words(answer)
    assert "This has changed since you looked. Nothing was done." in said
    assert "Left to refund of this payment afterwards of $392.00 $192.00" in said
    assert refunds(stripe) == [(10000, "succeeded")]
    # What is shown now can be agreed to.
    assert desk.press(path, agreed(answer)).status_code == 303
    assert refunds(stripe) == [(10000, "succeeded")] * 2


def test_a_refund_made_at_stripe_that_we_have_not_heard_of_is_noticed(desk, stripe, path, invoice):
    form = agreed(desk.look(path, amount="392", reason="duplicate"))
    paid = stripe.v1.invoice_payments.list({"invoice": invoice}).data[0].payment.payment_intent
    stripe.v1.refunds.create({"payment_intent": paid, "amount": 5000})
    answer = desk.press(path, form)
    assert answer.status_code == 409
    assert "Only $342.00 of this payment is left to refund." in words(answer)
    assert refunds(stripe) == [(5000, "succeeded")]


def test_the_same_token_with_another_amount_does_nothing(desk, stripe, path):
    form = agreed(desk.look(path, amount="100", reason="duplicate"))
    desk.press(path, form)
    desk.press(path, {**form, "amount": "300"})
    assert refunds(stripe) == [(10000, "succeeded")]


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("0", "Enter more than nothing."),
        ("392.01", "Only $392.00 of this payment is left to refund."),
        ("-5", "An amount cannot be below zero."),
        ("1,0", "Write an amount such as 1,234.50"),
        ("5.001", "USD has 2 decimals: write it such as 1,234.50."),
        ("", "Write an amount such as 1,234.50"),
        ("9" * 40, "That is more than can be charged."),
    ],
)
def test_an_amount_that_cannot_be_is_said_at_its_field(desk, stripe, path, amount, said):
    page = desk.look(path, amount=amount, reason="duplicate", note="kept")
    assert page.status_code == 422
    assert said in words(page)
    assert 'value="kept"' in page.get_data(as_text=True)
    form = agreed(desk.look(path, amount="1", reason="duplicate"))
    assert desk.press(path, {**form, "amount": amount}).status_code == 422
    assert refunds(stripe) == []


def test_an_invoice_of_whole_yen_is_refunded_in_whole_yen(desk, stripe, subscribe, people):
    people.join("kei@kansai.example", "Kansai")
    subscription = subscribe("Kansai", "team", currency="jpy")
    invoice = stripe.v1.invoices.list({"subscription": subscription}).data[0]
    path = f"/admin/invoices/{invoice.id}/refund"
    assert "JPY has no decimals: write it such as 1,234." in words(
        desk.look(path, amount="10.5", reason="duplicate")
    )
    assert "\u00a5500 was refunded." in desk.do(path, amount="500", reason="duplicate")
    assert refunds(stripe)[0][0] == 500


def test_a_bank_debit_on_its_way_cannot_be_refunded_and_one_that_arrived_is_for_days(
    desk, stripe, people, subscribe, sandbox, clock
):
    people.join("kei@kansai.example", "Kansai")
    subscription = subscribe("Kansai", "team", card="pm_usBankAccount_success")
    invoice = stripe.v1.invoices.list({"subscription": subscription}).data[0].id
    path = f"/admin/invoices/{invoice}/refund"
    assert "its payment is still on its way" in words(desk.look(path))
    pass_time(sandbox, clock, clock.now + timedelta(days=6))
    desk.browser = people.staff_member("later@tidewater.example", "support")
    desk.pull("invoice", invoice)
    said = desk.do(path, amount="10", reason="duplicate")
    assert "A refund of $10.00 is on its way to the bank, which takes some days." in said
    assert refunds(stripe) == [(1000, "pending")]
    assert "On its way to the bank" in said
