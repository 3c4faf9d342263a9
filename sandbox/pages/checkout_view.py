"""What the checkout page says about a session: names, amounts, the button."""

from __future__ import annotations

from typing import Any

from sandbox import clock
from sandbox.checkout import lines, sums
from sandbox.checkout.completion import needs_payment_method
from sandbox.engine.calendar import DAY
from sandbox.engine.wording import TIMES, money
from sandbox.pages import wording
from sandbox.pages.merchant import merchant_name
from sandbox.store import store

KINDS = {
    "card": "Card",
    "us_bank_account": "US bank account",
    "sepa_debit": "SEPA Direct Debit",
}


def of(session: dict[str, Any]) -> dict[str, Any]:
    """Everything the template shows, amounts already as text."""
    sold = lines.of(session)
    currency = session["currency"] or "usd"
    view: dict[str, Any] = {
        "heading": _heading(session, sold),
        "lines": [_line(line, currency, session) for line in sold],
        "takes_payment_method": needs_payment_method(session),
        "kinds": [(kind, KINDS[kind]) for kind in session["payment_method_types"]],
        "saved": saved_methods(session),
        "email_fixed": _fixed_email(session),
        "business_name": business_name(session),
        "button": _button(session),
        "small_print": _small_print(session),
        "notice": None,
    }
    if session["mode"] != "setup":
        view |= _amounts(session, sold, currency)
    return view


def saved_methods(session: dict[str, Any]) -> list[dict[str, Any]]:
    """The customer's payment methods that may be shown to them again, newest first."""
    if not session["customer"] or session["mode"] == "setup":
        return []
    options = session["saved_payment_method_options"] or {}
    allowed = options.get("allow_redisplay_filters") or ["always"]
    found = store.all("payment_method", customer=session["customer"])
    return [
        method
        for method in reversed(found)
        if (method.get("allow_redisplay") or "unspecified") in allowed
        and method["type"] in session["payment_method_types"]
    ]


def business_name(session: dict[str, Any]) -> dict[str, Any] | None:
    """Whether a business name is asked for, and then whether it is `optional`."""
    asked = (session["name_collection"] or {}).get("business") or {}
    if asked.get("enabled"):
        return {"optional": asked["optional"]}
    return {"optional": True} if session["tax_id_collection"]["enabled"] else None


def _heading(session, sold) -> str:
    if session["mode"] == "setup":
        return f"Save a payment method with {merchant_name(session)}"
    names = [line["description"] for line in sold if line["price"]["recurring"]] or [
        line["description"] for line in sold
    ]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    if session["mode"] == "payment":
        return f"Pay {merchant_name(session)}"
    return f"{'Try' if sums.has_trial(session) else 'Subscribe to'} {names[0]}{more}"


def _line(line, currency, session) -> dict[str, Any]:
    lowest, highest = lines.bounds(line)
    detail = wording.price(line["price"], currency)
    if (line["quantity"] or 1) > 1:
        detail = f"{line['quantity']} {TIMES} {detail}"
    if line["price"]["recurring"] and sums.has_trial(session):
        detail += ", after the trial"
    return {
        "id": line["id"],
        "name": line["description"],
        "amount": money(line["amount_subtotal"], currency),
        "detail": detail,
        "quantity": line["quantity"],
        "adjustable": (line["adjustable_quantity"] or {}).get("enabled"),
        "minimum": lowest,
        "maximum": highest,
    }


def _amounts(session, sold, currency) -> dict[str, Any]:
    details = session["total_details"]
    recurring = [line["price"]["recurring"] for line in sold if line["price"]["recurring"]]
    rhythm = wording.every(recurring[0]) if recurring else ""
    due = sums.due_today(session)
    from_balance = due - session["amount_total"]
    shown: dict[str, Any] = {
        "headline_amount": money(due, currency),
        "headline_every": rhythm if not sums.has_trial(session) and len(recurring) == 1 else "",
        "subtotal": money(session["amount_subtotal"], currency),
        "discount_amount": money(-details["amount_discount"], currency)
        if details["amount_discount"]
        else "",
        "applied_balance": money(from_balance, currency) if from_balance else "",
        "due_today": money(due, currency),
        "taxes": _taxes(sold, currency),
        "discount": _discount(session, currency),
        "after": "",
    }
    if not recurring:
        return shown
    later = f"{money(sums.recurring_total(session), currency)} {rhythm}"
    if sums.has_trial(session):
        days = _trial_days(session)
        shown["headline_amount"] = f"{days} day{'s' if days != 1 else ''} free"
        starts = wording.day(clock.now() + days * DAY)
        shown["after"] = f"Then {later}, starting {starts}."
    elif (
        details["amount_discount"]
        or from_balance
        or any(not line["price"]["recurring"] for line in sold)
    ):
        shown["headline_every"] = "today"
        shown["after"] = f"Then {later}{_discount_later(session)}."
    return shown


def _trial_days(session) -> int:
    data = session["_subscription_data"]
    if data.get("trial_period_days"):
        return data["trial_period_days"]
    return max(-(-(data["trial_end"] - clock.now()) // DAY), 0)


def _taxes(sold, currency) -> list[dict[str, str]]:
    amounts: dict[str, int] = {}
    for line in sold:
        for tax in line["_taxes"]:
            rate = store.get("tax_rate", tax["tax_rate_details"]["tax_rate"])
            kind = " included" if rate["inclusive"] else ""
            name = f"{rate['display_name']} {rate['percentage']:g}%{kind}"
            amounts[name] = amounts.get(name, 0) + tax["amount"]
    return [{"name": name, "amount": money(amount, currency)} for name, amount in amounts.items()]


def terms(coupon: dict[str, Any], currency: str) -> str:
    """A coupon's terms: "20% off for 3 months"."""
    off = (
        f"{coupon['percent_off']:g}% off"
        if coupon["percent_off"] is not None
        else f"{money(coupon['amount_off'], coupon['currency'] or currency)} off"
    )
    months = coupon["duration_in_months"]
    lasts = {
        "forever": "",
        "once": " once",
        "repeating": f" for {months} month{'s' if months != 1 else ''}",
    }
    return off + lasts[coupon["duration"]]


def _discount(session, currency) -> dict[str, Any] | None:
    if not session["discounts"]:
        return None
    entry = session["discounts"][0]
    coupon = sums.coupon_of(entry)
    label = coupon["name"] or coupon["id"]
    if entry["promotion_code"]:
        label = store.get("promotion_code", entry["promotion_code"])["code"]
    return {
        "label": label,
        "detail": terms(coupon, currency),
        "removable": session["allow_promotion_codes"],
    }


def _discount_later(session) -> str:
    if not session["discounts"]:
        return ""
    coupon = sums.coupon_of(session["discounts"][0])
    return "" if coupon["duration"] == "once" else " before the discount"


def _fixed_email(session) -> str | None:
    if session["customer"]:
        return (store.find("customer", session["customer"]) or {}).get("email")
    return session["customer_email"]


def _button(session) -> str:
    if session["mode"] == "setup":
        return "Save payment method"
    if session["mode"] == "subscription":
        return "Start trial" if sums.has_trial(session) else "Subscribe"
    verb = {"book": "Book", "donate": "Donate"}.get(session["submit_type"], "Pay")
    return f"{verb} {money(session['amount_total'], session['currency'])}"


def _small_print(session) -> str:
    name = merchant_name(session)
    if session["mode"] == "subscription" and not needs_payment_method(session):
        return _without_method(session) if sums.has_trial(session) else ""
    if session["mode"] == "subscription":
        return (
            f"You allow {name} to charge your payment method for this and future payments, until "
            "you cancel."
        )
    if session["mode"] == "setup":
        return f"You allow {name} to charge this payment method in the future."
    return ""


def _without_method(session) -> str:
    """What becomes of a trial that nobody gave a payment method for."""
    settings = session["_subscription_data"].get("trial_settings") or {}
    behavior = (settings.get("end_behavior") or {}).get("missing_payment_method")
    ends = {"cancel": "your plan ends with the trial", "pause": "your plan pauses after the trial"}
    if behavior not in ends:
        return "When the trial ends you are asked to pay."
    return f"No card is needed today. Without one {ends[behavior]}."
