"""Parameters into a document: plain fields set or unset, nested ones merged, metadata merged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.errors import ApiError

MAX_KEYS, MAX_KEY, MAX_VALUE = 50, 40, 500


def assign(doc: dict[str, Any], params: Mapping[str, Any], *names: str) -> None:
    """Set each field that was given; an empty value unsets it."""
    for name in names:
        if name in params:
            doc[name] = None if params[name] == "" else params[name]


def merged(
    current: Mapping[str, Any] | None, given: Any, empty: Mapping[str, Any]
) -> dict[str, Any] | None:
    """A nested object with the given keys set, on top of what it was or of `empty`."""
    if given == "":
        return None
    doc = {**empty, **(current or {})}
    assign(doc, given, *given)
    return doc


def merge_metadata(doc: dict[str, Any], params: Mapping[str, Any]) -> None:
    """Apply `params["metadata"]`, if given: an empty value unsets its key, "" unsets all."""
    if "metadata" not in params:
        return
    given = params["metadata"]
    if not given:
        doc["metadata"] = {}
        return
    for key, value in given.items():
        if len(key) > MAX_KEY:
            raise _too_long("Metadata keys", MAX_KEY, key, key)
        if len(value) > MAX_VALUE:
            raise _too_long("Metadata values", MAX_VALUE, value, key)
    both = {**(doc.get("metadata") or {}), **given}
    doc["metadata"] = {key: value for key, value in both.items() if value != ""}
    if len(doc["metadata"]) > MAX_KEYS:
        raise ApiError(
            400,
            f"Metadata can have up to {MAX_KEYS} keys, but you passed in "
            f"{len(doc['metadata'])} keys.",
            param="metadata",
        )


def _too_long(what: str, limit: int, text: str, key: str) -> ApiError:
    return ApiError(
        400,
        f"{what} can have up to {limit} characters, but you passed in {len(text)} characters. "
        f"Invalid value: {text}",
        param=f"metadata[{key}]",
    )
