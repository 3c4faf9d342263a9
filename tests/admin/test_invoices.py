"""One invoice as staff see it."""

from __future__ import annotations


def test_an_invoice_that_is_nobodys_is_not_found(people):
    staff = people.staff_member("staff@tidewater.example", "support")
    assert staff.get("/admin/invoices/in_unknown").status_code == 404
