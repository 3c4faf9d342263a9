"""Which webhooks leave now, in which order and how often, as the switches have it."""

from __future__ import annotations

import time
from typing import Any

from sandbox import events
from sandbox.chaos import switches

DROPPED = "Dropped on the way: chaos is on. It is tried again."
LOST = "Lost on the way for good: chaos is on. Only the event itself tells of it."


Delivery = tuple[dict[str, Any], dict[str, Any]]


def leaving() -> list[Delivery]:
    """The (event, endpoint) pairs to send now, in order, one twice that is to be sent twice.

    What is dropped is noted as a try without an answer and waits for the next try; what is lost
    for good is given up.
    """
    to = _switches()
    if not to.is_on:
        return events.due()
    if to.is_stopped():
        return []
    found = events.due(late=to.late_seconds, newest_first=to.reversed)
    with events.transaction():
        chaos = switches.load()
        sent, dropped = _shared_out(chaos, found)
        switches.save(chaos)
    final = to.lost_for_good
    for event, endpoint in dropped:
        events.record(event["id"], endpoint["id"], None, LOST if final else DROPPED, final=final)
    return sent


def _shared_out(
    chaos: switches.Chaos, found: list[Delivery]
) -> tuple[list[Delivery], list[Delivery]]:
    """What is sent and what is dropped, counted."""
    to = chaos.deliveries
    sent: list[Delivery] = []
    dropped: list[Delivery] = []
    for one in found:
        if to.drop_percent and chaos.hits("drop", to.drop_percent):
            dropped.append(one)
        else:
            sent += [one] * (1 + to.twice)
    if to.lost_for_good:
        to.lost += len(dropped)
    else:
        to.dropped += len(dropped)
    to.sent += len(found) - len(dropped)
    to.repeated += len(sent) - (len(found) - len(dropped))
    return sent, dropped


def next_due() -> float | None:
    """When something may leave next, in the machine's unix seconds; None when nothing waits."""
    to = _switches()
    at = events.next_due()
    if at is None:
        return None
    return to.stopped_until if to.is_stopped() else at + to.late_seconds


def _switches() -> switches.Deliveries:
    with events.transaction():
        return switches.load().deliveries


def release() -> None:
    """After a switch was turned: what waits is tried now, if the switches let it."""
    events.retry_at(time.time())
    events.wake()
