"""A sandbox and a shop on this machine's network, and Chromium to visit them.

The shop is another origin with the policy a careful merchant sets: scripts, frames and connections
from itself and from the sandbox, nothing inline.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
from flask import Flask, Response, request
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import make_server

from sandbox import create_app

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<script src="{sandbox}/stripe.js"></script><script src="/shop.js" defer></script></head>
<body><main><h1>Shop</h1><div id="payment"></div><button id="save">Save</button>
<pre id="result"></pre><pre id="events"></pre></main></body></html>"""

SCRIPT = """
const asked = new URLSearchParams(location.search);
window.stripe = Stripe("pk_test_shop");
const put = (id, value) => { document.querySelector(id).textContent = JSON.stringify(value); };
window.show = (result) => put("#result", result);
const happened = [];
if (asked.get("secret") && asked.get("call") !== "none") {
  const clientSecret = asked.get("secret");
  const elements = stripe.elements({ clientSecret });
  const element = elements.create(asked.get("element") || "payment");
  for (const name of ["ready", "change", "focus"]) {
    element.on(name, (detail) => {
      happened.push({ name, complete: detail.complete, type: detail.value && detail.value.type });
      put("#events", happened);
    });
  }
  element.mount("#payment");
  document.querySelector("#save").addEventListener("click", async () => {
    const redirect = asked.get("redirect") || "always";
    const confirmParams = { return_url: location.origin + "/return?kept=yes" };
    show(await stripe[asked.get("call")]({ elements, confirmParams, redirect }));
  });
}
"""


def serve(app: Any) -> tuple[Any, str]:
    """The running server and its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def live(clock: Any) -> Iterator[str]:
    """The address of a sandbox that a browser can reach."""
    app = create_app(deliver=False)
    server, address = serve(app)
    app.config["BASE_URL"] = address
    yield address
    server.shutdown()
    server.server_close()
    app.close()


@pytest.fixture
def live_client(live: str) -> stripe.StripeClient:
    """Stripe's client, speaking to the live sandbox."""
    return stripe.StripeClient(
        "sk_test_sandbox", http_client=stripe.RequestsClient(), base_addresses={"api": live}
    )


@pytest.fixture
def shop(live: str) -> Iterator[Any]:
    """A merchant's site on another origin; `.seen` is everything it ever received."""
    app = Flask("shop", static_folder=None)
    app.seen = []  # pyright: ignore[reportAttributeAccessIssue]

    @app.before_request
    def note() -> None:
        app.seen.append(request.full_path + request.get_data(as_text=True))

    @app.after_request
    def strict(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self' {live}; frame-src {live}; connect-src {live}; "
            "style-src 'self'; form-action 'self'; img-src 'self'; frame-ancestors 'none'"
        )
        return response

    @app.get("/")
    def index() -> str:
        return PAGE.format(sandbox=live)

    @app.get("/shop.js")
    def script() -> Response:
        return Response(SCRIPT, content_type="text/javascript")

    @app.get("/return")
    def returned() -> str:
        return "<!doctype html><title>Back</title><h1>Back in the shop</h1>"

    @app.get("/favicon.ico")
    def icon() -> Response:
        return Response(status=204)

    server, address = serve(app)
    app.address = address  # pyright: ignore[reportAttributeAccessIssue]
    yield app
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, once for a module: Playwright allows one of its loops at a time."""
    if not Path(CHROMIUM).exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{CHROMIUM} is missing, and in CI nothing is skipped")
        pytest.skip(f"{CHROMIUM} is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def note(message: ConsoleMessage, errors: list[str]) -> None:
    """Keep an error of the console; a form that is shown again with a 422 is none."""
    if message.type == "error" and "status of 422" not in message.text:
        errors.append(message.text)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh page that fails the test when its console shows an error."""
    context = chromium.new_context()
    opened = context.new_page()
    opened.set_default_timeout(8_000)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: note(message, errors))
    yield opened
    context.close()
    assert errors == []
