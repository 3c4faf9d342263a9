"""A product's JSON as columns; what makes it a plan of ours is in its metadata."""

from __future__ import annotations

from billing.sync.fields import Data, References, id_of

# What an operator may write for "no" in a metadata value of Stripe's dashboard.
NO = {"false", "no", "0", "off"}


def columns(data: Data) -> Data:
    about = data.get("metadata") or {}
    return {
        "slug": about.get("slug") or None,
        "name": data["name"],
        "description": data.get("description"),
        "active": data["active"],
        "public": _flag(about.get("public"), default=True),
        "highlighted": _flag(about.get("highlight"), default=False),
        "position": _number(about.get("position")) or 0,
        "min_seats": _number(about.get("min_seats")),
        "max_seats": _number(about.get("max_seats")),
        "trial_days": _number(about.get("trial_days")),
        "trial_needs_method": _flag(about.get("trial_needs_method"), default=True),
        "pausable": _flag(about.get("pausable"), default=False),
        "grace_days": _number(about.get("grace_days")),
        "changes_to": _words(about.get("changes_to")),
        "purchase": (about.get("purchase") or "").strip().lower() or None,
        "credits": _number(about.get("credits")),
        "features": [each["name"] for each in data.get("marketing_features") or []],
        "default_price_id": id_of(data.get("default_price")),
    }


def refers_to(data: Data) -> References:
    return [("price", id_of(data.get("default_price")))]


def _flag(value: str | None, *, default: bool) -> bool:
    text = (value or "").strip().lower()
    return text not in NO if text else default


def _words(value: str | None) -> list[str] | None:
    """What is listed, separated by commas or spaces; None for nothing."""
    return (value or "").replace(",", " ").split() or None


def _number(value: str | None) -> int | None:
    """A whole number; None for anything else, because people type metadata by hand."""
    text = (value or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
