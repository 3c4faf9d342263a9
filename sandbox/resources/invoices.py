"""Invoices: made by subscriptions or by hand, previewed, finalized, paid, voided."""

from __future__ import annotations

from typing import Any

from sandbox import cards, events
from sandbox.engine import (
    attaching,
    collecting,
    discounting,
    invoicing,
    items,
    paying,
    previewing,
    saving,
    standing,
)
from sandbox.engine.drafts import DAY, Draft
from sandbox.protocol import ApiError, assign, endpoint, lists, merge_metadata, page_of
from sandbox.resources.subscriptions import current
from sandbox.store import store

PLAIN = ("description", "footer", "custom_fields", "statement_descriptor", "due_date")
LATER = {"metadata", "expand", "auto_advance", "default_payment_method", "payment_settings"}


@endpoint("POST", "/v1/invoices", params="InvoiceCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    customer = _customer(params)
    subscription = None
    if params.get("subscription"):
        subscription = store.need("subscription", params["subscription"], "subscription")
    currency = params.get("currency") or (subscription or customer)["currency"] or "usd"
    draft = Draft(customer, currency.lower(), "manual", subscription)
    invoice = draft.invoice
    invoice["auto_advance"] = params.get("auto_advance", False)
    _set(invoice, params, customer)
    if invoice["auto_advance"]:
        invoice["automatically_finalizes_at"] = invoice["created"] + collecting.HOUR
    default = "include" if subscription else "exclude"
    if params.get("pending_invoice_items_behavior", default) == "include":
        draft.add_pending()
    if subscription and not draft.lines:
        raise ApiError(
            400,
            "Nothing to invoice for subscription",
            code="invoice_no_subscription_line_items",
            param="subscription",
        )
    return draft.store()


def _customer(params: dict[str, Any]) -> dict[str, Any]:
    if not params.get("customer"):
        raise ApiError(
            400, "Missing required param: customer.", code="parameter_missing", param="customer"
        )
    return store.need("customer", params["customer"], "customer")


def _set(invoice: dict[str, Any], params: dict[str, Any], customer: dict[str, Any]) -> None:
    assign(invoice, params, *PLAIN)
    merge_metadata(invoice, params)
    if params.get("collection_method"):
        invoice["collection_method"] = params["collection_method"]
    if invoice["collection_method"] == "charge_automatically":
        invoice["due_date"] = None
    elif params.get("days_until_due") is not None:
        invoice["due_date"] = invoice["created"] + params["days_until_due"] * DAY
    elif not invoice["due_date"]:
        raise ApiError(
            400,
            "You must specify `days_until_due` or `due_date` when `collection_method` is "
            "`send_invoice`.",
            param="days_until_due",
        )
    if params.get("default_payment_method"):
        method = saving.owned(
            params["default_payment_method"], customer["id"], "default_payment_method"
        )
        invoice["default_payment_method"] = method["id"]
    if "default_tax_rates" in params:
        invoice["default_tax_rates"] = items.tax_rates(params["default_tax_rates"])
    if "discounts" in params:
        invoice["discounts"] = discounting.create(
            params["discounts"], customer, invoice=invoice["id"]
        )
    if params.get("number"):
        invoice["number"] = params["number"]


@endpoint("GET", "/v1/invoices", params="InvoiceListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    names = ("customer", "subscription", "status", "collection_method", "due_date")
    where = {name: params.get(name) for name in names}
    return lists("invoice", params, where=where)


@endpoint("POST", "/v1/invoices/create_preview", params="InvoiceCreatePreviewParams")
def create_preview(params: dict[str, Any]) -> dict[str, Any]:
    if params.get("subscription"):
        current(params["subscription"], 400)
    return previewing.preview(params)


@endpoint("GET", "/v1/invoices/<id>", params="InvoiceRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("invoice", id, "invoice")


@endpoint("POST", "/v1/invoices/<id>", params="InvoiceUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    before, invoice = store.get("invoice", id, "invoice"), store.get("invoice", id)
    draft = invoice["status"] == "draft"
    if not draft and set(params) - LATER:
        raise ApiError(
            400,
            "Finalized invoices can't be updated in this way",
            code="invoice_not_editable",
            param=sorted(set(params) - LATER)[0],
        )
    customer = store.get("customer", invoice["customer"])
    if "auto_advance" in params:
        invoice["auto_advance"] = params["auto_advance"]
        advancing = draft and params["auto_advance"]
        invoice["automatically_finalizes_at"] = (
            invoice["created"] + collecting.HOUR if advancing else None
        )
    if not draft:
        merge_metadata(invoice, params)
        if params.get("default_payment_method"):
            method = saving.owned(
                params["default_payment_method"], customer["id"], "default_payment_method"
            )
            invoice["default_payment_method"] = method["id"]
        return events.changed("invoice.updated", invoice, before)
    _set(invoice, params, customer)
    store.save(invoice)
    stored = Draft.stored(invoice)
    if "default_tax_rates" in params:
        for line in stored.lines:
            line["_tax_rates"] = invoice["default_tax_rates"]
    stored.compute()
    for line in stored.lines:
        store.save(line)
    return events.changed("invoice.updated", invoice, before)


@endpoint("DELETE", "/v1/invoices/<id>", params="InvoiceDeleteParams")
def delete(id: str, params: dict[str, Any]) -> dict[str, Any]:
    invoicing.delete_draft(store.get("invoice", id, "invoice"))
    return {"id": id, "object": "invoice", "deleted": True}


@endpoint("GET", "/v1/invoices/<id>/lines", params="InvoiceLineItemListParams")
def lines(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return page_of(invoicing.lines_of(store.get("invoice", id, "invoice")), params)


@endpoint("POST", "/v1/invoices/<id>/finalize", params="InvoiceFinalizeInvoiceParams")
def finalize(id: str, params: dict[str, Any]) -> dict[str, Any]:
    invoice = store.get("invoice", id, "invoice")
    if "auto_advance" in params:
        invoice["auto_advance"] = params["auto_advance"]
    invoice = invoicing.finalize(invoice)
    if invoice["status"] == "paid":
        standing.invoice_paid(invoice)
    return store.get("invoice", id)


@endpoint("POST", "/v1/invoices/<id>/pay", params="InvoicePayParams")
def pay(id: str, params: dict[str, Any]) -> dict[str, Any]:
    invoice = store.get("invoice", id, "invoice")
    if params.get("paid_out_of_band"):
        if invoice["status"] == "draft":
            invoice = invoicing.finalize(invoice)
        if invoice["status"] not in ("open", "uncollectible"):
            raise ApiError(400, "Invoice is already paid", code="invoice_already_paid")
        return paying.pay_out_of_band(invoice)
    method = None
    if params.get("payment_method"):
        method = cards.resolve(params["payment_method"])
    invoice = paying.pay_invoice(invoice, method, params.get("off_session", True))
    intent = invoicing.intent_of(invoice)
    if invoice["status"] != "paid" and not (intent and intent["status"] == "processing"):
        raise collecting.refusal(invoice)
    return invoice


@endpoint("POST", "/v1/invoices/<id>/attach_payment", params="InvoiceAttachPaymentParams")
def attach_payment(id: str, params: dict[str, Any]) -> dict[str, Any]:
    invoice = store.get("invoice", id, "invoice")
    if not params.get("payment_intent"):
        raise ApiError(
            400,
            "The sandbox attaches payment intents only.",
            code="parameter_missing",
            param="payment_intent",
        )
    intent = store.need("payment_intent", params["payment_intent"], "payment_intent")
    return attaching.attach(invoice, intent)


@endpoint("POST", "/v1/invoices/<id>/send", params="InvoiceSendInvoiceParams")
def send(id: str, params: dict[str, Any]) -> dict[str, Any]:
    invoice = store.get("invoice", id, "invoice")
    if invoice["status"] == "draft":
        invoice = invoicing.finalize(invoice)
    events.emit("invoice.sent", invoice)
    return invoice


@endpoint("POST", "/v1/invoices/<id>/void", params="InvoiceVoidInvoiceParams")
def void(id: str, params: dict[str, Any]) -> dict[str, Any]:
    invoice = invoicing.void(store.get("invoice", id, "invoice"))
    standing.invoice_closed(invoice)
    return invoice


@endpoint("POST", "/v1/invoices/<id>/mark_uncollectible", params="InvoiceMarkUncollectibleParams")
def mark_uncollectible(id: str, params: dict[str, Any]) -> dict[str, Any]:
    invoice = invoicing.mark_uncollectible(store.get("invoice", id, "invoice"))
    standing.invoice_closed(invoice)
    return invoice
