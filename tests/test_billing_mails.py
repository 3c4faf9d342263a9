"""Each mail about an account's billing: its words, where its links lead, that it comes once."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta

import pytest

from billing import sync
from models import Account, OutboxEntry, Subscription, db
from tests.billing_mails import BILLING, OWNER, html_of, html_words, links, words
from tests.failed_payment import FAILS, refuse
from tests.quote_page import accept, text_of, use_card

RENEWAL = datetime(2026, 12, 19, 14, 0, tzinfo=UTC)


@pytest.fixture
def northwind(people, subscribe, outside):
    """An owner's account on Team with 8 seats, $392.00 a month; its first receipt is read."""
    people.join(OWNER)
    subscription_id = subscribe("Northwind", "team", quantity=8)
    outside.tell()
    outside.box.clear()
    return subscription_id


def in_country(app, stripe, country):
    with app.app_context():
        customer = db.session.query(Account).one().stripe_customer_id
        stripe.v1.customers.update(customer, {"address": {"country": country, "line1": "1 Main"}})
        sync.pull("customer", customer)


def follow(browser, mail, number=0):
    """The page that a link of the mail leads to, in the end."""
    return browser.get(links(mail)[number], follow_redirects=True)


def test_a_receipt_says_what_was_paid_for_what_with_what(people, subscribe, outside):
    people.join(OWNER)
    subscribe("Northwind", "team", quantity=8)
    outside.tell()
    mail = outside.mail("Your receipt")
    assert mail.subject == "Your receipt for US$392.00"
    for said in (
        "We received US$392.00.",
        "Team · 8 seats, 19 November 2026 to 19 December 2026",
        "With: Visa ending 4242",
        "You get this mail because you look after the billing of Northwind.",
    ):
        assert said in words(mail)
    assert re.search(r"http://127.0.0.1:8001/\S+/pdf\)", mail.body)
    page = follow(people.sign_in(OWNER), mail)
    assert page.status_code == 200
    assert "$392.00" in text_of(page)
    assert "/invoices/in_" in page.request.path


def test_both_parts_of_every_mail_say_the_same(northwind, outside, app, stripe):
    use_card(app, stripe, northwind, FAILS)
    outside.pass_time(RENEWAL)
    outside.tell()
    mail = outside.mail("Your payment")
    html = html_words(mail)
    body = mail.body.split("\n--\n")[0]
    for paragraph in re.sub(r"\n(?!\n)", " ", body).split("\n"):
        said = re.sub(r" ?\(?https?://[^\s)]+\)?", "", paragraph.strip()).removesuffix(":")
        assert re.sub(r"\s+", "", said) in re.sub(r"\s+", "", html), said


def test_money_is_written_as_in_the_customers_country_where_english_is_spoken(
    people, subscribe, outside, app, stripe
):
    people.join(OWNER)
    subscribe("Northwind", "team")
    in_country(app, stripe, "US")
    outside.tell()
    assert outside.subjects() == ["Your receipt for $49.00"]


@pytest.mark.parametrize(("currency", "amount"), [("eur", "€45.00"), ("jpy", "JP¥7,400")])
def test_every_amount_carries_its_currency(people, subscribe, outside, currency, amount):
    people.join(OWNER)
    subscribe("Northwind", "team", currency=currency)
    outside.tell()
    assert outside.subjects() == [f"Your receipt for {amount}"]


def test_owners_billing_members_and_the_billing_address_get_it_once_each_and_viewers_do_not(
    people, subscribe, outside
):
    people.join(OWNER)
    people.join("bo@northwind.example", role="billing")
    people.join("vi@northwind.example", role="viewer")
    people.join(BILLING.upper(), role="billing")
    subscribe("Northwind", "team")
    outside.tell()
    assert sorted(mail.to[0].lower() for mail in outside.box) == [
        OWNER,
        BILLING,
        "bo@northwind.example",
    ]


def test_a_mail_says_that_a_machine_wrote_it_and_whom_to_answer(northwind, outside, app):
    outside.pass_time(RENEWAL)
    outside.tell()
    with app.app_context():
        message = outside.mail("Your receipt").message()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Reply-To"] == "support@tidewater.example"
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.get_payload()] == [
        "text/plain",
        "text/html",
    ]
    assert message["Date"] == "Sat, 19 Dec 2026 14:00:00 +0000"


def test_names_are_shown_as_they_are_written_in_both_parts(people, subscribe, outside, app):
    people.join(OWNER, "O'Hara & <Sons>")
    subscribe("O'Hara & <Sons>", "team")
    outside.tell()
    mail = outside.mail("Your receipt")
    assert "billing of O'Hara & <Sons>." in words(mail)
    assert "O&#39;Hara &amp; &lt;Sons&gt;" in html_of(
        mail
    ) or "O'Hara &amp; &lt;Sons&gt;" in html_of(mail)


def test_a_failed_payment_is_told_once_for_each_attempt_with_what_comes_next(
    northwind, outside, app, stripe, sandbox, people
):
    use_card(app, stripe, northwind, FAILS)
    customer = stripe.v1.subscriptions.retrieve(northwind).customer
    method = stripe.v1.customers.retrieve(customer).invoice_settings.default_payment_method
    refuse(sandbox, method, "insufficient_funds")
    outside.pass_time(RENEWAL)
    outside.tell()
    outside.tell()
    mail = outside.mail("Your payment")
    assert mail.subject == "Your payment of US$392.00 did not go through"
    said = words(mail)
    assert "We could not charge Visa ending 0341 for Team · 8 seats." in said
    assert "The bank said: not enough funds. You were not charged." in said
    invoice = stripe.v1.invoices.list({"subscription": northwind}).data[0]
    again = datetime.fromtimestamp(invoice.next_payment_attempt, UTC)
    assert f"We try again on {again.day} December." in said
    # Seven days from the renewal, as GRACE_DAYS says by itself.
    assert "You keep full access until 26 December; after that you can look at everything" in said
    page = follow(people.sign_in(OWNER), mail)
    assert "Pay" in text_of(page)
    assert invoice.id in page.request.path

    outside.pass_time(again + timedelta(hours=1))
    outside.tell()
    assert outside.subjects().count(mail.subject) == 2


def test_a_payment_that_failed_and_was_made_since_is_not_mailed(northwind, outside, app, stripe):
    use_card(app, stripe, northwind, FAILS)
    outside.pass_time(RENEWAL)
    outside.deliver_webhooks()
    use_card(app, stripe, northwind, "pm_card_visa")
    invoice = stripe.v1.invoices.list({"subscription": northwind}).data[0]
    stripe.v1.invoices.pay(invoice.id)
    outside.tell()
    assert outside.subjects() == ["Your receipt for US$392.00"]


def test_a_renewal_that_the_bank_wants_confirmed_leads_straight_to_the_confirmation(
    northwind, outside, app, stripe, people
):
    use_card(app, stripe, northwind, "pm_card_threeDSecure2Required")
    outside.pass_time(RENEWAL)
    outside.tell()
    mail = outside.mail("Please confirm")
    assert mail.subject == "Please confirm US$392.00 with your bank"
    assert "You were not charged yet" in words(mail)
    assert outside.subjects() == [mail.subject]
    page = follow(people.sign_in(OWNER), mail)
    assert page.request.path.endswith("/bank-confirmation")


def test_nobody_is_mailed_about_a_confirmation_while_they_are_at_it(
    northwind, outside, app, stripe
):
    """Asked for on the page, it is mailed only when it still waits a quarter of an hour later."""
    use_card(app, stripe, northwind, "pm_card_threeDSecure2Required")
    customer = stripe.v1.subscriptions.retrieve(northwind).customer
    invoice = stripe.v1.invoices.create({"customer": customer, "auto_advance": False})
    stripe.v1.invoice_items.create(
        {"customer": customer, "invoice": invoice.id, "amount": 1500, "currency": "usd"}
    )
    stripe.v1.invoices.finalize_invoice(invoice.id)
    outside.tell()
    with pytest.raises(Exception, match=r"authentication|action|confirm"):
        stripe.v1.invoices.pay(invoice.id)
    with app.app_context():
        row = sync.pull("invoice", invoice.id)
        # As it stands at Stripe while somebody pays by hand: no attempt of Stripe's own.
        waits = row.needs_confirmation
    outside.run_tasks()
    assert waits
    assert outside.subjects() == []
    outside.clock.advance(minutes=16)
    outside.run_tasks()
    assert outside.subjects() == ["Please confirm US$15.00 with your bank"]


def test_a_trial_with_a_card_is_told_three_days_ahead_what_it_will_cost(
    people, subscribe, outside, clock
):
    people.join(OWNER)
    end = clock.now + timedelta(days=14)
    subscribe("Northwind", "team", quantity=8, trial_end=int(end.timestamp()))
    outside.tell()
    assert outside.subjects() == []
    outside.pass_time(end - timedelta(days=3) + timedelta(minutes=1))
    outside.tell()
    outside.run_tasks()
    mail = outside.mail("Your trial")
    assert mail.subject == "Your trial of Team ends on 3 December"
    said = words(mail)
    assert "US$392.00 on 3 December 2026, to Visa ending 4242." in said
    assert "cancel before then and you pay nothing. Nothing was charged so far." in said
    assert outside.subjects() == [mail.subject]
    browser = people.sign_in(OWNER)
    assert follow(browser, mail).request.path == "/subscription"
    assert follow(browser, mail, 1).request.path == "/cancellation"


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("pause", "Without one, Team is paused on that day"),
        ("cancel", "Without one, Team ends on that day and you are not charged."),
        ("create_invoice", "Add one so that Team can go on."),
    ],
)
def test_a_trial_without_a_card_is_told_what_happens_without_one(
    people, subscribe, outside, clock, app, stripe, behaviour, said
):
    people.join(OWNER)
    end = clock.now + timedelta(days=14)
    subscription_id = subscribe(
        "Northwind",
        "team",
        trial_end=int(end.timestamp()),
        trial_settings={"end_behavior": {"missing_payment_method": behaviour}},
    )
    customer = stripe.v1.subscriptions.retrieve(subscription_id).customer
    for method in stripe.v1.customers.payment_methods.list(customer).data:
        stripe.v1.payment_methods.detach(method.id)
    outside.tell()
    outside.pass_time(end - timedelta(days=2))
    outside.tell()
    mail = outside.mail("Your trial")
    assert said in words(mail)
    assert follow(people.sign_in(OWNER), mail).request.path == "/payment-methods/new"


def test_a_trial_that_was_cancelled_is_not_reminded_of(people, subscribe, outside, clock, stripe):
    people.join(OWNER)
    end = clock.now + timedelta(days=14)
    subscription_id = subscribe("Northwind", "team", trial_end=int(end.timestamp()))
    outside.pass_time(end - timedelta(days=3) + timedelta(minutes=1))
    outside.deliver_webhooks()
    stripe.v1.subscriptions.update(subscription_id, {"cancel_at_period_end": True})
    outside.tell()
    assert outside.subjects() == ["Team ends on 3 December 2026"]


def test_a_yearly_renewal_is_told_a_month_and_a_week_ahead(people, subscribe, outside, clock):
    people.join(OWNER)
    subscribe("Northwind", "team", "year", quantity=2)
    outside.tell()
    outside.box.clear()
    renews = datetime(2027, 11, 19, 12, 0, tzinfo=UTC)
    for days, expected in ((31, 0), (30, 1), (20, 1), (7, 2), (1, 2)):
        clock.set(renews - timedelta(days=days))
        outside.run_tasks()
        outside.run_tasks()
        found = [one for one in outside.box.to(OWNER) if one.subject.startswith("Team renews")]
        assert len(found) == expected, days
    mail = found[0]
    assert mail.subject == "Team renews on 19 November 2027"
    assert "Team renews on 19 November 2027 for US$980.00." in words(mail)
    assert "you keep everything until 19 November" in words(mail)


def test_a_monthly_renewal_is_not_announced(northwind, outside, clock):
    clock.set(datetime(2026, 12, 15, tzinfo=UTC))
    outside.run_tasks()
    assert outside.subjects() == []


def test_a_card_in_its_last_month_is_told_and_again_before_the_charge_it_misses(
    northwind, outside, clock, app, stripe, people
):
    customer = stripe.v1.subscriptions.retrieve(northwind).customer
    method = stripe.v1.customers.payment_methods.list(customer).data[0].id
    stripe.v1.payment_methods.update(method, {"card": {"exp_month": 1, "exp_year": 2027}})
    outside.tell()
    assert outside.subjects() == []
    outside.pass_time(datetime(2027, 1, 5, tzinfo=UTC))
    outside.tell()
    outside.run_tasks()
    mail = outside.mail("Visa ending 4242 expires")
    assert mail.subject == "Visa ending 4242 expires on 31 January"
    assert "The next charge, US$392.00 on 19 January 2027, still works" in words(mail)
    assert follow(people.sign_in(OWNER), mail).request.path == "/payment-methods/new"
    outside.pass_time(datetime(2027, 2, 13, tzinfo=UTC))
    outside.tell()
    missed = outside.mail("Visa ending 4242 has expired")
    assert "would be declined for the next charge, US$392.00 on 19 February 2027" in words(missed)


def test_a_card_that_the_bank_renewed_meanwhile_is_not_mailed_about(
    northwind, outside, clock, app, stripe
):
    customer = stripe.v1.subscriptions.retrieve(northwind).customer
    method = stripe.v1.customers.payment_methods.list(customer).data[0].id
    stripe.v1.payment_methods.update(method, {"card": {"exp_month": 12, "exp_year": 2026}})
    outside.pull("payment_method", method)
    clock.set(datetime(2026, 12, 2, tzinfo=UTC))
    with app.app_context():
        from billing.facts import reminders

        reminders.find()
    stripe.v1.payment_methods.update(method, {"card": {"exp_month": 12, "exp_year": 2031}})
    outside.pull("payment_method", method)
    outside.run_tasks()
    assert outside.subjects() == []


def test_another_plan_and_more_seats_are_told_with_before_and_after(
    northwind, outside, people, app
):
    browser = people.sign_in(OWNER)
    accept(browser, "/plan-change/business")
    outside.tell()
    mail = outside.mail("You are on")
    assert mail.subject == "You are on Business now"
    assert "Before: Team, 8 seats, monthly" in words(mail)
    assert "Now: Business" in words(mail)
    assert "Your next charge is" in words(mail)
    assert follow(browser, mail).request.path == "/subscription"


def test_a_change_that_was_changed_again_is_told_as_it_stands(northwind, outside, stripe):
    for seats in (9, 10, 11):
        item = stripe.v1.subscriptions.retrieve(northwind)["items"].data[0].id
        stripe.v1.subscriptions.update(northwind, {"items": [{"id": item, "quantity": seats}]})
        outside.pull("subscription", northwind)
    outside.tell()
    assert outside.subjects() == ["Team has 11 seats now"]


def test_a_scheduled_change_is_told_when_it_is_set_down_and_when_it_is_made(
    northwind, outside, people
):
    browser = people.sign_in(OWNER)
    accept(browser, "/plan-change/starter")
    outside.tell()
    mail = outside.mail("Your plan changes")
    assert mail.subject == "Your plan changes on 19 December"
    said = words(mail)
    assert "You move to Starter on 19 December." in said
    assert "nothing is charged for the change today" in said
    assert follow(browser, mail).request.path == "/subscription"
    outside.pass_time(RENEWAL)
    outside.tell()
    assert "You are on Starter now" in outside.subjects()


def test_a_scheduled_change_that_was_undone_is_not_mailed(northwind, outside, people):
    browser = people.sign_in(OWNER)
    accept(browser, "/plan-change/starter")
    browser.post("/scheduled-change/undo")
    outside.tell()
    assert outside.subjects() == []


def cancel(browser):
    return browser.post("/cancellation", data={"feedback": "unused", "comment": ""})


def test_a_cancellation_names_the_last_day_and_its_link_ends_where_it_can_be_undone(
    northwind, outside, people, app
):
    browser = people.sign_in(OWNER)
    cancel(browser)
    outside.tell()
    outside.tell()
    mail = outside.mail("Team ends")
    assert mail.subject == "Team ends on 19 December 2026"
    assert "You keep everything until then, and nothing more is charged." in words(mail)
    page = follow(browser, mail)
    assert 'action="/cancellation/undo"' in page.get_data(as_text=True)
    with app.app_context():
        # Looking at the page undid nothing.
        assert db.session.get(Subscription, northwind).is_ending

    browser.post("/cancellation/undo")
    outside.tell()
    undone = outside.mail("Team goes on")
    assert "Your next charge is US$392.00 on 19 December 2026" in words(undone)
    outside.clock.advance(minutes=1)
    cancel(browser)
    outside.tell()
    assert outside.subjects().count(mail.subject) == 2


def test_a_cancellation_undone_before_its_mail_went_out_is_not_mailed(northwind, outside, people):
    browser = people.sign_in(OWNER)
    cancel(browser)
    browser.post("/cancellation/undo")
    outside.tell()
    assert outside.subjects() == ["Team goes on"]


def test_the_end_is_told_with_what_remains(northwind, outside, people):
    browser = people.sign_in(OWNER)
    cancel(browser)
    outside.tell()
    outside.pass_time(RENEWAL)
    outside.tell()
    mail = outside.mail("Team has ended")
    assert "It ended on 19 December 2026, as it was asked." in words(mail)
    browser = people.sign_in(OWNER)
    assert follow(browser, mail, 0).request.path == "/invoices"
    assert follow(browser, mail, 1).request.path == "/plans"


def test_payments_that_staff_pause_and_start_again_are_told(northwind, outside, stripe):
    until = int(datetime(2027, 2, 1, tzinfo=UTC).timestamp())
    stripe.v1.subscriptions.update(
        northwind, {"pause_collection": {"behavior": "void", "resumes_at": until}}
    )
    outside.tell()
    assert "until 1 February 2027, and you are not charged" in words(outside.mail("Team is paused"))
    stripe.v1.subscriptions.update(northwind, {"pause_collection": ""})
    outside.tell()
    assert "Everything is there as you left it." in words(outside.mail("Team runs again"))


def test_a_pause_of_ones_own_is_told_with_the_way_back_and_so_is_its_end(
    northwind, outside, people, clock
):
    people.sign_in(OWNER).post("/pause", data={"months": "1"})
    outside.tell()
    outside.tell()
    mail = outside.mail("Team is paused")
    assert "19 December 2026" in words(mail)
    assert follow(people.sign_in(OWNER), mail).request.path == "/resumption"
    outside.pass_time(RENEWAL + timedelta(days=1))
    outside.tell()
    outside.tell()
    assert "Everything is there as you left it." in words(outside.mail("Team runs again"))


def refund(stripe, subscription_id, amount):
    invoice = stripe.v1.invoices.list(
        {"subscription": subscription_id, "expand": ["data.payments"]}
    ).data[0]
    intent = invoice.payments.data[0].payment.payment_intent
    return stripe.v1.refunds.create({"payment_intent": intent, "amount": amount})


def test_a_refund_names_the_card_the_invoice_and_how_long_it_takes(
    northwind, outside, stripe, people
):
    refund(stripe, northwind, 1000)
    outside.tell()
    outside.tell()
    mail = outside.mail("We refunded")
    assert mail.subject == "We refunded US$10.00"
    said = words(mail)
    assert "It goes back to Visa ending 4242. Banks take 5 to 10 working days" in said
    assert "Of: US$392.00" in said
    assert "/invoices/in_" in follow(people.sign_in(OWNER), mail).request.path


def test_a_credit_note_says_where_its_money_went(northwind, outside, stripe):
    invoice = stripe.v1.invoices.list({"subscription": northwind}).data[0]
    stripe.v1.credit_notes.create({"invoice": invoice.id, "amount": 2000, "credit_amount": 2000})
    outside.tell()
    mail = outside.mail("We took")
    assert f"US$20.00 off invoice {invoice.number}" in mail.subject
    assert "US$20.00 is your credit now, and is taken off your next invoice" in words(mail)


def test_a_refund_by_credit_note_is_told_once(northwind, outside, stripe):
    invoice = stripe.v1.invoices.list({"subscription": northwind}).data[0]
    stripe.v1.credit_notes.create({"invoice": invoice.id, "amount": 2000, "refund_amount": 2000})
    outside.tell()
    (subject,) = outside.subjects()
    assert subject.startswith("We took US$20.00 off")
    assert "US$20.00 goes back to what you paid with" in words(outside.mail("We took"))


def test_a_bank_debit_is_told_on_its_way_and_on_its_return(northwind, outside, app, stripe):
    use_card(app, stripe, northwind, "pm_usBankAccount_accountClosed")
    outside.pass_time(RENEWAL)
    outside.tell()
    mail = outside.mail("Your bank debit")
    assert mail.subject == "Your bank debit of US$392.00 is on its way"
    outside.pass_time(RENEWAL + timedelta(days=8))
    outside.tell()
    returned = outside.mail("Your payment")
    assert "Your bank did not pay the debit from Bank account ending" in words(returned)
    assert "The bank said: the account is closed." in words(returned)


def test_mails_come_once_whatever_order_their_webhooks_have(
    northwind, outside, app, stripe, deliver
):
    use_card(app, stripe, northwind, FAILS)
    outside.pass_time(RENEWAL)
    events = [
        event.to_dict(for_json=True)
        for event in stripe.v1.events.list({"limit": 100}).auto_paging_iter()
    ]
    for event in [*events, *reversed(events), *events]:
        assert deliver(event).status_code == 200
        outside.run_tasks()
    assert outside.subjects() == ["Your payment of US$392.00 did not go through"]


def test_what_is_long_past_is_not_mailed(people, subscribe, outside, app, clock):
    """A portal that is put in front of an old subscription learns of it by a webhook."""
    people.join(OWNER)
    subscribe("Northwind", "team")
    with app.app_context():
        for table in reversed(db.metadata.sorted_tables):
            if table.name in {"invoices", "invoice_lines", "outbox_entries"}:
                db.session.execute(table.delete())
        db.session.commit()
    clock.advance(days=5)
    outside.tell()
    assert outside.subjects() == []


def test_a_backfill_mails_nothing(people, subscribe, outside, app):
    people.join(OWNER)
    subscribe("Northwind", "team")
    with app.app_context():
        for table in reversed(db.metadata.sorted_tables):
            if table.name in {"invoices", "invoice_lines", "outbox_entries"}:
                db.session.execute(table.delete())
        db.session.commit()
    done = app.test_cli_runner().invoke(args=["billing", "sync"])
    assert done.exit_code == 0, done.output
    outside.tell()
    assert outside.subjects() == []


def test_a_customer_that_is_no_account_of_ours_gets_nothing(outside, stripe, catalog, app):
    customer = stripe.v1.customers.create({"email": "stranger@example.com"})
    method = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    price = stripe.v1.prices.list({"lookup_keys": ["demo_team_month"]}).data[0].id
    stripe.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price}],
            "default_payment_method": method.id,
        }
    )
    outside.tell()
    assert outside.box == []
    with app.app_context():
        assert db.session.query(OutboxEntry).count() == 0


def test_a_trials_invoice_of_nothing_has_no_receipt(people, subscribe, outside, clock):
    people.join(OWNER)
    subscribe("Northwind", "team", trial_end=int((clock.now + timedelta(days=14)).timestamp()))
    outside.tell()
    assert outside.subjects() == []


def test_a_mail_that_is_switched_off_is_not_sent_and_the_others_are(
    people, subscribe, outside, app
):
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = dataclasses.replace(settings, mails_off=frozenset({"receipt"}))
    people.join(OWNER)
    subscription_id = subscribe("Northwind", "team")
    outside.tell()
    assert outside.subjects() == []
    refund(outside.stripe, subscription_id, 1000)
    outside.tell()
    assert outside.subjects() == ["We refunded US$10.00"]
    with app.app_context():
        entry = db.session.query(OutboxEntry).filter_by(kind="receipt").one()
        assert (entry.status, entry.reason) == ("skipped", "switched off by MAILS_OFF")


def test_a_mail_of_another_accounts_never_reaches_this_one(people, subscribe, outside):
    people.join(OWNER)
    people.join("eve@evil.example", "Evil")
    subscribe("Northwind", "team")
    outside.tell()
    assert outside.box.to("eve@evil.example") == []
