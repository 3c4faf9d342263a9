"""What all pages share: templates, style sheets, filters and the headers that keep them strict."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from sandbox.engine.wording import money
from sandbox.pages import wording
from sandbox.pages.card_offers import TEST_CARDS
from sandbox.pages.merchant import merchant_name

bp = Blueprint(
    "pages",
    __name__,
    static_folder="static",
    static_url_path="/static",
    template_folder="templates",
)

# Pages that the merchant's site shows inside an iframe.
FRAMED = ("/elements/", "/bank/")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    # A form's answer may be a redirect back to the merchant's site, wherever that is.
    "form-action 'self' http: https:; base-uri 'none'; frame-ancestors {ancestors}"
)

FILTERS = (
    wording.brand_mark,
    wording.day,
    wording.kind_name,
    wording.method_detail,
    wording.method_name,
    wording.minute,
    wording.span,
    wording.tone,
    wording.words,
)
for function in FILTERS:
    bp.add_app_template_filter(function)
bp.add_app_template_filter(money, "money")


@bp.app_context_processor
def shared() -> dict[str, Any]:
    """Names that every template may use."""
    return {
        "countries": wording.countries(),
        "merchant": merchant_name(),
        "test_cards": TEST_CARDS,
    }


@bp.after_app_request
def strict(response: Response) -> Response:
    """No inline script or style, nothing from elsewhere, no caching of what somebody typed."""
    if request.path.startswith("/v1/") or response.mimetype != "text/html":
        return response
    framed = request.path.startswith(FRAMED)
    ancestors = "http: https:" if framed else "'none'"
    response.headers["Content-Security-Policy"] = POLICY.format(ancestors=ancestors)
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response
