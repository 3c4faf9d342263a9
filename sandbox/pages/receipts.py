"""A charge's receipt."""

from __future__ import annotations

from flask import Blueprint, render_template

from sandbox.engine.wording import money
from sandbox.pages.invoice_view import country_name
from sandbox.pages.merchant import merchant_name
from sandbox.pages.wording import day, method_name, words
from sandbox.store import store

bp = Blueprint("receipts", __name__)


@bp.get("/receipts/<charge_id>")
def show(charge_id: str) -> str | tuple[str, int]:
    """The receipt; a charge's id cannot be guessed, so it is the key to its page."""
    charge = store.find("charge", charge_id)
    if charge is None or charge["status"] == "failed":
        return render_template(
            "sandbox/checkout/closed.html",
            heading="There is no such receipt",
            message="The address may be incomplete. Open the link from your mail again.",
        ), 404
    method = store.find("payment_method", charge["payment_method"] or "")
    country = country_name((charge["billing_details"]["address"] or {}).get("country"))
    facts = [
        ("Paid to", merchant_name()),
        ("Date", day(charge["created"])),
        ("Payment method", method_name(method) if method else ""),
        ("Paid by", ", ".join(filter(None, [charge["billing_details"]["name"], country]))),
        ("For", charge["description"] or ""),
        ("Status", words(charge["status"])),
    ]
    if charge["amount_refunded"]:
        facts.append(("Refunded", money(charge["amount_refunded"], charge["currency"])))
    return render_template(
        "sandbox/invoice/receipt.html",
        heading=f"Receipt for {money(charge['amount'], charge['currency'])}",
        facts=[(name, value) for name, value in facts if value],
    )
