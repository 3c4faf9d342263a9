"""Making the company: its life lived through. `flask billing sync` then tells the portal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import stripe
from flask import current_app
from tqdm import tqdm

from config import Settings
from demo import stories
from demo.clock import DAY, Clock
from demo.life import Life

# The portal sees the company's last day itself, by its webhooks.
LAST_DAY = timedelta(days=1)


def make(size: str) -> int:
    """Lives through the company's months up to yesterday; how many things happened.

    Nothing is done, and none happened, where the sandbox's time is not in the past: it was made
    before, or there is no past to be had.
    """
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.allows_demo_password:
        raise SystemExit("The demo's company is made in the sandbox only.")
    sandbox = settings.stripe_api_base
    clock = Clock(sandbox)
    until = datetime.now(UTC) - LAST_DAY
    if clock.now() >= until.timestamp():
        return 0
    client = stripe.StripeClient(
        settings.stripe_secret_key,
        http_client=stripe.RequestsClient(),
        base_addresses={"api": sandbox},
    )
    begin, acts = stories.told(size, datetime.now(UTC))
    life = Life(client, clock)
    # Nobody reads a bar that is not on a terminal.
    with tqdm(unit=" days", total=(until - begin).days, disable=None) as bar:
        for act in acts:
            clock.to(act.at)
            life.do(act)
            bar.update(int(act.at - begin.timestamp()) // DAY - bar.n)
    clock.to(int(until.timestamp()))
    return len(acts)
