"""Words for what becomes of a subscriber, shared by pages and files."""

from __future__ import annotations

from datetime import date

from billing import dates

REASONS = {
    "kept": "Stays on the old price",
    "not_chosen": "Not among those chosen; stays on the old price",
    "ended": "The subscription has ended",
    "changed_plan": "Has changed to {plan} since",
    "currency": "The new price has no amount in {plan}",
    "unpaid": "Unpaid; moves once that is settled, while the change still runs",
    "incomplete": "The first payment is missing",
    "paused": "Paused; moves after it resumes",
    "unknown_status": "Waits: its status is {plan}",
    "no_period": "Waits: its period is not known yet",
    "ends_before": "Ends on {day}, before its turn",
    "other_plan": "Moves to {plan} on {day} anyway",
    "stopped": "The change was stopped before its turn",
    "refused": "Stripe did not accept the new price",
    "too_late": "Had renewed before it could be undone",
}


def reason(word: str | None, detail: str | None = None) -> str:
    """The sentence for a reason and what it names; nothing for none."""
    if word is None:
        return ""
    plan, _, iso = (detail or "").partition("|")
    if not iso and plan[:4].isdigit():
        plan, iso = "", plan
    day = dates.day(date.fromisoformat(iso)) if iso else ""
    return REASONS.get(word, word.replace("_", " ").capitalize()).format(
        plan=plan or "another plan", day=day
    )
