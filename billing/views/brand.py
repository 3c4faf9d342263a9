"""The brand: its colour as a stylesheet and as the page's icon, both from the settings."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request

from billing.colour import readable, text_on
from billing.navigation import navigation
from config import Brand

bp = Blueprint("brand", __name__)

CACHED_SECONDS = 3600

STYLESHEET = """\
:root {{
  --brand: {brand};
  --on-brand: {on_brand};
  --brand-text-light: {light};
  --brand-text-dark: {dark};
  --brand-hover: color-mix(in oklab, {brand} 88%, {away});
}}
"""

ICON = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 22 22">\
<rect width="22" height="22" rx="6" fill="{brand}"/>\
<circle cx="11" cy="11" r="4.2" fill="none" stroke="{on_brand}" stroke-width="2"/></svg>
"""


@bp.app_context_processor
def header() -> dict[str, object]:
    """`navigation()` for the layout: a function, so that a page without it asks nothing."""
    return {"navigation": navigation}


@bp.get("/brand.css")
def css() -> Response:
    """The brand's colour, what can be written on it, and its readable shades for either scheme."""
    colour = _brand().colour
    on_brand = text_on(colour)
    away = "black" if on_brand == "#ffffff" else "white"
    sheet = STYLESHEET.format(
        brand=colour,
        on_brand=on_brand,
        light=readable(colour, dark=False),
        dark=readable(colour, dark=True),
        away=away,
    )
    return _cached(sheet, "text/css")


@bp.get("/brand.svg")
def icon() -> Response:
    """The mark shown where no logo is set, as the browser's tab icon."""
    colour = _brand().colour
    return _cached(ICON.format(brand=colour, on_brand=text_on(colour)), "image/svg+xml")


def _brand() -> Brand:
    return current_app.config["SETTINGS"].brand


def _cached(body: str, mimetype: str) -> Response:
    response = Response(body, mimetype=mimetype)
    response.cache_control.public = True
    response.cache_control.max_age = CACHED_SECONDS
    response.add_etag()
    return response.make_conditional(request)
