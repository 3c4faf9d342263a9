"""Buying a first plan: to Stripe and back, once, however often and from wherever it is asked."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from billing.errors import StripeUnavailable
from billing.gateway import checkout as gateway
from billing.gateway import client
from models import Account, AuditEntry, CheckoutIntent, Price, Subscription, db
from sandbox import events
from sandbox.engine.invoicing import intent_of
from sandbox.store import store
from tests.checkout_page import pay


def price_of(app, plan="team", interval="month"):
    with app.app_context():
        return (
            db.session.query(Price).filter_by(lookup_key=f"demo_{plan}_{interval}").one().stripe_id
        )


@pytest.fixture
def buy(app, without_trials):
    """Posts a choice from a signed-in client, as the plans page does; no plan has a trial here."""

    def post(client, plan="team", interval="month", currency="usd", **more):
        form = {"price": price_of(app, plan, interval), "currency": currency, **more}
        return client.post("/checkout", data={k: v for k, v in form.items() if v is not None})

    return post


@pytest.fixture
def look(app):
    """Asks the database in a context of its own: what requests do is seen as it is now."""

    def ask(question):
        with app.app_context():
            return question()

    return ask


def sessions(stripe):
    return stripe.v1.checkout.sessions.list({"limit": 100}).data


def session_id_of(app):
    with app.app_context():
        return db.session.query(CheckoutIntent).one().session_id


def test_choosing_a_plan_leads_to_stripes_page_with_everything_it_needs(buy, people, stripe, look):
    owner = people.owner()
    answer = buy(owner, quantity="8")
    assert answer.status_code == 303, answer.location
    (session,) = sessions(stripe)
    assert answer.location == session.url
    account = look(lambda: db.session.query(Account).one())
    assert session.mode == "subscription"
    assert session.client_reference_id == str(account.id)
    assert session.customer == account.stripe_customer_id
    assert session.allow_promotion_codes is True
    assert session.success_url.endswith("/checkout/return?session_id={CHECKOUT_SESSION_ID}")
    item = stripe.v1.checkout.sessions.line_items.list(session.id).data[0]
    assert (item.quantity, item.price.unit_amount) == (8, 4900)
    customer = stripe.v1.customers.retrieve(account.stripe_customer_id)
    assert (customer.name, customer.email) == ("Northwind", "ada@northwind.example")
    assert customer.metadata["account_id"] == str(account.id)


def test_paying_and_coming_back_shows_the_subscription_without_waiting_for_a_webhook(
    app, buy, people, sandbox, look
):
    owner = people.owner()
    url = buy(owner, quantity="3").location
    back = pay(sandbox, url)
    answer = owner.get(back)
    assert answer.status_code == 302
    assert answer.location.endswith("/subscription")
    page = owner.get("/subscription").text
    assert "You are on Team." in page
    assert "Next charge is $147.00" in page
    with app.app_context():
        subscription = db.session.query(Account).one().subscription
        assert subscription.quantity == 3
        assert subscription.payment_method.last4 == "4242"
        assert subscription.latest_invoice.is_paid
        assert db.session.query(CheckoutIntent).one().status == "complete"
        actions = {entry.action for entry in db.session.query(AuditEntry)}
    assert {"checkout.started", "checkout.completed"} <= actions


def test_coming_back_twice_changes_nothing(buy, people, sandbox, look):
    owner = people.owner()
    back = pay(sandbox, buy(owner).location)
    assert owner.get(back).status_code == 302
    assert owner.get(back).status_code == 302
    assert look(lambda: db.session.query(Subscription).count()) == 1


def test_a_double_click_leads_to_the_same_page(buy, people, stripe):
    owner = people.owner()
    first, second = buy(owner, quantity="2"), buy(owner, quantity="2")
    assert first.location == second.location
    assert len(sessions(stripe)) == 1


def test_another_choice_closes_the_page_of_the_first(buy, people, stripe):
    owner = people.owner()
    first = buy(owner, plan="team")
    second = buy(owner, plan="business")
    assert first.location != second.location
    assert sorted(s.status for s in sessions(stripe)) == ["expired", "open"]


@pytest.mark.parametrize("other", [{"quantity": "4"}, {"interval": "year"}, {"currency": "eur"}])
def test_seats_interval_and_currency_are_choices_too(buy, people, stripe, other):
    owner = people.owner()
    buy(owner)
    buy(owner, **other)
    assert sorted(s.status for s in sessions(stripe)) == ["expired", "open"]


def test_paid_in_one_tab_while_choosing_in_another_buys_once(buy, people, sandbox, stripe, look):
    owner = people.owner()
    pay(sandbox, buy(owner, plan="team").location)
    answer = buy(owner, plan="business")
    assert answer.status_code == 302
    assert "/plan-change/business" in answer.location
    assert len(stripe.v1.subscriptions.list({}).data) == 1
    assert look(lambda: db.session.query(Subscription).one().plan.slug) == "team"


def test_paid_between_the_question_and_the_closing_still_buys_once(
    buy, people, sandbox, stripe, monkeypatch
):
    owner = people.owner()
    url = buy(owner, plan="team").location
    really = gateway.expire

    def paid_just_now(session_id):
        pay(sandbox, url)
        return really(session_id)

    monkeypatch.setattr(gateway, "expire", paid_just_now)
    answer = buy(owner, plan="business")
    assert answer.status_code == 302
    assert [s.status for s in sessions(stripe)] == ["complete"]
    assert len(stripe.v1.subscriptions.list({}).data) == 1


def test_a_subscriber_is_sent_to_change_the_plan_instead(buy, people, subscribe, stripe):
    owner = people.owner()
    subscribe("Northwind", "team")
    answer = buy(owner, plan="business", interval="year", quantity="5")
    assert answer.location.endswith("/plan-change/business?interval=year&seats=5")
    assert "nothing was bought" in owner.get("/plans").text
    assert sessions(stripe) == []


def test_a_subscription_that_only_stripe_knows_stops_a_second_one(
    app, buy, people, subscribe, stripe, look
):
    owner = people.owner()
    subscription = subscribe("Northwind", "team")
    with app.app_context():
        db.session.delete(db.session.get(Subscription, subscription))
        db.session.commit()
    assert buy(owner, plan="business").status_code == 302
    assert sessions(stripe) == []
    assert look(lambda: db.session.query(Subscription).one().stripe_id) == subscription


def test_a_page_left_open_is_closed_once_there_is_a_subscription(buy, people, subscribe, stripe):
    owner = people.owner()
    buy(owner)
    subscribe("Northwind", "team", collection_method="send_invoice", days_until_due=14)
    assert buy(owner, plan="business").status_code == 302
    assert [s.status for s in sessions(stripe)] == ["expired"]


def at_once(app, people, buy, *choices):
    """The answers to several choices made at the same moment by one account's people."""
    # Stripe says "that key is in use" to the second; the SDK asks again, as in production.
    patient = replace(app.config["SETTINGS"], stripe_network_retries=2)
    app.extensions["stripe"] = client.build(patient)
    people.owner()
    browsers = [people.sign_in("ada@northwind.example") for _ in choices]
    answers, start = [], threading.Barrier(len(choices))

    def press(browser, chosen):
        start.wait()
        answers.append(buy(browser, **chosen))

    presses = [
        threading.Thread(target=press, args=pair) for pair in zip(browsers, choices, strict=True)
    ]
    for thread in presses:
        thread.start()
    for thread in presses:
        thread.join()
    return answers


def test_two_requests_at_once_open_one_page(app, buy, people, stripe):
    answers = at_once(app, people, buy, {"quantity": "2"}, {"quantity": "2"})
    assert [a.status_code for a in answers] == [303, 303]
    assert len({a.location for a in answers}) == 1
    assert len([s for s in sessions(stripe) if s.status == "open"]) == 1
    assert len(stripe.v1.customers.list({}).data) == 1


def test_two_choices_at_once_leave_one_page_open(app, buy, people, stripe):
    at_once(app, people, buy, {"plan": "team"}, {"plan": "business"})
    assert len([s for s in sessions(stripe) if s.status == "open"]) == 1


def test_an_attempt_cut_off_while_stripe_answered_is_taken_up_with_the_same_key(
    app, buy, people, stripe, monkeypatch
):
    owner = people.owner()
    really = gateway.start

    def answer_lost(**choice):
        really(**choice)
        raise StripeUnavailable

    monkeypatch.setattr(gateway, "start", answer_lost)
    assert buy(owner).status_code == 503
    monkeypatch.setattr(gateway, "start", really)
    answer = buy(owner)
    assert answer.status_code == 303
    assert [s.url for s in sessions(stripe)] == [answer.location]


def test_after_a_cancelled_subscription_one_can_buy_again(
    buy, people, sandbox, stripe, deliver_webhooks, look
):
    owner = people.owner()
    owner.get(pay(sandbox, buy(owner).location))
    stripe.v1.subscriptions.cancel(look(lambda: db.session.query(Subscription).one().stripe_id))
    deliver_webhooks()
    assert buy(owner, plan="starter").status_code == 303


def test_the_deleted_customer_of_an_account_is_replaced(
    buy, people, stripe, deliver_webhooks, look
):
    owner = people.owner()
    buy(owner)
    gone = look(lambda: db.session.query(Account).one().stripe_customer_id)
    stripe.v1.customers.delete(gone)
    deliver_webhooks()
    assert buy(owner, plan="starter").status_code == 303
    assert look(lambda: db.session.query(Account).one().stripe_customer_id) != gone


def test_who_only_reads_cannot_buy(buy, people, stripe):
    people.join("eva@northwind.example", role="viewer")
    assert buy(people.sign_in("eva@northwind.example")).status_code == 403
    assert sessions(stripe) == []


def test_who_pays_the_bills_can_buy(buy, people):
    people.join("bo@northwind.example", role="billing")
    assert buy(people.sign_in("bo@northwind.example")).status_code == 303


def test_a_visitor_signs_in_first(buy, app):
    answer = buy(app.test_client())
    assert answer.status_code == 302
    assert "/login" in answer.location


def test_a_price_that_is_not_offered_cannot_be_bought(catalog, people, stripe):
    owner = people.owner()
    for price in ("price_of_nobody", "", "prod_1"):
        answer = owner.post("/checkout", data={"price": price})
        assert answer.status_code == 404
        assert "not on offer" in answer.text
    assert sessions(stripe) == []


@pytest.mark.parametrize("withdrawal", ["price", "plan", "hidden"])
def test_a_withdrawn_or_hidden_plan_cannot_be_bought(
    app, buy, people, stripe, deliver_webhooks, withdrawal
):
    if withdrawal == "price":
        stripe.v1.prices.update(price_of(app), {"active": False})
    elif withdrawal == "plan":
        stripe.v1.products.update("demo_team", {"active": False})
    else:
        stripe.v1.products.update("demo_team", {"metadata": {"public": "false"}})
    deliver_webhooks()
    assert buy(people.owner()).status_code == 404
    assert sessions(stripe) == []


def test_seats_outside_the_plans_limits_are_refused_by_name(buy, people, stripe):
    owner = people.owner()
    for quantity in ("0", "26", "-1", "1.5", "many", "99999999999999999999"):
        answer = buy(owner, quantity=quantity)
        assert answer.status_code == 422
        assert "1 to 25 seats" in answer.text
        assert "not charged" in answer.text
        # The form again, with what was typed and the message at the field.
        assert re.search(
            rf'id="seats-team"[^>]*aria-invalid="true"[^>]*value="{quantity[:12]}"', answer.text
        )
        assert 'id="seats-team-error">Enter a whole number from 1 to 25.' in answer.text
        assert 'href="#seats-team"' in answer.text
    assert sessions(stripe) == []


def test_a_plan_without_seats_is_sold_once(buy, people):
    assert buy(people.owner(), plan="starter", quantity="2").status_code == 422


def test_a_currency_it_is_not_sold_in_is_refused(buy, people, stripe):
    owner = people.owner()
    for currency in ("gbp", "xxx", "us"):
        assert buy(owner, currency=currency).status_code == 422
    assert sessions(stripe) == []


def test_an_account_that_pays_in_one_currency_keeps_it(
    buy, people, sandbox, stripe, deliver_webhooks, look
):
    owner = people.owner()
    owner.get(pay(sandbox, buy(owner, currency="eur").location))
    stripe.v1.subscriptions.cancel(look(lambda: db.session.query(Subscription).one().stripe_id))
    deliver_webhooks()
    refused = buy(owner, currency="usd")
    assert refused.status_code == 422
    assert "EUR" in refused.text
    assert buy(owner, currency="eur").status_code == 303


def test_a_first_payment_that_still_waits_for_the_bank_leads_to_it(
    app, buy, people, sandbox, stripe
):
    owner = people.owner()
    back = pay(sandbox, buy(owner).location)
    (subscription,) = stripe.v1.subscriptions.list().data
    invoice_id = subscription.latest_invoice
    let_the_first_payment_wait(sandbox, subscription.id, invoice_id)
    answer = owner.get(back)
    assert answer.location == f"/invoices/{invoice_id}/bank-confirmation?confirm=now"
    assert "You were not charged yet" in owner.get(answer.location).text
    page = owner.get("/").text
    assert "Your bank asks you to confirm the payment" in page
    assert "has started" not in page


def let_the_first_payment_wait(sandbox, subscription_id, invoice_id):
    """Puts a paid order back to where its bank still asks its holder."""
    with sandbox.app_context(), events.transaction():
        invoice = store.get("invoice", invoice_id)
        intent = intent_of(invoice)
        due = invoice["total"]
        store.save(invoice | {"status": "open", "amount_paid": 0, "amount_remaining": due})
        store.save(intent | {"status": "requires_action"})
        subscription = store.get("subscription", subscription_id)
        store.save(subscription | {"status": "incomplete"})


def test_an_open_order_can_be_gone_on_with(app, buy, people):
    owner = people.owner()
    url = buy(owner).location
    page = owner.get(f"/checkout/return?session_id={session_id_of(app)}")
    assert page.status_code == 200
    assert "Not finished yet" in page.text
    assert url in page.text.replace("&amp;", "&")


def test_an_expired_order_starts_afresh(app, buy, people, stripe, look):
    owner = people.owner()
    buy(owner)
    session_id = session_id_of(app)
    stripe.v1.checkout.sessions.expire(session_id)
    page = owner.get(f"/checkout/return?session_id={session_id}")
    assert "This order has expired" in page.text
    assert "not charged" in page.text
    assert look(lambda: db.session.query(CheckoutIntent).one().status) == "expired"
    assert buy(owner).status_code == 303


def test_a_day_old_abandoned_order_does_not_stand_in_the_way(buy, people, clock, stripe):
    owner = people.owner()
    first = buy(owner).location
    clock.set(clock.now + timedelta(hours=25))
    owner = people.sign_in("ada@northwind.example")
    second = buy(owner)
    assert second.status_code == 303
    assert second.location != first


def test_a_strangers_order_looks_like_none_at_all(app, buy, people, sandbox, look):
    back = pay(sandbox, buy(people.owner()).location)
    stranger = people.owner("mal@elsewhere.example", "Elsewhere")
    theirs = stranger.get(back)
    none = stranger.get("/checkout/return?session_id=cs_test_nothing")
    assert theirs.status_code == none.status_code == 404
    assert theirs.text == none.text
    assert look(lambda: db.session.query(Subscription).count()) == 0


def test_a_return_without_an_order_is_not_found(people, stripe_calls):
    owner = people.owner()
    for given in ("", "?session_id=", "?session_id=sub_1"):
        assert owner.get(f"/checkout/return{given}").status_code == 404
    assert len(stripe_calls) == 0


def test_stripe_silent_at_the_return_loses_nothing(buy, people, sandbox, stripe_is_down):
    owner = people.owner()
    back = pay(sandbox, buy(owner).location)
    up_again = stripe_is_down()
    page = owner.get(back)
    assert page.status_code == 503
    assert "We are checking your payment" in page.text
    assert "not charged twice" in page.text
    up_again()
    assert owner.get(back).location.endswith("/subscription")


def test_stripe_silent_at_the_start_buys_nothing_and_says_so(buy, people, stripe_is_down, look):
    owner = people.owner()
    up_again = stripe_is_down()
    page = buy(owner)
    assert page.status_code == 503
    assert "cannot charge you twice" in page.text
    up_again()
    assert buy(owner).status_code == 303


def test_the_webhook_after_the_return_changes_nothing(buy, people, sandbox, deliver_webhooks, look):
    owner = people.owner()
    owner.get(pay(sandbox, buy(owner).location))
    before = owner.get("/subscription").text
    assert set(deliver_webhooks()) == {200}
    assert look(lambda: db.session.query(Subscription).count()) == 1
    after = owner.get("/subscription").text
    assert before[before.index("<h1>") :] == after[after.index("<h1>") :]
