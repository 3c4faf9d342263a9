"""The switches of chaos in a real browser: by hand, without a script, for everybody."""

from __future__ import annotations

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from sandbox.tests.live import chromium, live, live_client, page

__all__ = ["chromium", "live", "live_client", "page"]
pytestmark = pytest.mark.browser

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
EVERYTHING = {
    "deliveries": {"late_seconds": 30, "drop_percent": 20, "twice": True},
    "faults": [
        {"method": "POST", "path": "/v1/subscription_schedules/*/release", "answer": "500_kept"},
        {"answer": "lost", "percent": 10},
    ],
}


def test_the_switches_are_turned_by_hand_without_a_script(live, live_client, chromium: Browser):
    context = chromium.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(live)
    opened.get_by_text("Let webhooks come late").click()
    opened.get_by_label("Late by").fill("30")
    opened.get_by_label("In reverse order").check()
    opened.get_by_role("button", name="Set webhooks").click()
    strip = opened.get_by_role("complementary", name="Chaos")
    expect(strip).to_contain_text("Chaos is on: webhooks late by 30 s, in reverse order.")
    opened.get_by_label("Method").select_option("POST")
    opened.get_by_label("Path").fill("/v1/customers")
    opened.get_by_label("What happens").select_option("lost")
    opened.get_by_label("For the next").fill("3")
    opened.get_by_role("button", name="Switch on").click()
    headers = {"Authorization": "Bearer sk_test_x"}
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{live}/v1/customers", data={"name": "Ada"}, headers=headers, timeout=5)
    opened.goto(f"{live}/objects/customer")
    expect(opened.get_by_text("Ada")).to_be_visible()
    expect(strip).to_contain_text("POST /v1/customers loses its answer for 2 calls more.")
    opened.goto(live)
    expect(opened.get_by_text("1 of 3 with the answer lost")).to_be_visible()
    strip.get_by_role("button", name="Turn all off").click()
    expect(strip).to_be_hidden()
    assert opened.url.rstrip("/") == live
    assert live_client.v1.customers.create({"name": "Bea"}).name == "Bea"
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_panel_and_the_strip_pass_axe_and_fit_every_screen(live, page: Page, scheme):
    requests.post(f"{live}/sandbox/chaos", json=EVERYTHING, timeout=5)
    page.emulate_media(color_scheme=scheme)
    for width in (360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(live)
        expect(page.get_by_role("button", name="Switch on")).to_be_visible()
        found = Axe().run(page, options=RULES).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
