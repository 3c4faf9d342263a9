"""The audit log: who did what, when, from where, before and after."""

from __future__ import annotations


def test_it_opens_for_staff(people):
    answer = people.staff_member("staff@tidewater.example", "admin").get("/admin/audit")
    assert answer.status_code in {200, 302}
