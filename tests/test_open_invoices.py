"""Several open invoices, paid together: oldest first, one charge each."""

from __future__ import annotations

import re

import pytest

from tests.failed_payment import charges, form_of, refuse
from tests.quote_page import after, pull, text_of

PAY = "/open-invoices/payment"


@pytest.fixture
def visa(stripe, customer_id):
    return stripe.v1.customers.retrieve(customer_id).invoice_settings.default_payment_method


@pytest.fixture
def three(bill, clock):
    """Open invoices of $15, $20 and $25, the oldest first."""
    made = []
    for amount in (1500, 2000, 2500):
        made.append(bill(amount, f"Workshop {amount}"))
        clock.advance(days=1)
    return made


def fields_of(page):
    """The form's fields as the browser sends them; the invoices are several."""
    html = page.get_data(as_text=True)
    fields = form_of(page, PAY)
    return fields | {"invoice": re.findall(r'name="invoice" value="([^"]+)"', html)}


def pay(browser, method, fields=None, **more):
    fields = fields or fields_of(browser.get("/open-invoices"))
    return browser.post(PAY, data={**fields, "payment_method": method, **more})


def test_they_are_listed_oldest_first_and_paid_one_charge_each(owner, three, visa, stripe):
    page = owner.get("/open-invoices")
    assert "Pay all 3: $60.00" in text_of(page)
    assert "3 charges, one for each invoice." in text_of(page)
    assert [entry.split(":")[0] for entry in fields_of(page)["invoice"]] == three
    before = charges(stripe)
    assert "3 invoices are paid." in after(owner, pay(owner, visa))
    assert sorted(charges(stripe)) == sorted([*before, 1500, 2000, 2500])
    assert {stripe.v1.invoices.retrieve(one).status for one in three} == {"paid"}


def test_the_overview_and_the_invoice_lead_there(owner, three):
    assert 'href="/open-invoices"' in owner.get(f"/invoices/{three[0]}").get_data(as_text=True)
    assert 'href="/open-invoices"' in owner.get("/").get_data(as_text=True)


def test_two_presses_charge_each_once(owner, three, visa, stripe):
    fields = fields_of(owner.get("/open-invoices"))
    before = charges(stripe)
    for _ in range(2):
        assert pay(owner, visa, fields).status_code == 303
    assert len(charges(stripe)) == len(before) + 3


def test_a_refusal_stops_there_and_says_what_was_paid(owner, three, visa, stripe, sandbox):
    fields = fields_of(owner.get("/open-invoices"))
    first, *rest = fields["invoice"]
    assert pay(owner, visa, {**fields, "invoice": [first]}).status_code == 303
    refuse(sandbox, visa, "insufficient_funds")
    before = charges(stripe)
    answer = pay(owner, visa, {**fields, "attempt": "another-attempt"})
    assert answer.status_code == 402
    page = text_of(answer)
    assert "1 invoice is paid" in page
    assert "The bank said: not enough funds. You were not charged." in page
    assert "what comes after it was not charged" in page
    assert charges(stripe) == before
    assert len(charges(stripe, "failed")) == 1
    assert len(rest) == 2


def test_an_amount_that_changed_is_not_charged(owner, three, visa, stripe):
    fields = fields_of(owner.get("/open-invoices"))
    before = charges(stripe)
    answer = pay(owner, visa, {**fields, "invoice": [f"{three[0]}:1"]})
    assert answer.status_code == 409
    assert "amount due has changed" in text_of(answer)
    assert charges(stripe) == before


def test_several_currencies_are_never_summed(owner, bill, stripe, customer_id):
    bill(1500)
    bill(1500, currency="eur")
    page = text_of(owner.get("/open-invoices"))
    assert "several currencies" in page
    assert "Pay all" not in page
    assert "30.00" not in page


def test_one_alone_shows_itself_and_none_leads_to_the_list(owner, bill):
    assert owner.get("/open-invoices").location == "/invoices"
    only = bill(1500)
    assert owner.get("/open-invoices").location == f"/invoices/{only}"


def test_a_bank_that_asks_leads_to_that_invoices_confirmation(
    app, owner, three, stripe, customer_id
):
    asking = stripe.v1.payment_methods.attach(
        "pm_card_threeDSecure2Required", {"customer": customer_id}
    ).id
    pull(app, "payment_method", asking)
    answer = pay(owner, asking)
    assert answer.location == f"/invoices/{three[0]}/bank-confirmation?confirm=now"


def test_anothers_invoice_or_card_is_not_found(owner, people, three, visa):
    fields = fields_of(owner.get("/open-invoices"))
    stranger = people.owner("eve@elsewhere.example", "Elsewhere")
    assert pay(stranger, visa, fields).status_code == 404
    assert pay(owner, "pm_unknown", fields).status_code == 404
    assert pay(owner, visa, {**fields, "invoice": ["in_unknown:1"]}).status_code == 404
    for nonsense in ("in_1", "in_1:x", ""):
        assert pay(owner, visa, {**fields, "invoice": [nonsense]}).status_code == 400


def test_a_viewer_cannot_pay(owner, people, three, visa):
    fields = fields_of(owner.get("/open-invoices"))
    people.join("vera@northwind.example", role="viewer")
    viewer = people.sign_in("vera@northwind.example")
    assert viewer.get("/open-invoices").status_code == 403
    assert pay(viewer, visa, fields).status_code == 403


def test_without_stripe_nothing_is_charged_and_the_same_press_can_be_repeated(
    owner, three, visa, stripe, stripe_is_down
):
    before = charges(stripe)
    fields = fields_of(owner.get("/open-invoices"))
    up = stripe_is_down()
    answer = pay(owner, visa, fields)
    assert answer.status_code == 503
    assert "you were not charged" in text_of(answer)
    up()
    assert form_of(answer, PAY)["attempt"] == fields["attempt"]
    assert pay(owner, visa, fields).status_code == 303
    assert len(charges(stripe)) == len(before) + 3
