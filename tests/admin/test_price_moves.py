"""A price change under way, as staff see and steer it."""

from __future__ import annotations
