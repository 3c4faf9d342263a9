"""A link to pay: one mail, to who looks after the billing, that leads to the invoice."""

from __future__ import annotations

import re

from tests.billing_mails import OWNER, links
from tests.billing_mails import words as words_of
from tests.staff import words


def token(page):
    return re.search(r'name="attempt" value="([^"]+)"', page.get_data(as_text=True)).group(1)


def test_the_mail_leads_to_the_open_invoice_and_is_sent_once(desk, people, outside, open_invoice):
    outside.run_tasks()
    outside.box.clear()
    path = desk.path("payment-link")
    page = desk.look(path, invoice=open_invoice)
    assert f"Goes to {OWNER}, billing@northwind.example" in words(page)
    form = {"invoice": open_invoice, "attempt": token(page)}
    for _ in range(2):
        answer = desk.press(path, form)
        assert "is on its way." in words(desk.browser.get(answer.location))
    outside.run_tasks()
    mail = outside.mail("Please pay invoice")
    assert "US$650.00 is still to be paid." in words_of(mail)
    landed = people.sign_in(OWNER).get(links(mail)[0], follow_redirects=True)
    assert landed.request.path == f"/invoices/{open_invoice}"
    assert len(desk.audited("payment_link.sent")) == 1


def test_without_an_open_invoice_it_asks_for_another_payment_method(desk, outside):
    outside.run_tasks()
    path = desk.path("payment-link")
    form = {"invoice": "payment-method", "attempt": token(desk.look(path))}
    desk.press(path, form)
    outside.run_tasks()
    mail = outside.mail("Please update your payment method")
    assert "Your next payment would go to Visa ending 4242." in words_of(mail)


def test_an_invoice_that_is_paid_by_then_is_not_asked_for(desk, stripe, outside, open_invoice):
    path = desk.path("payment-link")
    form = {"invoice": open_invoice, "attempt": token(desk.look(path))}
    desk.press(path, form)
    stripe.v1.invoices.pay(open_invoice)
    desk.pull("invoice", open_invoice)
    outside.run_tasks()
    assert not [each for each in outside.subjects() if each.startswith("Please pay")]


def test_an_invoice_of_somebody_else_cannot_be_asked_for(desk):
    path = desk.path("payment-link")
    answer = desk.press(path, {"invoice": "in_other", "attempt": token(desk.look(path))})
    assert answer.status_code == 422
