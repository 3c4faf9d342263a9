"""Do Stripe's webhooks arrive, and is each of them done?"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from billing.clock import now
from billing.dates import lasting
from billing.health.check import ATTENTION, BAD, GOOD, Check, counted, number, state_of
from models import Subscription, WebhookEvent, db

WAITS_LONG, WAITS_TOO_LONG = timedelta(minutes=5), timedelta(hours=1)
SILENT = timedelta(days=1)
# They renew, so that Stripe has something to tell.
RUNNING = ("active", "past_due", "trialing")


def arriving() -> Check:
    name, title = "webhooks_arriving", "Webhooks arrive"
    last = db.session.scalar(select(func.max(WebhookEvent.received_at)))
    if last is None:
        return Check(
            name,
            title,
            ATTENTION,
            "No webhook has ever come.",
            "no webhook has ever come",
            "Run flask billing stripe-setup to register the endpoint, put the secret it prints "
            "into STRIPE_WEBHOOK_SECRET, and check with flask billing doctor.",
        )
    silent = max(now() - last, timedelta())
    said = f"The last one came {lasting(silent)} ago."
    if silent < SILENT or not _anything_runs():
        return Check(name, title, GOOD, said, figure=int(silent.total_seconds()))
    return Check(
        name,
        title,
        ATTENTION,
        said,
        f"no webhook has come for {lasting(silent)}",
        "Run flask billing doctor: it says whether Stripe has the endpoint disabled or another "
        "secret. Then bring what was missed with flask billing sync --restart.",
        int(silent.total_seconds()),
    )


def waiting() -> Check:
    name, title = "webhooks_waiting", "Webhooks waiting"
    pending = select(WebhookEvent.id).where(WebhookEvent.status == "pending")
    oldest = db.session.scalar(
        select(func.min(WebhookEvent.received_at)).where(WebhookEvent.status == "pending")
    )
    if oldest is None:
        return Check(name, title, GOOD, "Each one that came is done.", figure=0)
    age = max(now() - oldest, timedelta())
    count = counted(pending)
    waits = number(count, "webhook waits", "webhooks wait")
    return Check(
        name,
        title,
        state_of(age, WAITS_LONG, WAITS_TOO_LONG),
        f"{waits}, the oldest for {lasting(age)}.",
        f"a webhook has waited for {lasting(age)}",
        "The oldest one's page says why. If Stripe answers and a worker runs, it is tried again "
        "by itself; to try all at once, run flask billing process-webhooks.",
        int(age.total_seconds()),
    )


def failed() -> Check:
    name, title = "webhooks_failed", "Webhooks given up"
    count = counted(select(WebhookEvent.id).where(WebhookEvent.status == "failed"))
    if not count:
        return Check(name, title, GOOD, "None.", figure=0)
    what = number(count, "webhook", "webhooks")
    return Check(
        name,
        title,
        BAD,
        f"{what} could not be processed in three days of trying. What they tell may be missing "
        "here.",
        f"{what} {'was' if count == 1 else 'were'} given up",
        'Read the error on their pages and mend its cause, then press "Process all failed again".',
        count,
    )


def _anything_runs() -> bool:
    running = select(Subscription.stripe_id).where(Subscription.status.in_(RUNNING)).limit(1)
    return db.session.scalar(running) is not None
