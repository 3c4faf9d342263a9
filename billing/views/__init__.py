"""The pages: one blueprint per noun, each file's `bp`, registered by name."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

from flask import Flask


def register_all(app: Flask) -> None:
    """Registers the `bp` of every module here; a module may name when it exists by `enabled`."""
    for module_info in walk_packages(__path__, prefix=f"{__name__}."):
        module = import_module(module_info.name)
        blueprint = getattr(module, "bp", None)
        enabled = getattr(module, "enabled", None)
        if blueprint is not None and (enabled is None or enabled(app)):
            app.register_blueprint(blueprint)
