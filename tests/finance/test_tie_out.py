"""Whether what was invoiced in a period is accounted for, to the cent."""

from __future__ import annotations


def test_the_page_opens_for_finance(people):
    finance = people.staff_member("finance@tidewater.example", "finance")
    page = finance.get("/finance/tie-out")
    assert page.status_code == 200
    assert "<h1>Tie-out</h1>" in page.text
