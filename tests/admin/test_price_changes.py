"""Price changes: rehearsed, confirmed, carried out, undone."""

from __future__ import annotations


def test_it_opens_for_staff(people):
    answer = people.staff_member("staff@tidewater.example", "admin").get("/admin/price-changes")
    assert answer.status_code in {200, 302}
