"""How fast time passes: `python -m sandbox.benchmark` plays a year of 1,000 monthly subscriptions.

Played as the server plays a move that nobody listens to: step by step, on a SQLite file, committed
as it goes.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from sandbox import Sandbox, advancing, clock, create_app
from sandbox.engine import schedules, subscribing
from sandbox.resources import customers, prices, products
from sandbox.store import store

START = 1_798_718_400  # 31 December 2026, 12:00 UTC
MONTH = 30 * 86_400
DECLINING = "pm_card_chargeCustomerFail"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.benchmark", description=__doc__)
    parser.add_argument("--subscriptions", type=int, default=1000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--failing", type=int, default=0, help="cards that fail, in percent")
    parser.add_argument("--mixed", action="store_true", help="yearly prices, trials, schedules too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(str(Path(folder) / "sandbox.sqlite3"), clock=START, deliver=False)
        with app.app_context():
            subscribe(app, options.subscriptions, options.failing, options.mixed)
            print(play(app, options.days), flush=True)
        app.close()


def subscribe(app: Sandbox, count: int, failing: int, mixed: bool) -> None:
    """Make the customers and their subscriptions, begun over a month."""
    with app.storage.transaction():
        product = products.create({"name": "Team"})
        month, year = (price(product, *of) for of in ((2900, "month"), (29_000, "year")))
    for index in range(count):
        clock.set(START + index * MONTH // count)
        with app.storage.transaction():
            card = DECLINING if index * failing // 100 != (index + 1) * failing // 100 else None
            customer = payer(card)
            terms: dict[str, Any] = {"items": [{"price": month["id"]}]}
            if mixed and index % 4 == 1:
                terms = {"items": [{"price": year["id"]}]}
            elif (mixed and index % 4 == 2) or card:
                # A card that fails is only charged later.
                terms["trial_period_days"] = 14
            if mixed and index % 4 == 3:
                phased(customer, month, year)
            else:
                subscribing.create(customer, {"customer": customer["id"], **terms})


def price(product: dict[str, Any], amount: int, interval: str) -> dict[str, Any]:
    return prices.add(
        {
            "currency": "usd",
            "unit_amount": amount,
            "product": product["id"],
            "recurring": {"interval": interval},
        }
    )


def payer(card: str | None) -> dict[str, Any]:
    card = card or "pm_card_visa"
    return customers.create(
        {"payment_method": card, "invoice_settings": {"default_payment_method": card}}
    )


def phased(customer: dict[str, Any], first: dict[str, Any], then: dict[str, Any]) -> None:
    """Three months of one price, then the other."""
    lasting = {"interval": "month", "interval_count": 3}
    phases = [
        {"items": [{"price": first["id"]}], "duration": lasting},
        {"items": [{"price": then["id"]}], "duration": {"interval": "year"}},
    ]
    schedules.create({"customer": customer["id"], "phases": phases})


def play(app: Sandbox, days: int) -> str:
    """Let time pass; what it took, in words."""
    player = app.extensions["player"] = advancing.Player(app)
    invoices, events = counts(app)
    wall, cpu = time.monotonic(), processor()
    with app.storage.transaction():
        subscriptions = store.count("subscription")
        advancing.begin(clock.OWN, clock.now() + days * 86_400)
    while player.work() == 0:
        pass
    wall, cpu = time.monotonic() - wall, processor() - cpu
    with app.storage.transaction():
        ended = advancing.of(clock.OWN)
    if ended:
        raise SystemExit(f"It stopped: {ended.failure}")
    renewals, told = (
        now - before for now, before in zip(counts(app), (invoices, events), strict=True)
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return (
        f"{subscriptions:,} subscriptions, {days} days: {renewals:,} renewals and {told:,} events "
        f"in {wall:.1f} s ({cpu:.1f} s user+sys, {1000 * cpu / max(renewals, 1):.1f} ms a renewal),"
        f" {memory} MB"
    )


def counts(app: Sandbox) -> tuple[int, int]:
    with app.storage.transaction():
        return store.count("invoice"), store.count("event")


def processor() -> float:
    """Seconds of processor time that this process has taken."""
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])


if __name__ == "__main__":
    main()
