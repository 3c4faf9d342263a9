"""Links in mails: signed, for one account, for two weeks, to a page of a fixed list."""

from __future__ import annotations

import pytest
from itsdangerous import URLSafeSerializer

from billing import deep_links
from billing.deep_links import Destination
from models import AuditEntry, Invoice, db
from tests.conftest import PASSWORD, SITE
from tests.quote_page import text_of

OWNER = "ada@northwind.example"


@pytest.fixture
def account(people, subscribe):
    account_id = people.join(OWNER)
    subscribe("Northwind", "team")
    return account_id


@pytest.fixture
def link(app, account):
    def make(destination=Destination.SUBSCRIPTION, object_id=None):
        with app.app_context():
            address = deep_links.url(account, destination, object_id)
        assert address.startswith(f"{SITE}/go/")
        return address.removeprefix(SITE)

    return make


def test_every_destination_is_a_page_that_its_account_can_open(app, link, people):
    browser = people.sign_in(OWNER)
    with app.app_context():
        invoice = db.session.query(Invoice.stripe_id).scalar()
    for destination in Destination:
        answer = browser.get(link(destination, invoice if destination.argument else None))
        assert answer.status_code == 302
        assert browser.get(answer.headers["Location"]).status_code in {200, 302, 303}, destination


def test_a_visitor_signs_in_first_and_is_led_on(app, link):
    client = app.test_client()
    path = link()
    answer = client.get(path)
    assert answer.status_code == 302
    login = answer.headers["Location"]
    assert login.startswith("/login?next=")
    answer = client.post(login, data={"email": OWNER, "password": PASSWORD})
    assert answer.headers["Location"].endswith(path)
    assert client.get(path).headers["Location"] == "/subscription"


def test_it_opens_the_account_that_the_mail_was_about(link, people):
    people.join(OWNER, "Older")
    path = link()
    people.join("bo@example.com", "Own")
    people.join("bo@example.com", "Northwind", "billing")
    browser = people.sign_in("bo@example.com")
    page = browser.get(path, follow_redirects=True)
    assert "You are now looking at Northwind" in text_of(page)
    assert "You are on Team" in text_of(browser.get("/"))


def test_somebody_else_is_told_whose_it_is_and_nothing_more(link, people, app):
    people.join("eve@evil.example", "Evil")
    browser = people.sign_in("eve@evil.example")
    with app.app_context():
        invoice = db.session.query(Invoice.stripe_id).scalar()
    for path in (link(), link(Destination.INVOICE, invoice)):
        page = browser.get(path)
        assert page.status_code == 403
        said = text_of(page)
        assert "This link is for Northwind" in said
        assert "You are signed in as eve@evil.example" in said
        for secret in ("Team", "49", OWNER, invoice):
            assert secret not in page.get_data(as_text=True).replace(path, "")
    assert "Evil" in browser.get("/settings").get_data(as_text=True)


def test_it_expires_after_two_weeks_and_says_so_before_asking_to_sign_in(app, link, clock):
    path = link()
    client = app.test_client()
    clock.advance(days=13, hours=23)
    assert client.get(path).status_code == 302
    clock.advance(hours=1)
    page = client.get(path)
    assert page.status_code == 410
    assert "This link has expired" in text_of(page)
    assert 'href="/"' in page.get_data(as_text=True)


@pytest.mark.parametrize("change", ["cut", "other", "empty", "unsigned"])
def test_a_link_that_was_changed_is_refused_with_a_way_on(app, link, change):
    path = link()
    changed = {
        "cut": path[:-3],
        "other": path.replace("/go/W", "/go/X"),
        "empty": "/go/x",
        "unsigned": path.split(".")[0],
    }[change]
    page = app.test_client().get(changed)
    assert page.status_code == 404
    assert "This link does not work" in text_of(page)
    assert "Go to the overview" in text_of(page)


def test_it_names_a_page_and_can_never_name_an_address(app, account, people):
    """Even our own signature over another address leads nowhere."""
    browser = people.sign_in(OWNER)
    signer = URLSafeSerializer(app.secret_key, salt="deep-link")
    for name in ("https://evil.example", "//evil.example", "security.logout", "SUBSCRIPTION.x"):
        answer = browser.get(f"/go/{signer.dumps([account, name, None, 2_000_000_000])}")
        assert answer.status_code == 410
    token = URLSafeSerializer(app.secret_key, salt="invitation").dumps(1)
    assert browser.get(f"/go/{token}").status_code == 404


def test_another_accounts_invoice_is_not_found_even_by_a_signed_link(app, people, link, stripe):
    people.join("eve@evil.example", "Evil")
    browser = people.sign_in(OWNER)
    answer = browser.get(link(Destination.INVOICE, "in_of_somebody_else"), follow_redirects=True)
    assert answer.status_code == 404


def test_following_a_link_changes_nothing(app, link, people):
    browser = people.sign_in(OWNER)
    with app.app_context():
        before = db.session.query(AuditEntry).count()
    browser.get(link(Destination.CANCELLATION), follow_redirects=True)
    browser.head(link(Destination.CANCELLATION))
    with app.app_context():
        assert db.session.query(AuditEntry).count() == before


def test_a_link_to_an_account_that_was_closed_has_expired(app, account, people):
    browser = people.sign_in(OWNER)
    with app.app_context():
        path = deep_links.url(account + 99, Destination.OVERVIEW).removeprefix(SITE)
    assert browser.get(path).status_code == 410
