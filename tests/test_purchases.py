"""Buying once: what it costs, paying for it once, what is granted, and what a refund takes back."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest
import requests

from billing import sync
from billing.gateway import payment_intents as gateway
from models import Account, AuditEntry, Customer, PaymentIntent, Purchase, PurchaseGrant, db
from tests.mailbox import open_mailbox
from tests.quote_page import OWNER, after, pass_time, text_of

TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture
def owner(people, subscribe):
    """An owner whose account pays for Team with a Visa."""
    people.join(OWNER)
    subscribe("Northwind", "team")
    return people.sign_in(OWNER)


@pytest.fixture
def price(owner, stripe):
    return stripe.v1.prices.list({"lookup_keys": ["demo_credits"]}).data[0].id


@pytest.fixture
def begin(owner, price):
    """Agrees to the summary of so many credit packs; the address of the purchase."""

    def press(quantity=1, browser=owner, **changed):
        page = browser.get(f"/purchases/new/{price}?quantity={quantity}")
        answer = browser.post(f"/purchases/new/{price}", data=form_in(page, "attempt") | changed)
        assert answer.status_code == 303, text_of(answer)
        return answer.headers["Location"]

    return press


@pytest.fixture
def save_card(app, stripe, owner):
    """Saves a test card for the account, at Stripe and in the mirror; its id."""

    def save(card):
        with app.app_context():
            customer = db.session.query(Customer).one().stripe_id
            method = stripe.v1.payment_methods.attach(card, {"customer": customer})
            sync.pull("payment_method", method.id)
            return method.id

    return save


@pytest.fixture
def expire(app):
    return lambda: app.test_cli_runner().invoke(args=["billing", "expire-purchases"])


def form_in(page, holding):
    """The hidden fields of the form that has the field `holding`."""
    body = page.get_data(as_text=True)
    for form in re.findall(r"<form.*?</form>", body, re.S):
        if f'name="{holding}"' in form:
            hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)
            found = {name: unescape(value) for name, value in hidden if name != "csrf_token"}
            chosen = re.search(r'name="payment_method"[^>]*value="([^"]+)"[^>]*checked', form)
            return found | ({"payment_method": chosen.group(1)} if chosen else {})
    raise AssertionError(f"no form with {holding!r} in {text_of(page)}")


def pay(browser, url, **changed):
    """Presses Pay on the purchase's page."""
    form = form_in(browser.get(url), "payment_method") | changed
    return browser.post(f"{url}/payment", data=form)


def granted(app):
    with app.app_context():
        return [(one.kind, one.units) for one in db.session.query(PurchaseGrant)]


def stored(app):
    with app.app_context():
        found = db.session.query(Purchase).all()
        return [(one.status, one.quantity, one.amount, one.currency) for one in found]


def intents(stripe):
    """The payments of purchases at Stripe: status, amount and how often one was charged."""
    found = stripe.v1.payment_intents.list({"limit": 100}).data
    return [(one.status, one.amount) for one in found if "purchase" in (one.metadata or {})]


def purchase_intent(stripe):
    (found,) = [
        one
        for one in stripe.v1.payment_intents.list({"limit": 100}).data
        if "purchase" in (one.metadata or {})
    ]
    return found


# What there is ----------------------------------------------------------------------------------


def test_the_list_says_what_can_be_bought_without_asking_stripe(owner, price, stripe_calls):
    before = len(stripe_calls)
    page = text_of(owner.get("/purchases"))
    assert "Credit pack For exports and API calls. Credits do not expire. 1,000 credits" in page
    assert "$20" in page
    assert "What you buy above appears here with its receipt." in page
    assert 'href="/purchases"' in owner.get("/").get_data(as_text=True)
    assert len(stripe_calls) == before


def test_with_nothing_to_buy_the_navigation_does_not_mention_it(
    owner, price, stripe, app, deliver_webhooks
):
    stripe.v1.prices.update(price, {"active": False})
    assert set(deliver_webhooks()) == {200}
    assert 'href="/purchases"' not in owner.get("/").get_data(as_text=True)
    assert "Nothing to buy right now" in text_of(owner.get("/purchases"))
    assert owner.get(f"/purchases/new/{price}").status_code == 404


def test_a_plan_is_not_among_them_nor_a_product_that_grants_nothing(
    owner, stripe, deliver_webhooks
):
    other = stripe.v1.products.create({"name": "Mug"})
    stripe.v1.prices.create({"product": other.id, "currency": "usd", "unit_amount": 900})
    stripe.v1.prices.create({"product": "demo_team", "currency": "usd", "unit_amount": 900})
    assert set(deliver_webhooks()) == {200}
    page = text_of(owner.get("/purchases"))
    assert "Mug" not in page
    assert "$9" not in page


@pytest.mark.parametrize("typed", ["0", "-1", "100", "1.5", "many", "9" * 400, ""])
def test_a_quantity_that_makes_no_sense_is_said_and_costs_nothing(owner, price, stripe, typed):
    page = owner.get(f"/purchases/new/{price}", query_string={"quantity": typed})
    assert page.status_code == 422
    assert "Enter a whole number from 1 to 99." in text_of(page)
    assert "Go on to pay" not in text_of(page)
    answer = owner.post(
        f"/purchases/new/{price}",
        data={"quantity": typed, "amount": "2000", "attempt": "attempt-one"},
    )
    assert answer.status_code == 422
    assert intents(stripe) == []


def test_the_summary_has_the_exact_total_and_the_account_s_own_currency(owner, price):
    page = text_of(owner.get(f"/purchases/new/{price}?quantity=3&currency=eur"))
    assert f"3 {TIMES} $20.00 $60.00 Total, charged once $60.00" in page
    assert "You get 3,000 credits the moment it is paid. No tax is added." in page


@pytest.mark.parametrize(
    ("currency", "total"), [("usd", "$40.00"), ("eur", "€38.00"), ("jpy", "¥6,000")]
)
def test_an_account_that_never_paid_chooses_its_currency(people, catalog, stripe, currency, total):
    price = stripe.v1.prices.list({"lookup_keys": ["demo_credits"]}).data[0].id
    newcomer = people.owner("noor@fjord.example", "Fjord")
    page = newcomer.get(f"/purchases/new/{price}?quantity=2&currency={currency}")
    assert f"Go on to pay {total}" in text_of(page)
    url = newcomer.post(f"/purchases/new/{price}", data=form_in(page, "attempt")).headers[
        "Location"
    ]
    page = text_of(newcomer.get(url))
    assert f"Pay {total}" in page
    assert "No payment method is saved." in page
    assert purchase_intent(stripe).currency == currency


# Paying -----------------------------------------------------------------------------------------


def test_buying_charges_the_saved_card_and_grants_at_once(owner, begin, stripe, app):
    url = begin(2)
    assert intents(stripe) == [("requires_payment_method", 4000)]
    assert granted(app) == []
    page = after(owner, pay(owner, url))
    assert "$40.00 paid, thank you You have 2,000 credits from it." in page
    assert intents(stripe) == [("succeeded", 4000)]
    assert granted(app) == [("credits", 2000)]
    listed = owner.get("/purchases")
    assert "You have bought 2,000 credits" in text_of(listed)
    assert f"2 {TIMES} Credit pack 2,000 credits 19 Nov 2026 Paid $40.00 Receipt" in text_of(listed)
    charge = stripe.v1.charges.retrieve(purchase_intent(stripe).latest_charge)
    assert charge.receipt_url in listed.get_data(as_text=True)
    assert charge.description == f"2 {TIMES} Credit pack"


def test_the_mirror_keeps_no_secret_of_a_payment(owner, begin, app, save_card):
    pay(owner, begin(), payment_method=save_card("pm_card_threeDSecure2Required"))
    with app.app_context():
        kept = db.session.query(PaymentIntent).one().data
        assert "_secret_" not in str(kept)
        assert kept["next_action"] is None


def test_success_reported_again_and_again_grants_once(owner, begin, app, deliver_webhooks, stripe):
    pay(owner, begin())
    for _ in range(2):
        assert set(deliver_webhooks()) == {200}
    with app.app_context():
        sync.pull("payment_intent", purchase_intent(stripe).id)
    assert granted(app) == [("credits", 1000)]


def test_a_double_click_buys_one_and_pays_once(owner, price, stripe, app):
    summary = form_in(owner.get(f"/purchases/new/{price}"), "attempt")
    first, second = (owner.post(f"/purchases/new/{price}", data=summary) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    url = first.headers["Location"]
    form = form_in(owner.get(url), "payment_method")
    assert owner.post(f"{url}/payment", data=form).status_code == 303
    page = after(owner, owner.post(f"{url}/payment", data=form))
    assert "It was paid already, so you were not charged again." in page
    assert intents(stripe) == [("succeeded", 2000)]
    assert len(stripe.v1.charges.list({"payment_intent": purchase_intent(stripe).id}).data) == 1
    assert granted(app) == [("credits", 1000)]


def test_going_back_after_paying_and_pressing_everything_again_buys_nothing(
    owner, price, stripe, app
):
    summary = form_in(owner.get(f"/purchases/new/{price}"), "attempt")
    url = owner.post(f"/purchases/new/{price}", data=summary).headers["Location"]
    pay(owner, url)
    again = owner.post(f"/purchases/new/{price}", data=summary)
    assert "$20.00 paid, thank you" in after(owner, again)
    answer = owner.post(f"{url}/quantity", data={"quantity": "5"})
    assert "paid already" in after(owner, answer)
    assert "paid already" in after(owner, owner.post(f"{url}/cancellation"))
    assert owner.get(f"{url}/card").headers["Location"] == url
    assert intents(stripe) == [("succeeded", 2000)]


def test_the_amount_follows_another_quantity_before_it_is_paid(owner, begin, stripe, app):
    url = begin(1)
    page = after(owner, owner.post(f"{url}/quantity", data={"quantity": "4"}))
    assert "Pay $80.00" in page
    assert intents(stripe) == [("requires_payment_method", 8000)]
    pay(owner, url)
    assert granted(app) == [("credits", 4000)]
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="purchase.quantity_changed").one()
        assert (entry.before, entry.after) == ({"quantity": 1}, {"quantity": 4})


def test_an_amount_changed_in_another_tab_is_shown_before_it_is_charged(owner, begin, stripe, app):
    url = begin(1)
    seen = form_in(owner.get(url), "payment_method")
    owner.post(f"{url}/quantity", data={"quantity": "4"})
    answer = owner.post(f"{url}/payment", data=seen)
    assert answer.status_code == 409
    assert "The amount has changed since you opened this page. You were not charged." in text_of(
        answer
    )
    assert "Pay $80.00" in text_of(answer)
    secret = owner.post(f"{url}/client-secret", data={"amount": seen["amount"]})
    assert (secret.status_code, set(secret.json)) == (409, {"message"})
    assert intents(stripe) == [("requires_payment_method", 8000)]


def test_a_change_of_quantity_whose_answer_was_lost_is_not_charged_unseen(
    owner, begin, stripe, app, monkeypatch
):
    url = begin(1)
    seen = form_in(owner.get(url), "payment_method")
    lose_answer(monkeypatch, r"/payment_intents/pi_\w+$", "quantity")
    assert owner.post(f"{url}/quantity", data={"quantity": "4"}).status_code == 503
    monkeypatch.undo()
    answer = owner.post(f"{url}/payment", data=seen)
    assert answer.status_code == 409
    assert stored(app) == [("open", 4, 8000, "usd")]
    assert granted(app) == []


def test_a_price_raised_since_the_summary_is_shown_first(owner, price, stripe):
    summary = form_in(owner.get(f"/purchases/new/{price}"), "attempt") | {"amount": "1500"}
    answer = owner.post(f"/purchases/new/{price}", data=summary)
    assert answer.status_code == 409
    assert "You were not charged." in text_of(answer)
    assert "Go on to pay $20.00" in text_of(answer)
    assert intents(stripe) == []


def test_a_declined_card_charges_nothing_and_another_one_pays(owner, begin, stripe, app, save_card):
    url = begin()
    answer = pay(owner, url, payment_method=save_card("pm_card_chargeCustomerFail"))
    assert answer.status_code == 402
    assert "The payment did not go through." in text_of(answer)
    assert "The last payment did not go through." in text_of(owner.get(url))
    assert granted(app) == []
    card = form_in(owner.get(url), "payment_method")
    with app.app_context():
        account = db.session.query(Account).one()
        card["payment_method"] = account.customer.default_payment_method_id
    assert "$20.00 paid" in after(owner, owner.post(f"{url}/payment", data=card))
    assert granted(app) == [("credits", 1000)]


def test_a_bank_that_asks_is_visited_and_the_way_back_shows_the_outcome(
    owner, begin, stripe, app, save_card, sandbox
):
    url = begin()
    answer = pay(owner, url, payment_method=save_card("pm_card_threeDSecure2Required"))
    bank = answer.headers["Location"]
    assert answer.status_code == 303
    assert "/bank/" in bank
    assert "Your bank has not confirmed the payment. You were not charged." in text_of(
        owner.get(url)
    )
    assert granted(app) == []
    back = answer_bank(sandbox, bank, "complete")
    assert back.startswith(f"http://127.0.0.1:8000{url}/return")
    page = after(owner, owner.get(back.removeprefix("http://127.0.0.1:8000")))
    assert "$20.00 paid, thank you" in page
    assert granted(app) == [("credits", 1000)]


def test_a_bank_that_says_no_leaves_it_to_be_paid_otherwise(owner, begin, app, save_card, sandbox):
    url = begin()
    answer = pay(owner, url, payment_method=save_card("pm_card_threeDSecure2Required"))
    back = answer_bank(sandbox, answer.headers["Location"], "fail")
    page = after(owner, owner.get(back.removeprefix("http://127.0.0.1:8000")))
    assert "The last payment did not go through." in page
    assert "You were not charged." in page
    assert granted(app) == []
    assert "$20.00 paid" in after(owner, pay(owner, url))


def answer_bank(sandbox, url, answer):
    """Presses a button on the bank's page; where it sends the buyer."""
    client = sandbox.test_client()
    path = url.removeprefix("http://127.0.0.1:8001")
    page = client.get(path).get_data(as_text=True)
    action = re.search(r'<form[^>]*action="([^"]*)"', page)
    answered = client.post(
        unescape(action.group(1)) if action and action.group(1) else path, data={"answer": answer}
    )
    assert answered.status_code in {302, 303}, answered.get_data(as_text=True)
    return answered.headers["Location"]


def test_a_bank_debit_grants_when_the_money_arrives_and_not_before(
    owner, begin, stripe, app, save_card, sandbox, clock, deliver_webhooks
):
    url = begin()
    page = after(owner, pay(owner, url, payment_method=save_card("pm_usBankAccount_success")))
    assert "Your payment is on its way" in page
    assert "You get 1,000 credits the moment it arrives." in page
    assert granted(app) == []
    assert "on its way already" in after(owner, owner.post(f"{url}/cancellation"))
    pass_time(sandbox, clock, datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
    assert set(deliver_webhooks()) == {200}
    assert granted(app) == [("credits", 1000)]
    assert stored(app) == [("succeeded", 1, 2000, "usd")]


def test_paying_by_a_card_that_is_not_saved_needs_a_secret_that_nobody_keeps(
    owner, begin, stripe, app, deliver_webhooks
):
    url = begin()
    page = owner.get(f"{url}/card")
    assert "Pay $20.00" in text_of(page)
    assert "_secret_" not in page.get_data(as_text=True)
    secret = owner.post(f"{url}/client-secret", data={"amount": "2000"}).json["client_secret"]
    intent = purchase_intent(stripe)
    assert secret == intent.client_secret
    # What Stripe's form does in the browser.
    stripe.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_mastercard"})
    assert "$20.00 paid" in after(owner, owner.get(f"{url}/return?payment_intent={intent.id}"))
    assert granted(app) == [("credits", 1000)]
    said = owner.post(f"{url}/client-secret", data={"amount": "2000"})
    assert "It was paid already" in said.json["message"]


# Not paying -------------------------------------------------------------------------------------


def test_what_is_called_off_can_never_be_charged(owner, begin, stripe, app):
    url = begin()
    form = form_in(owner.get(url), "payment_method")
    page = after(owner, owner.post(f"{url}/cancellation"))
    assert "Credit pack is called off. You were not charged." in page
    assert intents(stripe) == [("canceled", 2000)]
    assert "was called off" in text_of(owner.get(url))
    assert "cannot be paid any more" in after(owner, owner.post(f"{url}/payment", data=form))
    assert owner.post(f"{url}/cancellation").status_code == 303
    assert granted(app) == []


def test_what_is_left_for_a_day_ends_by_itself(owner, begin, stripe, app, clock, expire):
    begin()
    clock.advance(hours=23)
    assert expire().output == "0 ended, 0 could not be ended yet\n"
    clock.advance(hours=1)
    assert expire().output == "1 ended, 0 could not be ended yet\n"
    assert intents(stripe) == [("canceled", 2000)]
    assert purchase_intent(stripe).cancellation_reason == "abandoned"
    assert stored(app) == [("canceled", 1, 2000, "usd")]
    assert expire().output == "0 ended, 0 could not be ended yet\n"


def test_one_that_was_paid_unnoticed_is_found_paid_and_not_ended(
    owner, begin, stripe, app, clock, expire
):
    begin()
    stripe.v1.payment_intents.confirm(
        purchase_intent(stripe).id, {"payment_method": "pm_card_visa"}
    )
    clock.advance(hours=25)
    assert expire().output == "0 ended, 0 could not be ended yet\n"
    assert granted(app) == [("credits", 1000)]


def test_while_stripe_is_down_nothing_ends_and_the_command_says_so(
    owner, begin, clock, expire, stripe_is_down, app
):
    begin()
    clock.advance(hours=25)
    up = stripe_is_down()
    assert (expire().output, expire().exit_code) == ("0 ended, 1 could not be ended yet\n", 1)
    up()
    assert expire().exit_code == 0


def test_a_bank_debit_that_comes_back_leaves_another_day_to_pay(
    owner, begin, stripe, app, save_card, sandbox, clock, deliver_webhooks, expire
):
    url = begin()
    account = {
        "account_holder_type": "company",
        "account_number": "000111111116",
        "routing_number": "110000000",
    }
    bank = stripe.v1.payment_methods.create(
        {
            "type": "us_bank_account",
            "us_bank_account": account,
            "billing_details": {"name": "Northwind"},
        }
    )
    pay(owner, url, payment_method=save_card(bank.id))
    assert stored(app)[0][0] == "processing"
    pass_time(sandbox, clock, datetime(2026, 11, 28, 12, 0, tzinfo=UTC))
    assert set(deliver_webhooks()) == {200}
    assert stored(app)[0][0] == "open"
    assert granted(app) == []
    assert expire().output.startswith("0 ended")
    clock.advance(days=1)
    assert expire().output.startswith("1 ended")


# When Stripe does not answer --------------------------------------------------------------------


def lose_answer(monkeypatch, path, word=""):
    """Stripe does what it is asked at the path, and its answer never arrives."""
    send = requests.Session.request

    def lost(self, method, url, *args, **kwargs):
        answer = send(self, method, url, *args, **kwargs)
        data = str(kwargs.get("data"))
        if method.lower() == "post" and re.search(path, url) and word in data:
            raise requests.exceptions.ReadTimeout
        return answer

    monkeypatch.setattr(requests.Session, "request", lost)


def test_while_stripe_is_down_nothing_is_begun_and_pages_still_show(
    owner, price, stripe, stripe_is_down
):
    summary = form_in(owner.get(f"/purchases/new/{price}"), "attempt")
    up = stripe_is_down()
    answer = owner.post(f"/purchases/new/{price}", data=summary)
    assert answer.status_code == 503
    assert "Nothing was changed and you were not charged." in text_of(answer)
    assert form_in(answer, "attempt") == summary
    assert owner.get("/purchases").status_code == 200
    up()
    url = owner.post(f"/purchases/new/{price}", data=form_in(answer, "attempt"))
    assert url.status_code == 303
    assert intents(stripe) == [("requires_payment_method", 2000)]


def test_a_begin_whose_answer_was_lost_is_the_same_one_when_pressed_again(
    owner, price, stripe, app, monkeypatch
):
    summary = form_in(owner.get(f"/purchases/new/{price}"), "attempt")
    lose_answer(monkeypatch, "/payment_intents$")
    assert owner.post(f"/purchases/new/{price}", data=summary).status_code == 503
    monkeypatch.undo()
    url = owner.post(f"/purchases/new/{price}", data=summary).headers["Location"]
    pay(owner, url)
    assert intents(stripe) == [("succeeded", 2000)]
    assert granted(app) == [("credits", 1000)]


def test_a_begin_whose_answer_was_lost_is_linked_by_its_webhook(
    owner, price, app, monkeypatch, deliver_webhooks
):
    summary = form_in(owner.get(f"/purchases/new/{price}"), "attempt")
    lose_answer(monkeypatch, "/payment_intents$")
    owner.post(f"/purchases/new/{price}", data=summary)
    monkeypatch.undo()
    assert set(deliver_webhooks()) == {200}
    with app.app_context():
        assert db.session.query(Purchase).one().payment_intent_id is not None


def test_a_payment_whose_answer_was_lost_is_never_charged_twice(
    owner, begin, stripe, app, monkeypatch
):
    url = begin()
    form = form_in(owner.get(url), "payment_method")
    lose_answer(monkeypatch, "/confirm$")
    answer = owner.post(f"{url}/payment", data=form)
    assert answer.status_code == 503
    assert "we do not know yet whether this went through" in text_of(answer)
    monkeypatch.undo()
    assert form_in(answer, "payment_method")["attempt"] == form["attempt"]
    page = after(owner, owner.post(f"{url}/payment", data=form_in(answer, "payment_method")))
    assert "paid already" in page
    assert len(stripe.v1.charges.list({"payment_intent": purchase_intent(stripe).id}).data) == 1
    assert granted(app) == [("credits", 1000)]


def test_coming_back_from_the_bank_while_stripe_is_down_does_not_ask_to_pay_again(
    owner, begin, stripe, stripe_is_down
):
    url = begin()
    stripe_is_down()
    page = after(owner, owner.get(f"{url}/return"))
    assert "you need not pay again" in page


# Refunds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "kept"),
    [
        ([2000], 0),
        ([500], 750),
        # A third of 1,000 is 333.3: the buyer keeps the fraction.
        ([667], 667),
        ([500, 500], 500),
        ([500, 1500], 0),
        # The smallest amount is a two-thousandth, half a credit, which stays.
        ([1], 1000),
    ],
)
def test_a_refund_takes_back_its_share(owner, begin, stripe, app, deliver_webhooks, parts, kept):
    url = begin()
    pay(owner, url)
    for amount in parts:
        stripe.v1.refunds.create({"payment_intent": purchase_intent(stripe).id, "amount": amount})
        for _ in range(2):
            assert set(deliver_webhooks()) == {200}
    assert sum(units for _, units in granted(app)) == kept
    page = text_of(owner.get(url))
    if sum(parts) == 2000:
        assert "Credit pack was refunded $20.00 went back to how you paid." in page
    else:
        assert "was refunded" in page
        assert f"You have {kept:,} credits from it" in page
    assert "efunded" in text_of(owner.get("/purchases"))


def test_a_set_up_fee_is_granted_once_and_kept_until_all_of_it_is_refunded(
    owner, stripe, app, deliver_webhooks
):
    setup = stripe.v1.products.create({"name": "Set-up", "metadata": {"purchase": "setup"}})
    price = stripe.v1.prices.create({"product": setup.id, "currency": "usd", "unit_amount": 25000})
    assert set(deliver_webhooks()) == {200}
    page = owner.get(f"/purchases/new/{price.id}")
    url = owner.post(f"/purchases/new/{price.id}", data=form_in(page, "attempt")).headers[
        "Location"
    ]
    assert "$250.00 paid, thank you Set-up is yours." in after(owner, pay(owner, url))
    assert granted(app) == [("setup", 1)]
    intent = purchase_intent(stripe).id
    stripe.v1.refunds.create({"payment_intent": intent, "amount": 24999})
    assert set(deliver_webhooks()) == {200}
    assert granted(app) == [("setup", 1)]
    stripe.v1.refunds.create({"payment_intent": intent})
    assert set(deliver_webhooks()) == {200}
    assert granted(app) == [("setup", 1), ("setup", -1)]
    assert "You have bought" not in text_of(owner.get("/purchases"))


# Who may ----------------------------------------------------------------------------------------


def test_a_viewer_sees_purchases_and_can_neither_begin_nor_pay(owner, begin, price, people, stripe):
    url = begin()
    people.join("viewer@northwind.example", role="viewer")
    viewer = people.sign_in("viewer@northwind.example")
    listed = viewer.get("/purchases")
    assert "Credit pack" in text_of(listed)
    assert "/purchases/new/" not in listed.get_data(as_text=True)
    assert "An owner of the account" in text_of(viewer.get(url))
    assert viewer.get(f"/purchases/new/{price}").status_code == 403
    assert viewer.get(f"{url}/card").status_code == 403
    for path in ("payment", "quantity", "client-secret", "cancellation"):
        assert viewer.post(f"{url}/{path}").status_code == 403
    assert intents(stripe) == [("requires_payment_method", 2000)]


def test_another_account_s_card_cannot_pay(owner, begin, people, subscribe, app, stripe):
    url = begin()
    people.join("eve@evil.example", "Evil")
    subscribe("Evil", "team")
    with app.app_context():
        evil = db.session.query(Account).filter_by(name="Evil").one()
        theirs = evil.customer.default_payment_method_id
    assert pay(owner, url, payment_method=theirs).status_code == 404
    assert intents(stripe) == [("requires_payment_method", 2000)]


def test_a_payment_that_names_another_account_s_purchase_grants_nothing(
    owner, price, stripe, app, monkeypatch, deliver_webhooks
):
    lose_answer(monkeypatch, "/payment_intents$")
    page = owner.get(f"/purchases/new/{price}")
    owner.post(f"/purchases/new/{price}", data=form_in(page, "attempt"))
    monkeypatch.undo()
    with app.app_context():
        purchase_id = db.session.query(Purchase.id).scalar()
    stranger = stripe.v1.customers.create({"name": "Stranger"})
    foreign = stripe.v1.payment_intents.create(
        {
            "customer": stranger.id,
            "amount": 50,
            "currency": "usd",
            "metadata": {"purchase": purchase_id, "quantity": "99"},
        }
    )
    stripe.v1.payment_intents.confirm(foreign.id, {"payment_method": "pm_card_visa"})
    assert set(deliver_webhooks()) == {200}
    assert granted(app) == []


def test_the_gateway_gives_the_secret_to_nobody_but_the_page(app, owner, begin, stripe):
    begin()
    with app.app_context():
        assert gateway.retrieve(purchase_intent(stripe).id).client_secret is None


def test_a_receipt_is_mailed_once_when_the_money_is_there(
    app, owner, begin, deliver_webhooks, stripe
):
    mailbox = open_mailbox(app)
    assert pay(owner, begin(2)).status_code == 303
    for _ in range(2):
        deliver_webhooks()
        assert app.test_cli_runner().invoke(args=["billing", "run-tasks"]).exit_code == 0
    (receipt,) = [mail for mail in mailbox if OWNER in mail.to and "$40.00" in mail.subject]
    assert "is yours" in receipt.body
    assert purchase_intent(stripe).latest_charge is not None
    assert "/receipts/ch_" in receipt.body
