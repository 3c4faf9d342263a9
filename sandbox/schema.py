"""The SDK's annotations put to work: blank objects, the parameter check, the object check."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox import clock
from sandbox.annotations import (
    Type,
    is_kind,
    object_class,
    object_fields,
    params_class,
    params_fields,
)
from sandbox.errors import ApiError

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
    absent = _left_out(kind)
    doc: dict[str, Any] = {
        name: _empty(type, name)
        for name, type in known.items()
        if name not in absent and type.list_of is None
    }
    if "created" in known:
        doc["created"] = clock.now()
    doc["object"] = kind
    return doc | fields


def part(kind: str, path: str, /, **fields: Any) -> dict[str, Any]:
    """A nested object, such as part("subscription", "trial_settings"), complete as in `blank`."""
    struct = object_class(kind)
    for name in path.split("."):
        type = object_fields(struct)[name]
        struct = type.struct or (type.item or type.value or type).struct  # pyright: ignore
        if struct is None:
            raise KeyError(f"{kind}.{path} is not a nested object")
    known = object_fields(struct)
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise KeyError(f"{kind}.{path} has no field {', '.join(unknown)}")
    return {name: _empty(type, name) for name, type in known.items()} | fields


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


# Parameters ----------------------------------------------------------------------------------

# Stripe unsets these when they are sent empty, though the SDK types them as plain strings.
UNSETTABLE = frozenset(
    [
        *("name", "description", "email", "phone", "nickname", "headline", "footer", "unit_label"),
        *("line1", "line2", "city", "state", "postal_code", "country", "statement_descriptor"),
        *("url", "return_url", "default_return_url", "privacy_policy_url", "terms_of_service_url"),
        *("default_payment_method", "default_price", "default_source", "lookup_key"),
    ]
)


def check_params(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """`params` with numbers, booleans and decimals as Python values, as the SDK types them.

    ApiError 400 as Stripe words it for an unknown, missing, empty or ill-typed parameter.
    """
    return _check_struct(params_class(name), params, "")


def _check_struct(cls: type, given: Mapping[str, Any], path: str) -> dict[str, Any]:
    fields = params_fields(cls)
    unknown = [_at(path, key) for key in given if key not in fields]
    if unknown:
        raise ApiError(
            400,
            f"Received unknown parameter{'s' if len(unknown) > 1 else ''}: {', '.join(unknown)}",
            code="parameter_unknown",
            param=unknown[0],
        )
    checked = {}
    for key, value in given.items():
        type, required = fields[key]
        checked[key] = _check(type, value, _at(path, key), key in UNSETTABLE and not required)
    for key, (_, required) in fields.items():
        if required and key not in given:
            where = _at(path, key)
            raise ApiError(
                400, f"Missing required param: {where}.", code="parameter_missing", param=where
            )
    return checked


def _at(path: str, key: str | int) -> str:
    return f"{path}[{key}]" if path else str(key)


def _check(type: Type, value: Any, path: str, unsettable: bool) -> Any:
    if value == "":
        return _check_empty(type, path, unsettable)
    if isinstance(value, dict):
        return _check_dict(type, value, path)
    if isinstance(value, list):
        if type.item is None:
            raise ApiError(400, f"Invalid {_noun(type)}", param=path)
        return [_check(type.item, one, _at(path, i), False) for i, one in enumerate(value)]
    if type.anything or value in type.choices:
        return value
    if type.scalars - {str}:
        return _number(type, value, path)
    if type.choices:
        raise ApiError(400, f"Invalid {path}: must be one of {_either(type.choices)}", param=path)
    if str not in type.scalars:
        raise ApiError(400, f"Invalid {_noun(type)}", param=path)
    return value


def _check_empty(type: Type, path: str, unsettable: bool) -> Any:
    if type.blank or (unsettable and str in type.scalars):
        return ""
    # An empty list is sent as an empty string: that is the only way to write it in a form.
    if type.item is not None:
        return []
    if type.value is not None:
        return {}
    raise ApiError(
        400,
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset "
        f"a parameter; however '{path}' cannot be unset. You should remove '{path}' from your "
        "request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=path,
    )


def _check_dict(type: Type, value: dict[str, Any], path: str) -> Any:
    if type.struct is not None:
        return _check_struct(type.struct, value, path)
    if type.value is not None:
        inner = type.value
        blank = Type(**(inner.__dict__ | {"blank": True}))
        return {key: _check(blank, one, _at(path, key), True) for key, one in value.items()}
    if type.item is not None and all(key.isdigit() for key in value):
        ordered = [value[key] for key in sorted(value, key=int)]
        return [_check(type.item, one, _at(path, i), False) for i, one in enumerate(ordered)]
    if type.anything:
        return value
    raise ApiError(400, f"Invalid {_noun(type)}", param=path)


def _number(type: Type, value: str, path: str) -> Any:
    if bool in type.scalars and value in ("true", "false"):
        return value == "true"
    if int in type.scalars and re.fullmatch(r"-?\d+", value):
        return int(value)
    if Decimal in type.scalars:
        try:
            return Decimal(value)
        except InvalidOperation:
            raise ApiError(400, f"Invalid decimal: {value}", param=path) from None
    if float in type.scalars:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
        raise ApiError(400, f"Invalid decimal: {value}", param=path)
    if type.choices and int not in type.scalars:
        raise ApiError(400, f"Invalid {path}: must be one of {_either(type.choices)}", param=path)
    if str in type.scalars:
        return value
    code = "parameter_invalid_integer" if int in type.scalars else None
    raise ApiError(400, f"Invalid {_noun(type)}: {value}", code=code, param=path)


def _noun(type: Type) -> str:
    if int in type.scalars:
        return "integer"
    if bool in type.scalars:
        return "boolean"
    if type.item is not None:
        return "array"
    if type.struct is not None or type.value is not None:
        return "object"
    return "string"


def _either(choices: tuple[Any, ...]) -> str:
    words = [str(choice) for choice in choices]
    if len(words) < 3:
        return " or ".join(words)
    return f"{', '.join(words[:-1])}, or {words[-1]}"


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
            yield f"{where}: {value!r} is not one of {_either(type.choices)}"
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
            if name not in value and not field.nullable:
                yield f"{where}.{name}: missing"
        yield from _field_violations(fields, value, where)
    elif type.value is not None:
        for key, one in value.items():
            yield from _value_violations(type.value, one, f"{where}[{key}]")
    else:
        yield f"{where}: an object"


def _fits(type: Type, value: Any) -> bool:
    if isinstance(value, bool):
        return bool in type.scalars or value in type.choices
    if isinstance(value, int):
        return bool(type.scalars & {int, float}) or value in type.choices
    if isinstance(value, float):
        return float in type.scalars
    # Decimals travel as strings.
    return bool(type.scalars & {str, Decimal}) or value in type.choices
