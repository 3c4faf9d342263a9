"""What the installed Stripe SDK says about objects and parameters, as plain type trees.

The SDK's classes are generated from Stripe's OpenAPI description, so their annotations are the one
place that knows every field of the pinned API version. Many of them are strings that name classes
imported only under TYPE_CHECKING; those imports are read from the source and followed on demand.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import types
import typing
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import stripe.params
import typing_extensions
from stripe._list_object import ListObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._request_options import RequestOptions
from stripe._stripe_object import StripeObject, UntypedStripeObject

REQUEST_OPTIONS = frozenset(RequestOptions.__annotations__)
SCALARS = (str, int, float, bool, Decimal)


@dataclass(frozen=True)
class Type:
    """One annotation, flattened: everything a value at this place may be.

    `scalars` holds Python types; `choices` the literal values (empty when any scalar will do);
    `blank` says that "" unsets; `struct` is a nested class, `objects` the kinds of API objects.
    """

    scalars: frozenset[type] = frozenset()
    choices: tuple[typing.Any, ...] = ()
    blank: bool = False
    nullable: bool = False
    item: Type | None = None  # of a list
    value: Type | None = None  # of a free-form mapping
    struct: type | None = None
    objects: tuple[type, ...] = ()
    list_of: Type | None = None  # Stripe's list object
    anything: bool = False

    @property
    def expandable(self) -> bool:
        """The place holds an id that `expand[]` turns into the object."""
        return bool(self.objects) and str in self.scalars

    @property
    def either(self) -> str:
        """The choices as Stripe's messages list them: "a, b, or c"."""
        words = [str(choice) for choice in self.choices]
        if len(words) < 3:
            return " or ".join(words)
        return f"{', '.join(words[:-1])}, or {words[-1]}"


@cache
def object_class(kind: str) -> type:
    """The SDK's class for Stripe's `object` string; KeyError when there is none."""
    module, name = OBJECT_CLASSES[kind]
    return getattr(importlib.import_module(module), name)


def is_kind(kind: str) -> bool:
    return kind in OBJECT_CLASSES and kind != "list"


@cache
def params_class(name: str) -> type:
    """The TypedDict of a name like "PriceCreateParams" or "checkout.SessionCreateParams"."""
    here: typing.Any = stripe.params
    for part in name.split("."):
        here = getattr(here, part)
    return here


@cache
def object_fields(cls: type) -> dict[str, Type]:
    """Every field of an SDK object class (nested classes too) with its type."""
    return {
        name: _read(annotation, cls)
        for name, annotation in inspect.get_annotations(cls).items()
        if not name.startswith("_") and typing.get_origin(annotation) is not typing.ClassVar
    }


@cache
def params_fields(cls: type) -> dict[str, tuple[Type, bool]]:
    """Every parameter of a params class: its type, and whether it is required."""
    own = {n: a for n, a in cls.__annotations__.items() if n not in REQUEST_OPTIONS}
    required = vars(cls)["__required_keys__"]
    return {n: (_read(a, cls), n in required) for n, a in own.items()}


class _Names(dict[str, typing.Any]):
    """The names a module's annotations may use, its TYPE_CHECKING imports loaded when asked for."""

    def __init__(self, module: types.ModuleType) -> None:
        super().__init__(vars(typing) | vars(typing_extensions) | vars(module))
        self["UntypedStripeObject"] = UntypedStripeObject
        self._later: dict[str, tuple[str, str]] = {}
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                for line in node.body:
                    if isinstance(line, ast.ImportFrom) and line.module:
                        for alias in line.names:
                            self._later[alias.asname or alias.name] = (line.module, alias.name)

    def __missing__(self, name: str) -> typing.Any:
        module, original = self._later[name]
        value = getattr(importlib.import_module(module), original)
        self[name] = value
        return value


@cache
def _names(module: str) -> _Names:
    return _Names(importlib.import_module(module))


def _evaluate(expression: str, owner: type) -> typing.Any:
    # The expressions are the SDK's own annotations, as typing.get_type_hints evaluates them.
    return eval(expression, {}, _names(owner.__module__))  # noqa: S307


def _read(annotation: typing.Any, owner: type) -> Type:
    found: dict[str, typing.Any] = {"scalars": set(), "choices": [], "objects": []}
    _collect(annotation, owner, found)
    choices = tuple(dict.fromkeys(found["choices"]))
    return Type(
        **(
            found
            | {
                "scalars": frozenset(found["scalars"]),
                "choices": choices,
                "objects": tuple(found["objects"]),
            }
        )
    )


def _collect(annotation: typing.Any, owner: type, found: dict[str, typing.Any]) -> None:
    if isinstance(annotation, str):
        return _collect(_evaluate(annotation, owner), owner, found)
    if isinstance(annotation, typing.ForwardRef):
        return _collect(_evaluate(annotation.__forward_arg__, owner), owner, found)
    origin, arguments = typing_extensions.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing_extensions.NotRequired, typing_extensions.Required):
        return _collect(arguments[0], owner, found)
    if origin is typing.Union or origin is types.UnionType:
        for argument in arguments:
            _collect(argument, owner, found)
        return None
    if origin is typing_extensions.Literal or origin is typing.Literal:
        for value in arguments:
            if value == "" and isinstance(value, str):
                found["blank"] = True
            else:
                found["choices"].append(value)
        return None
    if annotation is None or annotation is type(None):
        found["nullable"] = True
    elif annotation in SCALARS:
        found["scalars"].add(annotation)
    elif origin is list:
        found["item"] = _read(arguments[0], owner)
    elif origin is dict:
        found["value"] = _read(arguments[1], owner)
    elif origin is UntypedStripeObject:
        found["value"] = _read(arguments[0], owner)
    elif origin is ListObject:
        found["list_of"] = _read(arguments[0], owner)
    elif isinstance(annotation, type) and issubclass(annotation, StripeObject):
        if annotation is StripeObject or annotation is UntypedStripeObject:
            found["anything"] = True
        elif "OBJECT_NAME" in vars(annotation):
            found["objects"].append(annotation)
        else:
            found["struct"] = annotation
    elif isinstance(annotation, type) and typing_extensions.is_typeddict(annotation):
        found["struct"] = annotation
    else:
        found["anything"] = True
    return None
