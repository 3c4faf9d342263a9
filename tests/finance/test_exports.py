"""Downloads by a real server: whole, slow, broken off in the middle; and the record of each."""

from __future__ import annotations

import hashlib
import http.client
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from models import ExportRun, Invoice, db
from tests.finance.downloads import csv_rows
from tests.finance.server import Server

pytestmark = pytest.mark.loopback
ALL = "period=all&by=created"
MANY = 8_000
# Longer than a page of SQLite's, so that its end lies on a page of its own.
LONG_NAME = "A very long name. " * 600


@pytest.fixture
def real_time(clock):
    """The server lives in real time, so the session that it is shown must too."""
    clock.set(datetime.fromtimestamp(time_machine.escape_hatch.time.time(), UTC))


@pytest.fixture
def cookie(app, real_time, finance):
    return finance.get_cookie("session", domain="127.0.0.1").value


@pytest.fixture
def server(app, settings):
    running = Server(settings)
    yield running
    running.stop()


def fill(app, count, **more):
    """That many paid invoices in the mirror, alike but for their numbers."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    shared = {
        "data": {}, "livemode": False, "pulled_at": at, "version": 1,
        "customer_id": "cus_1", "status": "paid", "collection_method": "charge_automatically",
        "currency": "usd", "subtotal": 1000, "total": 1000, "amount_due": 1000,
        "amount_paid": 1000, "amount_remaining": 0, "starting_balance": 0, "ending_balance": 0,
        "finalized_at": at, "customer_name": "Northwind", **more,
    }  # fmt: skip
    with app.app_context():
        rows = [
            {
                **shared,
                "stripe_id": f"in_{n:07}",
                "number": f"N-{n:07}",
                "created": at + timedelta(seconds=n),
            }
            for n in range(count)
        ]
        db.session.execute(Invoice.__table__.insert(), rows)
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


def damage_the_name_of(settings, number):
    """Makes the file unreadable where one invoice's name goes on, as a failing disk would."""
    path = settings.database_url.removeprefix("sqlite:///")
    portal = sqlite3.connect(path)
    portal.execute(
        "UPDATE invoices SET customer_name = ? WHERE number = ?",
        (LONG_NAME + "END-OF-NAME", number),
    )
    portal.commit()
    portal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (size,) = portal.execute("PRAGMA page_size").fetchone()
    portal.close()
    with open(path, "r+b") as file:
        # The name's first page after its row names the next one.
        at = file.read().index(LONG_NAME[200 : 200 + 3000].encode())
        page = at // size * size
        file.seek(page if at - page < 200 else page + size)
        file.write(b"\x7f\xff\xff\xff")


def test_a_whole_download_is_what_its_record_says(app, server, cookie):
    fill(app, MANY)
    answer, body = server.read(f"/finance/invoices.csv?{ALL}", cookie)
    assert answer.status == 200
    assert answer.getheader("Transfer-Encoding") == "chunked"
    assert len(csv_rows(body)) == MANY == int(answer.getheader("X-Row-Count"))
    with app.app_context():
        run = db.session.get(ExportRun, answer.getheader("X-Export-Id"))
        assert (run.status, run.rows, run.size) == ("complete", MANY, len(body))
        assert run.sha256 == hashlib.sha256(body).hexdigest()
    _, page = server.read(f"/finance/exports/{run.id}", cookie)
    assert run.sha256 in page.decode()
    assert "8,000" in page.decode()


def test_an_error_of_the_database_in_the_middle_breaks_the_download_off(
    app, settings, server, cookie
):
    fill(app, 3000)
    damage_the_name_of(settings, "N-0002000")
    connection, answer = server.ask(f"/finance/invoices.csv?{ALL}", cookie)
    assert answer.status == 200
    assert answer.getheader("X-Row-Count") == "3000"
    with pytest.raises(http.client.IncompleteRead) as broken:
        answer.read()
    connection.close()
    assert 100 < broken.value.partial.count(b"\r\n") <= 2001
    with app.app_context():
        run = db.session.get(ExportRun, answer.getheader("X-Export-Id"))
        assert (run.status, run.sha256) == ("failed", None)
    _, page = server.read(f"/finance/exports/{run.id}", cookie)
    assert "The file was not handed over whole." in page.decode()
    # The server goes on.
    assert server.read("/healthz")[0].status == 200


def test_a_workbook_that_cannot_be_made_is_an_error_before_its_first_byte(
    app, settings, server, cookie
):
    fill(app, 200)
    damage_the_name_of(settings, "N-0000100")
    answer, _ = server.read(f"/finance/invoices.xlsx?{ALL}", cookie)
    assert answer.status == 500
    with app.app_context():
        assert db.session.query(ExportRun).one().status == "failed"


def test_a_reader_who_stops_reading_holds_nobody_up_and_gets_everything(app, server, cookie):
    fill(app, MANY)
    connection, slow = server.ask(f"/finance/invoices.csv?{ALL}", cookie)
    begun = slow.read(1000)
    assert begun.startswith(b"invoice_id,")
    # Others read and write meanwhile, the same file too.
    assert len(csv_rows(server.read(f"/finance/invoices.csv?{ALL}", cookie)[1])) == MANY
    assert server.read("/healthz")[0].status == 200
    assert len(csv_rows(begun + slow.read())) == MANY
    connection.close()


def test_a_reader_who_leaves_is_told_of_as_an_interruption(app, finance):
    fill(app, 2000)
    answer = finance.get(f"/finance/invoices.csv?{ALL}")
    next(answer.iter_encoded())
    answer.close()
    page = finance.get("/finance/exports").text
    assert "Interrupted" in page
    with app.app_context():
        assert db.session.query(ExportRun).one().sha256 is None


def test_the_headers_alone_say_how_many_rows_there_are(app, finance):
    fill(app, 30)
    answer = finance.head(f"/finance/invoices.csv?{ALL}")
    assert answer.headers["X-Row-Count"] == "30"
    assert answer.data == b""


def test_downloads_are_listed_and_an_unknown_one_is_not_found(finance):
    assert "No downloads yet" in finance.get("/finance/exports").text
    assert finance.get("/finance/exports/nothing").status_code == 404
