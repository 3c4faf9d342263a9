"""Plans as staff keep them: what is sold, to whom it is shown, at which prices."""

from __future__ import annotations


def test_it_opens_for_staff(people):
    answer = people.staff_member("staff@tidewater.example", "admin").get("/admin/plans")
    assert answer.status_code in {200, 302}
