"""Effects are done once each: through crashes, a mail server that is away, and entries gone bad."""

from __future__ import annotations

import smtplib
import threading
from datetime import timedelta

import pytest

from billing import mails, outbox
from billing.clock import now
from models import OutboxEntry, db
from tests.billing_mails import BILLING, OWNER
from tests.mailbox import Mailbox


class Smtp:
    """A mail server in the place of Flask-Mailman's connection, which can be told to refuse."""

    def __init__(self, box: Mailbox):
        self.box = box
        self.error: Exception | None = None
        self.refused: dict[str, tuple[int, bytes]] = {}

    def send_messages(self, messages):
        for message in messages:
            if self.error is not None:
                raise self.error
            (address,) = message.to
            if address in self.refused:
                raise smtplib.SMTPRecipientsRefused({address: self.refused[address]})
            self.box.append(message)
        return len(messages)


@pytest.fixture
def smtp(outside, app, monkeypatch):
    server = Smtp(outside.box)
    mailman = app.extensions["mailman"]
    monkeypatch.setattr(mailman, "get_connection", lambda **_: server, raising=False)
    return server


@pytest.fixture
def paid(people, subscribe, outside):
    """Northwind has paid, which the outbox knows and nobody was told yet."""
    people.join(OWNER)
    subscribe("Northwind", "team")
    outside.deliver_webhooks()


def entry(app):
    with app.app_context():
        found = db.session.query(OutboxEntry).one()
        db.session.expunge(found)
        return found


def test_a_mail_server_that_is_down_delays_the_mail_and_loses_nothing(paid, smtp, outside, app):
    smtp.error = ConnectionRefusedError("nobody listens")
    said = outside.run_tasks()
    assert "1 to be tried again" in said
    held = entry(app)
    assert (held.status, held.attempts) == ("pending", 1)
    assert "nobody listens" in held.last_error
    smtp.error = None
    outside.run_tasks()
    assert outside.box == []  # not yet: it waits a minute
    outside.clock.advance(minutes=1)
    outside.run_tasks()
    assert sorted(mail.to[0] for mail in outside.box) == [OWNER, BILLING]
    assert entry(app).status == "sent"
    outside.run_tasks()
    assert len(outside.box) == 2


def test_it_waits_longer_each_time_and_is_given_up_visibly_after_days(paid, smtp, outside, app):
    smtp.error = smtplib.SMTPServerDisconnected("gone")
    began, waits = outside.clock.now, []
    for _ in range(outbox.ATTEMPTS):
        outside.run_tasks()
        held = entry(app)
        if held.status == "pending":
            waits.append(held.next_attempt_at - outside.clock.now)
            outside.clock.set(held.next_attempt_at)
    assert waits[:4] == [timedelta(minutes=m) for m in (1, 2, 4, 8)]
    assert max(waits) == timedelta(hours=12)
    assert timedelta(days=1) < outside.clock.now - began < timedelta(days=3)
    assert entry(app).status == "failed"
    smtp.error = None
    shown = app.test_cli_runner().invoke(args=["billing", "outbox"]).output
    assert "failed: 1" in shown
    assert "gone" in shown
    app.test_cli_runner().invoke(args=["billing", "outbox", "--retry"])
    outside.run_tasks()
    assert len(outside.box) == 2


def test_a_server_that_is_away_is_not_asked_for_every_mail(people, subscribe, smtp, outside, app):
    for number in range(3):
        people.join(f"o{number}@example.com", f"Account {number}")
        subscribe(f"Account {number}")
    outside.deliver_webhooks()
    smtp.error = TimeoutError("no answer")
    assert "0 sent, 0 not needed, 1 to be tried again" in outside.run_tasks()


def test_one_bad_entry_does_not_keep_the_others_waiting(paid, smtp, outside, app):
    with app.app_context():
        outbox.put("receipt", "receipt:nonsense", account_id=1, invoice=7)
        outbox.put("no_such_kind", "no_such_kind:1", account_id=1)
        db.session.query(OutboxEntry).filter(OutboxEntry.key.like("%no%")).update(
            {"next_attempt_at": now() - timedelta(days=1)}, synchronize_session=False
        )
        db.session.commit()
    outside.run_tasks()
    assert outside.subjects() == ["Your receipt for US$49.00"]
    with app.app_context():
        bad = db.session.query(OutboxEntry).filter(OutboxEntry.status == "pending").all()
        assert {each.key for each in bad} == {"receipt:nonsense", "no_such_kind:1"}
        assert all(each.last_error for each in bad)


def test_one_address_that_takes_no_mail_does_not_keep_it_from_the_others(paid, smtp, outside, app):
    smtp.refused[BILLING] = (550, b"no such user")
    outside.run_tasks()
    assert [mail.to for mail in outside.box] == [[OWNER]]
    assert entry(app).status == "sent"


def test_an_address_that_is_refused_for_now_is_tried_again_and_the_others_are_not(
    paid, smtp, outside, app
):
    smtp.refused[BILLING] = (451, b"try later")
    outside.run_tasks()
    assert entry(app).status == "pending"
    smtp.refused.clear()
    outside.clock.advance(minutes=2)
    outside.run_tasks()
    assert [mail.to for mail in outside.box] == [[OWNER], [BILLING]]


def test_a_crash_after_sending_sends_the_same_mail_rather_than_none(
    paid, smtp, outside, app, monkeypatch
):
    with monkeypatch.context() as patch:

        def die(*args, **kwargs):
            raise KeyboardInterrupt

        patch.setattr(outbox, "_settle", die)
        with app.app_context(), pytest.raises(KeyboardInterrupt):
            outbox.deliver_due()
    assert entry(app).status == "claimed"
    outside.run_tasks()
    assert len(outside.box) == 2  # somebody may still be at it
    with app.app_context():
        # It died between the mail and the note about it.
        db.session.query(OutboxEntry).update({"delivered_to": []})
        db.session.commit()
    outside.clock.advance(minutes=11)
    outside.run_tasks()
    assert entry(app).status == "sent"
    first, again = (
        {mail.extra_headers["Message-ID"] for mail in some}
        for some in (outside.box[:2], outside.box[2:])
    )
    assert first == again
    assert len(first) == 2


def test_two_workers_send_a_mail_once(paid, smtp, outside, app, monkeypatch):
    """While one of them is at the mail server, the other finds nothing to do."""
    deliver = mails.deliver
    others: list[str] = []

    def slow(*args, **kwargs):
        def other():
            with app.app_context():
                others.append(str(outbox.deliver_due()))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        deliver(*args, **kwargs)

    monkeypatch.setattr(mails, "deliver", slow)
    outside.run_tasks()
    assert others == ["0 sent, 0 not needed, 0 to be tried again, 0 given up"] * 2
    assert len(outside.box) == 2


def test_a_fact_is_put_once_however_often_it_is_found(app, people):
    account = people.join(OWNER)
    with app.app_context():
        assert outbox.put("receipt", "receipt:in_1", account_id=account)
        assert not outbox.put("receipt", "receipt:in_1", account_id=account)
        db.session.commit()
        assert not outbox.put("receipt", "receipt:in_1", account_id=account)
        assert outbox.put("receipt", "receipt:in_2", account_id=account)
        db.session.commit()
        assert db.session.query(OutboxEntry).count() == 2


def test_what_was_put_is_undone_with_the_change_that_caused_it(app, people):
    account = people.join(OWNER)
    with app.app_context():
        outbox.put("receipt", "receipt:in_1", account_id=account)
        db.session.rollback()
        assert db.session.query(OutboxEntry).count() == 0


def test_nobody_to_write_to_is_no_error(paid, smtp, outside, app, stripe):
    with app.app_context():
        from models import Customer, Membership

        db.session.query(Membership).delete()
        db.session.query(Customer).update({"email": None})
        db.session.commit()
    outside.run_tasks()
    assert (entry(app).status, entry(app).reason) == ("skipped", "nobody is there to write to")


def test_an_entry_late_in_a_long_run_is_not_taken_by_another_worker(app, clock, monkeypatch):
    done = []

    def slow(held):
        done.append(held.key)
        if len(done) == 1:
            clock.advance(minutes=11)
        elif len(done) == 2:
            outbox.deliver_due()

    monkeypatch.setitem(outbox.EFFECTS, "slow", slow)
    with app.app_context():
        outbox.put("slow", "slow:1", account_id=None)
        outbox.put("slow", "slow:2", account_id=None)
        db.session.commit()
        outbox.deliver_due()
    assert done == ["slow:1", "slow:2"]
