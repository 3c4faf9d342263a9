"""The switches in words, for the strip on every page and the panel on the front page."""

from __future__ import annotations

from sandbox.chaos.switches import ANSWERS, EVERYWHERE, SLOW, Chaos, Deliveries, Fault

SHORT = {
    "500": "answers 500",
    "500_kept": "answers 500, kept under its key",
    "rate_limit": "answers 429 rate_limit",
    "lock_timeout": "answers 429 lock_timeout",
    "timeout": "is cut off",
    "hang": "answers late",
    "lost": "loses its answer",
}
DONE = {
    "500": "answered with 500",
    "500_kept": "answered with 500, kept",
    "rate_limit": "answered with 429",
    "lock_timeout": "answered with 429",
    "timeout": "cut off",
    "hang": "answered late",
    "lost": "with the answer lost",
}
CHOICES = [(name, text[0].upper() + text[1:]) for name, text in ANSWERS.items()]


def summary(chaos: Chaos) -> str:
    """What is on, in a sentence without its end, such as "webhooks late by 30 s, 20 % dropped"."""
    parts = []
    webhooks = _webhooks(chaos.deliveries)
    if webhooks:
        parts.append("webhooks " + ", ".join(webhooks))
    parts += [f"{where(fault)} {what(fault)}" for fault in chaos.faults if fault.is_on]
    return "; ".join(parts)


def _webhooks(to: Deliveries) -> list[str]:
    if to.is_stopped():
        seconds = to.seconds_stopped
        return ["stopped" if seconds is None else f"stopped for {seconds} s more"]
    found = []
    if to.late_seconds:
        found.append(f"late by {to.late_seconds} s")
    if to.twice:
        found.append("twice")
    if to.reversed:
        found.append("in reverse order")
    if to.drop_percent:
        found.append(f"{to.drop_percent} % {'lost for good' if to.lost_for_good else 'dropped'}")
    return found


def where(fault: Fault) -> str:
    """The calls that a fault is for."""
    if fault.path == EVERYWHERE:
        return "every call" if fault.method == "*" else f"every {fault.method}"
    return fault.path if fault.method == "*" else f"{fault.method} {fault.path}"


def what(fault: Fault) -> str:
    """What happens to them, and how often."""
    said = SHORT[fault.answer]
    if fault.answer in SLOW:
        said += f" {'after' if fault.answer == 'timeout' else 'by'} {fault.seconds} s"
    if fault.percent < 100:
        said += f", {fault.percent} % of the time"
    if fault.calls is not None:
        left = fault.calls - fault.done
        said += f" for {left} {'call' if left == 1 else 'calls'} more" if left else ""
    return said


def done(fault: Fault) -> str:
    """What a fault has done so far, such as "3 of 5 answered with 500"."""
    if not fault.seen:
        return "No call so far"
    of = fault.seen if fault.calls is None or fault.percent < 100 else fault.calls
    return f"{fault.done} of {of} {DONE[fault.answer]}"


def delivered(to: Deliveries) -> str:
    """What became of the webhooks since a switch was turned on."""
    counts = [(to.sent, "sent"), (to.repeated, "of them twice")]
    counts += [(to.dropped, "dropped"), (to.lost, "lost for good")]
    return ", ".join(f"{number} {name}" for number, name in counts if number)
