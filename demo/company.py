"""Making the company: its life lived through, then everything brought into the mirror."""

from __future__ import annotations

from datetime import UTC, datetime

import stripe
from flask import current_app
from tqdm import tqdm

from billing import backfill
from config import Settings
from demo import stories
from demo.clock import Clock
from demo.life import Life


def begins(now: datetime) -> datetime:
    """The company's first moment, at which the sandbox's time has to begin."""
    return stories.told("small", now)[0]


def make(size: str) -> int:
    """Lives through the company's months up to the present; how many things happened.

    Nothing is done, and none happened, where the sandbox's time is not in the past: it was made
    before, or there is no past to be had.
    """
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.allows_demo_password:
        raise SystemExit("The demo's company is made in the sandbox only.")
    sandbox = settings.stripe_api_base
    clock = Clock(sandbox)
    if clock.ahead >= 0:
        return 0
    client = stripe.StripeClient(
        settings.stripe_secret_key,
        http_client=stripe.RequestsClient(),
        base_addresses={"api": sandbox},
    )
    _, acts = stories.told(size, datetime.now(UTC))
    life = Life(client, sandbox, clock)
    # Nobody reads a bar that is not on a terminal.
    for act in tqdm(acts, unit=" acts", desc="Living", disable=None):
        clock.to(act.at)
        life.do(act)
    clock.to_the_present()
    backfill.run(lambda kind, count: None)
    return len(acts)
