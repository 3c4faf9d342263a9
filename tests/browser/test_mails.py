"""From a mail in the local mailbox to the page that solves the matter, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DEMO_PASSWORD, assert_accessible, assert_fits, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]


ARRIVED = "async () => (await (await fetch('/dev/mail')).text()).includes('ends on')"


def test_a_cancellations_mail_leads_a_signed_out_reader_to_its_undoing(visit):
    page = visit(reduced_motion="reduce")
    sign_in(page, "owner@demo.example")
    page.goto("/cancellation")
    page.get_by_label("I do not use it enough").check()
    page.get_by_role("button", name="Cancel").last.click()
    page.wait_for_url("**/subscription")

    # The worker beside the demo's portal sends it within seconds.
    reader = visit(width=360, color_scheme="dark", reduced_motion="reduce")
    # Our content policy lets no test ask a page again and again.
    waiting = visit(bypass_csp=True)
    waiting.goto("/dev/mail")
    waiting.wait_for_function(ARRIVED, polling=500, timeout=30_000)
    reader.goto("/dev/mail")
    mail = reader.get_by_role("link", name="ends on").first
    assert_fits(reader)
    mail.click()
    assert_fits(reader)
    assert_accessible(reader)
    reader.frame_locator("iframe").get_by_role("link", name="Keep").click()
    reader.wait_for_url("**/login?next=**")
    reader.get_by_label("E-mail").fill("owner@demo.example")
    reader.get_by_label("Password", exact=True).fill(DEMO_PASSWORD)
    reader.get_by_role("button", name="Sign in", exact=True).click()
    reader.wait_for_url("**/cancellation")
    reader.get_by_role("button", name="Keep my plan after all").click()
    reader.wait_for_url("**/subscription")
    expect(reader.get_by_role("status")).to_contain_text("goes on")


def test_pages_for_links_that_do_not_work_fit_and_are_accessible(visit):
    page = visit(width=360, reduced_motion="reduce")
    page.goto("/go/nothing")
    expect(page.get_by_role("heading", level=1)).to_have_text("This link does not work")
    assert_fits(page)
    assert_accessible(page)
