"""Time passes: everything that is due is played, in the order of its due times.

Source: Stripe's "How subscriptions work" (renewals, 23 hours for a first payment, drafts that
finalize after an hour) and "Automate payment retries".
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from sandbox import clock
from sandbox.duties import duty
from sandbox.engine import (
    ending,
    items,
    paying,
    previewing,
    refunding,
    renewing,
    schedules,
    standing,
)
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.events import emit
from sandbox.store import store

DAY = 86_400
# How long before a trial ends its event comes, in seconds.
TRIAL_NOTICE = 3 * DAY
# How long before a renewal `invoice.upcoming` comes, in seconds.
RENEWAL_NOTICE = 7 * DAY

HOUR = 3600


class Rule(NamedTuple):
    """What happens to documents of a kind: `when` tells the time, None for never."""

    kind: str
    where: dict
    when: Callable[[dict], int | None]
    action: Callable[[dict], object]

    def applies_to(self, doc: dict) -> bool:
        """Whether the document still is one of those the rule is for."""
        return all(
            doc[name] in (value if isinstance(value, list) else [value])
            for name, value in self.where.items()
        )


class Due(NamedTuple):
    """A rule's action on one document, and its time."""

    at: int
    rank: int
    id: str
    rule: Rule

    @property
    def kind(self) -> str:
        return self.rule.kind


def run_due(now: int) -> int:
    """Play everything that is due up to `now` (unix seconds), each thing at its own time.

    Runs inside a store transaction. Gives how many things were played.
    """
    played = 0
    while found := sorted(_due(now), key=lambda one: one[:3]):
        first = found[0].at
        # What is played brings nothing new within the hour, so that much needs one look only.
        for one in (one for one in found if one.at < first + HOUR):
            doc = store.find(one.kind, one.id)
            # Something played before may have changed or settled this.
            if doc and one.rule.applies_to(doc) and one.rule.when(doc) == one.at:
                with clock.at(one.at):
                    one.rule.action(doc)
                played += 1
    return played


def next_due() -> int | None:
    """When something is due next, in unix seconds; None when nothing ever is."""
    return min((one.at for one in _due(2**62)), default=None)


def _due(now: int) -> Iterator[Due]:
    """All that is due; what is due at once comes in the order of the rules.

    Schedules come before renewals, so that a renewal sees the phase that starts with it.
    """
    seen: dict[str, list[dict]] = {}
    for rank, rule in enumerate(_RULES):
        key = f"{rule.kind} {rule.where}"
        if key not in seen:
            seen[key] = _documents(rule)
        for doc in seen[key]:
            at = rule.when(doc)
            if at is not None and at <= now:
                yield Due(at, rank, doc["id"], rule)


def _documents(rule: Rule) -> list[dict]:
    """The documents a rule is for, to look at only; subscriptions carry their items."""
    found = list(store.scan(rule.kind, rule.where, newest_first=False))
    if found and rule.kind == "subscription":
        entries: dict[str, list[dict]] = {}
        for item in store.all("subscription_item"):
            entries.setdefault(item["subscription"], []).append(item)
        for doc in found:
            doc["_items"] = entries.get(doc["id"], [])
    return found


@duty
def catch_up() -> None:
    """Play what is due by the sandbox's clock."""
    run_due(clock.now())


def _renewal_notice(subscription: dict) -> int | None:
    due = renewing.due_at(subscription)
    ends = subscription["cancel_at"] is not None and subscription["cancel_at"] <= due
    if ends or subscription.get("_renewal_noticed") == due:
        return None
    start = min(item["current_period_start"] for item in items.of(subscription))
    # A period that is no longer than the notice is not announced.
    return due - RENEWAL_NOTICE if due - RENEWAL_NOTICE > start else None


def _tell_renewal(subscription: dict) -> None:
    subscription["_renewal_noticed"] = renewing.due_at(subscription)
    store.save(subscription)
    emit("invoice.upcoming", previewing.preview({"subscription": subscription["id"]}))


def _trial_notice(subscription: dict) -> int | None:
    if subscription.get("_trial_noticed") == subscription["trial_end"]:
        return None
    return max(subscription["trial_end"] - TRIAL_NOTICE, subscription["created"])


def _tell_trial_end(subscription: dict) -> None:
    subscription["_trial_noticed"] = subscription["trial_end"]
    store.save(subscription)
    emit("customer.subscription.trial_will_end", subscription)


def _end_of_phase(schedule: dict) -> int | None:
    at = schedules.next_step(schedule)
    subscription = store.find("subscription", schedule["subscription"] or "")
    # A phase that starts with a renewal is entered by the renewal, before it bills.
    if at is None or subscription is None or not renewing.running(subscription):
        return at
    following = any(phase["start_date"] == at for phase in schedule["phases"])
    return None if following and renewing.due_at(subscription) == at else at


def _pending_expiry(subscription: dict) -> int | None:
    pending = subscription.get("_pending")
    return pending and pending["expires_at"]


def _finalization(invoice: dict) -> int | None:
    return invoice["automatically_finalizes_at"] if invoice["auto_advance"] else None


def _retry(invoice: dict) -> int | None:
    automatic = invoice["collection_method"] == "charge_automatically"
    return invoice["next_payment_attempt"] if automatic else None


def _overdue(invoice: dict) -> int | None:
    return None if invoice.get("_overdue") else invoice["due_date"]


def _tell_overdue(invoice: dict) -> None:
    invoice["_overdue"] = True
    invoice["attempted"] = True
    store.save(invoice)
    emit("invoice.overdue", invoice)
    standing.payment_failed(invoice)


def _resumption(subscription: dict) -> int | None:
    return (subscription["pause_collection"] or {}).get("resumes_at")


def _resume_collection(subscription: dict) -> None:
    before = snapshot(subscription)
    subscription["pause_collection"] = None
    store.save(subscription)
    emit_updated("customer.subscription.updated", subscription, before)


_LIVE = {"status": ["trialing", "active", "past_due", "unpaid"]}
_WAITING = {"status": [*_LIVE["status"], "paused"]}
_RULES = (
    Rule(
        "payment_intent",
        {"status": "processing"},
        lambda intent: intent.get("_settles_at"),
        paying.settle_payment_intent,
    ),
    Rule("refund", {"_unsettled": True}, lambda r: r["_settles_at"], refunding.settle),
    Rule("subscription", {"status": "incomplete"}, lambda s: s.get("_expires_at"), ending.expire),
    Rule("subscription", _WAITING, _pending_expiry, standing.drop_update),
    Rule("subscription", _LIVE, _resumption, _resume_collection),
    Rule("subscription", {"status": "trialing"}, _trial_notice, _tell_trial_end),
    Rule("subscription", _LIVE, _renewal_notice, _tell_renewal),
    Rule("invoice", {"status": "draft"}, _finalization, renewing.finalize_due),
    Rule("invoice", {"status": "open"}, _retry, renewing.retry),
    Rule(
        "invoice",
        {"status": "open", "collection_method": "send_invoice"},
        _overdue,
        _tell_overdue,
    ),
    Rule(
        "subscription_schedule",
        {"status": ["active", "not_started"]},
        _end_of_phase,
        schedules.step,
    ),
    Rule("subscription", _WAITING, lambda s: s["cancel_at"], ending.end_on_schedule),
    Rule("subscription", _LIVE, renewing.due_at, renewing.run),
)
