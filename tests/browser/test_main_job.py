"""The whole main job as a new subscriber, in a real browser, and by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import assert_accessible

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]

PASSWORD = "a-long-password-of-mine"


def register(page: Page, email: str, company: str) -> None:
    """Signs up and follows the link in the confirmation mail."""
    page.goto("/register")
    page.get_by_label("Your name").fill("Grace Hopper")
    page.get_by_label(re.compile("company|account", re.I)).fill(company)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name=re.compile("Create|Sign up|Register")).click()
    page.goto("/dev/mail")
    page.locator(".mails li").filter(has_text=email).get_by_role("link").click()
    page.locator(".mail-text a").first.click()
    page.wait_for_url("**/")


def pay_at_checkout(page: Page, number: str = "4242424242424242") -> None:
    page.get_by_label("Card number").fill(number)
    page.get_by_label(re.compile("Expir")).fill("12 / 34")
    page.get_by_label("CVC").fill("123")
    page.get_by_label(re.compile("Name")).fill("Grace Hopper")
    page.get_by_role("button", name=re.compile("Pay|Subscribe|Start trial")).click()


def save_card(page: Page, number: str) -> None:
    """Saves a card, to be used for everything from now on."""
    page.goto("/payment-methods/new")
    card = page.frame_locator("iframe").first
    # Typing does not wait for a field to be shown; a click does.
    card.get_by_label("Card number").click()
    card.get_by_label("Card number").press_sequentially(number)
    card.get_by_label("Expiry").press_sequentially("1234")
    card.get_by_label("CVC").press_sequentially("123")
    everything = page.get_by_label("Use it for everything from now on")
    if everything.count():
        everything.check()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/payment-methods")


def test_a_new_subscriber_does_everything_and_changes_their_mind(visit):
    page = visit()
    register(page, "grace@hopper.example", "Hopper Computing")

    # Starter begins with a trial that asks for no card.
    page.goto("/plans")
    starter = page.locator(".plan").filter(has_text="Starter")
    starter.get_by_role("button").click()
    expect(page.get_by_text(re.compile("sandbox", re.I)).first).to_be_visible()
    page.get_by_role("button", name="Start trial").click()
    page.wait_for_url("**/subscription")
    expect(page.get_by_role("main")).to_contain_text("Starter")
    assert_accessible(page)

    # A card is added, and the trial ended early.
    save_card(page, "4242424242424242")
    expect(page.get_by_role("main")).to_contain_text("Visa ending 4242")
    page.goto("/trial-end")
    page.get_by_role("button", name="Pay $19.00").click()
    page.wait_for_url("**/subscription")

    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile(r"Next charge is \$19"))
    page.goto("/invoices")
    expect(page.get_by_role("main")).to_contain_text("$19.00")
    expect(page.get_by_role("main")).to_contain_text("Paid")

    # Upgrade now, paid now, as quoted.
    page.goto("/plan-change/team")
    assert_accessible(page)
    quoted = re.search(r"Pay (\$[\d.,]+)", page.get_by_role("main").inner_text())
    assert quoted is not None
    page.get_by_role("button", name=re.compile("Pay")).click()
    expect(page.get_by_role("main")).to_contain_text("Team")
    page.goto("/invoices")
    expect(page.get_by_role("main")).to_contain_text(quoted[1])

    # Downgrade at the end of the period, and undo it.
    page.goto("/plan-change/starter")
    page.get_by_role("button", name=re.compile("Change on")).click()
    page.goto("/")
    expect(page.get_by_role("main")).to_contain_text("It changes to Starter on")
    page.get_by_role("button", name=re.compile("Undo|Keep")).first.click()
    page.goto("/")
    expect(page.get_by_role("main")).not_to_contain_text("changes to Starter")

    # Swap the card.
    save_card(page, "5555555555554444")
    expect(page.get_by_role("main")).to_contain_text("Mastercard ending 4444")
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Mastercard ending 4444")

    # Cancel, and change one's mind.
    page.goto("/cancellation")
    page.get_by_label("It costs too much").check()
    page.get_by_role("button", name=re.compile("Cancel")).click()
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("end", re.I))
    page.get_by_role("button", name=re.compile("Keep|Undo|Renew")).first.click()
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Next charge is")


FOCUSED = """(element => element === document.body ? "" :
    element.ariaLabel || element.labels?.[0]?.innerText || element.innerText || ""
)(document.activeElement)"""


def tab_to(page: Page, name: str) -> None:
    """Presses Tab until the element of that name has the focus, as a keyboard user does."""
    for _ in range(60):
        if name in " ".join(page.evaluate(FOCUSED).split()):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reached {name!r} on {page.url}")


def test_the_main_job_by_keyboard_alone(visit):
    page = visit()
    page.goto("/login")
    tab_to(page, "E-mail")
    page.keyboard.type("new@demo.example")
    tab_to(page, "Password")
    page.keyboard.type("demo-portal-2026")
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    tab_to(page, "Plans")
    page.keyboard.press("Enter")
    page.wait_for_url("**/plans")
    tab_to(page, "Choose Business")
    page.keyboard.press("Enter")
    page.wait_for_url("**/c/pay/**")
    tab_to(page, "Card number")
    page.keyboard.type("4242424242424242")
    tab_to(page, "Expir")
    page.keyboard.type("1234")
    tab_to(page, "CVC")
    page.keyboard.type("123")
    page.keyboard.press("Enter")
    page.wait_for_url("**/subscription")
    expect(page.get_by_role("main")).to_contain_text("Business")
    page.goto("/cancellation")
    tab_to(page, "It costs too much")
    page.keyboard.press("Space")
    tab_to(page, "Cancel Business")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/(subscription)?$"))
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("end", re.I))


def test_a_card_that_asks_the_bank_is_confirmed_on_the_way(visit):
    page = visit()
    register(page, "barbara@liskov.example", "Liskov Research")
    page.goto("/plans")
    page.locator(".plan").filter(has_text="Business").get_by_role("button").click()
    pay_at_checkout(page, "4000002760003184")
    page.get_by_role("button", name=re.compile("Confirm|Authorise|Authorize|Complete")).click()
    page.wait_for_url("**/subscription")
    expect(page.get_by_role("main")).to_contain_text("Business")


def test_a_declined_card_says_so_and_charges_nothing(visit):
    page = visit()
    register(page, "frances@allen.example", "Allen Optimizing")
    page.goto("/plans")
    page.locator(".plan").filter(has_text="Business").get_by_role("button").click()
    pay_at_checkout(page, "4000000000009995")
    expect(page.get_by_text(re.compile("insufficient funds", re.I)).first).to_be_visible()
    page.goto("/invoices")
    expect(page.get_by_role("main")).not_to_contain_text("Paid")
