"""How fast subscribers are moved: a share of what Stripe allows, so that checkout never waits."""

from __future__ import annotations

import time

from flask import current_app
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

# One process moves; several keep to their own pace each.
_limiter = MovingWindowRateLimiter(MemoryStorage())


def wait_for_turn() -> None:
    """Returns when another move may be made; at once where the settings name no pace."""
    pace = current_app.config["SETTINGS"].price_moves_per_second
    if not pace:
        return
    allowed = RateLimitItemPerSecond(pace)
    while not _limiter.hit(allowed, "price_moves"):
        window = _limiter.get_window_stats(allowed, "price_moves")
        time.sleep(max(window.reset_time - time.time(), 0.01))
