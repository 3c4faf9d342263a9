"""A trial with a card, its early end, a pause, and coming back after it was all over."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_looks import look
from tests.browser.test_main_job import pay_at_checkout, register

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]


def test_a_trial_a_pause_and_a_return(visit):
    page = visit(reduced_motion="reduce")
    main = page.get_by_role("main")
    register(page, "hedy@lamarr.example", "Lamarr Frequency")

    # A wrong number of seats leads back to the plans, with the message at the field.
    page.goto("/plans")
    team = page.locator(".plan").filter(has_text="Team").filter(has_text="Most chosen")
    team.get_by_label("Seats").evaluate("box => box.removeAttribute('max')")
    team.get_by_label("Seats").fill("26")
    team.get_by_role("button", name="Try Team free").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter a whole number from 1 to 25.")
    look(page)
    page.get_by_role("alert").get_by_role("link").click()
    expect(team.get_by_label("Seats")).to_be_focused()
    team.get_by_label("Seats").fill("2")
    team.get_by_role("button", name="Try Team free").click()
    pay_at_checkout(page)
    page.wait_for_url("**/subscription")
    expect(main).to_contain_text("Your free trial has started; nothing was charged.")
    look(page)

    page.goto("/trial-end")
    expect(main).to_contain_text("Pay $98.00 and start now")
    look(page)
    page.get_by_role("button", name="Pay $98.00").click()
    page.wait_for_url("**/subscription")
    expect(main).to_contain_text("$98.00 was charged.")

    page.goto("/pause")
    look(page)
    page.get_by_label(re.compile("^2 months")).check()
    page.get_by_role("button", name="Pause Team").click()
    page.wait_for_url("**/subscription")
    expect(main).to_contain_text("is kept as your credit")
    page.goto("/")
    look(page)
    page.goto("/pause")
    look(page)
    page.get_by_label("Until I resume it").check()
    page.get_by_role("button", name="Save").click()
    expect(main).to_contain_text("It stays paused until you resume it.")

    page.goto("/resumption")
    look(page)
    page.get_by_role("button", name=re.compile("resume", re.I)).click()
    page.wait_for_url("**/subscription")
    expect(main).to_contain_text("Team runs again from today.")

    # Paused again and ended: what there was can be taken up in one step.
    page.goto("/pause")
    page.get_by_role("button", name="Pause Team").click()
    page.wait_for_url("**/subscription")
    page.goto("/cancellation")
    page.get_by_label("I do not use it enough").check()
    page.get_by_role("button", name=re.compile("^Cancel Team")).click()
    page.goto("/")
    page.get_by_role("link", name="Subscribe again").click()
    expect(main).to_contain_text("You had Team, monthly, 2 seats until")
    look(page)
    page.get_by_role("button", name=re.compile("^Take up Team")).click()
    page.wait_for_url("**/c/pay/**")
    expect(page.get_by_text("4242").first).to_be_visible()
