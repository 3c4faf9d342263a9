"""Whether billing is healthy, and what to do when it is not."""

from __future__ import annotations


def test_it_opens_for_staff(people):
    answer = people.staff_member("staff@tidewater.example", "admin").get("/admin/health")
    assert answer.status_code in {200, 302}
