"""A passkey in a real browser, with the authenticator that Chromium simulates."""

from __future__ import annotations

import pytest

from tests.browser.conftest import assert_accessible, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_is_added_signs_in_and_is_removed(visit, demo):
    page = visit()
    # A passkey belongs to a host's name, and an address of numbers is none.
    site = demo.portal.replace("127.0.0.1", "localhost")
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

    page.goto(f"{site}/login")
    page.get_by_label("E-mail").fill("owner@demo.example")
    page.get_by_label("Password", exact=True).fill("demo-portal-2026")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{site}/")
    page.goto(f"{site}/wan-register")
    assert_accessible(page)
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Add passkey").click()
    page.wait_for_url(f"{site}/settings")
    page.get_by_text("The passkey My laptop was added.").wait_for()

    page.context.clear_cookies()
    page.goto(f"{site}/login")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{site}/")
    page.goto(f"{site}/wan-register")
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("The passkey My laptop was removed.").wait_for()


def test_without_a_passkey_the_page_says_so_and_offers_another_try(visit, demo):
    page = visit()
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {**AUTHENTICATOR, "isUserVerified": False}},
    )
    page.goto(demo.portal.replace("127.0.0.1", "localhost") + "/login")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("Your browser did not get a passkey").wait_for()
    assert page.get_by_role("button", name="Try again").is_visible()
    assert_accessible(page)


def test_at_an_address_of_numbers_the_page_explains_what_is_needed(visit):
    page = visit()
    sign_in(page, "new@demo.example")
    page.goto("/wan-register")
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Add passkey").click()
    page.get_by_text("Passkeys need a host name").wait_for()
