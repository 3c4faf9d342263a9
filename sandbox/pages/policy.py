"""The failure policy and the bank's answers: a panel of the front page, and the same by JSON."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.engine import payment, policy
from sandbox.errors import ApiError
from sandbox.pages.origin import from_here
from sandbox.pages.wording import method_name
from sandbox.store import store, to_json

bp = Blueprint("policy", __name__)
Answer = AnyResponse | str | tuple[str, int]
LATEST = 8

WORDS = {
    "retries": (
        ("smart", "Smart retries: eight tries in two weeks"),
        ("custom", "A schedule of your own"),
        ("off", "None"),
    ),
    "subscription": (
        ("cancel", "Cancel it"),
        ("unpaid", "Mark it unpaid"),
        ("past_due", "Leave it past due"),
    ),
    "invoice": (("open", "Leave it open"), ("uncollectible", "Mark it uncollectible")),
}
ANSWERS = {
    "as_made": "What its test number does",
    "succeeds": "Pays",
    "generic_decline": "Declines",
    "insufficient_funds": "Has insufficient funds",
    "do_not_honor": "Declines: do not honor",
    "expired_card": "Has expired",
    "lost_card": "Is lost: never ask again",
    "stolen_card": "Is stolen: never ask again",
    "authentication_required": "Asks for 3-D Secure each time",
    "account_closed": "Comes back: account closed",
    "debit_not_authorized": "Comes back: not authorized",
}


@bp.app_template_global()
def failure_policy() -> dict[str, Any]:
    """What the panel shows: the policy, the choices, and the latest saved payment methods."""
    saved = [
        method
        for method in store.scan("payment_method", {}, newest_first=True, limit=50)
        if method["customer"]
    ][:LATEST]
    return {
        "rules": policy.current(),
        "words": WORDS,
        "methods": [
            {
                "id": method["id"],
                "name": method_name(method),
                "owner": _owner(method),
                "answer": payment.answer_of(method),
                "answers": [(key, ANSWERS[key]) for key in payment.ANSWERS[method["type"]]],
            }
            for method in saved
        ],
    }


def _owner(method: dict[str, Any]) -> str:
    customer = store.find("customer", method["customer"]) or {}
    return customer.get("name") or customer.get("email") or method["customer"]


@bp.get("/sandbox/policy")
def show() -> Response:
    """The policy as JSON."""
    return _json(policy.current().shown())


@bp.post("/sandbox/policy")
def change() -> Answer:
    """Change the given fields; 400 with an `error` for what cannot be."""
    given = _given()
    if given is None:
        return _json({"error": "Send a JSON object."}, 400)
    try:
        return _json(policy.change(given).shown())
    except ValueError as error:
        return _json({"error": str(error)}, 400)


@bp.get("/sandbox/payment_methods/<id>")
def answer(id: str) -> Response:
    """What the bank answers for a saved payment method, and what it could."""
    method = store.find("payment_method", id)
    if method is None:
        return _json({"error": f"There is no payment method {id}."}, 404)
    known = list(payment.ANSWERS[method["type"]])
    return _json({"id": id, "answer": payment.answer_of(method), "answers": known})


@bp.post("/sandbox/payment_methods/<id>")
def set_answer(id: str) -> Response:
    """Let the bank answer differently from now on: `{"answer": "lost_card"}`."""
    method = store.find("payment_method", id)
    if method is None:
        return _json({"error": f"There is no payment method {id}."}, 404)
    try:
        payment.set_answer(method, str((_given() or {}).get("answer")))
    except ApiError as error:
        return _json({"error": error.message}, 400)
    return answer(id)


@bp.post("/policy")
def change_by_form() -> Answer:
    if not from_here():
        return "Only the sandbox's own pages may do this.\n", 403
    given: dict[str, Any] = {name: request.form.get(name, "") for name in policy.CHOICES}
    days = re.findall(r"-?\w+", request.form.get("days", ""))
    if given["retries"] == "custom":
        given["days"] = [int(day) if day.isdecimal() else day for day in days]
    try:
        policy.change(given)
    except ValueError as error:
        return f"{error}\n", 400
    return redirect(url_for("front.index", _anchor="policy"), 303)


@bp.post("/bank-answers")
def set_answer_by_form() -> Answer:
    if not from_here():
        return "Only the sandbox's own pages may do this.\n", 403
    method = store.find("payment_method", request.form.get("payment_method", ""))
    if method is None:
        return "There is no such payment method.\n", 404
    try:
        payment.set_answer(method, request.form.get("answer", ""))
    except ApiError as error:
        return f"{error.message}\n", 400
    return redirect(url_for("front.index", _anchor="answers"), 303)


def _given() -> dict[str, Any] | None:
    # A page of another origin cannot send this content type without being asked first.
    given = request.get_json(silent=True) if request.is_json else None
    return given if isinstance(given, dict) else None


def _json(value: Any, status: int = 200) -> Response:
    return Response(to_json(value) + "\n", status, content_type="application/json")
