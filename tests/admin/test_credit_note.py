"""Credit notes: previewed by Stripe, issued once, the money going where it was said."""

from __future__ import annotations

import pytest

from tests.staff import agreed, words


@pytest.fixture
def path(invoice):
    return f"/admin/invoices/{invoice}/credit-note"


def notes(stripe, invoice):
    return stripe.v1.credit_notes.list({"invoice": invoice}).data


def test_everything_is_credited_by_its_lines_and_refunded(desk, stripe, path, invoice):
    page = desk.look(path, what="whole", to="method", reason="duplicate", memo="Sorry")
    assert "Credit note over as Stripe works it out $392.00" in words(page)
    assert "Refunded to the payment method A card shows it within 10 days $392.00" in words(page)
    assert notes(stripe, invoice) == []
    said = words(desk.browser.get(desk.press(path, agreed(page)).location))
    (note,) = notes(stripe, invoice)
    assert f"Credit note {note.number} over $392.00 was issued." in said
    assert (note.total, note.memo, note.reason) == (39200, "Sorry", "duplicate")
    assert [refund.amount_refunded for refund in note.refunds] == [39200]
    assert [line.quantity for line in note.lines.data] == [8]
    assert "Left to credit $0.00" in said
    assert "Left to refund $0.00" in said
    assert "Nothing is left to credit" in words(desk.look(path))
    ((_, after, account_id),) = desk.audited("invoice.credited")
    assert (after["credit_note"], account_id) == (note.id, desk.number)


def test_so_many_of_a_line_are_credited_and_what_is_left_of_it_is_shown(
    desk, stripe, path, invoice
):
    line = stripe.v1.invoices.retrieve(invoice).lines.data[0].id
    said = desk.do(path, what="lines", to="balance", **{f"line-{line}": "3"})
    assert "$147.00 is credit for the next invoices" in said
    (note,) = notes(stripe, invoice)
    assert (note.total, note.lines.data[0].quantity) == (14700, 3)
    customer = stripe.v1.customers.retrieve(note.customer)
    assert customer.balance == -14700
    assert "5 of 8 $245.00" in words(desk.look(path))
    again = desk.look(path, what="lines", to="balance", **{f"line-{line}": "6"})
    assert again.status_code == 422
    assert "a whole number up to 5." in words(again)


def test_an_amount_is_credited_as_paid_outside_of_stripe(desk, stripe, path, invoice):
    desk.do(path, what="amount", amount="12.34", to="elsewhere")
    (note,) = notes(stripe, invoice)
    assert (note.total, note.out_of_band_amount, list(note.refunds)) == (1234, 1234, [])


def test_a_note_can_stand_for_a_refund_made_before(desk, stripe, path, invoice):
    desk.do(f"/admin/invoices/{invoice}/refund", amount="50", reason="duplicate")
    refused = desk.look(path, what="amount", amount="60", to="refunded")
    assert "Only $50.00 was refunded without a note." in words(refused)
    desk.do(path, what="amount", amount="50", to="refunded")
    (note,) = notes(stripe, invoice)
    assert [refund.amount_refunded for refund in note.refunds] == [5000]
    assert len(stripe.v1.refunds.list({}).data) == 1


def test_what_the_payment_cannot_give_back_goes_to_the_balance(desk, stripe, path, invoice):
    desk.do(f"/admin/invoices/{invoice}/refund", amount="300", reason="duplicate")
    page = desk.look(path, what="whole", to="method")
    assert "Refunded to the payment method A card shows it within 10 days $92.00" in words(page)
    assert "Credited to the customer's balance Used first for the next invoices $300.00" in words(
        page
    )
    desk.press(path, agreed(page))
    assert sorted(each.amount for each in stripe.v1.refunds.list({}).data) == [9200, 30000]
    (note,) = notes(stripe, invoice)
    assert stripe.v1.customers.retrieve(note.customer).balance == -30000


def test_a_note_on_an_open_invoice_lowers_what_is_due(desk, stripe, open_invoice):
    path = f"/admin/invoices/{open_invoice}/credit-note"
    page = desk.look(path, what="amount", amount="50")
    assert "Still to pay afterwards instead of $650.00 $600.00" in words(page)
    assert "Where the money goes" not in words(page)
    desk.press(path, agreed(page))
    invoice = stripe.v1.invoices.retrieve(open_invoice)
    assert (invoice.status, invoice.amount_remaining) == ("open", 60000)
    too_much = desk.look(path, what="amount", amount="600.01")
    assert "Only $600.00 is left to credit." in words(too_much)
    desk.do(path, what="whole")
    invoice = stripe.v1.invoices.retrieve(open_invoice)
    assert (invoice.status, invoice.amount_remaining) == ("paid", 0)


def test_lines_are_credited_by_number_and_by_amount_together(desk, stripe, open_invoice):
    path = f"/admin/invoices/{open_invoice}/credit-note"
    first, second = (line.id for line in stripe.v1.invoices.retrieve(open_invoice).lines.data)
    desk.do(path, what="lines", **{f"line-{first}": "1", f"line-{second}": "12.50"})
    (note,) = notes(stripe, open_invoice)
    assert sorted(line.amount for line in note.lines.data) == [1250, 30000]
    refused = desk.look(path, what="lines", **{f"line-{second}": "37.51"})
    assert "only $37.50 of it is left." in words(refused)


def test_a_second_press_and_a_second_tab_issue_one_note(desk, stripe, path, invoice):
    first = agreed(desk.look(path, what="amount", amount="100", to="method"))
    second = agreed(desk.look(path, what="amount", amount="100", to="method"))
    assert desk.press(path, first).status_code == 303
    assert desk.press(path, first).status_code == 303
    answer = desk.press(path, second)
    assert answer.status_code == 409
    assert "This has changed since you looked." in words(answer)
    assert [note.total for note in notes(stripe, invoice)] == [10000]
    assert [refund.amount for refund in stripe.v1.refunds.list({}).data] == [10000]


def test_without_stripe_the_page_says_that_there_is_no_preview(desk, stripe_is_down, path):
    up = stripe_is_down()
    page = desk.look(path, what="amount", amount="100", to="method")
    assert page.status_code == 200
    assert "Stripe does not answer, so there is no preview." in words(page)
    assert 'name="attempt"' not in page.get_data(as_text=True)
    up()
    assert 'name="attempt"' in desk.look(path, what="amount", amount="100", to="method").get_data(
        as_text=True
    )


@pytest.mark.parametrize("what", ["amount", "lines"])
def test_nothing_is_no_credit_note(desk, path, what):
    page = desk.look(path, what=what, amount="0", to="balance")
    assert page.status_code == 422
    assert "Credit more than nothing." in words(page)
