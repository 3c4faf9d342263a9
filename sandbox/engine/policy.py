"""What happens after a renewal's payment failed: the settings of "Revenue recovery" at Stripe.

Source: Stripe's "Automate payment retries".
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.store import store

SETTING = "policy"
DAY = 86_400
# Smart Retries here, in days after the first attempt: eight tries in two weeks.
SMART = (1, 3, 5, 7, 9, 11, 14)
# A bank debit is tried again only for want of funds, and twice at most.
BANK_RETRIES = 2
MOST_RETRIES = 8
LONGEST_WAIT = 30

CHOICES = {
    "retries": ("smart", "custom", "off"),
    "subscription": ("cancel", "unpaid", "past_due"),
    "invoice": ("open", "uncollectible"),
}


@dataclass(frozen=True)
class Policy:
    """`retries` says whether failed payments are tried again; `days` holds a custom schedule, each
    entry the days after the attempt before. `subscription` and `invoice` say what becomes of both
    when the last attempt has failed."""

    retries: str = "smart"
    days: tuple[int, ...] = (3, 5, 7)
    subscription: str = "cancel"
    invoice: str = "open"

    def next_attempt(self, tried: int, first: int, last: int) -> int | None:
        """When the attempt after the `tried` ones is due; None when there is none.

        `first` is the time of the first failure, `last` that of the latest attempt (unix seconds).
        """
        if self.retries == "smart" and tried <= len(SMART):
            # A bank debit takes days to fail: by then the next date may have passed.
            return max(first + SMART[tried - 1] * DAY, last + DAY)
        if self.retries == "custom" and tried <= len(self.days):
            return last + self.days[tried - 1] * DAY
        return None

    def shown(self) -> dict[str, Any]:
        """The policy as JSON takes it."""
        return asdict(self) | {"days": list(self.days)}


def current() -> Policy:
    """The policy in force: at first Smart Retries, then cancellation, the invoice left open."""
    saved = store.setting(SETTING)
    if saved is None:
        return Policy()
    known = json.loads(saved)
    return Policy(**known | {"days": tuple(known["days"])})


def change(given: dict[str, Any]) -> Policy:
    """Put the given fields into force, the others stay. ValueError says what cannot be."""
    unknown = sorted(set(given) - {*CHOICES, "days"})
    if unknown:
        raise ValueError(f"There is no `{unknown[0]}` in the policy.")
    for name, allowed in CHOICES.items():
        if name in given and given[name] not in allowed:
            raise ValueError(f"`{name}` must be one of {', '.join(allowed)}.")
    policy = Policy(**current().shown() | given | {"days": _days(given)})
    store.set_setting(SETTING, json.dumps(policy.shown()))
    return policy


def _days(given: dict[str, Any]) -> tuple[int, ...]:
    if "days" not in given:
        return current().days
    days = given["days"]
    whole = isinstance(days, list) and all(type(day) is int for day in days)
    if not whole or not 1 <= len(days) <= MOST_RETRIES:
        raise ValueError(f"`days` must be a list of 1 to {MOST_RETRIES} whole numbers.")
    if not all(1 <= day <= LONGEST_WAIT for day in days):
        raise ValueError(f"Each of `days` must be 1 to {LONGEST_WAIT}.")
    return tuple(days)
