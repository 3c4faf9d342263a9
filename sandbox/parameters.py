"""The SDK's annotations put to work on parameters: unknown, missing and wrong ones are refused."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox import currencies
from sandbox.annotations import Type, params_class, params_fields
from sandbox.errors import ApiError

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
        if key == "currency" and isinstance(value, str):
            currencies.check(value, _at(path, key))
        elif key == "currency_options":
            for currency in checked[key] or ():
                currencies.check(currency, _at(_at(path, key), currency))
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
        raise ApiError(400, f"Invalid {path}: must be one of {type.either}", param=path)
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
        raise ApiError(400, f"Invalid {path}: must be one of {type.either}", param=path)
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
