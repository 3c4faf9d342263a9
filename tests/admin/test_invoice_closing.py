"""Ending an open invoice by hand: void, given up, or paid elsewhere, once and as shown."""

from __future__ import annotations

import pytest

from tests.staff import agreed, words


@pytest.mark.parametrize(
    ("slug", "status", "said", "audit"),
    [
        ("void", "void", "is void. Nothing is due on it.", "invoice.voided"),
        (
            "uncollectible",
            "uncollectible",
            "is marked as uncollectible. It can still be paid.",
            "invoice.written_off",
        ),
        (
            "paid-out-of-band",
            "paid",
            "is marked as paid outside of Stripe.",
            "invoice.paid_out_of_band",
        ),
    ],
)
def test_it_ends_as_was_shown_and_a_second_press_changes_nothing(
    desk, stripe, open_invoice, slug, status, said, audit
):
    path = f"/admin/invoices/{open_invoice}/closing/{slug}"
    page = desk.look(path)
    assert "$650.00" in words(page)
    form = agreed(page)
    for _ in range(2):
        answer = desk.press(path, form)
        assert said in words(desk.browser.get(answer.location))
    found = stripe.v1.invoices.retrieve(open_invoice)
    assert found.status == status
    assert len(desk.audited(audit)) == 1
    assert "so this is not possible" in words(desk.look(path))


def test_an_invoice_that_was_paid_meanwhile_is_not_voided(desk, stripe, open_invoice):
    path = f"/admin/invoices/{open_invoice}/closing/void"
    form = agreed(desk.look(path))
    stripe.v1.invoices.pay(open_invoice)
    answer = desk.press(path, form)
    assert answer.status_code == 409
    assert "This has changed since you looked." in words(answer)
    assert "The invoice is paid" in words(answer)
    assert stripe.v1.invoices.retrieve(open_invoice).status == "paid"


def test_an_unknown_way_is_not_found(desk, open_invoice):
    assert desk.look(f"/admin/invoices/{open_invoice}/closing/burn").status_code == 404
