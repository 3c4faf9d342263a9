"""Mandates: permissions to debit a bank account. They are made by payments and set-ups."""

from __future__ import annotations

from typing import Any

from sandbox.protocol import endpoint
from sandbox.store import store


@endpoint("GET", "/v1/mandates/<id>", params="MandateRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("mandate", id)
