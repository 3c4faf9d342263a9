"""Who sells here: the sandbox's one account, as its pages name it."""

from __future__ import annotations

from sandbox.resources.account import ACCOUNT_NAME


def merchant_name(session: dict | None = None) -> str:
    """The name on checkout, invoices and the bank's page; a Checkout Session may bring its own."""
    branding = (session or {}).get("branding_settings") or {}
    return branding.get("display_name") or ACCOUNT_NAME
