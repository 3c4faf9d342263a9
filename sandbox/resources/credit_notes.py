"""Credit notes."""

from __future__ import annotations

from typing import Any

from sandbox import events
from sandbox.engine import crediting
from sandbox.protocol import assign, endpoint, lists, merge_metadata, page_of
from sandbox.store import store


@endpoint("POST", "/v1/credit_notes", params="CreditNoteCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    return crediting.issue(params)


@endpoint("GET", "/v1/credit_notes", params="CreditNoteListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    where = {name: params.get(name) for name in ("customer", "invoice")}
    return lists("credit_note", params, where=where)


@endpoint("GET", "/v1/credit_notes/preview", params="CreditNotePreviewParams")
def preview(params: dict[str, Any]) -> dict[str, Any]:
    return crediting.build(params)[0]


@endpoint("GET", "/v1/credit_notes/preview/lines", params="CreditNotePreviewLinesListParams")
def preview_lines(params: dict[str, Any]) -> dict[str, Any]:
    return page_of(crediting.build(params)[0]["_lines"], params)


@endpoint("GET", "/v1/credit_notes/<id>", params="CreditNoteRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("credit_note", id)


@endpoint("POST", "/v1/credit_notes/<id>", params="CreditNoteUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    before, note = store.get("credit_note", id), store.get("credit_note", id)
    assign(note, params, "memo")
    merge_metadata(note, params)
    return events.changed("credit_note.updated", note, before)


@endpoint("GET", "/v1/credit_notes/<id>/lines", params="CreditNoteLineItemListParams")
def lines(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return page_of(crediting.lines_of(store.get("credit_note", id)), params)


@endpoint("POST", "/v1/credit_notes/<id>/void", params="CreditNoteVoidCreditNoteParams")
def void(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return crediting.void(store.get("credit_note", id))
