"""Stripe's form encoding: `items[0][price]=price_1&expand[]=customer` to nested dicts and lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sandbox.errors import ApiError

MAX_INDEX = 1000


def decode(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The nested parameters of a query string or form body; every leaf is a string."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        steps = _steps(name)
        here = root
        for step in steps[:-1]:
            step = _append_key(here) if step == "" else step
            inner = here.setdefault(step, {})
            if not isinstance(inner, dict):
                raise ApiError(400, f"Invalid parameter name: {name}", param=name)
            here = inner
        last = _append_key(here) if steps[-1] == "" else steps[-1]
        here[last] = value
    return {name: _lists(value) for name, value in root.items()}


def _steps(name: str) -> list[str]:
    head, bracket, _ = name.partition("[")
    rest = name[len(head) :]
    if not head or (bracket and not re.fullmatch(r"(\[[^\[\]]*\])+", rest)):
        raise ApiError(400, f"Invalid parameter name: {name}", param=name)
    return [head, *re.findall(r"\[([^\[\]]*)\]", rest)]


def _append_key(here: dict[str, Any]) -> str:
    return f"\0{len(here)}"


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(one) for key, one in value.items()}
    if all(key.startswith("\0") for key in inner):
        return list(inner.values())
    if all(key.isdigit() and int(key) <= MAX_INDEX for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner
