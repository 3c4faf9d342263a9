"""Staff look at the portal as a customer: read-only, seen by everybody, over by itself."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from billing import customer_view
from billing.views.admin.customer_view import ALWAYS, QUOTING, SHOWN
from models import Account, AuditEntry, CustomerView, Price, db
from tests.conftest import PASSWORD
from tests.test_account_isolation import NOT_OF_AN_ACCOUNT, OF_AN_ACCOUNT, path
from tests.test_staff_roles import is_staffs, some_path

# fmt: off
# fmt: on

PAGES = ("/", "/subscription", "/invoices", "/members", "/billing-details", "/upcoming-charges")


@pytest.fixture
def northwind(people, subscribe):
    number = people.join("ada@northwind.example", "Northwind")
    subscribe()
    return number


@pytest.fixture
def support(northwind, people):
    return people.staff_member("sue@tidewater.example", "support")


def begin(client, number):
    answer = client.post(f"/admin/customers/{number}/view")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer


def everything(app):
    """Every row of every table, to tell whether anything was written."""
    with app.app_context():
        return {
            table.name: sorted(map(repr, db.session.execute(sa.select(table)).all()))
            for table in db.metadata.sorted_tables
        }


def without_chrome(page):
    """A page's main part, without tokens that differ at each rendering."""
    main = re.search(r"<main.*</main>", page.get_data(as_text=True), re.S)[0]
    return re.sub(r'name="[a-z_-]*(csrf_token|attempt)"[^>]*>', "", main)


def test_it_begins_after_a_page_that_says_what_it_means(support, northwind):
    page = support.get(f"/admin/customers/{northwind}/view").get_data(as_text=True)
    assert "ends by itself after 15 minutes" in page
    assert begin(support, northwind).headers["Location"] == "/"


def test_pages_are_those_that_the_owner_sees(support, northwind, people):
    owner = people.sign_in("ada@northwind.example")
    begin(support, northwind)
    for address in PAGES:
        assert without_chrome(support.get(address)) == without_chrome(owner.get(address)), address


def test_every_page_says_whose_it_is_how_long_still_and_how_to_end_it(support, northwind, clock):
    begin(support, northwind)
    for address in (*PAGES, f"/admin/customers/{northwind}", "/nowhere", "/settings"):
        page = support.get(address).get_data(as_text=True)
        assert "You are viewing Northwind" in page, address
        assert "15 minutes left" in page
        assert 'action="/admin/customer-view/end"' in page
    clock.advance(minutes=14, seconds=1)
    assert "1 minute left" in support.get("/").get_data(as_text=True)


def test_it_ends_by_the_button_and_cannot_be_taken_up_again(support, northwind):
    begin(support, northwind)
    with support.session_transaction(base_url="http://127.0.0.1:8000") as session:
        held = session["customer_view"]
    answer = support.post("/admin/customer-view/end")
    assert answer.headers["Location"] == f"/admin/customers/{northwind}"
    with support.session_transaction(base_url="http://127.0.0.1:8000") as session:
        assert "customer_view" not in session
        session["customer_view"] = held
    assert "You are viewing" not in support.get("/admin/customers").get_data(as_text=True)


def test_it_ends_by_itself_and_what_was_asked_for_last_is_not_done(app, support, northwind, clock):
    begin(support, northwind)
    clock.advance(minutes=15)
    before = everything(app)["accounts"]
    answer = support.post("/accounts/name", data={"name": "Mine"}, follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert "has ended. What you asked for last was not done" in page
    assert "You are viewing" not in page
    assert everything(app)["accounts"] == before
    assert support.get("/members").status_code == 403


def test_start_and_end_are_in_the_audit_log_and_on_the_accounts_page(
    app, support, northwind, clock
):
    begin(support, northwind)
    clock.advance(minutes=3)
    support.post("/admin/customer-view/end")
    with app.app_context():
        started, ended = (
            db.session.query(AuditEntry).filter_by(action=f"customer_view.{what}").one()
            for what in ("started", "ended")
        )
        assert started.user.email == ended.user.email == "sue@tidewater.example"
        assert started.account_id == ended.account_id == northwind
        assert started.ip
        assert (ended.at - started.at).total_seconds() == 180
    page = support.get(f"/admin/customers/{northwind}").get_data(as_text=True)
    assert "Customer view started" in page
    assert "by Support, staff" in page


def test_the_end_of_a_view_nobody_came_back_to_is_noted_in_the_background(
    app, support, northwind, clock
):
    begin(support, northwind)
    clock.advance(hours=2)
    with app.app_context():
        assert customer_view.end_those_over() == 1
        assert customer_view.end_those_over() == 0
        view = db.session.query(CustomerView).one()
        assert view.ended_at == view.ends_at
        assert db.session.query(AuditEntry).filter_by(action="customer_view.ended").count() == 1


def test_signing_out_ends_it(app, support, northwind, people):
    begin(support, northwind)
    assert support.post("/logout").status_code == 302
    with app.app_context():
        assert db.session.query(CustomerView).one().ended_at is not None
    support.post("/login", data={"email": "sue@tidewater.example", "password": PASSWORD})
    assert "You are viewing" not in support.get("/admin").get_data(as_text=True)


def test_a_role_that_is_taken_away_ends_it_at_once(app, support, northwind):
    begin(support, northwind)
    with app.app_context():
        datastore = app.extensions["security"].datastore
        user = datastore.find_user(email="sue@tidewater.example")
        datastore.remove_role_from_user(user, "support")
        datastore.add_role_to_user(user, datastore.find_or_create_role("finance"))
        db.session.commit()
    assert support.get("/members").status_code == 303
    assert support.get("/members").status_code == 403


def test_finance_and_members_cannot_begin_one(northwind, people):
    finance = people.staff_member("fay@tidewater.example", "finance")
    for who in (finance, people.sign_in("ada@northwind.example")):
        assert who.get(f"/admin/customers/{northwind}/view").status_code == 403
        assert who.post(f"/admin/customers/{northwind}/view").status_code == 403


def test_anothers_view_is_nobodys(app, support, northwind, people):
    begin(support, northwind)
    other = people.staff_member("sid@tidewater.example", "support")
    with app.app_context():
        held = db.session.query(CustomerView.id).scalar()
    with other.session_transaction(base_url="http://127.0.0.1:8000") as session:
        session["customer_view"] = held
    assert other.get("/members").status_code == 403


def test_a_second_view_ends_the_first(app, support, northwind, people):
    other = people.join("eve@evil.example", "Evil")
    begin(support, northwind)
    # The first must be ended before another begins: nothing is changed while looking.
    assert support.post(f"/admin/customers/{other}/view").status_code == 403
    support.post("/admin/customer-view/end")
    begin(support, other)
    assert "You are viewing Evil" in support.get("/").get_data(as_text=True)


def test_staff_who_are_members_keep_their_own_account_afterwards(support, northwind, people):
    people.join("sue@tidewater.example", "Sue's Own")
    assert "Sue&#39;s Own" in support.get("/members").get_data(as_text=True)
    begin(support, northwind)
    page = support.get("/members").get_data(as_text=True)
    assert "Sue&#39;s Own" not in page
    support.post("/admin/customer-view/end")
    assert "Sue&#39;s Own" in support.get("/members").get_data(as_text=True)


def test_a_form_left_open_while_looking_is_refused_afterwards(support, northwind, people):
    people.join("sue@tidewater.example", "Sue's Own")
    begin(support, northwind)
    page = support.get("/accounts/name").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    support.post("/admin/customer-view/end")
    answer = support.post("/accounts/name", data={"name": "X", "csrf_token": token}, csrf=False)
    assert answer.status_code == 400


def test_an_account_without_members_has_no_owner_to_look_as(app, support):
    with app.app_context():
        account = Account(name="Empty")
        db.session.add(account)
        db.session.commit()
        number = account.id
    answer = support.post(f"/admin/customers/{number}/view")
    assert answer.status_code == 409
    assert "Nobody belongs to this account" in answer.get_data(as_text=True)


@pytest.fixture
def looking(app, ours, theirs, people):
    """An admin, who is a member of an account too, looking at ours; theirs is another's."""
    people.join("ann@tidewater.example", "Ann's Own")
    with app.app_context():
        datastore = app.extensions["security"].datastore
        user = datastore.find_user(email="ann@tidewater.example")
        datastore.add_role_to_user(user, datastore.find_or_create_role("admin"))
        db.session.commit()
    client = people.sign_in("ann@tidewater.example")
    with app.app_context():
        user = datastore.find_user(email="ann@tidewater.example")
        user.tf_primary_method, user.tf_totp_secret = "authenticator", "enrolled"
        db.session.commit()
    begin(client, ours.account)
    return client


def arguments_of(app, rule, of):
    """What stands in a rule's address: a real thing of the account, or something on sale."""
    if rule.endpoint in OF_AN_ACCOUNT:
        return OF_AN_ACCOUNT[rule.endpoint](of)
    with app.app_context():
        price = db.session.query(Price).filter_by(lookup_key="demo_credits").one().stripe_id
    known = {"slug": "team", "price_id": price, "filename": "css/base.css", "token": "x"}
    return {name: known.get(name, "x") for name in rule.arguments}


def test_while_looking_no_route_does_anything_and_none_asks_stripe(
    app,
    looking,
    ours,
    stripe_calls,
):
    before, calls, opened = everything(app), len(stripe_calls), set()
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint):
        if rule.endpoint in ALWAYS or rule.endpoint.startswith("dev_mail"):
            continue
        if is_staffs(rule):
            url = some_path(app, rule)
        else:
            assert not rule.arguments or rule.endpoint in {*OF_AN_ACCOUNT, *NOT_OF_AN_ACCOUNT}
            url = path(app, rule, arguments_of(app, rule, ours))
        for method in sorted(rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
            if method == "GET" and is_staffs(rule):
                continue
            answer = looking.open(url, method=method, data={"role": "viewer", "name": "Taken"})
            said = answer.get_data(as_text=True)
            what = (method, rule.rule, answer.status_code)
            if method != "GET" or rule.endpoint not in SHOWN:
                assert answer.status_code == 403, what
                assert "You are only looking" in said, what
            else:
                assert answer.status_code in {200, 302, 409}, what
                opened.add(rule.endpoint)
    for endpoint, argument in QUOTING.items():
        with app.test_request_context():
            url = app.url_for(endpoint, **{argument: "3"})
        assert looking.get(url.replace("http://127.0.0.1:8000", "")).status_code == 403
    assert opened == SHOWN
    assert everything(app) == before
    assert len(stripe_calls) == calls


def test_while_looking_nothing_of_another_account_opens(app, looking, theirs):
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OF_AN_ACCOUNT and "GET" in rule.methods:
            url = path(app, rule, OF_AN_ACCOUNT[rule.endpoint](theirs))
            status = looking.get(url).status_code
            assert status == (404 if rule.endpoint in SHOWN else 403), (rule.rule, status)
    assert "Evil" not in looking.get("/").get_data(as_text=True)
    assert looking.post("/accounts/switch", data={"account_id": theirs.account}).status_code == 403


def test_routes_listed_as_shown_exist(app):
    known = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert known >= SHOWN | ALWAYS | QUOTING.keys()
