"""Time passes: everything that is due is played, in the order of its due times.

Source: Stripe's "How subscriptions work" (renewals, 23 hours for a first payment, drafts that
finalize after an hour) and "Automate payment retries".
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from sandbox import clock
from sandbox.checkout import session as checkout
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
from sandbox.store import agenda, store

DAY = 86_400
# How long before a trial ends its event comes, in seconds.
TRIAL_NOTICE = 3 * DAY
# How long before a renewal `invoice.upcoming` comes, in seconds.
RENEWAL_NOTICE = 7 * DAY

# Later than anything is due, in unix seconds.
END = 2**62
# The setting that names the rules by which the index of what is due was made.
INDEX = "agenda"


class Rule(NamedTuple):
    """What happens to documents of a kind: `when` tells the time, None for never. `what` names it
    on the front page: "renewal of sub_..."."""

    kind: str
    where: dict
    when: Callable[[dict], int | None]
    action: Callable[[dict], object]
    what: str

    def at(self, doc: dict) -> int | None:
        """When it is due for the document, None when it is not one of those the rule is for."""
        for name, value in self.where.items():
            if doc[name] not in (value if isinstance(value, list) else [value]):
                return None
        return self.when(doc)


def run_due(now: int) -> int:
    """Play everything that is due up to `now` (unix seconds) on the clock this runs on, each thing
    at its own time.

    Runs inside a store transaction. Gives how many things were played.
    """
    return sum(1 for _ in play(now))


def play(until: int) -> Iterator[tuple[int, int | None]]:
    """Play what is due up to `until` (unix seconds), one thing with each step: its time, and the
    time of what is due after it by then, if anything is.

    RuntimeError when something is due as before once it was played: it would be for ever.
    """
    name = clock.name()
    found = store.due(name, until)
    while found:
        one = found[0]
        rule = _RULES[one.rank]
        with clock.at(one.at):
            rule.action(store.get(one.kind, one.id))
        following = store.due(name, until)
        if following == found:
            raise RuntimeError(f"{rule.what} {one.id} is due at {one.at} again")
        found = following
        yield one.at, found[0].at if found else None


def next_due() -> int | None:
    """When something is due next on the clock this runs on, in unix seconds; None when nothing
    ever is."""
    found = store.due(clock.name(), END)
    return found[0].at if found else None


def next_event() -> tuple[int, str, str, str] | None:
    """What is due next on the clock this runs on: its unix second, what it is, and the kind and id
    of its object."""
    found = store.due(clock.name(), END)
    if not found:
        return None
    return found[0].at, _RULES[found[0].rank].what, found[0].kind, found[0].id


def _agenda(rules: list[tuple[int, Rule]]) -> Callable[[dict], list[tuple[int, int]]]:
    def due(doc: dict) -> list[tuple[int, int]]:
        if doc["object"] == "subscription":
            # Read once for all rules.
            doc["_items"] = items.of(doc)
        moments = ((rank, rule.at(doc)) for rank, rule in rules)
        return [(rank, at) for rank, at in moments if at is not None]

    return due


def register() -> None:
    """Have the store keep what the rules make due; the index is made anew when the rules are
    others than those it was made by."""
    for kind in {rule.kind for rule in _RULES}:
        rules = [(rank, rule) for rank, rule in enumerate(_RULES) if rule.kind == kind]
        agenda(kind, _agenda(rules))


def index() -> None:
    """Make the index of what is due where it was made by other rules, or none is there."""
    version = " ".join(f"{rule.kind}/{rule.what}" for rule in _RULES)
    if store.setting(INDEX) != version:
        store.plan_all()
        store.set_setting(INDEX, version)


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
# What is due at once comes in this order. Schedules come before renewals, so that a renewal sees
# the phase that starts with it.
_RULES = (
    Rule(
        "payment_intent",
        {"status": "processing"},
        lambda intent: intent.get("_settles_at"),
        paying.settle_payment_intent,
        "the bank's answer for",
    ),
    Rule(
        "refund",
        {"status": ["pending", "succeeded"]},
        lambda refund: refund.get("_settles_at"),
        refunding.settle,
        "the bank's answer for",
    ),
    Rule(
        "checkout.session",
        {"status": "open"},
        lambda session: session["expires_at"],
        lambda session: checkout.close(session, "expired"),
        "expiry of",
    ),
    Rule(
        "subscription",
        {"status": "incomplete"},
        lambda subscription: subscription.get("_expires_at"),
        ending.expire,
        "expiry of the unpaid",
    ),
    Rule(
        "subscription",
        _WAITING,
        _pending_expiry,
        standing.drop_update,
        "expiry of the change held by",
    ),
    Rule("subscription", _LIVE, _resumption, _resume_collection, "collection resuming for"),
    Rule(
        "subscription",
        {"status": "trialing"},
        _trial_notice,
        _tell_trial_end,
        "notice of the trial's end of",
    ),
    Rule("subscription", _LIVE, _renewal_notice, _tell_renewal, "notice of the renewal of"),
    Rule(
        "invoice",
        {"status": "draft"},
        _finalization,
        renewing.finalize_due,
        "finalization and charge of",
    ),
    Rule("invoice", {"status": "open"}, _retry, renewing.retry, "another try to charge"),
    Rule(
        "invoice",
        {"status": "open", "collection_method": "send_invoice"},
        _overdue,
        _tell_overdue,
        "due date of",
    ),
    Rule(
        "subscription_schedule",
        {"status": ["active", "not_started"]},
        _end_of_phase,
        schedules.step,
        "next phase of",
    ),
    Rule(
        "subscription",
        _WAITING,
        lambda subscription: subscription["cancel_at"],
        ending.end_on_schedule,
        "end of",
    ),
    Rule("subscription", _LIVE, renewing.due_at, renewing.run, "renewal of"),
)
register()
