"""Stripe's HTTP protocol: what the resources use of it."""

from sandbox.errors import ApiError, missing
from sandbox.protocol.assigning import assign, merge_metadata, merged
from sandbox.protocol.lists import list_object, lists, page_of
from sandbox.protocol.rendering import computed, render, sublist
from sandbox.protocol.routing import endpoint, handler

__all__ = [
    "ApiError",
    "assign",
    "computed",
    "endpoint",
    "handler",
    "list_object",
    "lists",
    "merge_metadata",
    "merged",
    "missing",
    "page_of",
    "render",
    "sublist",
]
