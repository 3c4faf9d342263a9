"""Everything that happened around an account, merged by time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from billing import timeline
from models import AccessDecision, Account, AuditEntry, OutboxEntry, WebhookEvent, db
from tests.staff import words

MOMENT = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def northwind(people):
    return people.join("ada@sea.example", "Northwind")


@pytest.fixture
def staff(northwind, people):
    return people.staff_member("sue@tidewater.example", "support")


def lines(answer):
    """(kind, words) of each line of a page."""
    return [
        (kind, re.sub(r"\s+", " ", re.sub("<[^>]+>", "", said)).strip())
        for kind, said in re.findall(
            r'<span class="timeline-kind">(.*?)</span>.*?<p>(.*?)</p>',
            answer.get_data(as_text=True),
            re.S,
        )
    ]


def test_a_life_is_told_in_plain_words_the_newest_first(
    app, catalog, northwind, people, subscribe, deliver_webhooks, clock
):
    subscribe()
    clock.advance(minutes=1)
    deliver_webhooks()
    staff = people.staff_member("ann@tidewater.example", "admin")
    clock.advance(minutes=1)
    form = {"level": "full", "last_day": "2026-12-31", "reason": "Outage"}
    staff.post(f"/admin/customers/{northwind}/access-grants/new", data=form)
    answer = staff.get(f"/admin/customers/{northwind}/timeline")
    told = lines(answer)
    assert told[0] == ("Action", "Access granted by staff")
    assert ("Stripe", "Invoice paid") in told
    assert ("Stripe", "Payment method saved") in told
    assert any(kind == "Payment" and said.endswith("paid $49.00") for kind, said in told)
    assert ("Access", "From here on full access") in told
    assert ("Mail", "Mail “Receipt” to be sent") in told
    page = words(answer)
    assert "by Admin, staff" in page
    assert "Payload" in page


def test_payloads_are_offered_to_admins_only(app, northwind, subscribe, deliver_webhooks, people):
    subscribe()
    deliver_webhooks()
    for role, may in (("admin", True), ("support", False), ("finance", False)):
        client = people.staff_member(f"{role}@tidewater.example", role)
        page = words(client.get(f"/admin/customers/{northwind}/timeline?kind=events"))
        assert ("Payload" in page) is may, role
        assert "Invoice paid" in page


def test_members_are_told_from_staff(app, northwind, staff, people):
    people.sign_in("ada@sea.example").post("/accounts/name", data={"name": "Northwind Ltd"})
    page = words(staff.get(f"/admin/customers/{northwind}/timeline?kind=actions"))
    assert "Account renamed" in page
    assert "by Ada " in page
    assert "by Ada, staff" not in page


@pytest.fixture
def crowded(app, northwind):
    """Sixty things of four sources, many of them in the same moment; nothing of the mirror's."""
    with app.app_context():
        account = db.session.get(Account, northwind)
        account.stripe_customer_id = "cus_crowded"
        for n in range(15):
            at = MOMENT + timedelta(minutes=n // 5)
            db.session.add(AuditEntry(at=at, account_id=northwind, action=f"thing.a{n:02}"))
            db.session.add(
                OutboxEntry(key=f"k{n}", kind=f"m{n:02}", account_id=northwind, created_at=at)
            )
            db.session.add(
                AccessDecision(
                    account_id=northwind,
                    at=at,
                    level="full",
                    rule="active",
                    because=f"d{n:02}",
                    object_kind="subscription",
                    object_id="sub_1",
                )
            )
            db.session.add(
                WebhookEvent(
                    stripe_id=f"evt_{n}",
                    type=f"thing.e{n:02}",
                    livemode=False,
                    created=at,
                    customer_id="cus_crowded",
                    payload={},
                )
            )
        db.session.commit()
    return northwind


def test_every_entry_is_on_one_page_and_the_way_back_leads_through_the_same(app, crowded):
    def all_of(place, direction):
        seen = []
        while place is not None:
            found = timeline.of(account, place=place or None, size=7)
            seen.append([entry.place for entry in found.entries])
            place = getattr(found, direction)
        return seen

    with app.app_context():
        account = db.session.get(Account, crowded)
        forth = all_of("", "older")
        flat = [entry for page in forth for entry in page]
        assert len(flat) == len(set(flat)) == 60
        moments = [datetime.fromisoformat(entry.split("|")[0]) for entry in flat]
        assert moments == sorted(moments, reverse=True)
        last = timeline.of(account, place=f"<{forth[-2][-1]}", size=7)
        back = all_of(last.newer, "newer")
        assert [entry for page in reversed(back) for entry in page] == flat[: -len(forth[-1])]


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("actions", "Action"), ("mails", "Mail"), ("access", "Access"), ("events", "Stripe")],
)
def test_it_is_filtered_by_kind(app, crowded, staff, kind, shown):
    answer = staff.get(f"/admin/customers/{crowded}/timeline?kind={kind}")
    assert {each for each, _ in lines(answer)} == {shown}


def test_the_pages_lead_on_and_back(app, crowded, staff):
    address, seen = f"/admin/customers/{crowded}/timeline", 0
    pages = []
    while address:
        answer = staff.get(address)
        pages.append(address)
        seen += len(lines(answer))
        older = re.search(r'rel="next" href="([^"]*)"', answer.get_data(as_text=True))
        address = older and older[1].replace("&amp;", "&")
    assert seen >= 60
    assert "Newer" in staff.get(pages[1]).get_data(as_text=True)


@pytest.mark.parametrize(
    "place",
    [
        "x",
        "<",
        "?",
        "<a|b|c|d",
        "<2026-11-01|mail|1|",
        "<0001-01-01T00:00:00+14:00|mail|1|",
        "<2026-11-01T09:00:00+00:00|mail|x|",
        "<2026-11-01T09:00:00+00:00|mail|99999999999999999999999|",
    ],
)
def test_a_place_that_is_none_is_not_found(staff, northwind, place):
    answer = staff.get(f"/admin/customers/{northwind}/timeline", query_string={"page": place})
    assert answer.status_code == 404
    assert staff.get(f"/admin/customers/{northwind}/timeline?kind=odd").status_code == 404


def test_nothing_of_another_account_is_in_it(app, crowded, staff, people):
    other = people.join("eve@evil.example", "Evil")
    page = words(staff.get(f"/admin/customers/{other}/timeline"))
    assert "a00" not in page
