"""What is to be told, and what was: looked into, and sent again only where somebody says so."""

from __future__ import annotations

import pytest

from models import AuditEntry, OutboxEntry, db
from tests.billing_mails import BILLING, OWNER
from tests.test_outbox import Smtp


@pytest.fixture
def smtp(outside, app, monkeypatch):
    server = Smtp(outside.box)
    mailman = app.extensions["mailman"]
    monkeypatch.setattr(mailman, "get_connection", lambda **_: server, raising=False)
    return server


@pytest.fixture
def paid(app, people, subscribe, outside):
    """Northwind's receipt waits in the outbox; its number."""
    people.join(OWNER)
    subscribe("Northwind", "team")
    outside.deliver_webhooks()
    with app.app_context():
        return db.session.query(OutboxEntry.id).scalar()


@pytest.fixture
def admin(people, paid):
    return people.staff_member("mira@tidewater.example", "admin")


@pytest.fixture
def given_up(app, paid, smtp, outside):
    """The receipt, as it stands when one of its two addresses never could be reached."""
    smtp.refused[BILLING] = (451, b"try later")
    outside.run_tasks()
    smtp.refused.clear()
    with app.app_context():
        db.session.query(OutboxEntry).update({"status": "failed", "attempts": 12})
        db.session.commit()
    assert len(outside.box) == 1
    return paid


def page(admin, address: str) -> str:
    answer = admin.get(address)
    assert answer.status_code == 200, address
    return answer.get_data(as_text=True)


def test_an_empty_outbox_says_what_will_appear(people):
    admin = people.staff_member("mira@tidewater.example", "admin")
    assert "Nothing to tell yet" in page(admin, "/admin/outbox")


SEARCHES = {
    "kind=receipt": True,
    "kind=refund": False,
    "status=pending": True,
    "status=sent": False,
    "account=1": True,
    "account=99999999999999999999": False,
    "account=cus_nobody": False,
    "account={customer}": True,
}


def test_each_filter_finds_what_it_says(app, admin, paid):
    with app.app_context():
        customer = db.session.get(OutboxEntry, paid).account.stripe_customer_id
    for search, is_found in SEARCHES.items():
        listed = page(admin, f"/admin/outbox?{search.format(customer=customer)}")
        assert (f'href="/admin/outbox/{paid}"' in listed) is is_found, search


def test_one_entry_shows_the_mail_as_it_would_go_out_and_to_whom(admin, paid, outside):
    shown = page(admin, f"/admin/outbox/{paid}")
    for said in ("Your receipt for US$49.00", OWNER, BILLING, "would get it", "Northwind</a>"):
        assert said in shown
    mail = admin.get(f"/admin/outbox/{paid}/mail")
    assert "Thank you. We received US$49.00." in mail.get_data(as_text=True)
    assert "script-src" not in mail.headers["Content-Security-Policy"]
    assert "default-src 'none'" in mail.headers["Content-Security-Policy"]
    assert outside.box == []  # looking sends nothing


def test_an_entry_whose_reason_is_gone_says_so_instead_of_a_mail(app, admin, paid):
    with app.app_context():
        entry = db.session.get(OutboxEntry, paid)
        entry.payload = {"invoice_id": "in_gone"}
        db.session.commit()
    assert "the invoice is gone" in page(admin, f"/admin/outbox/{paid}")
    assert admin.get(f"/admin/outbox/{paid}/mail").status_code == 404


def test_what_failed_is_sent_again_to_those_only_who_do_not_have_it(app, admin, given_up, outside):
    assert "Given up" in page(admin, f"/admin/outbox/{given_up}")
    for _ in range(2):
        admin.post(f"/admin/outbox/{given_up}/retry")
    outside.run_tasks()
    assert [mail.to for mail in outside.box] == [[OWNER], [BILLING]]
    with app.app_context():
        done = db.session.query(AuditEntry).filter_by(action="outbox.retried").all()
        assert [entry.before for entry in done] == [{"attempts": 12}]


def test_all_that_failed_is_sent_again(admin, given_up, outside):
    answer = admin.post("/admin/outbox/retry", follow_redirects=True).get_data(as_text=True)
    assert "1 failed entry is due again" in answer
    outside.run_tasks()
    admin.post("/admin/outbox/retry")
    outside.run_tasks()
    assert len(outside.box) == 2


def test_what_was_sent_is_never_sent_by_a_retry(admin, paid, smtp, outside):
    outside.run_tasks()
    admin.post(f"/admin/outbox/{paid}/retry")
    admin.post("/admin/outbox/retry")
    outside.run_tasks()
    assert len(outside.box) == 2


def test_what_was_sent_goes_out_once_more_only_when_confirmed_and_once(
    app, admin, paid, smtp, outside
):
    outside.run_tasks()
    confirm = page(admin, f"/admin/outbox/{paid}/repetition")
    assert OWNER in confirm
    assert BILLING in confirm
    outside.run_tasks()
    assert len(outside.box) == 2
    for _ in range(2):  # a double press
        admin.post(f"/admin/outbox/{paid}/repetition", data={"repeats": "0"})
    outside.run_tasks()
    admin.post(f"/admin/outbox/{paid}/repetition", data={"repeats": "0"})  # a second tab
    outside.run_tasks()
    assert len(outside.box) == 4
    # Mail programs take one with the same name for the same mail.
    assert len({mail.extra_headers["Message-ID"] for mail in outside.box}) == 4
    with app.app_context():
        (done,) = db.session.query(AuditEntry).filter_by(action="outbox.repeated").all()
        assert sorted(done.before["sent_to"]) == [OWNER, BILLING]


def test_a_repetition_that_nobody_was_asked_about_sends_nothing(admin, paid, smtp, outside):
    outside.run_tasks()
    for repeats in ("", "x", "-1"):
        admin.post(f"/admin/outbox/{paid}/repetition", data={"repeats": repeats})
    outside.run_tasks()
    assert len(outside.box) == 2
