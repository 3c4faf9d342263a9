"""What a signed-in person saw does not stay behind in the browser."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("path", ["/", "/settings", "/members", "/invoices", "/plans", "/nothing"])
def test_no_cache_keeps_what_a_signed_in_person_saw(people, path):
    assert people.owner().get(path).headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/change", "/change-email", "/tf-setup", "/login"])
def test_nor_do_the_pages_about_signing_in(people, path):
    assert people.owner().get(path).headers["Cache-Control"] == "private, no-store"


def test_what_is_the_same_for_everyone_may_be_cached(people):
    owner = people.owner()
    assert owner.get("/brand.css").cache_control.public
    script = owner.get("/static/css/base.css")
    assert script.status_code == 200
    assert not script.cache_control.no_store
