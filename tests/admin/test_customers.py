"""Accounts as staff find them, and the page of each."""

from __future__ import annotations

import re

import pytest

from billing import sync
from models import Account, Customer, Invoice, InvoiceLine, Subscription, db
from tests.staff import words


@pytest.fixture
def staff(people):
    return people.staff_member("staff@tidewater.example", "support")


@pytest.fixture
def named(app):
    """Accounts of these names, without anything else; their numbers."""

    def make(*names):
        with app.app_context():
            rows = [Account(name=name) for name in names]
            db.session.add_all(rows)
            db.session.commit()
            return [row.id for row in rows]

    return make


def listed(answer):
    """The accounts that a list shows, in its order."""
    assert answer.status_code == 200
    return re.findall(
        r'<th scope="row"><a href="/admin/customers/\d+">(.*?)</a>', answer.get_data(as_text=True)
    )


def found(staff, q, **more):
    return listed(staff.get("/admin/customers", query_string={"q": q, **more}))


def leads_to(staff, q):
    answer = staff.get("/admin/customers", query_string={"q": q})
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return answer.headers["Location"]


def test_without_accounts_the_list_says_what_will_stand_there(staff):
    assert "No accounts yet" in staff.get("/admin/customers").get_data(as_text=True)


def test_a_name_is_found_by_the_beginning_of_any_of_its_words(staff, named):
    named("North Wind Trading", "Northwind Oy", "Southwind")
    assert found(staff, "north") == ["North Wind Trading", "Northwind Oy"]
    assert found(staff, "trad NORTH") == ["North Wind Trading"]
    assert found(staff, "wind") == ["North Wind Trading"]
    assert found(staff, "wind oy") == []


def test_names_in_any_script_and_with_any_sign_are_found(staff, named):
    named("Müller & Söhne", "Αθήνα Καφέ", "株式会社東京", "100% Juice_Bar", "<b>Bold</b>")
    assert found(staff, "muller") == ["Müller &amp; Söhne"]
    assert found(staff, "ΑΘΗΝΑ") == ["Αθήνα Καφέ"]
    assert found(staff, "東京") == ["株式会社東京"]
    assert found(staff, "juice") == ["100% Juice_Bar"]
    assert found(staff, "bold") == ["&lt;b&gt;Bold&lt;/b&gt;"]


def test_signs_that_databases_read_as_anything_find_nothing_of_their_own(staff, named):
    named("100% Juice", "Other")
    assert found(staff, "%") == ["Other", "100% Juice"]  # No word in it: as no search at all.
    assert found(staff, "ot%r") == []
    assert found(staff, "o_her") == []


def test_what_no_name_can_hold_is_looked_for_without_harm(staff, named):
    named("Northwind")
    for q in ("\ud7ff", "\U0010ffff", "' OR 1=1 --", "x" * 200, "a " * 99, "@", "#", "#0"):
        answer = staff.get("/admin/customers", query_string={"q": q, "price": q})
        assert answer.status_code == 200, q
    assert staff.get("/admin/customers", query_string={"q": "x" * 201}).status_code == 422
    assert staff.get("/admin/customers?page=%3Ei:1~zzz").status_code == 404


def test_one_letter_finds_a_page_at_a_time(staff, named):
    named(*(f"Acme {n:03}" for n in range(60)), "Zeta")
    seen, address = [], "/admin/customers?q=a"
    while address:
        answer = staff.get(address)
        seen.append(listed(answer))
        older = re.search(r'rel="next" href="([^"]*)"', answer.get_data(as_text=True))
        address = older and older[1].replace("&amp;", "&")
    assert [len(page) for page in seen] == [25, 25, 10]
    assert len({name for page in seen for name in page}) == 60


def test_two_accounts_of_one_name_are_told_apart_by_their_numbers(staff, named):
    first, second = named("Twin", "Twin")
    page = staff.get("/admin/customers?q=twin").get_data(as_text=True)
    assert f"#{first}" in page
    assert f"#{second}" in page
    assert leads_to(staff, f"#{second}") == f"/admin/customers/{second}"


def test_a_mail_of_a_member_or_of_the_customer_finds_the_account(subscribe, staff, people, named):
    named("Else")
    people.join("ada@sea.example", "Northwind")
    subscribe()
    assert found(staff, "ada@sea.example") == ["Northwind"]
    assert found(staff, "ADA@sea") == ["Northwind"]
    assert found(staff, "billing@northwind.example") == ["Northwind"]
    assert found(staff, "sea.example") == ["Northwind"]


def test_any_id_of_stripes_and_an_invoice_number_lead_straight_to_the_account(
    app, subscribe, staff, people
):
    number = people.join("ada@sea.example", "Northwind")
    subscribe()
    with app.app_context():
        subscription = db.session.query(Subscription).one()
        invoice = db.session.query(Invoice).one()
        customer = db.session.query(Customer).one()
        names = [
            customer.stripe_id,
            subscription.stripe_id,
            subscription.items[0].stripe_id,
            invoice.stripe_id,
            invoice.number,
            invoice.number.lower(),
            db.session.query(InvoiceLine).first().stripe_id,
            customer.default_payment_method_id,
            invoice.data["payments"]["data"][0]["payment"]["payment_intent"],
        ]
        price, plan = subscription.price.stripe_id, subscription.plan.stripe_id
    for name in names:
        assert leads_to(staff, f"  {name} ") == f"/admin/customers/{number}", name
    for name, argument in ((price, "price"), (plan, "plan")):
        address = leads_to(staff, name)
        assert address == f"/admin/customers?{argument}={name}"
        assert listed(staff.get(address)) == ["Northwind"]


def test_an_id_that_only_a_webhook_told_of_leads_to_its_account(
    subscribe, people, stripe, deliver_webhooks
):
    number = people.join("ada@sea.example", "Northwind")
    subscribe()
    deliver_webhooks()
    staff = people.staff_member("staff@tidewater.example", "support")
    charge = stripe.v1.charges.list().data[0].id
    events = stripe.v1.events.list({"type": "charge.succeeded"}).data
    for name in (charge, events[0].id):
        assert leads_to(staff, name) == f"/admin/customers/{number}", name


def test_an_id_that_is_not_known_here_is_said_to_be_so(staff, named):
    named("Northwind")
    for name in ("cus_unknown1", "in_unknown1", "evt_unknown1", "si_unknown1", "re_unknown1"):
        answer = staff.get("/admin/customers", query_string={"q": name})
        assert "Nothing here has that id" in answer.get_data(as_text=True), name


def test_the_last_four_digits_of_a_card_find_who_pays_with_it(subscribe, staff, people, named):
    named("Else")
    people.join("ada@sea.example", "Northwind")
    subscribe()
    assert found(staff, "4242") == ["Northwind"]
    assert found(staff, "4242 north") == ["Northwind"]
    assert found(staff, "4241") == []


def test_the_list_is_filtered_by_status_and_plan(app, subscribe, staff, people):
    for name in ("Paying", "Starting", "Trying", "Never"):
        people.join(f"{name.lower()}@x.example", name)
    subscribe("Paying", "team")
    subscribe("Starting", "starter")
    subscribe("Trying", "team", trial_period_days=14)
    with app.app_context():
        team = db.session.query(Subscription).filter_by(status="trialing").one().plan.stripe_id
    assert found(staff, "", status="trialing") == ["Trying"]
    assert found(staff, "", status="none") == ["Never"]
    assert found(staff, "", plan=team) == ["Trying", "Paying"]
    assert found(staff, "", plan=team, status="active") == ["Paying"]
    assert found(staff, "start", plan=team) == []
    trying = words(staff.get("/admin/customers?status=trialing"))
    assert "$49.00 a month" in re.sub(r"\s+", " ", trying)


def test_a_refused_payment_is_filtered_for_and_shown_until_it_is_made_good(
    app, stripe, renewal, people
):
    people.join("else@x.example", "Else")
    invoice = renewal()
    staff = people.staff_member("staff@tidewater.example", "finance")
    assert found(staff, "", failed="y") == ["Northwind"]
    assert found(staff, "", status="past_due") == ["Northwind"]
    assert found(staff, "north", failed="y") == ["Northwind"]
    assert found(staff, "else", failed="y") == []
    page = staff.get("/admin/customers?failed=y").get_data(as_text=True)
    assert "$392.00" in page
    assert "refused" in page
    with app.app_context():
        customer = db.session.query(Customer).one().stripe_id
        good = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
        stripe.v1.invoices.pay(invoice, {"payment_method": good.id})
        sync.pull("invoice", invoice)
        sync.pull("subscription", db.session.query(Subscription).one().stripe_id)
    assert found(staff, "", failed="y") == []


def test_a_filter_that_does_not_exist_is_said_at_its_field(staff):
    answer = staff.get("/admin/customers?status=sleeping")
    assert answer.status_code == 422
    assert "Not a valid choice" in answer.get_data(as_text=True)


def test_a_customer_of_stripes_without_an_account_is_found_and_said_to_be_so(app, staff, stripe):
    customer = stripe.v1.customers.create({"name": "Jane Roe", "email": "jane@roe.example"})
    with app.app_context():
        sync.pull("customer", customer.id)
    page = staff.get("/admin/customers?q=roe").get_data(as_text=True)
    assert "At Stripe only" in page
    assert customer.id in page
    facts = staff.get(leads_to(staff, customer.id)).get_data(as_text=True)
    assert "No account here is linked to this customer" in facts
    assert "jane@roe.example" in facts


def test_several_subscriptions_of_one_account_each_count_in_the_filters(
    app, subscribe, staff, people
):
    people.join("ada@sea.example", "Northwind")
    subscribe("Northwind", "team")
    subscribe("Northwind", "starter", trial_period_days=10)
    assert found(staff, "", status="active") == ["Northwind"]
    assert found(staff, "", status="trialing") == ["Northwind"]
    with app.app_context():
        team = db.session.query(Subscription).filter_by(status="active").one().plan.stripe_id
    assert found(staff, "", status="trialing", plan=team) == []
    assert "1 more" in staff.get("/admin/customers").get_data(as_text=True)


def page_of(staff, number, path=""):
    answer = staff.get(f"/admin/customers/{number}{path}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return words(answer)


def test_the_page_says_who_they_are_where_they_stand_and_why_they_have_access(
    subscribe, staff, people
):
    number = people.join("ada@sea.example", "Northwind")
    people.join("vera@sea.example", "Northwind", "viewer")
    subscribe("Northwind", "team", quantity=8)
    page = page_of(staff, number)
    assert "You are on Team. Next charge is $392.00 on 19 December" in page
    assert "Why does this account have access?" in page
    assert "Full access Team is active" in page
    assert "A subscription that is paid for" in page
    assert "How it came to this" in page
    assert "MRR $392.00" in page
    assert "Team · 8 seats $49.00 a seat a month" in page
    assert "Visa ending 4242" in page
    assert "ada@sea.example Owner" in page
    assert "vera@sea.example Viewer" in page
    assert "renews 19 Dec 2026" in page


def test_a_failed_payment_and_what_it_leads_to_are_told(renewal, people):
    renewal()
    staff = people.staff_member("staff@tidewater.example", "finance")
    page = page_of(staff, 1)
    assert "Your payment of $392.00 did not go through" in page
    assert "A failed payment, in its grace period" in page
    assert re.search(r"Decided by Invoice \w+-0002 ", page)
    assert "After that Read-only" in page


def test_an_account_without_a_customer_says_so_and_every_part_is_empty(staff, named):
    (number,) = named("Never Bought")
    page = page_of(staff, number)
    assert "no customer at Stripe yet" in page
    assert "Why does this account have no access?" in page
    assert "Nobody: the last member left." in page
    assert page_of(staff, number, "/invoices").count("No invoices") == 1


def test_a_customer_deleted_at_stripe_is_told_of(app, stripe, subscribe, staff, people):
    number = people.join("ada@sea.example", "Northwind")
    subscribe()
    with app.app_context():
        customer = db.session.query(Customer).one().stripe_id
        stripe.v1.customers.delete(customer)
        sync.pull("customer", customer)
    page = page_of(staff, number)
    assert f"The customer {customer} was deleted at Stripe" in page
    assert "Deleted at Stripe" in words(staff.get("/admin/customers"))


def test_a_customer_that_was_not_read_yet_is_told_of(app, staff, named):
    (number,) = named("Early")
    with app.app_context():
        db.session.get(Account, number).stripe_customer_id = "cus_notread"
        db.session.commit()
    assert "has not been read from Stripe yet" in page_of(staff, number)


def test_very_long_and_hostile_names_stay_text(staff, named):
    (number,) = named("<script>alert(1)</script>" + "W" * 150)
    answer = staff.get(f"/admin/customers/{number}")
    assert b"<script>alert(1)" not in answer.data
    assert b"<script>alert(1)" not in staff.get("/admin/customers").data


def test_twelve_subscriptions_are_all_shown_the_live_ones_first(
    app, stripe, subscribe, staff, people
):
    number = people.join("ada@sea.example", "Northwind")
    made = [subscribe("Northwind", "starter") for _ in range(12)]
    with app.app_context():
        for each in made[6:]:
            stripe.v1.subscriptions.cancel(each)
            sync.pull("subscription", each)
    page = page_of(staff, number)
    listed = page[page.index("Ends or renews") :]
    assert max(listed.index(each) for each in made[:6]) < min(listed.index(x) for x in made[6:])
    assert "5 more" in words(staff.get("/admin/customers"))


def test_invoices_are_paged(app, stripe, subscribe, staff, people):
    number = people.join("ada@sea.example", "Northwind")
    subscription = subscribe()
    with app.app_context():
        invoice = db.session.query(Invoice).one()
        values = {column.key: getattr(invoice, column.key) for column in Invoice.__table__.columns}
        for n in range(30):
            own = {"stripe_id": f"in_copy{n:02}", "number": f"COPY-{n:04}"}
            db.session.add(Invoice(**{**values, **own}))
        db.session.commit()
    assert subscription
    assert "All invoices" in page_of(staff, number)
    first = staff.get(f"/admin/customers/{number}/invoices")
    assert first.get_data(as_text=True).count("/admin/invoices/in_") == 25
    older = re.search(r'rel="next" href="([^"]*)"', first.get_data(as_text=True))[1]
    second = staff.get(older.replace("&amp;", "&"))
    assert second.get_data(as_text=True).count("/admin/invoices/in_") == 6


def test_only_admin_and_support_find_what_can_be_done(subscribe, people):
    number = people.join("ada@sea.example", "Northwind")
    subscribe()
    for role, may in (("admin", True), ("support", True), ("finance", False)):
        staff = people.staff_member(f"{role}@tidewater.example", role)
        page = page_of(staff, number)
        for offered in ("What you can do", "View as customer", "Grant access"):
            assert (offered in page) is may, (role, offered)


def test_an_account_that_does_not_exist_is_not_found(staff):
    for number in (4711, 2**31, 2**70):
        assert staff.get(f"/admin/customers/{number}").status_code == 404
        assert staff.get(f"/admin/customers/{number}/timeline").status_code == 404
        assert staff.get(f"/admin/customers/{number}/invoices").status_code == 404


@pytest.mark.parametrize("number", [2**31, 10**20])
def test_a_number_no_row_can_have_is_nowhere(people, number):
    admin = people.staff_member("admin@tidewater.example", "admin")
    assert admin.get(f"/admin/customers/{number}").status_code == 404
    assert admin.get(f"/admin/customers/{number}/trial-extension").status_code == 404
    assert admin.post(f"/admin/customers/{number}/trial-extension").status_code in {404, 405}
