"""3-D Secure: a payment that waits for the payer's bank, at sign-up, renewal and "pay now"."""

from __future__ import annotations

import pytest

from billing import sync
from billing.gateway import invoices
from models import AuditEntry, Invoice, Subscription, db
from tests.failed_payment import (
    ASKS_EVERY_TIME,
    charges,
    default_of,
    form_of,
    pull_all,
    subscription_of,
)
from tests.quote_page import after, pull, text_of


@pytest.fixture
def waiting(renewal):
    """The invoice of a renewal of $392.00 that the bank wants confirmed."""
    return renewal(ASKS_EVERY_TIME)


@pytest.fixture
def owner(waiting, people, team_owner):
    return people.sign_in(team_owner)


def page_of(invoice_id):
    return f"/invoices/{invoice_id}/bank-confirmation"


def test_a_renewal_leads_from_the_overview_to_the_bank_in_one_press(owner, waiting):
    seen = owner.get("/")
    assert "Your bank asks you to confirm the payment of $392.00." in text_of(seen)
    assert "You were not charged yet. Confirm it to keep Team." in text_of(seen)
    assert f'href="{page_of(waiting)}?confirm=now"' in seen.get_data(as_text=True)
    page = owner.get(page_of(waiting) + "?confirm=now")
    assert "data-at-once" in page.get_data(as_text=True)
    assert "$392.00" in text_of(page)
    assert "data-at-once" not in owner.get(page_of(waiting)).get_data(as_text=True)


def test_once_confirmed_the_invoice_is_paid_when_one_is_back(owner, waiting, bank, stripe, app):
    bank(waiting, "complete")
    answer = owner.post(page_of(waiting))
    assert "Paid. Team is active again." in after(owner, answer)
    with app.app_context():
        assert db.session.get(Invoice, waiting).is_paid
        assert db.session.query(Subscription).one().status == "active"
    # The first month and the second.
    assert charges(stripe) == [39200, 39200]


def test_looking_twice_says_the_same_and_charges_nothing_more(owner, waiting, bank, stripe):
    bank(waiting, "complete")
    owner.post(page_of(waiting))
    assert "Paid, thank you." in after(owner, owner.post(page_of(waiting)))
    assert charges(stripe) == [39200, 39200]


def test_a_confirmation_that_failed_says_so_and_what_to_do(owner, waiting, bank, stripe):
    bank(waiting, "fail")
    said = after(owner, owner.post(page_of(waiting)))
    assert "The bank could not confirm that it was you." in said
    assert "Try again and confirm it with your bank, or use another card." in said
    assert "Pay $392.00" in said
    assert charges(stripe) == [39200]


def test_one_who_left_the_bank_unanswered_can_go_on_or_pay_another_way(owner, waiting, stripe):
    said = after(owner, owner.post(page_of(waiting)))
    assert "Your bank has not confirmed the payment yet. You were not charged." in said
    assert "Pay another way" in said
    assert charges(stripe) == [39200]


def test_another_card_pays_while_the_bank_waits(owner, waiting, saved, stripe):
    other = saved("pm_card_visa")
    url = f"/invoices/{waiting}/payment"
    fields = form_of(owner.get(f"/invoices/{waiting}"), url)
    answer = owner.post(url, data={**fields, "payment_method": other})
    assert "Paid. Team is active again." in after(owner, answer)
    assert charges(stripe) == [39200, 39200]


def test_the_secret_is_fetched_when_it_is_needed_and_kept_nowhere(owner, waiting, stripe, app):
    secret = stripe.v1.invoices.retrieve(
        waiting, {"expand": ["confirmation_secret"]}
    ).confirmation_secret.client_secret
    answer = owner.post(page_of(waiting) + "/client-secret")
    assert answer.json == {"client_secret": secret}
    for url in (page_of(waiting) + "?confirm=now", f"/invoices/{waiting}", "/"):
        assert "_secret_" not in owner.get(url).get_data(as_text=True)
    with app.app_context():
        assert "_secret_" not in str(db.session.get(Invoice, waiting).data)
        entry = db.session.query(AuditEntry).filter_by(action="invoice.confirmation_started").one()
        assert entry.subject == waiting
        assert "_secret_" not in str(entry.after)


def test_there_is_no_secret_for_what_the_bank_has_confirmed(owner, waiting, bank):
    bank(waiting, "complete")
    answer = owner.post(page_of(waiting) + "/client-secret")
    assert answer.status_code == 409
    assert "not charged again" in answer.json["message"]
    assert "client_secret" not in answer.json


def test_there_is_no_secret_for_what_waits_for_no_bank(owner, waiting, bank):
    bank(waiting, "fail")
    answer = owner.post(page_of(waiting) + "/client-secret")
    assert answer.status_code == 409
    assert "You were not charged." in answer.json["message"]


def test_without_a_script_the_same_button_leads_to_the_invoices_own_page(owner, waiting, stripe):
    url = stripe.v1.invoices.retrieve(waiting).hosted_invoice_url
    assert f'href="{url}" data-ask' in owner.get(page_of(waiting)).get_data(as_text=True)


def test_an_invoice_that_waits_for_no_bank_shows_itself(owner, waiting, bank):
    bank(waiting, "complete")
    owner.post(page_of(waiting))
    assert owner.get(page_of(waiting)).location == f"/invoices/{waiting}"


def test_when_stripe_is_down_nothing_is_claimed(owner, waiting, stripe_is_down):
    stripe_is_down()
    assert "You were not charged yet" in text_of(owner.get(page_of(waiting)))
    answer = owner.post(page_of(waiting) + "/client-secret")
    assert answer.status_code == 503
    assert "you were not charged" in answer.json["message"]
    said = after(owner, owner.post(page_of(waiting)))
    assert "we do not know yet whether your bank has confirmed" in said


def test_a_viewer_sees_that_it_waits_but_cannot_confirm(owner, waiting, people):
    people.join("vera@northwind.example", role="viewer")
    viewer = people.sign_in("vera@northwind.example")
    page = viewer.get(f"/invoices/{waiting}")
    assert "Your bank asks you to confirm this payment" in text_of(page)
    assert page_of(waiting) not in page.get_data(as_text=True)
    assert viewer.get(page_of(waiting)).status_code == 403
    assert viewer.post(page_of(waiting)).status_code == 403
    assert viewer.post(page_of(waiting) + "/client-secret").status_code == 403


def test_the_wish_to_keep_the_card_survives_the_bank(owner, waiting, saved, bank, stripe, app):
    asking = saved("pm_card_threeDSecureRequired")
    url = f"/invoices/{waiting}/payment"
    fields = form_of(owner.get(f"/invoices/{waiting}"), url)
    answer = owner.post(url, data={**fields, "payment_method": asking, "use_from_now_on": "yes"})
    bank(waiting, "complete")
    sent = form_of(owner.get(answer.location), page_of(waiting))
    assert "is charged to Visa ending 3063" in after(owner, owner.post(page_of(waiting), data=sent))
    customer = stripe.v1.subscriptions.retrieve(subscription_of(app)).customer
    default = stripe.v1.customers.retrieve(customer).invoice_settings.default_payment_method
    assert default == asking


def test_a_first_payment_that_waits_for_the_bank_starts_the_plan(
    people, subscribe, stripe, app, bank
):
    owner = people.owner()
    subscription_id = subscribe(
        "Northwind", "team", card=ASKS_EVERY_TIME, payment_behavior="default_incomplete"
    )
    invoice_id = pull_all(app, subscription_id)
    with pytest.raises(Exception, match="requires additional user action"):
        stripe.v1.invoices.pay(invoice_id, {"off_session": False})
    pull_all(app, subscription_id)
    page = owner.get("/")
    assert "Your bank asks you to confirm the payment of $49.00." in text_of(page)
    assert f'href="{page_of(invoice_id)}?confirm=now"' in page.get_data(as_text=True)
    bank(invoice_id, "complete")
    assert "Paid. Team has started." in after(owner, owner.post(page_of(invoice_id)))
    assert stripe.v1.subscriptions.retrieve(subscription_id).status == "active"


def test_a_backfill_keeps_knowing_that_the_bank_waits(waiting, app):
    with app.app_context():
        sync.pull_page("invoice", invoices.page)
        assert db.session.get(Invoice, waiting).needs_confirmation


def test_an_invoice_beside_the_subscription_leads_from_the_overview_to_the_bank(
    people, team_owner, saved, stripe, app
):
    customer = stripe.v1.subscriptions.retrieve(subscription_of(app)).customer
    asking = saved(ASKS_EVERY_TIME)
    made = stripe.v1.invoices.create({"customer": customer, "auto_advance": False})
    stripe.v1.invoice_items.create(
        {"customer": customer, "invoice": made.id, "amount": 1500, "currency": "usd"}
    )
    stripe.v1.invoices.finalize_invoice(made.id)
    pull(app, "invoice", made.id)
    owner = people.sign_in(team_owner)
    url = f"/invoices/{made.id}/payment"
    fields = form_of(owner.get(f"/invoices/{made.id}"), url)
    owner.post(url, data={**fields, "payment_method": asking})
    page = owner.get("/")
    assert "Confirm $15.00 with your bank" in text_of(page)
    assert f'href="{page_of(made.id)}?confirm=now"' in page.get_data(as_text=True)


def test_a_refusal_for_want_of_the_payer_is_paid_again_with_the_payer_there(
    people, team_owner, renewal, stripe, app
):
    invoice_id = renewal(reason="authentication_required")
    owner = people.sign_in(team_owner)
    page = owner.get("/")
    assert "Pay $392.00 and confirm with your bank" in text_of(page)
    fields = form_of(page, f"/invoices/{invoice_id}/payment")
    assert fields["payment_method"] == default_of(stripe, subscription_of(app))
    answer = owner.post(f"/invoices/{invoice_id}/payment", data=fields)
    assert answer.location.startswith(page_of(invoice_id))
    assert charges(stripe) == [39200]
