"""Saved payment methods, entered by the front door."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
import stripe as stripe_sdk

from billing import sync
from models import Account, AuditEntry, Customer, PaymentMethod, Subscription, db
from tests.quote_page import text_of as words_of


def text_of(answer):
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def default_of(stripe, customer_id):
    return stripe.v1.customers.retrieve(customer_id).invoice_settings.default_payment_method


def methods_of(stripe, customer_id):
    return [m.id for m in stripe.v1.payment_methods.list({"customer": customer_id}).data]


def save_card(stripe, customer_id, card="pm_card_mastercard"):
    """What Stripe.js does in the browser: a setup intent of the customer, confirmed."""
    return stripe.v1.setup_intents.create(
        {
            "customer": customer_id,
            "payment_method": card,
            "confirm": True,
            "return_url": "http://127.0.0.1:8000/payment-methods/return",
        }
    )


def come_back(browser, intent, **query):
    return browser.get("/payment-methods/return", query_string={"setup_intent": intent.id, **query})


def add(browser, stripe, customer_id, card="pm_card_mastercard", **query):
    """Saves a card and returns from Stripe; the id of the new method."""
    intent = save_card(stripe, customer_id, card)
    assert come_back(browser, intent, **query).status_code == 303
    return str(intent.payment_method)


# The list


def test_the_list_shows_each_method_and_what_it_pays_for(owner):
    page = text_of(owner.get("/payment-methods"))
    assert "Visa ending 4242" in page
    assert "Pays for Team, monthly." in page
    assert "Default" in page


def test_the_list_asks_stripe_nothing(owner, stripe_calls):
    before = len(stripe_calls)
    assert owner.get("/payment-methods").status_code == 200
    assert owner.get("/payment-methods/new").status_code == 200
    assert len(stripe_calls) == before


def test_an_account_without_methods_is_told_what_will_appear(people):
    page = text_of(people.owner().get("/payment-methods"))
    assert "No payment method yet" in page
    assert "/payment-methods/new" in page


@pytest.mark.parametrize(
    ("days_before_its_end", "said", "unsaid"),
    [(61, "Default", "Expires soon"), (60, "Expires soon", "Expired"), (-1, "Expired", "soon")],
)
def test_a_card_warns_from_sixty_days_before_it_expires(
    app, owner, people, clock, days_before_its_end, said, unsaid
):
    with app.app_context():
        last_day = db.session.query(PaymentMethod).one().expires_on
    clock.set(clock.now.replace(year=last_day.year, month=last_day.month, day=last_day.day))
    clock.advance(days=-days_before_its_end)
    page = text_of(people.sign_in("ada@northwind.example").get("/payment-methods"))
    assert said in page
    assert unsaid not in page


# Adding


def test_the_form_carries_what_stripe_js_needs_and_no_inline_script(owner):
    page = owner.get("/payment-methods/new").get_data(as_text=True)
    assert 'data-publishable-key="pk_test_suite"' in page
    assert 'data-return-url="http://127.0.0.1:8000/payment-methods/return"' in page
    assert "/stripe.js" in page
    assert not re.search(r"<script(?![^>]*src=)[^>]*>", page)
    assert "style=" not in page
    assert "<noscript>" in page


def test_the_client_secret_is_of_a_setup_intent_of_this_customer(owner, stripe, customer_id):
    answer = owner.post("/payment-methods/setup-intent", data={"attempt": "a-first-attempt"})
    secret = answer.json["client_secret"]
    intent = stripe.v1.setup_intents.retrieve(secret.split("_secret_")[0])
    assert intent.customer == customer_id
    assert intent.usage == "off_session"


def test_the_same_attempt_gets_the_same_setup_intent(owner):
    first, again, another = (
        owner.post("/payment-methods/setup-intent", data={"attempt": attempt}).json
        for attempt in ("the-attempt-one", "the-attempt-one", "the-attempt-two")
    )
    assert first == again != another


def test_an_account_without_a_customer_gets_one_when_it_saves_a_card(app, people, stripe):
    browser = people.owner()
    answer = browser.post("/payment-methods/setup-intent", data={"attempt": "a-first-attempt"})
    assert answer.status_code == 200
    customer = stripe.v1.customers.list().data[0]
    assert customer.name == "Northwind"
    method = add(browser, stripe, customer.id)
    assert default_of(stripe, customer.id) == method


def test_when_stripe_is_down_the_form_says_that_nothing_is_known(owner, stripe_is_down):
    stripe_is_down()
    answer = owner.post("/payment-methods/setup-intent", data={"attempt": "a-first-attempt"})
    assert answer.status_code == 503
    assert answer.json["message"]


def test_a_saved_card_is_only_saved_unless_asked_for_more(owner, stripe, customer_id):
    before = default_of(stripe, customer_id)
    answer = come_back(owner, save_card(stripe, customer_id))
    assert answer.status_code == 303
    page = text_of(owner.get(answer.location))
    assert "Mastercard ending 4444 is saved." in page
    assert default_of(stripe, customer_id) == before


def test_a_card_saved_for_everything_becomes_the_default(app, owner, stripe, customer_id):
    method = add(owner, stripe, customer_id, default="yes")
    assert default_of(stripe, customer_id) == method
    with app.app_context():
        assert db.session.query(Customer).one().default_payment_method_id == method


def test_a_second_card_leaves_a_subscription_with_its_own_card_alone(
    app, owner, stripe, customer_id
):
    """Checkout gives the subscription its card and the customer no default."""
    (visa,) = methods_of(stripe, customer_id)
    subscription = stripe.v1.subscriptions.list({"customer": customer_id}).data[0]
    stripe.v1.subscriptions.update(subscription.id, {"default_payment_method": visa})
    stripe.v1.customers.update(customer_id, {"invoice_settings": {"default_payment_method": ""}})
    with app.app_context():
        sync.pull("subscription", subscription.id)
        sync.pull("customer", customer_id)
    assert "Use it for everything" in text_of(owner.get("/payment-methods/new"))
    add(owner, stripe, customer_id)
    found = stripe.v1.subscriptions.retrieve(subscription.id)
    assert found.default_payment_method == visa
    assert default_of(stripe, customer_id) is None


def test_coming_back_again_does_not_undo_a_later_choice(app, owner, stripe, customer_id):
    first = default_of(stripe, customer_id)
    intent = save_card(stripe, customer_id)
    come_back(owner, intent, default="yes")
    owner.post("/default-payment-method", data={"payment_method": first})
    assert come_back(owner, intent, default="yes").status_code == 303
    assert default_of(stripe, customer_id) == first


def test_a_declined_card_is_not_saved_and_says_why(owner, stripe, customer_id):
    intent = stripe.v1.setup_intents.create({"customer": customer_id})
    answer = come_back(owner, intent)
    assert answer.status_code == 402
    assert "Nothing was saved and nothing was charged" in text_of(answer)


def test_a_refused_new_card_says_what_the_bank_said_and_what_to_do(owner, stripe, customer_id):
    intent = stripe.v1.setup_intents.create({"customer": customer_id})
    with suppress(stripe_sdk.CardError):
        token = "pm_card_chargeDeclinedIncorrectCvc"
        stripe.v1.setup_intents.confirm(intent.id, {"payment_method": token})
    page = words_of(come_back(owner, intent))
    assert "The bank said: the card's security code is not right." in page
    assert "Nothing was saved and nothing was charged." in page
    assert "Check its details and add the card again" in page


def expire(app, stripe, method, year, month):
    stripe.v1.payment_methods.update(method, {"card": {"exp_year": year, "exp_month": month}})
    with app.app_context():
        sync.pull("payment_method", method)


def test_a_card_that_will_have_expired_by_the_next_charge_is_told_on_both_pages(
    app, owner, stripe, customer_id
):
    # The next charge is on 19 December.
    expire(app, stripe, default_of(stripe, customer_id), 2026, 11)
    expected = "Visa ending 4242 expires before the next charge on 19 December"
    assert expected in words_of(owner.get("/"))
    page = words_of(owner.get("/payment-methods"))
    assert "It expires before the next charge on 19 December 2026. Add another" in page


def test_a_card_that_outlives_the_next_charge_is_not_said_to_miss_it(
    app, owner, stripe, customer_id
):
    expire(app, stripe, default_of(stripe, customer_id), 2026, 12)
    assert "expires before" not in text_of(owner.get("/"))
    page = text_of(owner.get("/payment-methods"))
    assert "expires before" not in page
    assert "It expires on 31 December 2026." in page


def test_it_is_the_subscriptions_own_card_that_counts(app, owner, stripe, customer_id):
    subscription = stripe.v1.subscriptions.list({"customer": customer_id}).data[0]
    own = stripe.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer_id}).id
    stripe.v1.subscriptions.update(subscription.id, {"default_payment_method": own})
    expire(app, stripe, own, 2026, 11)
    with app.app_context():
        sync.pull("subscription", subscription.id)
    expected = "Mastercard ending 4444 expires before the next charge on 19 December"
    assert expected in words_of(owner.get("/"))


def test_a_card_that_would_miss_the_first_charge_of_a_trial_is_told(app, people, stripe, subscribe):
    browser = people.owner("tess@trial.example", "Trial")
    subscribe("Trial", "team", trial_period_days=14)
    with app.app_context():
        customer = db.session.query(Account).filter_by(name="Trial").one().stripe_customer_id
    expire(app, stripe, default_of(stripe, customer), 2026, 11)
    expected = "Visa ending 4242 expires before the first charge on 3 December"
    assert expected in words_of(browser.get("/"))


def test_an_unfinished_confirmation_is_told_from_a_failure(owner, stripe, customer_id):
    intent = save_card(stripe, customer_id, "pm_card_threeDSecure2Required")
    assert intent.status == "requires_action"
    page = text_of(come_back(owner, intent))
    assert "One step is missing" in page
    assert "nothing was charged" in page


def test_a_setup_intent_called_off_saves_nothing(owner, stripe, customer_id):
    intent = stripe.v1.setup_intents.create({"customer": customer_id})
    stripe.v1.setup_intents.cancel(intent.id)
    assert "called off" in text_of(come_back(owner, intent))


def test_a_strangers_setup_intent_is_not_found(owner, stripe):
    stranger = stripe.v1.customers.create({"name": "Stranger"})
    intent = save_card(stripe, stranger.id)
    assert come_back(owner, intent, default="yes").status_code == 404
    assert owner.get("/payment-methods/return?setup_intent=seti_unknown").status_code == 404
    assert owner.get("/payment-methods/return").status_code == 404


def test_coming_back_while_stripe_is_down_says_that_we_are_checking(
    owner, stripe, customer_id, stripe_is_down
):
    intent = save_card(stripe, customer_id)
    stripe_is_down()
    answer = come_back(owner, intent)
    assert answer.status_code == 503
    assert "We are checking" in text_of(answer)
    assert "Nothing was charged" in text_of(answer)


def test_the_same_card_again_keeps_the_one_there_was(owner, stripe, customer_id):
    before = methods_of(stripe, customer_id)
    answer = come_back(owner, save_card(stripe, customer_id, "pm_card_visa"))
    assert methods_of(stripe, customer_id) == before
    assert "was saved already" in text_of(owner.get(answer.location))


def test_the_same_card_with_a_new_expiry_takes_the_old_ones_place(app, owner, stripe, customer_id):
    (old,) = methods_of(stripe, customer_id)
    subscription = stripe.v1.subscriptions.list({"customer": customer_id}).data[0]
    stripe.v1.subscriptions.update(subscription.id, {"default_payment_method": old})
    with app.app_context():
        sync.pull("subscription", subscription.id)
        year = db.session.get(PaymentMethod, old).exp_year
    renewed = stripe.v1.payment_methods.create(
        {
            "type": "card",
            "card": {
                "number": "4242424242424242",
                "exp_month": 7,
                "exp_year": year + 2,
                "cvc": "123",
            },
        }
    )
    answer = come_back(owner, save_card(stripe, customer_id, renewed.id))
    assert methods_of(stripe, customer_id) == [renewed.id]
    assert default_of(stripe, customer_id) == renewed.id
    found = stripe.v1.subscriptions.retrieve(subscription.id)
    assert found.default_payment_method == renewed.id
    assert "took the place of the same card" in text_of(owner.get(answer.location))


# Removing


def test_the_only_card_of_a_subscription_stays_and_says_why(owner, stripe, customer_id):
    (method,) = methods_of(stripe, customer_id)
    for answer in (
        owner.get(f"/payment-methods/{method}/removal"),
        owner.post(f"/payment-methods/{method}/removal"),
    ):
        assert answer.status_code == 409
        assert "Team, monthly is billed to it" in text_of(answer)
        assert "/payment-methods/new" in text_of(answer)
    assert methods_of(stripe, customer_id) == [method]


def test_a_card_in_use_goes_when_another_takes_its_place(app, owner, stripe, customer_id):
    (visa,) = methods_of(stripe, customer_id)
    other = add(owner, stripe, customer_id)
    assert "What is used instead?" in text_of(owner.get(f"/payment-methods/{visa}/removal"))
    refused = owner.post(f"/payment-methods/{visa}/removal")
    assert refused.status_code == 409
    assert "Choose what is used instead" in text_of(refused)
    answer = owner.post(f"/payment-methods/{visa}/removal", data={"instead": other})
    assert answer.status_code == 303
    assert methods_of(stripe, customer_id) == [other]
    assert default_of(stripe, customer_id) == other
    page = text_of(owner.get("/payment-methods"))
    assert "Visa ending 4242 is removed" in page
    assert "Mastercard ending 4444 is used instead." in page
    with app.app_context():
        assert db.session.query(AuditEntry).filter_by(action="payment_method.removed").one()


def test_a_card_that_pays_for_nothing_is_removed_at_once(owner, stripe, customer_id):
    other = add(owner, stripe, customer_id)
    assert "Nothing is billed to it" in text_of(owner.get(f"/payment-methods/{other}/removal"))
    assert owner.post(f"/payment-methods/{other}/removal").status_code == 303
    assert other not in methods_of(stripe, customer_id)
    assert owner.get(f"/payment-methods/{other}/removal").status_code == 404


def test_the_last_card_may_go_once_the_subscription_is_set_to_end(app, owner, stripe, customer_id):
    subscription = stripe.v1.subscriptions.list({"customer": customer_id}).data[0]
    stripe.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    with app.app_context():
        sync.pull("subscription", subscription.id)
    (method,) = methods_of(stripe, customer_id)
    assert owner.post(f"/payment-methods/{method}/removal").status_code == 303
    assert methods_of(stripe, customer_id) == []


def test_an_expired_card_does_not_count_as_another(app, people, owner, stripe, customer_id, clock):
    add(owner, stripe, customer_id)
    clock.set(clock.now.replace(year=clock.now.year + 20))
    (visa,) = (m for m in methods_of(stripe, customer_id) if m == default_of(stripe, customer_id))
    later = people.sign_in("ada@northwind.example")
    assert later.post(f"/payment-methods/{visa}/removal").status_code == 409


def test_another_accounts_methods_are_not_found(owner, people, stripe, customer_id):
    (method,) = methods_of(stripe, customer_id)
    stranger = people.owner("eve@elsewhere.example", "Elsewhere")
    assert stranger.get(f"/payment-methods/{method}/removal").status_code == 404
    assert stranger.post(f"/payment-methods/{method}/removal").status_code == 404
    assert (
        stranger.post("/default-payment-method", data={"payment_method": method}).status_code == 404
    )


def test_a_viewer_neither_sees_nor_changes_payment_methods(owner, people, stripe, customer_id):
    (method,) = methods_of(stripe, customer_id)
    people.join("vera@northwind.example", role="viewer")
    viewer = people.sign_in("vera@northwind.example")
    assert viewer.get("/payment-methods").status_code == 403
    assert viewer.post(f"/payment-methods/{method}/removal").status_code == 403


def test_removing_while_stripe_is_down_removes_nothing_here_either(
    app, owner, stripe, customer_id, stripe_is_down
):
    other = add(owner, stripe, customer_id)
    stripe_is_down()
    assert owner.post(f"/payment-methods/{other}/removal").status_code == 503
    with app.app_context():
        assert db.session.get(PaymentMethod, other).customer_id == customer_id
    assert owner.get("/payment-methods").status_code == 200


def test_the_subscription_still_finds_its_method(app, owner):
    with app.app_context():
        assert db.session.query(Subscription).one().payment_method.last4 == "4242"
