"""Recurring revenue: what it is, what moved it, whom it comes from."""

from __future__ import annotations


def test_it_opens_for_staff(people):
    answer = people.staff_member("staff@tidewater.example", "admin").get("/finance/metrics")
    assert answer.status_code in {200, 302}
