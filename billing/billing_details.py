"""What an account's invoices say about it: name, address, mail, extra text, tax IDs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from babel import Locale

from billing import customers, sync
from billing.audit import record
from billing.errors import GoneFromStripe
from billing.gateway import billing_details, tax_ids
from billing.gateway.billing_details import ADDRESS_PARTS, Changes
from models import Account, db

# Stripe's docs, "Customers: update": at most four fields, names of 40 and values of 140 characters.
CUSTOM_FIELDS = 4
CUSTOM_NAME_LENGTH, CUSTOM_VALUE_LENGTH = 40, 140
CUSTOM = tuple(
    f"custom_{n}_{part}" for n in range(1, CUSTOM_FIELDS + 1) for part in ("name", "value")
)
FIELDS = ("name", "business_name", "email", *ADDRESS_PARTS, *CUSTOM, "footer")
# Two letters in CLDR, but no country one can live in: organisations and test codes.
NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"})

# What Stripe calls a refused parameter, as our field.
PARAMETERS = {
    "name": "name",
    "business_name": "business_name",
    "email": "email",
    **{f"address[{part}]": part for part in ADDRESS_PARTS},
    "invoice_settings[footer]": "footer",
    **{
        f"invoice_settings[custom_fields][{n}][{part}]": f"custom_{n + 1}_{part}"
        for n in range(CUSTOM_FIELDS)
        for part in ("name", "value")
    },
}


def countries(locale: str) -> list[tuple[str, str]]:
    """Two-letter codes and names in the reader's language, by name."""
    named = [
        (code, name)
        for code, name in Locale.parse(locale).territories.items()
        if len(code) == 2 and code.isalpha() and code not in NO_COUNTRIES
    ]
    return sorted(named, key=lambda one: one[1].casefold())


def current(account: Account, *, email: str) -> dict[str, str]:
    """The details by field name, as the mirror has them; before there is a customer, a proposal.

    `email` is proposed as the address for invoices.
    """
    customer = account.customer
    if customer is None:
        return {**dict.fromkeys(FIELDS, ""), "name": account.name, "email": email}
    data: dict[str, Any] = customer.data
    settings = data.get("invoice_settings") or {}
    found = {part: (data.get("address") or {}).get(part) for part in ADDRESS_PARTS}
    for n, field in enumerate((settings.get("custom_fields") or [])[:CUSTOM_FIELDS], start=1):
        found[f"custom_{n}_name"], found[f"custom_{n}_value"] = field["name"], field["value"]
    found.update(
        name=data.get("name"),
        business_name=data.get("business_name"),
        email=data.get("email"),
        footer=settings.get("footer"),
    )
    return {name: found.get(name) or "" for name in FIELDS}


def save(
    account: Account, typed: Mapping[str, str], seen: Mapping[str, str], *, email: str
) -> bool:
    """Changes what differs between `typed` and `seen`, the values the form was shown with.

    What another tab changed meanwhile and this one did not touch stays. False when nothing
    differs. Creates the customer when there is none. Raises InvalidRequest naming the parameter.
    """
    wanted = {name: typed[name] for name in FIELDS if typed[name] != seen.get(name, "")}
    if account.stripe_customer_id is None:
        # The proposal was never stored, so all of it is new.
        wanted = {name: typed[name] for name in FIELDS if typed[name]}
    if not wanted:
        return False
    customer_id = customers.of(account, email=typed["email"] or email)
    before = current(account, email=email)
    billing_details.update(customer_id, _changes({**before, **wanted}, set(wanted)))
    sync.pull("customer", customer_id)
    record(
        "billing_details.changed",
        customer_id,
        before={name: before[name] for name in wanted},
        after=wanted,
    )
    db.session.commit()
    return True


def _changes(after: Mapping[str, str], changed: set[str]) -> Changes:
    changes: Changes = {}
    if "name" in changed:
        changes["name"] = after["name"]
    if "business_name" in changed:
        changes["business_name"] = after["business_name"]
    if "email" in changed:
        changes["email"] = after["email"]
    if changed & set(ADDRESS_PARTS):
        changes["address"] = {part: after[part] for part in ADDRESS_PARTS}
    if changed & set(CUSTOM):
        rows = [
            (after[f"custom_{n}_name"], after[f"custom_{n}_value"])
            for n in range(1, CUSTOM_FIELDS + 1)
        ]
        changes["custom_fields"] = [(name, value) for name, value in rows if name and value]
    if "footer" in changed:
        changes["footer"] = after["footer"]
    return changes


# Tax IDs ----------------------------------------------------------------------------------------


def tax_ids_of(account: Account) -> list[dict[str, Any]]:
    """The customer's tax IDs as Stripe's JSON, oldest first; verification may be missing."""
    if account.customer is None:
        return []
    found = (account.customer.data.get("tax_ids") or {}).get("data") or []
    return sorted(found, key=lambda one: one["created"])


def add_tax_id(account: Account, *, type: str, value: str, attempt: str, email: str) -> None:
    """Adds a tax ID; InvalidRequest when Stripe refuses the number. `attempt` makes it once."""
    customer_id = customers.of(account, email=email)
    made = tax_ids.create(
        customer_id,
        type=type,
        value=value,
        idempotency_key=f"tax-id:{customer_id}:{attempt}",
    )
    sync.pull("customer", customer_id)
    record("tax_id.added", made.id, after={"type": type, "value": value})
    db.session.commit()


def remove_tax_id(account: Account, tax_id: Mapping[str, Any]) -> None:
    """Takes the tax ID off; fine when it is gone already."""
    customer_id = account.stripe_customer_id
    assert customer_id is not None
    try:
        tax_ids.delete(customer_id, tax_id["id"])
    except GoneFromStripe:
        pass
    else:
        record("tax_id.removed", tax_id["id"], before={k: tax_id[k] for k in ("type", "value")})
    sync.pull("customer", customer_id)
    db.session.commit()
