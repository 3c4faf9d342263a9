"""Stripe's HTTP protocol: what the resources use of it."""

from sandbox.errors import ApiError, missing
from sandbox.protocol.lists import list_object, lists, page_of
from sandbox.protocol.metadata import merge_metadata
from sandbox.protocol.rendering import render, sublist
from sandbox.protocol.routing import endpoint

__all__ = [
    "ApiError",
    "endpoint",
    "list_object",
    "lists",
    "merge_metadata",
    "missing",
    "page_of",
    "render",
    "sublist",
]
