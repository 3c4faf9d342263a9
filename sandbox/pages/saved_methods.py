"""How saved payment methods behave: a visitor makes one fail, or its bank ask, from here on."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from sandbox.engine.payment import BANK_DEBITS
from sandbox.pages.front import from_here
from sandbox.store import store

bp = Blueprint("saved_methods", __name__)
LATEST = 6
# What a charge does, as `_behavior` says it, in the order offered.
CARD = {
    "ok": "Charges succeed",
    "later:insufficient_funds": "Declined: not enough funds",
    "later:generic_decline": "Declined, without a reason",
    "later:lost_card": "Declined: reported lost",
    "later:expired_card": "Declined: expired",
    "later:processing_error": "Declined: the bank had a problem",
    "3ds:always": "The bank asks each time (3-D Secure)",
}
BANK = {
    "ok": "Debits arrive after days",
    "later:insufficient_funds": "Debits come back after days",
}


@bp.app_template_global()
def latest_methods() -> list[dict[str, Any]]:
    """The payment methods that customers have saved, the newest first, with their customers."""
    found = store.scan("payment_method", {}, newest_first=True)
    saved = [one for one in found if one["customer"]][:LATEST]
    return [one | {"customer": store.get("customer", one["customer"])} for one in saved]


@bp.app_template_global()
def behaviors(method: dict[str, Any]) -> dict[str, str]:
    """What the method can be made to do: value to words, its present behaviour among them."""
    known = BANK if method["type"] in BANK_DEBITS else CARD
    now = method["_behavior"]
    return known if now in known else {now: f"As its number says ({now})", **known}


@bp.app_template_filter()
def method_title(method: dict[str, Any]) -> str:
    """Its brand or bank and last four digits."""
    own = method.get(method["type"]) or {}
    name = own.get("brand") or own.get("bank_name") or method["type"].replace("_", " ")
    return f"{name.capitalize()} {own.get('last4', '')}".strip()


@bp.post("/saved-methods/<id>")
def update(id: str) -> Response | tuple[str, int]:
    """Set how a saved method behaves; only a page of the sandbox itself may ask for it."""
    if not from_here():
        return "Only the sandbox's own pages may do this.\n", 403
    method = store.find("payment_method", id)
    if method is None:
        abort(404)
    behavior = request.form.get("behavior", "")
    if behavior not in behaviors(method):
        return "Choose one of the behaviours on the page.\n", 400
    method["_behavior"] = behavior
    store.save(method)
    return redirect(f"{url_for('front.index')}#saved-methods", 303)
