"""The outbox: what was sent, what waits, what failed."""

from __future__ import annotations


def test_it_opens_for_staff(people):
    answer = people.staff_member("staff@tidewater.example", "admin").get("/admin/outbox")
    assert answer.status_code in {200, 302}
