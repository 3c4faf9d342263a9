"""A bank's refusal in plain words, wherever one meets it."""

from __future__ import annotations

import pytest

from billing import declines
from models import Invoice, db
from tests.failed_payment import charges, default_of, form_of, refuse, subscription_of
from tests.quote_page import accept, text_of

PLAIN = "The bank declined it and did not say why."
# Every reason that the sandbox can give, and what is said of it.
REASONS = {
    "insufficient_funds": "The bank said: not enough funds.",
    "expired_card": "The bank said: the card has expired.",
    "incorrect_cvc": "The bank said: the card's security code is not right.",
    "card_velocity_exceeded": "The bank said: the card's limit is reached.",
    "processing_error": "The bank could not be reached just now.",
    "generic_decline": PLAIN,
    "lost_card": PLAIN,
    "stolen_card": PLAIN,
    "fraudulent": PLAIN,
}
# Stripe's docs, "Decline codes", all of it.
DOCUMENTED = (
    "authentication_required approve_with_id call_issuer card_not_supported "
    "card_velocity_exceeded currency_not_supported do_not_honor do_not_try_again "
    "duplicate_transaction expired_card fraudulent generic_decline incorrect_address "
    "incorrect_cvc incorrect_number incorrect_pin incorrect_zip insufficient_funds "
    "invalid_account invalid_amount invalid_cvc invalid_expiry_month invalid_expiry_year "
    "invalid_number invalid_pin issuer_not_available lost_card merchant_blacklist "
    "new_account_information_available no_action_taken not_permitted offline_pin_required "
    "online_or_offline_pin_required pickup_card pin_try_exceeded processing_error "
    "reenter_transaction restricted_card revocation_of_all_authorizations "
    "revocation_of_authorization security_violation service_not_allowed stolen_card "
    "stop_payment_order testmode_decline transaction_not_allowed try_again_later "
    "withdrawal_count_limit_exceeded"
)


@pytest.mark.parametrize("reason", REASONS)
def test_a_failed_renewal_says_on_every_page_what_the_bank_said(
    people, team_owner, renewal, reason
):
    invoice_id = renewal(reason=reason)
    owner = people.sign_in(team_owner)
    for url in ("/", "/subscription", f"/invoices/{invoice_id}", "/payment-methods"):
        page = text_of(owner.get(url))
        assert REASONS[reason] in page, url
        assert not {"lost", "stolen", "fraud"} & set(page.lower().replace(".", "").split())


@pytest.mark.parametrize("reason", REASONS)
def test_a_refused_payment_says_why_and_that_nothing_was_charged(
    people, team_owner, renewal, saved, sandbox, stripe, reason
):
    invoice_id = renewal()
    other = saved("pm_card_mastercard")
    refuse(sandbox, other, reason)
    owner = people.sign_in(team_owner)
    before = charges(stripe)
    answer = pay(owner, invoice_id, other)
    assert answer.status_code == 402
    assert f"{REASONS[reason]} You were not charged." in text_of(answer)
    assert charges(stripe) == before


def pay(owner, invoice_id, method):
    url = f"/invoices/{invoice_id}/payment"
    fields = form_of(owner.get(f"/invoices/{invoice_id}"), url)
    return owner.post(url, data={**fields, "payment_method": method})


def test_a_refused_upgrade_says_why(people, team_owner, app, stripe, sandbox):
    refuse(sandbox, default_of(stripe, subscription_of(app)), "insufficient_funds")
    page = accept(people.sign_in(team_owner), "/plan-change/business")
    assert page.status_code == 402
    assert "The bank said: not enough funds. You were not charged." in text_of(page)


def test_the_mirror_keeps_what_the_bank_said_without_card_data_or_secrets(app, renewal):
    invoice_id = renewal(reason="insufficient_funds")
    with app.app_context():
        invoice = db.session.get(Invoice, invoice_id)
        assert invoice.decline["decline_code"] == "insufficient_funds"
        assert invoice.decline["payment_method"].startswith("pm_")
        kept = str(invoice.data["payments"])
    assert "_secret_" not in kept
    assert "last4" not in kept
    assert "fingerprint" not in kept


def test_every_documented_code_has_words_of_its_own_or_is_plain():
    assert set(DOCUMENTED.split()) <= declines.BY_CODE.keys() | declines.UNSPOKEN
    for code in DOCUMENTED.split():
        found = declines.explain("card_declined", code)
        assert found.said.startswith("The bank ")
        assert found.advice.endswith(".")


def test_a_code_that_nobody_knows_reads_as_a_plain_decline():
    assert declines.explain("card_declined", "a_code_of_the_future") == declines.PLAIN
    assert declines.explain() == declines.PLAIN


@pytest.mark.parametrize("code", sorted(declines.UNSPOKEN))
@pytest.mark.parametrize("advice", [None, "do_not_try_again", "try_again_later"])
def test_a_thief_is_told_nothing_more_than_anybody(code, advice):
    assert declines.explain("card_declined", code, advice) == declines.PLAIN


def test_the_networks_advice_decides_whether_the_same_card_may_work():
    def tried_again(code, advice):
        return declines.explain("card_declined", code, advice).same_card_may_work

    assert tried_again("insufficient_funds", None)
    assert not tried_again("insufficient_funds", "do_not_try_again")
    assert not tried_again("generic_decline", None)
    assert tried_again("generic_decline", "try_again_later")
    assert "details" in declines.explain("card_declined", None, "confirm_card_data").said
