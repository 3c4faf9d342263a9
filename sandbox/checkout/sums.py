"""A Checkout Session's sums: what is due today, by line and in all."""

from __future__ import annotations

from typing import Any

from sandbox.checkout import lines as session_lines
from sandbox.engine import discounts, pricing, taxes, totals
from sandbox.engine.discounts import Reduction
from sandbox.resources import customer_balance_transactions as balance
from sandbox.schema import part
from sandbox.store import store


def fill(session: dict[str, Any]) -> None:
    """Work out the amounts of the session and of its lines, in minor units, and store the lines.

    A subscription's recurring lines cost nothing today while a trial runs.
    """
    lines = session_lines.of(session)
    if session["mode"] == "setup":
        return
    currency = session["currency"]
    rows = [_row(session, line, currency) for line in lines]
    discounts.apply(rows, {}, reductions(session))
    exempt = _exempt(session)
    for line, row in zip(lines, rows, strict=True):
        off = sum(discount["amount"] for discount in row["discount_amounts"])
        found = taxes.of_amount(row["amount"] - off, rates_of(session, line), currency, exempt)
        on_top = sum(tax["amount"] for tax in found if tax["tax_behavior"] == "exclusive")
        line.update(
            amount_subtotal=row["amount"],
            amount_discount=off,
            amount_tax=sum(tax["amount"] for tax in found),
            amount_total=row["amount"] - off + on_top,
            _taxes=found,
        )
        store.save(line)
    session.update(
        amount_subtotal=sum(line["amount_subtotal"] for line in lines),
        amount_total=sum(line["amount_total"] for line in lines),
        total_details=part(
            "checkout.session",
            "total_details",
            amount_discount=sum(line["amount_discount"] for line in lines),
            amount_shipping=0,
            amount_tax=sum(line["amount_tax"] for line in lines),
        ),
    )


def due_today(session: dict[str, Any]) -> int:
    """What is charged today, in minor units: a subscription's invoice uses the balance first."""
    total = session["amount_total"] or 0
    if session["mode"] != "subscription":
        return total
    customer = store.find("customer", session["customer"] or "")
    owed = balance.of(customer, session["currency"]) if customer else 0
    return totals.due(total, owed, session["currency"])[0]


def recurring_total(session: dict[str, Any]) -> int:
    """What a full period of the recurring lines costs, in minor units, discounts left out."""
    total = 0
    for line in session_lines.of(session):
        if line["price"]["recurring"]:
            amount = _full_amount(line, session["currency"])
            found = taxes.of_amount(
                amount, rates_of(session, line), session["currency"], _exempt(session)
            )
            total += amount
            total += sum(tax["amount"] for tax in found if tax["tax_behavior"] == "exclusive")
    return total


def coupon_of(entry: dict[str, Any]) -> dict[str, Any]:
    """The coupon of one entry of a session's `discounts`."""
    if entry.get("promotion_code"):
        code = store.get("promotion_code", entry["promotion_code"])
        return store.get("coupon", code["promotion"]["coupon"])
    return store.get("coupon", entry["coupon"])


def reductions(session: dict[str, Any]) -> list[Reduction]:
    """The session's discounts as the engine takes them."""
    return [
        Reduction(f"di_{index}", coupon_of(entry))
        for index, entry in enumerate(session["discounts"] or [])
    ]


def rates_of(session: dict[str, Any], line: dict[str, Any]) -> list[dict[str, Any]]:
    """The tax rates of a line: its own, else the subscription's default ones."""
    defaults = session["_subscription_data"].get("default_tax_rates") or []
    return [store.get("tax_rate", id) for id in line["_tax_rates"] or defaults]


def has_trial(session: dict[str, Any]) -> bool:
    """The subscription that this session sells starts with a trial."""
    data = session["_subscription_data"]
    return bool(data.get("trial_period_days") or data.get("trial_end"))


def _row(session: dict[str, Any], line: dict[str, Any], currency: str) -> dict[str, Any]:
    free = line["price"]["recurring"] and has_trial(session)
    return {
        "id": line["id"],
        "amount": 0 if free else _full_amount(line, currency),
        "currency": currency,
        "discountable": True,
        "pricing": {"price_details": {"product": line["price"]["product"]}},
    }


def _full_amount(line: dict[str, Any], currency: str) -> int:
    if not pricing.is_licensed(line["price"]):
        return 0
    return pricing.amount(line["price"], line["quantity"], currency)


def _exempt(session: dict[str, Any]) -> str:
    if not session["customer"]:
        return "none"
    return (store.find("customer", session["customer"]) or {}).get("tax_exempt") or "none"
