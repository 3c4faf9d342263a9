"""Quotes that were charged otherwise, looked into by staff."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.clock import now
from models import AuditEntry, Quote, QuoteDifference, db


@pytest.fixture
def admin(people):
    return people.staff_member("mira@tidewater.example", "admin")


@pytest.fixture
def difference(app, people):
    account = people.join("ada@northwind.example", "Northwind")
    with app.app_context():
        quote = Quote(
            id="quote_1",
            account_id=account,
            kind="change",
            subscription_id="sub_1",
            from_price_id="price_1",
            from_quantity=1,
            to_price_id="price_2",
            to_quantity=1,
            takes_effect="now",
            currency="usd",
            effective_at=now(),
            amount_due=4900,
            lines=[],
            expires_at=now() + timedelta(hours=1),
        )
        row = QuoteDifference(
            quote=quote,
            account_id=account,
            invoice_id="in_1",
            quoted=4900,
            charged=5150,
            quoted_currency="usd",
            charged_currency="usd",
            lines=[{"line": "Tax", "quoted": 0, "charged": 250}],
        )
        db.session.add_all([quote, row])
        db.session.commit()
        return row.id


def test_nothing_differs_at_first(admin):
    page = admin.get("/admin/quote-differences").get_data(as_text=True)
    assert "Every quote was charged as it said" in page


def test_a_difference_is_shown_with_its_lines_and_once_marked_it_stops_the_alarm(
    app, admin, difference
):
    page = admin.get("/admin/quote-differences").get_data(as_text=True)
    for said in ("Northwind", "$49.00", "$51.50", "Tax", "$2.50"):
        assert said in page
    assert "1 quote was charged otherwise" in admin.get("/admin/health").get_data(as_text=True)
    for _ in range(2):
        admin.post(f"/admin/quote-differences/{difference}/resolution")
    page = admin.get("/admin/quote-differences").get_data(as_text=True)
    assert "Looked into" in page
    assert "All of them, to the cent." in admin.get("/admin/health").get_data(as_text=True)
    with app.app_context():
        marked = db.session.query(AuditEntry).filter_by(action="quote.looked_into").all()
        assert [entry.subject for entry in marked] == ["in_1"]
