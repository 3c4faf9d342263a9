"""One way to make each kind of object over HTTP, for the test that walks all of them.

A module here registers its kinds; every module is loaded.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import stripe

Maker = Callable[[stripe.StripeClient], Any]
MAKERS: dict[str, Maker] = {}


def maker(kind: str) -> Callable[[Maker], Maker]:
    """Register the function that creates an object of `kind` and gives what Stripe's client got."""

    def register(function: Maker) -> Maker:
        if kind in MAKERS:
            raise ValueError(f"{kind} has a maker already")
        MAKERS[kind] = function
        return function

    return register


def load() -> dict[str, Maker]:
    """Every maker by kind."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return MAKERS
