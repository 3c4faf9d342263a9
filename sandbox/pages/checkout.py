"""The checkout page: what is bought, how it is paid, and the way back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from sandbox.checkout import completion, lines, promotions, sums
from sandbox.checkout import session as sessions
from sandbox.checkout.completion import BankAsks, Buyer, Declined
from sandbox.engine.wording import money
from sandbox.errors import ApiError
from sandbox.pages import checkout_view, payment_form
from sandbox.pages.merchant import merchant_name
from sandbox.pages.payment_form import FIELD_OF, Incomplete
from sandbox.pages.wording import method_name
from sandbox.store import store

bp = Blueprint("checkout", __name__)
Answer = Response | str | tuple[str, int]


@bp.get("/c/pay/<session_id>")
def show(session_id: str) -> Answer:
    session = _find(session_id)
    if session is None:
        return _unknown()
    if session["status"] != "open":
        return _closed(session)
    form = dict(session.get("_typed") or _known(session))
    errors = {"page": message} if (message := session.pop("_message", None)) else {}
    store.save(session)
    return _page(session, form, errors)


@bp.post("/c/pay/<session_id>")
def pay(session_id: str) -> Answer:
    session = _find(session_id)
    if session is None:
        return _unknown()
    if session["status"] == "complete":
        return _onward(session)
    if session["status"] != "open":
        return _closed(session)
    form = payment_form.kept(request.form)
    try:
        notice = _change(session, request.form.get("action", "pay"))
        if notice:
            return _page(session, form | {"promotion_code": ""}, {}, notice)
        return _pay(session)
    except Incomplete as error:
        return _page(session, form, error.errors), 422


@bp.get("/c/pay/<session_id>/bank")
def bank(session_id: str) -> Answer:
    session = _find(session_id)
    if session is None:
        return _unknown()
    challenge = session.get("_challenge")
    if session["status"] != "open" or not challenge:
        return redirect(url_for(".show", session_id=session_id))
    method = store.get("payment_method", challenge["payment_method"])
    amount = sums.due_today(session)
    return render_template(
        "sandbox/bank/show.html",
        heading=f"Confirm {money(amount, session['currency'])}" if amount else "Confirm your card",
        facts=[("Merchant", merchant_name(session)), ("Card", method_name(method))],
        action=url_for(".answer_bank", session_id=session_id),
        merchant=merchant_name(session),
    )


@bp.post("/c/pay/<session_id>/bank")
def answer_bank(session_id: str) -> Answer:
    session = _find(session_id)
    if session is None:
        return _unknown()
    if session["status"] == "complete":
        return _onward(session)
    challenge = session.pop("_challenge", None)
    if session["status"] != "open" or not challenge:
        return redirect(url_for(".show", session_id=session_id))
    session["_typed"] = challenge["typed"]
    store.save(session)
    if request.form.get("answer") != "complete":
        return _back(session, completion.AUTHENTICATION_FAILED)
    method = store.get("payment_method", challenge["payment_method"])
    try:
        completed = completion.complete(
            session, Buyer(**challenge["buyer"]), method, authenticated=True
        )
    except Declined as error:
        return _back(store.get(sessions.KIND, session_id), error.message)
    return _onward(completed)


def _find(session_id: str) -> dict[str, Any] | None:
    try:
        return sessions.current(session_id)
    except ApiError:
        return None


def _known(session: dict[str, Any]) -> dict[str, str]:
    """What the form starts with."""
    details = session["customer_details"] or {}
    address = details.get("address") or {}
    saved = checkout_view.saved_methods(session)
    return {
        "email": details.get("email") or "",
        "name": details.get("name") or "",
        "country": address.get("country") or "US",
        "line1": address.get("line1") or "",
        "postal_code": address.get("postal_code") or "",
        "city": address.get("city") or "",
        "type": session["payment_method_types"][0],
        "saved_payment_method": saved[0]["id"] if saved else "new",
    }


def _change(session: dict[str, Any], action: str) -> str | None:
    """Apply what changes the price; a notice when the new price has to be seen before paying."""
    before = session["amount_total"]
    for line in lines.of(session):
        given = request.form.get(f"quantity-{line['id']}", "").strip()
        if not given or not (line["adjustable_quantity"] or {}).get("enabled"):
            continue
        try:
            lines.set_quantity(line, int(given))
        except ValueError as error:
            lowest, highest = lines.bounds(line)
            message = f"Choose a quantity from {lowest} to {highest}."
            raise Incomplete({f"quantity-{line['id']}": message}) from error
    if action == "remove-promotion-code" and session["allow_promotion_codes"]:
        session["discounts"] = []
    code = request.form.get("promotion_code", "").strip()
    applied = False
    if session["allow_promotion_codes"] and not session["discounts"]:
        if code:
            applied = True
            try:
                session["discounts"] = [promotions.redeemable(code, session)]
            except ValueError as error:
                raise Incomplete({"promotion_code": str(error)}) from error
        elif action == "promotion-code":
            raise Incomplete({"promotion_code": "Enter a code first."})
    sums.fill(session)
    store.save(session)
    if applied:
        return f"{code.upper()} is applied. This is the new price."
    if action != "pay" or session["amount_total"] != before:
        return "The price is updated."
    return None


def _pay(session: dict[str, Any]) -> Answer:
    buyer = _buyer(session)
    takes_method = completion.needs_payment_method(session)
    method = _method(session, buyer) if takes_method else None
    typed = {k: v for k, v in payment_form.kept(request.form).items() if k != "number"}
    try:
        completed = completion.complete(session, buyer, method)
    except BankAsks:
        session = store.get(sessions.KIND, session["id"])
        session["_challenge"] = {
            "payment_method": method["id"] if method else None,
            "buyer": vars(buyer),
            "typed": typed,
        }
        store.save(session)
        return redirect(url_for(".bank", session_id=session["id"]), 303)
    except Declined as error:
        raise Incomplete({FIELD_OF.get(error.code or "", "page"): error.message}) from error
    return _onward(completed)


def _buyer(session: dict[str, Any]) -> Buyer:
    given = {name: value.strip() for name, value in request.form.items()}
    errors = {}
    email = checkout_view.of(session)["email_fixed"] or given.get("email")
    if not email or "@" not in email.strip("@"):
        errors["email"] = "Enter your e-mail address, such as ada@example.com."
    if session["billing_address_collection"] == "required":
        missing = [name for name in ("line1", "postal_code", "city") if not given.get(name)]
        errors |= dict.fromkeys(missing, "This is needed for the invoice.")
    wants_phone = (session["phone_number_collection"] or {}).get("enabled")
    if wants_phone and not given.get("phone"):
        errors["phone"] = "Enter your phone number."
    business = checkout_view.business_name(session)
    if business and not business["optional"] and not given.get("business_name"):
        errors["business_name"] = "Enter the name of your business."
    terms = (session["consent_collection"] or {}).get("terms_of_service")
    if terms == "required" and not given.get("terms"):
        errors["terms"] = "Agree to the terms to go on."
    errors |= _custom_fields(session, given)
    if errors:
        raise Incomplete(errors)
    if terms == "required":
        session["consent"] = {"promotions": None, "terms_of_service": "accepted"}
    names = ("line1", "city", "postal_code", "country")
    return Buyer(
        email=email,
        name=given.get("name") or None,
        phone=given.get("phone") or None,
        business_name=given.get("business_name") or None,
        tax_id=given.get("tax_id") or None,
        address={name: given[name] for name in names if given.get(name)},
    )


def _custom_fields(session: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    errors = {}
    for field in session["custom_fields"]:
        value = given.get(f"custom-{field['key']}")
        if value:
            field[field["type"]]["value"] = value
        elif not field["optional"]:
            errors[f"custom-{field['key']}"] = "This is needed."
    return errors


def _method(session: dict[str, Any], buyer: Buyer) -> dict[str, Any]:
    chosen = request.form.get("saved_payment_method", "new")
    for saved in checkout_view.saved_methods(session):
        if saved["id"] == chosen:
            return saved
    return payment_form.payment_method(request.form, session["payment_method_types"], buyer.email)


def _page(session, form, errors, notice: str | None = None) -> str:
    view = checkout_view.of(session) | {"notice": notice}
    form.setdefault("saved_payment_method", "new")
    form.setdefault("type", session["payment_method_types"][0])
    return render_template(
        "sandbox/checkout/show.html",
        session=session,
        view=view,
        form=form,
        errors=errors,
        merchant=merchant_name(session),
    )


def _onward(session: dict[str, Any]) -> Response:
    address = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return redirect(address, 303)


def _back(session: dict[str, Any], message: str) -> Response:
    session["_message"] = message
    store.save(session)
    return redirect(url_for(".show", session_id=session["id"]), 303)


def _closed(session: dict[str, Any]) -> tuple[str, int]:
    if session["status"] == "complete":
        heading, message, status = "This is already paid", "You were charged once.", 200
        if session["payment_status"] != "paid":
            heading, message = "You are all done", "There is nothing more to do here."
    else:
        heading, status = "This checkout has expired", 410
        message = "Nothing was charged. Go back and start again to get a new page."
    link = session["cancel_url"] if status == 410 else None
    return _message(heading, message, link, merchant_name(session)), status


def _unknown() -> tuple[str, int]:
    message = "The address may be incomplete. Go back to the site you came from and start again."
    return _message("There is no such checkout", message), 404


def _message(
    heading: str, message: str, link: str | None = None, merchant: str | None = None
) -> str:
    return render_template(
        "sandbox/checkout/closed.html",
        heading=heading,
        message=message,
        link=link,
        link_text=f"Back to {merchant}",
    )
