"""A Billing Portal session as its pages use it: whose it is, what it allows, where it leads."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, url_for
from werkzeug.wrappers import Response

from sandbox import clock
from sandbox.resources.billing_portal_sessions import KIND, LIFETIME
from sandbox.store import store

# Flows about one subscription, and the page each starts on.
STARTS = {
    "customer_update": "portal.details",
    "payment_method_update": "portal.add_method",
    "subscription_cancel": "portal_subscription.cancel",
    "subscription_pause": "portal_subscription.pause",
    "subscription_update": "portal_subscription.update",
    "subscription_update_confirm": "portal_subscription.confirm",
}


class Gone(Exception):
    """There is no such session, or its time has passed."""


def find(secret: str) -> dict[str, Any]:
    """The session of a link, its hour begun anew. Gone when there is none any more."""
    found = store.all(KIND, _secret=secret)
    if not found or found[0]["_expires_at"] <= clock.now():
        raise Gone
    session = found[0]
    session["_expires_at"] = clock.now() + LIFETIME
    return store.save(session)


def gone(_: Gone) -> tuple[str, int]:
    """The page for a link that leads nowhere any more."""
    return render_template(
        "sandbox/checkout/closed.html",
        heading="This link has expired",
        message="Go back to the site you came from and open the billing page again.",
    ), 410


def features(session: dict[str, Any]) -> dict[str, Any]:
    """What the session's configuration allows."""
    return store.get("billing_portal.configuration", session["configuration"])["features"]


def headline(session: dict[str, Any]) -> str | None:
    """The merchant's own words above the home page."""
    configuration = store.get("billing_portal.configuration", session["configuration"])
    return configuration["business_profile"]["headline"]


def customer(session: dict[str, Any]) -> dict[str, Any]:
    """The session's customer."""
    return store.get("customer", session["customer"])


def flow(session: dict[str, Any]) -> dict[str, Any] | None:
    """The flow that the session was made for, until it is done."""
    return None if session.get("_flow_done") else session["flow"]


def flow_start(session: dict[str, Any]) -> str | None:
    """The address of the flow's first page; None for a session without one."""
    current = flow(session)
    if not current:
        return None
    details = current.get(current["type"]) or {}
    variables = {"secret": session["_secret"]}
    if details.get("subscription"):
        variables["subscription_id"] = details["subscription"]
    for item in details.get("items") or []:
        variables |= {name: item[name] for name in ("price", "quantity") if item[name] is not None}
    return url_for(STARTS[current["type"]], **variables)


def leave_url(session: dict[str, Any]) -> str:
    """Where "back" leads from a page: out of a flow to the merchant, else to the home page."""
    if flow(session) and session["return_url"]:
        return session["return_url"]
    return url_for("portal.home", secret=session["_secret"])


def finished(session: dict[str, Any], *kinds: str) -> Response:
    """On from a task that is done: what its flow asks for, else the portal's home page."""
    current = flow(session)
    home = url_for("portal.home", secret=session["_secret"])
    if not current or current["type"] not in kinds:
        return redirect(home, 303)
    session["_flow_done"] = True
    store.save(session)
    after = current["after_completion"]
    if after["type"] == "redirect":
        return redirect(after["redirect"]["return_url"], 303)
    if after["type"] == "hosted_confirmation":
        return redirect(url_for("portal.done", secret=session["_secret"]), 303)
    return redirect(home, 303)
