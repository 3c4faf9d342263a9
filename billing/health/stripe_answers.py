"""Does Stripe answer, how fast, and do our clocks agree?"""

from __future__ import annotations

from datetime import timedelta

from billing import stripe_calls
from billing.clock import machine_now
from billing.health.check import ATTENTION, BAD, GOOD, Check

LOOKED_AT = timedelta(hours=1)
RECENT = timedelta(minutes=10)
# Milliseconds that 19 of 20 calls should stay within.
SLOW = 3000
# A few lost answers are retried and hurt nobody; a twentieth of all do.
TOO_MANY = 20
# Stripe's signatures tolerate 300 seconds.
SKEWED, SKEWED_BADLY = 30, 240


def answering() -> Check:
    """Outcomes of the last hour, and of the last ten minutes for what is going on now."""
    name, title = "stripe", "Stripe answers"
    lately = stripe_calls.since(machine_now() - LOOKED_AT)
    just_now = stripe_calls.since(machine_now() - RECENT)
    if not lately.calls:
        return Check(name, title, GOOD, "It was not called within the last hour.", figure=0)
    calls = f"{lately.calls:,} {'call' if lately.calls == 1 else 'calls'}"
    said = f"{calls} within the last hour, {lately.problems or 'none'} without a usable answer."
    if just_now.outcomes["locked_out"]:
        return Check(
            name,
            title,
            BAD,
            f"Stripe refuses our key. {said}",
            "Stripe refuses our key",
            "Check STRIPE_SECRET_KEY: it may have been rolled or lack a permission. "
            "flask billing doctor tries it.",
            lately.problems,
        )
    if just_now.calls >= 3 and just_now.problems * 2 >= just_now.calls:
        return Check(
            name,
            title,
            BAD,
            f"{just_now.problems} of the last {just_now.calls} calls came to nothing. {said}",
            "Stripe does not answer",
            "See status.stripe.com and this machine's way out to api.stripe.com. Pages and access "
            "go on without it; what waits is done by itself once it answers.",
            lately.problems,
        )
    if lately.problems * TOO_MANY > lately.calls:
        return Check(
            name,
            title,
            ATTENTION,
            said,
            "some calls to Stripe come to nothing",
            "Nothing is lost: they are tried again. Busy ones (429) mean more than a hundred calls "
            "a second; failed ones, trouble at Stripe or on the way. See status.stripe.com.",
            lately.problems,
        )
    return Check(name, title, GOOD, said, figure=lately.problems)


def speed() -> Check:
    name, title = "stripe_speed", "Stripe's speed"
    lately = stripe_calls.since(machine_now() - LOOKED_AT)
    if lately.median is None or lately.slow is None or lately.last is None:
        return Check(name, title, GOOD, "It was not called within the last hour.")
    said = (
        f"Half of the calls took at most {in_words(lately.median)}, 19 of 20 at most "
        f"{in_words(lately.slow)}; the last one took {in_words(lately.last.last_ms)}."
    )
    if lately.slow <= SLOW:
        return Check(name, title, GOOD, said, figure=lately.slow)
    return Check(
        name,
        title,
        ATTENTION,
        said,
        "Stripe is slow",
        "See status.stripe.com. Pages do not wait for Stripe; buttons that change something do, "
        "up to ten seconds.",
        lately.slow,
    )


def clock() -> Check:
    """Our machine's time against that in Stripe's last answer."""
    name, title = "clock", "Clock"
    last = stripe_calls.last()
    skew = last.skew_seconds if last else None
    if skew is None:
        return Check(name, title, GOOD, "Stripe has not told its time yet.")
    if abs(skew) <= SKEWED:
        return Check(name, title, GOOD, f"Within {SKEWED} seconds of Stripe's.", figure=skew)
    off = f"{abs(skew)} seconds {'ahead of' if skew > 0 else 'behind'} Stripe's"
    return Check(
        name,
        title,
        BAD if abs(skew) >= SKEWED_BADLY else ATTENTION,
        f"Ours is {off}. Beyond 300 seconds every webhook is refused.",
        f"the clock is {off}",
        "Set this machine's time, and let it follow a time server (NTP).",
        skew,
    )


def in_words(milliseconds: int) -> str:
    """ "250 ms", "1.5 s", "more than 10 s"."""
    if milliseconds >= stripe_calls.LONGER:
        return f"more than {stripe_calls.STEPS[-1] // 1000} s"
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:g} s"
