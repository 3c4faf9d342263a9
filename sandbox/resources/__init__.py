"""The API's endpoints, one file per noun; every module here is loaded with the application."""

import importlib
import pkgutil


def load() -> None:
    """Register the endpoints of every module."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
