"""The bank's 3-D Secure page, where a test buyer decides how the authentication ends."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from sandbox.engine import paying
from sandbox.engine.wording import money
from sandbox.pages import intents
from sandbox.pages.merchant import merchant_name
from sandbox.pages.wording import method_name
from sandbox.store import store

bp = Blueprint("bank", __name__)
Answer = Response | str | tuple[str, int]


@bp.get("/bank/<client_secret>")
def show(client_secret: str) -> Answer:
    intent = intents.find(client_secret)
    if intent is None:
        return _message("There is nothing to confirm", "This address is not known here."), 404
    return_url = _return_url(intent)
    if intent["status"] != "requires_action":
        return _onward(intent, return_url)
    method = store.get("payment_method", intent["payment_method"])
    facts = [("Merchant", merchant_name()), ("Card", method_name(method))]
    heading = "Confirm your card"
    if intent["object"] == "payment_intent":
        amount = money(intent["amount"], intent["currency"])
        heading = f"Confirm {amount}"
        facts.insert(1, ("Amount", amount))
    return render_template(
        "sandbox/bank/show.html",
        heading=heading,
        facts=facts,
        action=url_for(".answer", client_secret=client_secret),
        return_url=return_url,
        embedded=bool(request.args.get("embedded")),
    )


@bp.post("/bank/<client_secret>")
def answer(client_secret: str) -> Answer:
    intent = intents.find(client_secret)
    if intent is None:
        return _message("There is nothing to confirm", "This address is not known here."), 404
    return_url = _return_url(intent)
    intent = paying.complete_authentication(intent, request.form.get("answer") == "complete")
    return _onward(intent, return_url)


def _return_url(intent: dict[str, Any]) -> str | None:
    action = (intent["next_action"] or {}).get("redirect_to_url") or {}
    given = request.values.get("return_url") or action.get("return_url")
    return given if given and urlsplit(given).scheme in ("http", "https") else None


def _onward(intent: dict[str, Any], return_url: str | None) -> Answer:
    if request.values.get("embedded"):
        return _answered(intent, embedded=True)
    if return_url:
        return redirect(with_outcome(return_url, intent), 303)
    return _answered(intent, embedded=False)


def with_outcome(return_url: str, intent: dict[str, Any]) -> str:
    """`return_url` with the query parameters that Stripe adds to it."""
    name = intent["object"]
    failed = intent["status"] in ("requires_payment_method", "canceled")
    parts = urlsplit(return_url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | {
        name: intent["id"],
        f"{name}_client_secret": intent["client_secret"],
        "redirect_status": "failed" if failed else intent["status"],
    }
    return urlunsplit(parts._replace(query=urlencode(query)))


def _answered(intent: dict[str, Any], embedded: bool) -> str:
    if intent["status"] in ("requires_payment_method", "canceled"):
        return _message(
            "Not confirmed", "The bank did not confirm it. Nothing was charged.", embedded
        )
    return _message("Confirmed", "The bank has your answer. You can go back now.", embedded)


def _message(heading: str, message: str, embedded: bool = False) -> str:
    return render_template(
        "sandbox/bank/answered.html", heading=heading, message=message, embedded=embedded
    )
