"""What staff can edit of a plan, as plain values: read from a product, told apart, said in words.

The same names serve the form, a draft, the preview and the audit log; what Stripe calls them is
the gateway's to know, and which metadata they become is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models import Product

Values = dict[str, Any]

LABELS = {
    "name": "Name",
    "slug": "Address",
    "description": "Description",
    "features": "Features",
    "min_seats": "Fewest seats",
    "max_seats": "Most seats",
    "trial_days": "Trial days",
    "trial_needs_method": "Trial asks for a payment method",
    "pausable": "Can be paused",
    "grace_days": "Grace days",
    "highlighted": "Most chosen",
    "changes_to": "Can be changed to",
}
BLANK: Values = {
    "name": "",
    "slug": "",
    "description": "",
    "features": [],
    "min_seats": None,
    "max_seats": None,
    "trial_days": None,
    "trial_needs_method": True,
    "pausable": False,
    "grace_days": None,
    "highlighted": False,
    "changes_to": [],
}
# Stripe's docs, "Metadata": a value has at most 500 characters.
LONGEST_METADATA = 500


@dataclass(frozen=True)
class Difference:
    """One value that changed, in words."""

    name: str
    before: str
    after: str

    @property
    def label(self) -> str:
        return LABELS[self.name]


def of(product: Product, plans: Iterable[Product]) -> Values:
    """The product's values; the plans it changes to by their ids, those unknown left out."""
    named = set(product.changes_to or ())
    return {
        "name": product.name,
        "slug": product.slug or "",
        "description": product.description or "",
        "features": list(product.features or []),
        "min_seats": product.min_seats,
        "max_seats": product.max_seats,
        "trial_days": product.trial_days,
        "trial_needs_method": product.trial_needs_method,
        "pausable": product.pausable,
        "grace_days": product.grace_days,
        "highlighted": product.highlighted,
        "changes_to": sorted(
            plan.stripe_id for plan in plans if {plan.stripe_id, plan.slug} & named
        ),
    }


def metadata(values: Mapping[str, Any]) -> dict[str, str]:
    """The product's metadata for those of `values` that live there; empty text removes a key."""
    words = {
        "slug": str,
        "min_seats": _number,
        "max_seats": _number,
        "trial_days": _number,
        "trial_needs_method": _flag,
        "pausable": _flag,
        "grace_days": _number,
        "changes_to": ",".join,
    }
    found = {name: words[name](value) for name, value in values.items() if name in words}
    if "highlighted" in values:
        found["highlight"] = _flag(values["highlighted"])
    return found


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of the values that differ, in the form's order."""
    return [name for name in LABELS if before.get(name) != after.get(name)]


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], plans: Iterable[Product]
) -> list[Difference]:
    """Each value that differs, in words."""
    names = {plan.stripe_id: plan.name for plan in plans}
    return [
        Difference(name, said(name, before.get(name), names), said(name, after.get(name), names))
        for name in changed(before, after)
    ]


def said(name: str, value: Any, names: Mapping[str, str]) -> str:
    """A value in words; `names` are the plans' names by id."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if name == "changes_to":
        return ", ".join(names.get(each, each) for each in value or []) or "Any plan"
    if name == "features":
        return "; ".join(value or []) or "None"
    if value is None or value == "":
        return "Not set"
    return str(value)


def merged(seen: Mapping[str, Any], typed: Values, current: Values) -> Values:
    """What was typed, and beside it what others changed since it was `seen`."""
    return {
        name: typed[name] if typed[name] != seen.get(name) else current[name] for name in LABELS
    }
