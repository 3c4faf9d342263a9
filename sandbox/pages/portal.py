"""The Billing Portal: home, billing details, payment methods."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from sandbox.engine import paying, saving
from sandbox.engine.intents import new_setup_intent
from sandbox.errors import ApiError
from sandbox.pages import intents, payment_form, portal_session, portal_view
from sandbox.pages.payment_form import Incomplete
from sandbox.pages.portal_session import Gone
from sandbox.pages.urls import bank_url, base_url
from sandbox.resources import customers, tax_ids
from sandbox.store import store

bp = Blueprint("portal", __name__)
bp.register_error_handler(Gone, portal_session.gone)
Answer = Response | str | tuple[str, int]
ADDRESS = ("line1", "line2", "postal_code", "city", "state", "country")
TAX_ID_TYPES = {
    "eu_vat": "European VAT number",
    "gb_vat": "UK VAT number",
    "us_ein": "US EIN",
    "ch_vat": "Swiss VAT number",
    "no_vat": "Norwegian VAT number",
    "au_abn": "Australian business number",
    "ca_bn": "Canadian business number",
    "in_gst": "Indian GST number",
}


@bp.get("/p/session/<secret>")
def home(secret: str) -> Answer:
    session = portal_session.find(secret)
    start = portal_session.flow_start(session)
    if start:
        return redirect(start)
    message, problem = session.pop("_message", None), session.pop("_problem", None)
    store.save(session)
    return render_template(
        "sandbox/portal/home.html",
        session=session,
        view=portal_view.of(session),
        features=portal_session.features(session),
        message=message,
        problem=problem,
        headline=portal_session.headline(session),
    )


@bp.get("/p/session/<secret>/done")
def done(secret: str) -> Answer:
    session = portal_session.find(secret)
    after = (session["flow"] or {}).get("after_completion") or {}
    confirmation = after.get("hosted_confirmation") or {}
    return render_template(
        "sandbox/checkout/closed.html",
        heading="That is done",
        message=confirmation.get("custom_message") or "Your change is saved.",
        link=session["return_url"],
        link_text="Go back",
    )


# Billing details ---------------------------------------------------------------------------------


@bp.get("/p/session/<secret>/details")
def details(secret: str) -> Answer:
    session = portal_session.find(secret)
    if not portal_session.features(session)["customer_update"]["enabled"]:
        return redirect(url_for(".home", secret=secret))
    customer = portal_session.customer(session)
    address = customer["address"] or {}
    form = {name: customer[name] or "" for name in ("name", "email", "phone")}
    form |= {name: address.get(name) or "" for name in ADDRESS}
    return _details(session, form, {})


@bp.post("/p/session/<secret>/details")
def save_details(secret: str) -> Answer:
    session = portal_session.find(secret)
    feature = portal_session.features(session)["customer_update"]
    if not feature["enabled"]:
        return redirect(url_for(".home", secret=secret), 303)
    form = {name: value.strip() for name, value in request.form.items()}
    allowed = feature["allowed_updates"]
    params: dict[str, Any] = {}
    for name in ("name", "email", "phone"):
        if name in allowed and name in form:
            params[name] = form[name]
    if "address" in allowed:
        params["address"] = {name: form.get(name, "") for name in ADDRESS}
    errors = {}
    if "email" in params and "@" not in params["email"].strip("@"):
        errors["email"] = "Enter an e-mail address, such as ada@example.com."
    if not errors:
        errors = _save(session, params, form if "tax_id" in allowed else {})
    if errors:
        return _details(session, form, errors), 422
    if request.form.get("action") == "save":
        return portal_session.finished(session, "customer_update")
    return redirect(url_for(".details", secret=secret), 303)


def _save(session: dict[str, Any], params: dict[str, Any], taxes: dict[str, str]) -> dict[str, str]:
    customer = customers.update(id=session["customer"], params=params)
    for tax_id in store.all("tax_id", customer=customer["id"]):
        if taxes and request.form.get("action") == f"remove-{tax_id['id']}":
            tax_ids.delete_for_customer(customer=customer["id"], id=tax_id["id"], params={})
    if not taxes.get("tax_id"):
        return {}
    try:
        tax_ids.add(customer, {"type": taxes.get("tax_id_type"), "value": taxes["tax_id"]})
    except ApiError:
        return {"tax_id": "This is not a number of that kind."}
    return {}


def _details(session: dict[str, Any], form: dict[str, str], errors: dict[str, str]) -> str:
    return render_template(
        "sandbox/portal/details.html",
        session=session,
        form=form,
        errors=errors,
        allowed=portal_session.features(session)["customer_update"]["allowed_updates"],
        tax_ids=store.all("tax_id", customer=session["customer"]),
        tax_id_types=TAX_ID_TYPES,
        back=portal_session.leave_url(session),
    )


# Payment methods ---------------------------------------------------------------------------------


@bp.get("/p/session/<secret>/payment-methods/new")
def add_method(secret: str) -> Answer:
    session = portal_session.find(secret)
    customer = portal_session.customer(session)
    country = (customer["address"] or {}).get("country") or "US"
    return _add_method(session, {"name": customer["name"] or "", "country": country}, {})


@bp.post("/p/session/<secret>/payment-methods/new")
def save_method(secret: str) -> Answer:
    session = portal_session.find(secret)
    customer = portal_session.customer(session)
    try:
        method = payment_form.payment_method(request.form, ["card"], customer["email"])
        intent = new_setup_intent(customer=customer["id"])
        intent = paying.confirm_setup_intent(intent, method)
        if intent["status"] == "requires_action":
            back = base_url() + url_for(".method_confirmed", secret=secret)
            return redirect(bank_url(intent, back), 303)
        if intent["status"] != "succeeded":
            error = intents.last_error(intent) or {}
            code = payment_form.FIELD_OF.get(error.get("code", ""), "page")
            raise Incomplete({code: error.get("message", "Your card was declined.")})
    except Incomplete as error:
        return _add_method(session, payment_form.kept(request.form), error.errors), 422
    _make_default(customer["id"], method["id"])
    return portal_session.finished(session, "payment_method_update")


@bp.get("/p/session/<secret>/payment-methods/confirmed")
def method_confirmed(secret: str) -> Answer:
    """Back from the bank, which may have refused."""
    session = portal_session.find(secret)
    intent = store.find("setup_intent", request.args.get("setup_intent", ""))
    if not intent or intent["customer"] != session["customer"]:
        return redirect(url_for(".add_method", secret=secret))
    if intent["status"] != "succeeded":
        error = intents.last_error(intent) or {}
        form = {"country": "US"}
        return _add_method(session, form, {"page": error.get("message", "Not confirmed.")}), 422
    _make_default(session["customer"], intent["payment_method"])
    return portal_session.finished(session, "payment_method_update")


@bp.post("/p/session/<secret>/payment-methods/<method_id>/default")
def make_default(secret: str, method_id: str) -> Answer:
    session = portal_session.find(secret)
    if _own(session, method_id):
        _make_default(session["customer"], method_id)
    return portal_session.finished(session, "payment_method_update")


@bp.post("/p/session/<secret>/payment-methods/<method_id>/remove")
def remove_method(secret: str, method_id: str) -> Answer:
    session = portal_session.find(secret)
    method = _own(session, method_id)
    if method:
        saving.detach(method)
    return redirect(url_for(".home", secret=secret), 303)


def _own(session: dict[str, Any], method_id: str) -> dict[str, Any] | None:
    method = store.find("payment_method", method_id)
    allowed = portal_session.features(session)["payment_method_update"]["enabled"]
    mine = bool(method) and method["customer"] == session["customer"]
    return method if allowed and mine else None


def _make_default(customer_id: str, method_id: str) -> None:
    customers.update(
        id=customer_id, params={"invoice_settings": {"default_payment_method": method_id}}
    )


def _add_method(session: dict[str, Any], form: dict[str, str], errors: dict[str, str]) -> str:
    return render_template(
        "sandbox/portal/add_method.html",
        session=session,
        form=form,
        errors=errors,
        back=portal_session.leave_url(session),
    )
