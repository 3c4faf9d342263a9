"""The one account that every test key belongs to."""

from __future__ import annotations

from typing import Any

from sandbox.protocol import ApiError, endpoint
from sandbox.schema import blank, part

ACCOUNT_ID = "acct_1Sandbox000000000"
ACCOUNT_NAME = "Sandbox"
COUNTRY = "US"
DEFAULT_CURRENCY = "usd"
OPENED = 1_735_689_600  # 1 January 2025


def document() -> dict[str, Any]:
    """The account as Stripe shows it to its owner."""
    profile = part("account", "business_profile", name=ACCOUNT_NAME, mcc="5734")
    dashboard = part("account", "settings.dashboard", display_name=ACCOUNT_NAME, timezone="Etc/UTC")
    return blank(
        "account",
        id=ACCOUNT_ID,
        business_profile=profile,
        business_type="company",
        capabilities={"card_payments": "active", "transfers": "active"},
        charges_enabled=True,
        controller={"type": "account"},
        country=COUNTRY,
        created=OPENED,
        default_currency=DEFAULT_CURRENCY,
        details_submitted=True,
        email="owner@sandbox.example",
        metadata={},
        payouts_enabled=True,
        settings=part("account", "settings", dashboard=dashboard),
        type="standard",
    )


@endpoint("GET", "/v1/account", params="AccountRetrieveCurrentParams")
def retrieve_current(params: dict[str, Any]) -> dict[str, Any]:
    return document()


@endpoint("GET", "/v1/accounts/<id>", params="AccountRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    if id != ACCOUNT_ID:
        raise ApiError(
            403,
            "The provided key 'sk_test_***' does not have access to account "
            f"'{id}' (or that account does not exist). Application access may have been revoked.",
            code="account_invalid",
        )
    return document()
