"""Another saved card, offered in one press when a payment has failed."""

from __future__ import annotations

import re

import pytest

from tests.failed_payment import charges, default_of, form_of, refuse, subscription_of
from tests.quote_page import after, pull, text_of

OFFER = re.compile(r"Pay \$392\.00 with ([A-Z][a-zA-Z ]+?) ending (\d{4}) instead")


@pytest.fixture
def mastercard(saved, team_owner):
    return saved("pm_card_mastercard")


@pytest.fixture
def failed(mastercard, renewal):
    """The invoice of a renewal that was refused while a second card was saved."""
    return renewal()


@pytest.fixture
def owner(failed, people, team_owner):
    return people.sign_in(team_owner)


def offers(browser, url):
    return OFFER.findall(text_of(browser.get(url)))


def press(browser, invoice_id, page="/"):
    url = f"/invoices/{invoice_id}/payment"
    return browser.post(url, data=form_of(browser.get(page), url))


def test_one_press_pays_with_the_other_card_and_brings_the_plan_back(owner, failed, stripe):
    for url in ("/", "/subscription", f"/invoices/{failed}"):
        assert offers(owner, url) == [("Mastercard", "4444")], url
    assert "Paid. Team is active again." in after(owner, press(owner, failed))
    assert charges(stripe) == [39200, 39200]


def test_the_default_stays_what_it_was_and_that_is_said(owner, failed, stripe, app, mastercard):
    page = after(owner, press(owner, failed))
    assert default_of(stripe, subscription_of(app)) != mastercard
    assert "The next payment is still taken from Visa ending 0341." in page
    assert "Choose Mastercard ending 4444 on the page Payment methods" in page


def test_a_new_card_that_stands_in_for_a_refused_one_is_meant_to_stay(owner, failed):
    page = owner.get(f"/invoices/{failed}/payment/new-method").text
    assert re.search(r'name="use_from_now_on" value="yes" checked', page)


def test_two_presses_charge_once(owner, failed, stripe):
    url = f"/invoices/{failed}/payment"
    fields = form_of(owner.get("/"), url)
    for _ in range(2):
        assert owner.post(url, data=fields).status_code == 303
    assert charges(stripe) == [39200, 39200]


def test_two_tabs_charge_once(owner, failed, stripe):
    url = f"/invoices/{failed}/payment"
    tabs = [form_of(owner.get("/"), url) for _ in range(2)]
    for fields in tabs:
        assert owner.post(url, data=fields).status_code == 303
    assert charges(stripe) == [39200, 39200]


def test_a_refused_backup_is_not_offered_again(owner, failed, sandbox, stripe, app):
    visa, mastercard = sorted(
        others(stripe, app), key=lambda one: stripe.v1.payment_methods.retrieve(one).created
    )
    for method, next_offer in ((mastercard, [("Visa", "4242")]), (visa, [])):
        refuse(sandbox, method, "insufficient_funds")
        answer = press(owner, failed)
        assert answer.status_code == 402
        assert "The bank said: not enough funds. You were not charged." in text_of(answer)
        for url in ("/", f"/invoices/{failed}"):
            assert offers(owner, url) == next_offer
    assert charges(stripe) == [39200]


def test_a_backup_that_the_bank_wants_confirmed_leads_to_the_bank(
    people, team_owner, saved, renewal
):
    saved("pm_card_threeDSecure2Required")
    invoice_id = renewal()
    answer = press(people.sign_in(team_owner), invoice_id)
    assert answer.location == f"/invoices/{invoice_id}/bank-confirmation?confirm=now"


def others(stripe, app):
    """The ids of the saved methods that are not the default."""
    subscription = subscription_of(app)
    customer = stripe.v1.subscriptions.retrieve(subscription).customer
    found = stripe.v1.payment_methods.list({"customer": customer}).data
    return [one.id for one in found if one.id != default_of(stripe, subscription)]


def test_without_another_card_none_is_offered(owner, failed, stripe, app):
    for one in others(stripe, app):
        stripe.v1.payment_methods.detach(one)
        pull(app, "payment_method", one)
    page = text_of(owner.get("/"))
    assert "instead" not in page
    assert "Pay now" in page
    assert "Use another card" in page


def test_an_expired_card_is_not_offered(owner, failed, stripe, app):
    for one in others(stripe, app):
        expiry = {"card": {"exp_month": 11, "exp_year": 2026}}
        stripe.v1.payment_methods.update(one, expiry)
        pull(app, "payment_method", one)
    assert offers(owner, "/") == []


def test_nothing_is_offered_while_nothing_has_failed(people, team_owner, mastercard):
    assert "instead" not in text_of(people.sign_in(team_owner).get("/"))


def test_a_viewer_is_offered_nothing(owner, failed, people):
    people.join("vera@northwind.example", role="viewer")
    viewer = people.sign_in("vera@northwind.example")
    for url in ("/", f"/invoices/{failed}"):
        assert offers(viewer, url) == []


def test_without_stripe_nothing_is_charged_and_the_same_press_can_be_repeated(
    owner, failed, stripe, stripe_is_down
):
    url = f"/invoices/{failed}/payment"
    fields = form_of(owner.get("/"), url)
    up = stripe_is_down()
    answer = owner.post(url, data=fields)
    assert answer.status_code == 503
    assert "you were not charged" in text_of(answer)
    up()
    assert owner.post(url, data=fields).status_code == 303
    assert charges(stripe) == [39200, 39200]


def test_the_form_proposes_a_card_that_was_not_just_refused(owner, failed, stripe, app):
    html = owner.get(f"/invoices/{failed}").get_data(as_text=True)
    (preset,) = re.findall(r'value="(pm_[^"]+)" required checked', html)
    assert preset in others(stripe, app)
