"""What is known of a company on the way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Subscriber:
    """A company as Stripe knows it by now."""

    account: int
    customer: str = ""
    card: str = ""
    subscription: str = ""
    bill: str = ""
