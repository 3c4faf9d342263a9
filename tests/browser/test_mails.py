"""From a mail in the local mailbox to the page that solves the matter, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DEMO_PASSWORD, assert_accessible, assert_fits, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]


# Looks into the mailbox until the mail is there: the worker looks every five seconds.
ARRIVED = """async () => {
  for (let tries = 0; tries < 60; tries++) {
    const box = await (await fetch("/dev/mail")).text();
    if (box.includes("ends on")) return true;
    await new Promise(done => setTimeout(done, 500));
  }
  return false;
}"""


def test_a_cancellations_mail_leads_a_signed_out_reader_to_its_undoing(visit):
    page = visit(reduced_motion="reduce")
    sign_in(page, "owner@demo.example")
    page.goto("/cancellation")
    page.get_by_label("I do not use it enough").check()
    page.get_by_role("button", name="Cancel").last.click()
    page.wait_for_url("**/subscription")

    reader = visit(width=360, color_scheme="dark", reduced_motion="reduce")
    reader.goto("/dev/mail")
    assert reader.evaluate(ARRIVED)
    reader.reload()
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
