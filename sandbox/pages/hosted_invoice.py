"""The invoice's page: what it says, paying it, and its PDF."""

from __future__ import annotations

import hmac
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.engine import paying
from sandbox.engine.invoicing import intent_of
from sandbox.engine.wording import money
from sandbox.errors import ApiError
from sandbox.pages import intents, invoice_pdf, invoice_view, payment_form
from sandbox.pages.payment_form import Incomplete
from sandbox.pages.urls import bank_url, hosted_invoice_url
from sandbox.store import store

bp = Blueprint("hosted_invoice", __name__)
Answer = AnyResponse | str | tuple[str, int]
KINDS = ["card"]
PAYABLE = frozenset({"open", "uncollectible"})


@bp.get("/i/<invoice_id>/<secret>")
def show(invoice_id: str, secret: str) -> Answer:
    invoice = _find(invoice_id, secret)
    if invoice is None:
        return _unknown()
    errors = {}
    if request.args.get("redirect_status") == "failed" and invoice["status"] in PAYABLE:
        errors["page"] = _refusal(invoice)
    return _page(invoice, _known(invoice), errors)


@bp.get("/i/<invoice_id>/<secret>/pdf")
def pdf(invoice_id: str, secret: str) -> Answer:
    invoice = _find(invoice_id, secret)
    if invoice is None:
        return _unknown()
    response = Response(invoice_pdf.render(invoice), content_type="application/pdf")
    name = f"Invoice-{invoice['number'] or 'draft'}.pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@bp.post("/i/<invoice_id>/<secret>")
def pay(invoice_id: str, secret: str) -> Answer:
    invoice = _find(invoice_id, secret)
    if invoice is None:
        return _unknown()
    address = hosted_invoice_url(invoice)
    if invoice["status"] not in PAYABLE:
        return redirect(address, 303)
    try:
        method = _method(invoice)
        invoice = paying.pay_invoice(invoice, method)
        intent = intent_of(invoice)
        if intent and intent["status"] == "requires_action":
            return redirect(bank_url(intent, address), 303)
        if invoice["status"] != "paid" and not _processing(intent):
            raise Incomplete({"page": _refusal(invoice)})
    except Incomplete as error:
        return _page(invoice, payment_form.kept(request.form), error.errors), 422
    except ApiError as error:
        form = payment_form.kept(request.form)
        return _page(store.get("invoice", invoice_id), form, {"page": error.message}), 422
    return redirect(address, 303)


def _find(invoice_id: str, secret: str) -> dict[str, Any] | None:
    invoice = store.find("invoice", invoice_id)
    known = (invoice or {}).get("_secret", "")
    return invoice if known and hmac.compare_digest(known, secret) else None


def saved_methods(invoice: dict[str, Any]) -> list[dict[str, Any]]:
    """The customer's cards, the one the invoice would be charged to first."""
    found = store.all("payment_method", customer=invoice["customer"])
    default = paying.method_for(invoice)
    return sorted(found, key=lambda method: not default or method["id"] != default["id"])


def _method(invoice: dict[str, Any]) -> dict[str, Any]:
    chosen = request.form.get("saved_payment_method", "new")
    for saved in saved_methods(invoice):
        if saved["id"] == chosen:
            return saved
    return payment_form.payment_method(request.form, KINDS, invoice["customer_email"])


def _known(invoice: dict[str, Any]) -> dict[str, str]:
    address = invoice["customer_address"] or {}
    saved = saved_methods(invoice)
    return {
        "name": invoice["customer_name"] or "",
        "country": address.get("country") or "US",
        "saved_payment_method": saved[0]["id"] if saved else "new",
    }


def _refusal(invoice: dict[str, Any]) -> str:
    intent = intent_of(invoice)
    error = intents.last_error(intent) if intent else None
    return (error or {}).get("message", "The payment did not go through.")


def _processing(intent: dict[str, Any] | None) -> bool:
    return bool(intent) and intent["status"] == "processing"


def _page(invoice: dict[str, Any], form: dict[str, str], errors: dict[str, str]) -> str:
    intent = intent_of(invoice)
    processing = _processing(intent)
    return render_template(
        "sandbox/invoice/show.html",
        invoice=invoice,
        view=invoice_view.of(invoice),
        form={"saved_payment_method": "new"} | form,
        errors=errors,
        saved=saved_methods(invoice),
        payable=invoice["status"] in PAYABLE and not processing,
        processing=processing,
        amount=money(invoice["amount_remaining"], invoice["currency"]),
        address=hosted_invoice_url(invoice),
    )


def _unknown() -> tuple[str, int]:
    return render_template(
        "sandbox/checkout/closed.html",
        heading="There is no such invoice",
        message="The address may be incomplete. Open the link from your mail again.",
    ), 404
