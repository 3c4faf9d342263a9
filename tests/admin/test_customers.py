"""Accounts as staff find them."""

from __future__ import annotations


def test_it_opens_for_staff(people):
    answer = people.staff_member("staff@tidewater.example", "admin").get("/admin/customers")
    assert answer.status_code in {200, 302}
