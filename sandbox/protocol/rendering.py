"""A stored document as an answer: private keys dropped, lists inside filled, `expand[]` applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.annotations import Type, is_kind, object_class, object_fields
from sandbox.errors import ApiError
from sandbox.schema import INCLUDABLE
from sandbox.store import store

MAX_DEPTH = 4
FIRST = 10  # objects shown of a list inside an object

Source = Callable[[dict[str, Any]], list[dict[str, Any]]]
Computation = Callable[[dict[str, Any]], Any]
_computed: dict[str, dict[str, Computation]] = {}
_sublists: dict[str, dict[str, tuple[Source, str]]] = {}
PLAIN = frozenset({str, int, bool, type(None)})
_NOTHING: frozenset[str] = frozenset()


def sublist(kind: str, field: str, url: str | None = None) -> Callable[[Source], Source]:
    """Register what a list inside an object holds, such as ("subscription", "items").

    The function gets the document and gives documents. `url` is where the rest of the list is,
    "{id}" standing for the object's id.
    """

    def register(source: Source) -> Source:
        _sublists.setdefault(kind, {})[field] = (source, url or _default_url(kind, field))
        return source

    return register


def computed(kind: str, field: str) -> Callable[[Computation], Computation]:
    """Register a field whose value follows from the document and the time, such as coupon.valid."""

    def register(computation: Computation) -> Computation:
        _computed.setdefault(kind, {})[field] = computation
        return computation

    return register


def _default_url(kind: str, field: str) -> str:
    if (kind, field) == ("subscription", "items"):
        return "/v1/subscription_items?subscription={id}"
    if (kind, field) == ("invoice", "payments"):
        return "/v1/invoice_payments?invoice={id}"
    return f"/v1/{kind.replace('.', '/')}s/{{id}}/{field}"


def render(doc: Mapping[str, Any], expand: Iterable[str] = ()) -> dict[str, Any]:
    """The document as Stripe would answer it.

    ApiError 400 for a path in `expand` that is too deep or cannot be expanded.
    """
    tree: dict[str, Any] = {}
    for path in expand:
        steps = path.split(".")
        # An expand string holds at most four properties ("Expanding responses"); data is one.
        if len(steps) > MAX_DEPTH:
            raise ApiError(
                400,
                f"You cannot expand more than {MAX_DEPTH} levels of a property. Property: {path}",
                param="expand",
            )
        here = tree
        for step in steps:
            here = here.setdefault(step, {})
    return _object(doc, tree, "")


def _copied(value: Any) -> Any:
    """A value where nothing is expanded, which needs no look at the SDK's annotations: most of
    what is ever rendered are the events' snapshots, and none of them expands anything."""
    if isinstance(value, dict):
        if "object" in value:
            return _object(value, {}, "")
        return {
            name: one if one.__class__ in PLAIN else _copied(one)
            for name, one in value.items()
            if name[:1] != "_"
        }
    if isinstance(value, list):
        return [_copied(one) for one in value]
    return value


def _object(doc: Mapping[str, Any], tree: dict[str, Any], path: str) -> dict[str, Any]:
    kind = doc.get("object")
    if kind in ("list", "search_result"):
        return _list(doc, tree, path)
    if kind == "event":
        return _event(doc, tree, path)
    hidden = INCLUDABLE.get(str(kind), _NOTHING) - tree.keys()
    added = {} if "deleted" in doc else _added(doc, tree)
    if tree:
        shown = {n: value for n, value in doc.items() if n[:1] != "_" and n not in hidden}
    else:
        shown = {
            name: value if value.__class__ in PLAIN else _copied(value)
            for name, value in doc.items()
            if name[:1] != "_" and name not in hidden
        }
    for deep in hidden:
        if "." in deep:
            _hide(shown, deep.split("."), tree)
    if not tree:
        return shown | {name: _copied(value) for name, value in added.items()}
    fields = object_fields(object_class(kind)) if isinstance(kind, str) and is_kind(kind) else {}
    return _fields(shown | added, fields, tree, path)


def _hide(shown: dict[str, Any], steps: list[str], tree: dict[str, Any]) -> None:
    name = steps[0]
    inner = shown.get(name)
    if len(steps) == 1:
        if name not in tree:
            shown.pop(name, None)
    elif isinstance(inner, dict):
        shown[name] = dict(inner)
        _hide(shown[name], steps[1:], tree.get(name, {}))


def _added(doc: Mapping[str, Any], tree: dict[str, Any]) -> dict[str, Any]:
    """What is not stored in the document: computed fields, lists, and what is asked for."""
    kind = str(doc.get("object"))
    includable = INCLUDABLE.get(kind, _NOTHING)
    added = {name: None for name in includable & tree.keys() if name not in doc}
    for name, computation in _computed.get(kind, {}).items():
        if name not in includable or name in tree:
            added[name] = computation(dict(doc))
    for name, (source, url) in _sublists.get(kind, {}).items():
        if name in includable and name not in tree:
            continue
        rows = source(dict(doc))
        added[name] = {
            "object": "list",
            "data": rows[:FIRST],
            "has_more": len(rows) > FIRST,
            "url": url.format(id=doc.get("id", "")),
        }
    return added


def _list(doc: Mapping[str, Any], tree: dict[str, Any], path: str) -> dict[str, Any]:
    for name in tree:
        if name != "data":
            raise _refused(_join(path, name))
    inner = tree.get("data", {})
    shown = {name: value for name, value in doc.items() if not name.startswith("_")}
    shown["data"] = [_object(one, inner, _join(path, "data")) for one in doc["data"]]
    return shown


def _event(doc: Mapping[str, Any], tree: dict[str, Any], path: str) -> dict[str, Any]:
    """An event as it was recorded: its object is a snapshot, not what it has become since."""
    for name in tree:
        raise _refused(_join(path, name))
    return {name: value for name, value in doc.items() if not name.startswith("_")}


def _fields(
    shown: dict[str, Any], fields: Mapping[str, Type], tree: dict[str, Any], path: str
) -> dict[str, Any]:
    for name in tree:
        if name not in fields:
            raise _refused(_join(path, name))
    return {
        name: _value(value, fields.get(name), tree.get(name), _join(path, name))
        for name, value in shown.items()
    }


def _value(value: Any, type: Type | None, tree: dict[str, Any] | None, path: str) -> Any:
    if isinstance(value, list):
        item = type.item if type else None
        return [_value(one, item, tree, path) for one in value]
    if isinstance(value, dict):
        if "object" in value:
            return _object(value, tree or {}, path)
        inner = object_fields(type.struct) if type and type.struct else {}
        if type is None or type.struct is None:
            inner_type = type.value if type else None
            return {
                key: _value(one, inner_type, None, _join(path, key))
                for key, one in value.items()
                if not key.startswith("_")
            }
        shown = {key: one for key, one in value.items() if not key.startswith("_")}
        return _fields(shown, inner, tree or {}, path)
    if tree is None or type is None:
        return value
    if value is None:
        if not (type.objects or type.list_of or type.struct or type.item or type.value):
            raise _refused(path)
        return value
    if not type.expandable:
        raise _refused(path)
    return _loaded(value, type, tree, path)


def _loaded(id: str, type: Type, tree: dict[str, Any], path: str) -> Any:
    for cls in type.objects:
        kind = vars(cls)["OBJECT_NAME"]
        doc = store.tombstone(kind, id) or store.find(kind, id)
        if doc is not None:
            return _object(doc, tree, path)
    return id


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _refused(path: str) -> ApiError:
    return ApiError(
        400,
        f"This property cannot be expanded ({path}). You may want to try expanding a different "
        "property instead, or remove it from the expand parameter.",
        param="expand",
    )
