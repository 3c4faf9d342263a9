"""Metadata as Stripe merges it: keys added, an empty value unsets its key, "" unsets all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.errors import ApiError

MAX_KEYS, MAX_KEY, MAX_VALUE = 50, 40, 500


def merge_metadata(doc: dict[str, Any], params: Mapping[str, Any]) -> None:
    """Apply `params["metadata"]` to the document, if it was given."""
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
    merged = {**(doc.get("metadata") or {}), **given}
    doc["metadata"] = {key: value for key, value in merged.items() if value != ""}
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
