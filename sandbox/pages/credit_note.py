"""A credit note's PDF: what the invoice was reduced by, and where the money went."""

from __future__ import annotations

import hmac
from typing import Any

from flask import Blueprint, Response, render_template

from sandbox.engine.crediting import lines_of
from sandbox.engine.wording import money
from sandbox.pages import invoice_pdf, invoice_view
from sandbox.pages.wording import day, words
from sandbox.store import store

bp = Blueprint("credit_note", __name__)


@bp.get("/credit_notes/<note_id>/<secret>/pdf")
def pdf(note_id: str, secret: str) -> Response | tuple[str, int]:
    note = store.find("credit_note", note_id)
    known = (note or {}).get("_secret", "")
    if note is None or not known or not hmac.compare_digest(known, secret):
        return render_template(
            "sandbox/checkout/closed.html",
            heading="There is no such credit note",
            message="The address may be incomplete. Open the link from your mail again.",
        ), 404
    drawn = invoice_pdf.draw("Credit note", view_of(note), note["created"])
    response = Response(drawn, content_type="application/pdf")
    name = f"Credit-note-{note['number']}.pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def view_of(note: dict[str, Any]) -> dict[str, Any]:
    """What the credit note says, in the words of `invoice_view.of`."""
    invoice = store.get("invoice", note["invoice"])
    currency = note["currency"]
    facts = [
        ("Credit note number", note["number"]),
        ("Date of issue", day(note["effective_at"] or note["created"])),
        ("For invoice", invoice["number"] or ""),
    ]
    if note["reason"]:
        facts.append(("Reason", words(note["reason"])))
    void = note["status"] == "void"
    return {
        "number": note["number"],
        "stamp": "Void" if void else "",
        "headline": f"{money(note['total'], currency)} {'void' if void else 'credited'}",
        "facts": facts,
        "seller": invoice_view.seller(),
        "buyer": invoice_view.buyer(invoice),
        "lines": [_line(line, currency) for line in lines_of(note)],
        "sums": _sums(note),
        "description": note["memo"],
        "footer": "",
        "paid_with": "",
    }


def _line(line: dict[str, Any], currency: str) -> dict[str, str]:
    return {
        "description": line["description"] or "Credit",
        "period": "",
        "quantity": "" if line["quantity"] is None else str(line["quantity"]),
        "tax": invoice_view.rates_of(line),
        "amount": money(line["amount"], currency),
    }


def _sums(note: dict[str, Any]) -> list[tuple[str, str, bool]]:
    sums = [("Subtotal", note["subtotal"], False)]
    for discount in note["discount_amounts"]:
        sums.append((invoice_view.discount_name(discount["discount"]), -discount["amount"], False))
    for tax in note["total_taxes"] or []:
        sums.append((invoice_view.tax_name(tax), tax["amount"], False))
    sums.append(("Total credited", note["total"], True))
    credit = store.find("customer_balance_transaction", note["customer_balance_transaction"] or "")
    parts = [
        ("Taken off what was due", note["pre_payment_amount"]),
        ("Refunded", sum(one["amount_refunded"] for one in note["refunds"])),
        ("Credited to the balance", -credit["amount"] if credit else 0),
        ("Paid back elsewhere", note["out_of_band_amount"] or 0),
    ]
    sums += [(name, amount, False) for name, amount in parts if amount]
    return [(name, money(amount, note["currency"]), main) for name, amount, main in sums]
