"""The front page: every object, every event, every delivery."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from markupsafe import Markup, escape
from werkzeug.wrappers import Response as AnyResponse

from sandbox import events
from sandbox.annotations import is_kind
from sandbox.pages.origin import from_here
from sandbox.pages.urls import base_url
from sandbox.protocol import render
from sandbox.store import store, to_json

bp = Blueprint("front", __name__)
Answer = AnyResponse | str | tuple[str, int]
PAGE = 50
LATEST = 8
PREFIXES = {
    "bpc": "billing_portal.configuration", "bps": "billing_portal.session", "ch": "charge",
    "clock": "test_helpers.test_clock", "cn": "credit_note", "cs": "checkout.session",
    "cus": "customer", "di": "discount", "evt": "event", "ii": "invoiceitem", "in": "invoice",
    "inpay": "invoice_payment", "pi": "payment_intent", "pm": "payment_method", "price": "price",
    "prod": "product", "promo": "promotion_code", "re": "refund", "seti": "setup_intent",
    "si": "subscription_item", "sub": "subscription", "sub_sched": "subscription_schedule",
    "txi": "tax_id", "txr": "tax_rate", "we": "webhook_endpoint",
}  # fmt: skip
LINKED = re.compile(r'"((?:(sub_sched|[a-z]+)_(?:test_)?[0-9A-Za-z]{10,})|(https?://[^"]+))"')


@bp.get("/")
def index() -> str:
    return render_template(
        "sandbox/front/index.html",
        kinds=[(kind, count) for kind, count in store.kinds() if is_kind(kind)],
        events=store.latest("event", LATEST),
        deliveries=events.deliveries(LATEST),
        endpoints=store.all("webhook_endpoint"),
        base=base_url(),
    )


@bp.get("/objects/<kind>")
def listing(kind: str) -> Answer:
    if not is_kind(kind):
        abort(404)
    after = store.position(kind, request.args.get("after", ""))
    found = list(store.scan(kind, {}, newest_first=True, after=after, limit=PAGE + 1))
    page, more = found[:PAGE], len(found) > PAGE
    if request.args.get("format") == "json":
        return _json({"object": "list", "data": [render(doc) for doc in page], "has_more": more})
    return render_template(
        "sandbox/front/listing.html",
        kind=kind,
        docs=page,
        count=store.count(kind),
        paged=after is not None,
        next_after=page[-1]["id"] if more else None,
    )


@bp.get("/objects/<kind>/<id>")
def detail(kind: str, id: str) -> Answer:
    doc = store.find(kind, id) if is_kind(kind) else None
    if doc is None:
        abort(404)
    shown = render(doc)
    if request.args.get("format") == "json":
        return _json(shown)
    is_event = kind == "event"
    return render_template(
        "sandbox/front/detail.html",
        kind=kind,
        id=id,
        doc=doc,
        title=doc["type"] if is_event else id,
        json=Markup("").join(
            _linked(json.dumps(json.loads(to_json(shown)), indent=2, ensure_ascii=False))
        ),
        deliveries=events.deliveries(PAGE, event=id) if is_event else [],
        attempts=events.attempts(id) if is_event else [],
        endpoints=store.all("webhook_endpoint") if is_event else [],
    )


@bp.get("/deliveries")
def deliveries() -> str:
    return render_template("sandbox/front/deliveries.html", deliveries=events.deliveries(200))


@bp.post("/deliveries")
def redeliver() -> Answer:
    """Send an event again; only a page of the sandbox itself may ask for it."""
    if not from_here():
        return "Only the sandbox's own pages may do this.\n", 403
    event, endpoint = request.form.get("event", ""), request.form.get("endpoint", "")
    if not store.find("event", event) or not store.find("webhook_endpoint", endpoint):
        abort(404)
    events.redeliver(event, endpoint)
    return redirect(url_for(".detail", kind="event", id=event), 303)


def _json(value: Any) -> Response:
    return Response(to_json(value), content_type="application/json")


def _linked(text: str) -> Iterator[Markup]:
    """JSON with the ids of objects and the addresses of pages as links."""
    end = 0
    for match in LINKED.finditer(text):
        value, prefix, address = match[1], match[2], match[3]
        target = None
        if address and address.startswith(f"{base_url()}/"):
            target = address
        elif prefix in PREFIXES:
            target = url_for(".detail", kind=PREFIXES[prefix], id=value)
        if target:
            yield escape(text[end : match.start()])
            yield Markup('"<a href="{}">{}</a>"').format(target, value)
            end = match.end()
    yield escape(text[end:])
