"""What an invoice says, as text: shared by its page and its PDF."""

from __future__ import annotations

from typing import Any

from sandbox.engine.invoicing import intent_of, lines_of
from sandbox.engine.wording import money
from sandbox.pages.merchant import merchant_name
from sandbox.pages.wording import countries, day, method_name
from sandbox.resources.account import document as account
from sandbox.store import store

STAMPS = {"paid": "Paid", "void": "Void", "uncollectible": "Uncollectible"}


def of(invoice: dict[str, Any]) -> dict[str, Any]:
    """Everything an invoice shows: `headline`, `facts`, `seller`, `buyer`, `lines`, `sums`."""
    currency = invoice["currency"]
    return {
        "number": invoice["number"] or "Draft",
        "stamp": STAMPS.get(invoice["status"], ""),
        "headline": _headline(invoice),
        "facts": _facts(invoice),
        "seller": seller(),
        "buyer": buyer(invoice),
        "lines": [_line(line, currency) for line in lines_of(invoice)],
        "sums": _sums(invoice),
        "description": invoice["description"],
        "footer": invoice["footer"],
        "paid_with": _paid_with(invoice),
    }


def _headline(invoice) -> str:
    amount = money(invoice["amount_remaining"], invoice["currency"])
    if invoice["status"] == "paid":
        paid_at = invoice["status_transitions"]["paid_at"]
        return f"{money(invoice['total'], invoice['currency'])} paid on {day(paid_at)}"
    if invoice["status"] == "void":
        return f"{money(invoice['total'], invoice['currency'])}, void: nothing is owed"
    if invoice["status"] == "draft":
        return f"{money(invoice['total'], invoice['currency'])}, not issued yet"
    if invoice["due_date"]:
        return f"{amount} due {day(invoice['due_date'])}"
    return f"{amount} due"


def _facts(invoice) -> list[tuple[str, str]]:
    facts = [
        ("Invoice number", invoice["number"] or "Draft"),
        ("Date of issue", day(invoice["effective_at"] or invoice["created"])),
    ]
    if invoice["due_date"]:
        facts.append(("Date due", day(invoice["due_date"])))
    paid_at = invoice["status_transitions"]["paid_at"]
    if invoice["status"] == "paid" and paid_at:
        facts.append(("Date paid", day(paid_at)))
    for field in invoice["custom_fields"] or []:
        facts.append((field["name"], field["value"]))
    return facts


def country_name(code: str | None) -> str:
    """A country's English name; "" for none."""
    return dict(countries()).get(code or "", code or "")


def address_lines(address: dict[str, Any] | None) -> list[str]:
    """An address as it is written on a letter, empty lines left out."""
    if not address:
        return []
    town = " ".join(filter(None, [address["postal_code"], address["city"]]))
    region = ", ".join(filter(None, [town, address["state"]]))
    country = country_name(address["country"])
    return [line for line in (address["line1"], address["line2"], region, country) if line]


def seller() -> list[str]:
    """Who issues it: name, country, e-mail address."""
    return [merchant_name(), country_name(account()["country"]), account()["email"]]


def buyer(invoice) -> list[str]:
    """Whom it is issued to, as an invoice knows them."""
    lines = [invoice["customer_name"], *address_lines(invoice["customer_address"])]
    lines.append(invoice["customer_email"])
    for tax_id in invoice["customer_tax_ids"] or []:
        lines.append(f"{tax_id['type'].replace('_', ' ').upper()} {tax_id['value']}")
    return [line for line in lines if line] or ["No name given"]


def _line(line, currency) -> dict[str, Any]:
    period = line["period"]
    covers = ""
    if period["end"] > period["start"]:
        covers = f"{day(period['start'])} to {day(period['end'])}"
    return {
        "description": line["description"] or "",
        "period": covers,
        "quantity": "" if line["quantity"] is None else str(line["quantity"]),
        "tax": rates_of(line),
        "amount": money(line["amount"], currency),
    }


def rates_of(line: dict[str, Any]) -> str:
    """The percentages of a line's taxes: "19%"."""
    found = [
        store.find("tax_rate", tax["tax_rate_details"]["tax_rate"]) for tax in line["taxes"] or []
    ]
    return ", ".join(f"{rate['percentage']:g}%" for rate in found if rate)


def _sums(invoice) -> list[tuple[str, str, bool]]:
    """(name, amount, whether it is a main sum)."""
    currency = invoice["currency"]

    def show(amount: int) -> str:
        return money(amount, currency)

    sums = [("Subtotal", show(invoice["subtotal"]), False)]
    for discount in invoice["total_discount_amounts"] or []:
        sums.append((discount_name(discount["discount"]), show(-discount["amount"]), False))
    for tax in invoice["total_taxes"] or []:
        sums.append((tax_name(tax), show(tax["amount"]), False))
    sums.append(("Total", show(invoice["total"]), True))
    applied = invoice["total"] - invoice["amount_due"]
    if applied and invoice["status"] != "draft":
        sums.append(("Applied balance", show(-applied), False))
    if invoice["amount_paid"]:
        sums.append(("Amount paid", show(-invoice["amount_paid"]), False))
    if invoice["status"] in ("open", "uncollectible", "paid"):
        remaining = 0 if invoice["status"] == "paid" else invoice["amount_remaining"]
        sums.append(("Amount due", show(remaining), True))
    return sums


def discount_name(id: str) -> str:
    """A discount by its coupon's name and percentage."""
    discount = store.find("discount", id)
    coupon = (discount or {}).get("_coupon") or {}
    name = coupon.get("name") or coupon.get("id") or "Discount"
    percent = coupon.get("percent_off")
    return f"{name} ({percent:g}% off)" if percent else name


def tax_name(tax: dict[str, Any]) -> str:
    """One of `total_taxes` by its rate's name and percentage."""
    rate = store.find("tax_rate", tax["tax_rate_details"]["tax_rate"])
    if not rate:
        return "Tax"
    included = ", included" if rate["inclusive"] else ""
    return f"{rate['display_name']} ({rate['percentage']:g}%{included})"


def _paid_with(invoice) -> str:
    if invoice["status"] != "paid":
        return ""
    intent = intent_of(invoice)
    method = store.find("payment_method", (intent or {}).get("payment_method") or "")
    if method:
        return method_name(method)
    return "Paid outside the sandbox" if invoice["amount_paid"] else ""
