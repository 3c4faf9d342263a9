"""Long lists, a page at a time by key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from werkzeug.exceptions import NotFound

from billing.paging import page
from models import AuditEntry, db

NEWEST_FIRST = select(AuditEntry).order_by(AuditEntry.at.desc(), AuditEntry.id.desc())


@pytest.fixture
def entries(db_session):
    """Five entries of one moment, so that only their ids tell them apart."""
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    db.session.add_all(AuditEntry(at=moment, action=f"plan.edited{n}") for n in range(5))
    db.session.commit()


def at(app, address):
    with app.test_request_context(address):
        return page(NEWEST_FIRST, size=2)


def test_every_row_is_on_one_page_and_the_way_back_leads_through_the_same(app, entries):
    address, seen, back = "/admin/audit?who=ada", [], []
    while address:
        found = at(app, address)
        seen.append([row.action for row in found.rows])
        back.append(found.newer)
        assert "who=ada" in (found.older or "who=ada")
        address = found.older
    assert seen == [
        ["plan.edited4", "plan.edited3"],
        ["plan.edited2", "plan.edited1"],
        ["plan.edited0"],
    ]
    assert back[0] is None
    assert [row.action for row in at(app, back[2]).rows] == seen[1]


def test_a_page_that_is_none_is_not_found(app, entries):
    for nonsense in ("x", ">i:1", ">dt:yesterday~i:1", "<<>>"):
        with pytest.raises(NotFound):
            at(app, f"/admin/audit?page={nonsense}")
