"""Invoice items: charges and credits that wait for the next invoice."""

from __future__ import annotations

from typing import Any

from sandbox import events
from sandbox.engine import discounting, items
from sandbox.engine.drafts import Draft
from sandbox.engine.entries import new_entry, reprice
from sandbox.protocol import ApiError, assign, endpoint, lists, merge_metadata
from sandbox.store import store

AMOUNTS = ("amount", "quantity", "pricing", "price_data", "unit_amount_decimal")


@endpoint("POST", "/v1/invoiceitems", params="InvoiceItemCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    if not params.get("customer"):
        raise ApiError(
            400, "Missing required param: customer.", code="parameter_missing", param="customer"
        )
    customer = store.need("customer", params["customer"], "customer")
    if params.get("subscription"):
        store.need("subscription", params["subscription"], "subscription")
    entry = new_entry(customer, params, params.get("subscription"))
    if params.get("invoice"):
        _add_to_draft(entry, params["invoice"])
    return store.get("invoiceitem", entry["id"])


def _add_to_draft(entry: dict[str, Any], id: str) -> None:
    invoice = store.need("invoice", id, "invoice")
    _check_draft(invoice)
    draft = Draft.stored(invoice)
    draft.add_entry(entry)
    store.insert("line_item", draft.lines[-1])
    entry["invoice"] = id
    store.save(entry)
    draft.save()


def _check_draft(invoice: dict[str, Any]) -> None:
    if invoice["status"] != "draft":
        raise ApiError(
            400,
            "This invoice is no longer editable",
            code="invoice_not_editable",
            param="invoice",
        )


@endpoint("GET", "/v1/invoiceitems", params="InvoiceItemListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    pending = params.get("pending")

    def wanted(doc: dict[str, Any]) -> bool:
        if pending is not None and (doc["invoice"] is None) is not pending:
            return False
        return all(params.get(name) in (None, doc[name]) for name in ("customer", "invoice"))

    return lists("invoiceitem", params, where=wanted)


@endpoint("GET", "/v1/invoiceitems/<id>", params="InvoiceItemRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("invoiceitem", id)


@endpoint("POST", "/v1/invoiceitems/<id>", params="InvoiceItemUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    entry = store.get("invoiceitem", id)
    draft = _draft_of(entry)
    assign(entry, params, "description", "discountable")
    merge_metadata(entry, params)
    if "tax_rates" in params:
        entry["tax_rates"] = items.tax_rates(params["tax_rates"])
    if "discounts" in params:
        customer = store.get("customer", entry["customer"])
        entry["discounts"] = discounting.create(params["discounts"], customer, invoice_item=id)
    if "period" in params:
        entry["period"] = dict(params["period"])
    if any(name in params for name in AMOUNTS):
        reprice(entry, params)
    entry["net_amount"] = None if entry["discountable"] else entry["amount"]
    store.save(entry)
    if draft:
        _replace_line(draft, entry)
    return entry


def _draft_of(entry: dict[str, Any]) -> Draft | None:
    if not entry["invoice"]:
        return None
    invoice = store.get("invoice", entry["invoice"])
    _check_draft(invoice)
    return Draft.stored(invoice)


def _line_of(draft: Draft, entry: dict[str, Any]) -> dict[str, Any]:
    def origin(line: dict[str, Any]) -> str | None:
        parent = line["parent"]
        return (parent["invoice_item_details"] or parent["subscription_item_details"])[
            "invoice_item"
        ]

    return next(line for line in draft.lines if origin(line) == entry["id"])


def _replace_line(draft: Draft, entry: dict[str, Any]) -> None:
    line = _line_of(draft, entry)
    draft.add_entry(entry)
    fresh = draft.lines.pop()
    draft.lines[draft.lines.index(line)] = fresh | {"id": line["id"]}
    draft.save()


@endpoint("DELETE", "/v1/invoiceitems/<id>", params="InvoiceItemDeleteParams")
def delete(id: str, params: dict[str, Any]) -> dict[str, Any]:
    entry = store.get("invoiceitem", id)
    draft = _draft_of(entry)
    if draft:
        line = _line_of(draft, entry)
        draft.lines.remove(line)
        store.delete(line)
        draft.save()
    store.delete(entry)
    events.emit("invoiceitem.deleted", entry)
    return {"id": id, "object": "invoiceitem", "deleted": True}
