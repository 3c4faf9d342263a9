"""The SDK's annotations put to work on objects: blank ones, and the check of rendered ones."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import orjson

from sandbox import clock
from sandbox.annotations import (
    Type,
    is_kind,
    object_class,
    object_fields,
)

# Fields that Stripe leaves out unless `expand[]` asks for them ("includable" in its description).
# The SDK's annotations do not tell these from nullable fields.
INCLUDABLE: dict[str, frozenset[str]] = {
    "customer": frozenset(
        {"cash_balance", "invoice_credit_balance", "sources", "subscriptions", "tax", "tax_ids"}
    ),
    "price": frozenset({"tiers", "currency_options"}),
    "coupon": frozenset({"applies_to", "currency_options"}),
    "promotion_code": frozenset({"restrictions.currency_options"}),
    "invoice": frozenset({"confirmation_secret", "payments"}),
    "charge": frozenset({"refunds"}),
    "checkout.session": frozenset({"line_items"}),
    "billing_portal.configuration": frozenset({"features.subscription_update.products"}),
}
# Fields that Stripe shows only when they apply.
OPTIONAL: dict[str, frozenset[str]] = {
    "customer": frozenset({"business_name", "individual_name"}),
    "charge": frozenset(
        {"authorization_code", "level3", "presentment_details", "radar_options", "transfer"}
    ),
    "event": frozenset({"account", "context"}),
    "payment_intent": frozenset({"hooks", "payment_details", "presentment_details"}),
    "payment_method": frozenset({"allow_redisplay", "radar_options"}),
    "subscription": frozenset({"presentment_details"}),
    "invoice": frozenset({"threshold_reason"}),
    "webhook_endpoint": frozenset({"secret"}),
    "checkout.session": frozenset({"presentment_details", "currency_conversion"}),
}
# Fields inside nested objects that Stripe shows only when they apply, by the SDK's class. Nested
# objects inside nested objects are never asked for: most are alternatives, of which one is there.
OPTIONAL_INSIDE: dict[str, frozenset[str]] = {
    "Charge.FraudDetails": frozenset({"stripe_report", "user_report"}),
    "Configuration.Features.SubscriptionUpdate": frozenset({"products"}),
    "Customer.Shipping": frozenset({"carrier", "tracking_number"}),
    "Event.Data": frozenset({"previous_attributes"}),
    "Invoice.CustomerShipping": frozenset({"carrier", "tracking_number"}),
    "Invoice.Parent.SubscriptionDetails": frozenset({"subscription_proration_date"}),
    "InvoicePayment.Payment": frozenset({"charge", "payment_intent", "payment_record"}),
    "PaymentIntent.AmountDetails": frozenset({"discount_amount", "line_items"}),
    "PaymentIntent.AmountDetails.Tip": frozenset({"amount"}),
    "Price.CurrencyOptions": frozenset({"tiers"}),
    "PromotionCode.Restrictions": frozenset({"currency_options"}),
}
# Nested classes of which only what applies is there: capabilities, settings, errors.
SPARSE_INSIDE = (
    *("Account.", ".NextAction", ".PaymentMethodOptions."),
    *(".LastPaymentError", ".LastSetupError", ".LastFinalizationError"),
)
# Kinds whose object is mostly optional: everything nullable may be left out.
SPARSE = frozenset({"account", "refund"})


def _left_out(kind: str) -> set[str]:
    names = {"deleted"} | set(INCLUDABLE.get(kind, ())) | set(OPTIONAL.get(kind, ()))
    fields = object_fields(object_class(kind))
    if kind in SPARSE:
        names |= {name for name, type in fields.items() if type.nullable}
    if kind == "payment_method":
        # One field per type of payment method; only the one named by `type` is there.
        names |= set(fields["type"].choices)
    return names


def blank(kind: str, /, **fields: Any) -> dict[str, Any]:
    """A document of `kind` with every field the SDK requires, `fields` filled in.

    `created` and `livemode` are set when the kind has them. Nullable fields are None, fields that
    Stripe shows only on demand are absent, and lists inside (`items`, `lines`) are left to the
    renderer. KeyError for a field the SDK does not know; keys starting with "_" pass.
    """
    known = object_fields(object_class(kind))
    unknown = [name for name in fields if name not in known and not name.startswith("_")]
    if unknown:
        raise KeyError(f"{kind} has no field {', '.join(unknown)}")
    doc = orjson.loads(_blank(kind))
    if "created" in known:
        doc["created"] = clock.now()
    if "test_clock" in known:
        doc["test_clock"] = clock.name() or None
    return doc | fields


@cache
def _blank(kind: str) -> bytes:
    """A document of `kind` with nothing filled in, as JSON: read anew for each, as it is faster
    than to put one together, and nothing is shared between them."""
    absent = _left_out(kind)
    known = object_fields(object_class(kind))
    doc = {
        name: _empty(type, name)
        for name, type in known.items()
        if name not in absent and type.list_of is None
    }
    return orjson.dumps(doc | {"object": kind})


def part(kind: str, path: str, /, **fields: Any) -> dict[str, Any]:
    """A nested object, such as part("subscription", "trial_settings"), complete as in `blank`."""
    known = object_fields(_struct(kind, path))
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise KeyError(f"{kind}.{path} has no field {', '.join(unknown)}")
    return {name: _empty(type, name) for name, type in known.items()} | fields


@cache
def _struct(kind: str, path: str) -> builtins.type:
    struct = object_class(kind)
    for name in path.split("."):
        type = object_fields(struct)[name]
        inner = type.struct or (type.item or type.value or type).struct
        if inner is None:
            raise KeyError(f"{kind}.{path} is not a nested object")
        struct = inner
    return struct


def _empty(type: Type, name: str) -> Any:
    if type.nullable:
        return None
    if type.item is not None:
        return []
    if type.value is not None or type.anything:
        return {}
    if type.struct is not None:
        inner = object_fields(type.struct)
        return {key: _empty(field, key) for key, field in inner.items() if key != "status_details"}
    if len(type.choices) == 1:
        return type.choices[0]
    if bool in type.scalars:
        return False
    if type.scalars & {int, float, Decimal}:
        return 0
    return ""


# Objects -------------------------------------------------------------------------------------


def violations(doc: Mapping[str, Any]) -> list[str]:
    """What in a rendered object (or list, or error-free answer) the SDK's annotations do not allow.

    One line per finding: a field missing, invented, null, of another type or with an unknown value.
    """
    return list(_object_violations(doc, str(doc.get("object"))))


def _object_violations(doc: Mapping[str, Any], where: str) -> Iterator[str]:
    kind = doc.get("object")
    if kind in ("list", "search_result"):
        for index, one in enumerate(doc["data"]):
            yield from _object_violations(one, f"{where}.data[{index}]")
        expected = {"object", "data", "has_more", "url"} | (
            {"next_page"} if kind == "search_result" else set()
        )
        if set(doc) != expected:
            yield f"{where}: keys {sorted(doc)}"
        return
    if not isinstance(kind, str) or not is_kind(kind):
        yield f"{where}: no such object {kind!r}"
        return
    cls = object_class(kind)
    fields = object_fields(cls)
    if doc.get("deleted") is True:
        if set(doc) - set(fields):
            yield f"{where}: a deleted object with {sorted(set(doc) - set(fields))}"
        return
    absent = _left_out(kind)
    # Preview invoices have no id; a line item's id is given by its list.
    for name in fields:
        if name not in doc and name not in absent:
            yield f"{where}.{name}: missing"
    yield from _field_violations(fields, doc, where)
    if kind == "event":
        yield from _object_violations(doc["data"]["object"], f"{where}.data.object")


def _field_violations(fields: dict[str, Type], doc: Mapping[str, Any], where: str) -> Iterator[str]:
    for name, value in doc.items():
        if name not in fields:
            yield f"{where}.{name}: invented"
        else:
            yield from _value_violations(fields[name], value, f"{where}.{name}")


def _value_violations(type: Type, value: Any, where: str) -> Iterator[str]:
    if type.anything or (value is None and type.nullable):
        return
    if value is None:
        yield f"{where}: null"
    elif isinstance(value, list):
        if type.item is None:
            yield f"{where}: a list"
            return
        for index, one in enumerate(value):
            yield from _value_violations(type.item, one, f"{where}[{index}]")
    elif isinstance(value, dict):
        yield from _dict_violations(type, value, where)
    elif type.choices and value not in type.choices and not type.scalars - {str}:
        if not (value == "" and type.blank):
            yield f"{where}: {value!r} is not one of {type.either}"
    elif not _fits(type, value):
        yield f"{where}: {value!r} is a {value.__class__.__name__}"


def _dict_violations(type: Type, value: dict[str, Any], where: str) -> Iterator[str]:
    if type.list_of is not None and value.get("object") == "list":
        yield from _object_violations(value, where)
    elif type.objects:
        kinds = {vars(cls)["OBJECT_NAME"] for cls in type.objects}
        if value.get("object") not in kinds:
            yield f"{where}: {value.get('object')!r} is not one of {sorted(kinds)}"
        else:
            yield from _object_violations(value, where)
    elif type.struct is not None:
        fields = object_fields(type.struct)
        for name, field in fields.items():
            if name not in value and not _may_be_absent(type.struct, name, field):
                yield f"{where}.{name}: missing"
        yield from _field_violations(fields, value, where)
    elif type.value is not None:
        for key, one in value.items():
            yield from _value_violations(type.value, one, f"{where}[{key}]")
    else:
        yield f"{where}: an object"


def _may_be_absent(struct: builtins.type, name: str, field: Type) -> bool:
    if not field.nullable:
        return False
    within = struct.__qualname__
    return (
        field.struct is not None
        or name in OPTIONAL_INSIDE.get(within, ())
        or any(one in within for one in SPARSE_INSIDE)
    )


def _fits(type: Type, value: Any) -> bool:
    if isinstance(value, bool):
        return bool in type.scalars or value in type.choices
    if isinstance(value, int):
        return bool(type.scalars & {int, float}) or value in type.choices
    if isinstance(value, float):
        return float in type.scalars
    # Decimals travel as strings.
    return bool(type.scalars & {str, Decimal}) or value in type.choices
