"""The fields of a payment method, as a person typed them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox import cards
from sandbox.errors import ApiError

# What stays in a form that is shown again; the security code never does.
KEPT = [
    "account_number",
    "city",
    "country",
    "email",
    "exp",
    "iban",
    "line1",
    "name",
    "number",
    "postal_code",
    "routing_number",
    "type",
    "phone",
    "business_name",
    "tax_id",
    "promotion_code",
    "saved_payment_method",
    "terms",
]
# The field that a refusal's `code` is about.
FIELD_OF = {
    "expired_card": "exp",
    "incorrect_cvc": "cvc",
    "incorrect_number": "number",
    "invalid_cvc": "cvc",
    "invalid_expiry_month": "exp",
    "invalid_expiry_year": "exp",
    "invalid_number": "number",
}


class Incomplete(Exception):
    """Fields that cannot be used as they are: {name: what is wrong}."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


def kept(given: Mapping[str, str]) -> dict[str, str]:
    """What was typed, for showing the form again."""
    custom = [name for name in given if name.startswith("custom-")]
    return {name: given[name].strip() for name in [*KEPT, *custom] if name in given}


def expiry(text: str) -> tuple[int, int] | None:
    """Month and four-digit year of "12 / 30", "1230" or "12/2030"; None when it is neither."""
    found = re.fullmatch(r"\s*(\d{1,2})\s*[/-]?\s*(?:20)?(\d{2})\s*", text)
    return (int(found[1]), 2000 + int(found[2])) if found else None


def check_card(given: Mapping[str, str]) -> dict[str, str]:
    """What is missing in the card's fields."""
    errors = {}
    if not given.get("number", "").strip():
        errors["number"] = "Enter your card number."
    if not given.get("exp", "").strip():
        errors["exp"] = "Enter the expiry date."
    elif expiry(given["exp"]) is None:
        errors["exp"] = "Write it as MM / YY."
    if not given.get("cvc", "").strip():
        errors["cvc"] = "Enter the security code."
    return errors


def check_bank_debit(given: Mapping[str, str], kind: str) -> dict[str, str]:
    """What is missing or impossible in a bank account's fields."""
    errors = {}
    if kind == "us_bank_account":
        if not re.fullmatch(r"\d{9}", given.get("routing_number", "").strip()):
            errors["routing_number"] = "A routing number has nine digits."
        if not re.fullmatch(r"\d{4,17}", given.get("account_number", "").strip()):
            errors["account_number"] = "An account number has 4 to 17 digits."
    elif not re.fullmatch(r"[A-Za-z]{2}[0-9A-Za-z ]{13,40}", given.get("iban", "").strip()):
        errors["iban"] = "Enter an IBAN, such as DE89 3704 0044 0532 0130 00."
    return errors


def payment_method(given: Mapping[str, str], kinds: list[str], email: str | None) -> dict[str, Any]:
    """A new, unattached payment method from what was typed.

    Incomplete when a field is missing or its value is refused.
    """
    kind = given.get("type") or kinds[0]
    if kind not in kinds:
        raise Incomplete({"page": "Choose one of the ways to pay shown here."})
    errors = check_card(given) if kind == "card" else check_bank_debit(given, kind)
    if not given.get("name", "").strip():
        errors["name"] = "Enter your name."
    if kind == "card" and not given.get("country"):
        errors["country"] = "Choose your country."
    if errors:
        raise Incomplete(errors)
    details = {
        "email": email,
        "name": given["name"].strip(),
        "phone": given.get("phone", "").strip(),
        "address": {
            name: given.get(name, "").strip()
            for name in ("city", "country", "line1", "postal_code")
        },
    }
    try:
        return _create(given, kind, details)
    except ApiError as error:
        raise Incomplete({FIELD_OF.get(error.code or "", "page"): error.message}) from error


def _create(given: Mapping[str, str], kind: str, details: dict[str, Any]) -> dict[str, Any]:
    if kind != "card":
        names = ("routing_number", "account_number") if kind == "us_bank_account" else ("iban",)
        account = {name: given[name].strip() for name in names}
        return cards.create_payment_method(kind, billing_details=details, **account)
    month, year = expiry(given["exp"]) or (0, 0)
    return cards.create_payment_method(
        number=given["number"],
        exp_month=month,
        exp_year=year,
        cvc=given["cvc"].strip(),
        billing_details=details,
    )
