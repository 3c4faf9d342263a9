"""Refunds as finance exports them."""

from __future__ import annotations


def test_the_page_opens_for_finance(people):
    finance = people.staff_member("finance@tidewater.example", "finance")
    page = finance.get("/finance/refunds")
    assert page.status_code == 200
    assert "<h1>Refunds</h1>" in page.text
