"""What an account may use, and why: one function decides, from the mirror and our tables alone.

The levels are `full`, `read_only` (look and export, change nothing) and `none`. Which status
grants which follows Stripe's docs, "How subscriptions work", and the settings `grace_days`
(a plan may have its own) and `access_levels`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from flask import current_app
from sqlalchemy import select

from billing.clock import from_unix
from billing.dates import day
from billing.first_failure import first_failure
from models import (
    ACCESS_LEVELS,
    AccessDecision,
    AccessGrant,
    Account,
    Product,
    Subscription,
    db,
)

NONE, READ_ONLY, FULL = ACCESS_LEVELS
# Stripe's docs, "How subscriptions work": a first invoice can be paid for 23 hours.
TIME_FOR_FIRST_PAYMENT = timedelta(hours=23)
UNKNOWN_STATUS = "unknown_status"


@dataclass(frozen=True)
class Decision:
    """What an account may use. Times are UTC.

    `rule` is the stable name of what decided, `because` says it in a sentence for staff, and
    `kind` and `object_id` name the object that caused it ("invoice", "in_123"). From `until` on
    `level_after` holds; None there means that it is decided anew. `plan` is None when the
    subscription is in no plan the portal knows, `seats` for a plan that is not sold by the seat.
    """

    level: str
    rule: str
    because: str
    kind: str
    object_id: str
    since: datetime | None = None
    until: datetime | None = None
    level_after: str | None = None
    plan: Product | None = None
    seats: int | None = None

    @property
    def last_day(self) -> date | None:
        """The last day on which it holds, for people: the one before a midnight."""
        return last_day(self.until) if self.until else None

    @property
    def rank(self) -> int:
        return ACCESS_LEVELS.index(self.level)


def last_day(until: datetime) -> date:
    """The last day that has a moment before `until`."""
    return (until - timedelta(microseconds=1)).date()


def decide(account: Account, now: datetime, *, without: AccessGrant | None = None) -> Decision:
    """What the account may use at `now`; `without` a grant, as if it had not been given.

    Of several subscriptions the one that allows most decides. A grant decides where it allows
    more than they do, or as much of a higher plan.
    """
    decision = _by_subscriptions(account, now)
    for grant in _grants(account, now):
        if grant is without:
            continue
        given = _by_grant(grant, decision)
        if given.rank > decision.rank or _is_higher_plan(given, decision):
            decision = given
    return decision


def decide_on(subscription: Subscription, account: Account, now: datetime) -> Decision:
    """What this one subscription allows, whatever else the account has."""
    plan = subscription.plan if subscription.plan and subscription.plan.slug else None
    seats = subscription.quantity if plan is not None and plan.is_per_seat else None
    return replace(_by_status(subscription, account, now), plan=plan, seats=seats)


def grace(subscription: Subscription) -> timedelta:
    """How long a past due subscription keeps its access: its plan's own days, or the setting's."""
    own = subscription.plan.grace_days if subscription.plan else None
    return timedelta(days=current_app.config["SETTINGS"].grace_days if own is None else own)


def _by_subscriptions(account: Account, now: datetime) -> Decision:
    customer_id = account.stripe_customer_id
    if customer_id is None:
        sentence = "The account never bought anything."
        return Decision(NONE, "no_subscription", sentence, "account", str(account.id))
    if account.customer is not None and account.customer.deleted_at is not None:
        sentence = f"The customer {customer_id} was deleted at Stripe."
        gone = account.customer.deleted_at
        return Decision(NONE, "customer_deleted", sentence, "customer", customer_id, since=gone)
    found = db.session.scalars(
        select(Subscription)
        .where(Subscription.customer_id == customer_id)
        .order_by(Subscription.created.desc(), Subscription.stripe_id.desc())
    ).all()
    if not found:
        sentence = f"The customer {customer_id} has no subscription."
        return Decision(NONE, "no_subscription", sentence, "customer", customer_id)
    decisions = [(decide_on(one, account, now), one.is_live) for one in found]
    # The newest comes first, and the first of equals is taken.
    return max(decisions, key=lambda each: (each[0].rank, each[1], each[0].plan is not None))[0]


def _by_status(subscription: Subscription, account: Account, now: datetime) -> Decision:
    levels = current_app.config["SETTINGS"].access_levels
    name = _name(subscription)
    if subscription.deleted_at is not None:
        sentence, since = f"{name} was deleted at Stripe.", subscription.deleted_at
        return _of(subscription, NONE, "cancelled", sentence, since=since)
    ends_on = subscription.ends_on
    if ends_on is not None and ends_on <= now:
        # Stripe ended it then; the mirror has not heard of it yet.
        sentence = f"{name} was cancelled, and its last day was {day(ends_on)}."
        return _of(subscription, NONE, "ended", sentence, since=ends_on)
    match subscription.status:
        case "trialing" | "active":
            return _while_running(subscription, levels["collection_paused"], now)
        case "past_due":
            return _while_past_due(subscription, levels["past_due"], now)
        case "unpaid":
            failure = first_failure(subscription)
            sentence = f"{name} is unpaid: every retry of its open invoices failed."
            since = failure.at if failure else None
            return _of(subscription, levels["unpaid"], "unpaid", sentence, since=since)
        case "incomplete":
            begun = subscription.created
            until = begun + TIME_FOR_FIRST_PAYMENT if begun else None
            sentence = f"The first payment of {name} is not finished."
            return _of(subscription, NONE, "first_payment_open", sentence, since=begun, until=until)
        case "incomplete_expired":
            sentence, since = f"The first payment of {name} never came.", subscription.ended_at
            return _of(subscription, NONE, "first_payment_expired", sentence, since=since)
        case "canceled":
            since = subscription.ended_at or subscription.canceled_at
            sentence = f"{name} ended{f' on {day(since)}' if since else ''}."
            return _of(subscription, NONE, "cancelled", sentence, since=since)
        case "paused":
            since = subscription.paused_at
            return _of(subscription, levels["paused"], "paused", f"{name} is paused.", since=since)
        case _:
            return _kept(subscription, account, now)


def _of(
    subscription: Subscription,
    level: str,
    rule: str,
    because: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    level_after: str | None = None,
) -> Decision:
    """A decision that the subscription itself caused."""
    object_id = subscription.stripe_id
    return Decision(level, rule, because, "subscription", object_id, since, until, level_after)


def _while_running(subscription: Subscription, when_paused: str, now: datetime) -> Decision:
    """Active or in its trial: full, until its end if it has one."""
    name, ends_on = _name(subscription), subscription.ends_on
    since = subscription.start_date
    if subscription.pause_collection:
        resumes = from_unix(subscription.pause_collection.get("resumes_at"))
        changes = min((at for at in (resumes, ends_on) if at and at > now), default=None)
        after = None if changes is None else NONE if changes == ends_on else FULL
        sentence = f"{name} goes on while its payments are paused."
        return _of(
            subscription,
            when_paused,
            "collection_paused",
            sentence,
            until=changes,
            level_after=after,
        )
    if ends_on is not None:
        sentence = f"{name} is cancelled and lasts until {day(ends_on)}."
        return _of(
            subscription, FULL, "ending", sentence, since=since, until=ends_on, level_after=NONE
        )
    if subscription.is_trialing:
        end = subscription.trial_end
        # What follows a trial depends on its first payment; one that is over is being charged.
        until = end if end and end > now else None
        sentence = f"{name} is in its trial{f' until {day(until)}' if until else ''}."
        since = subscription.trial_start
        return _of(subscription, FULL, "trial", sentence, since=since, until=until)
    return _of(subscription, FULL, "active", f"{name} is active.", since=since)


def _while_past_due(subscription: Subscription, afterwards: str, now: datetime) -> Decision:
    """Full until the grace period ends or the subscription itself does, then `afterwards`.

    A failure that lies ahead of `now`, as between two clocks, counts as known already.
    """
    failure = first_failure(subscription)
    failed_at = failure.at if failure else now
    invoice = failure.invoice if failure else None
    ends, ends_on = failed_at + grace(subscription), subscription.ends_on
    days = grace(subscription).days
    sentence = (
        f"The payment of {f'invoice {invoice.label}' if invoice else 'an invoice'} "
        f"for {_name(subscription)} failed on {day(failed_at)}; the grace period of {days} "
        f"{'day' if days == 1 else 'days'} {'lasts until' if now < ends else 'ended on'} "
        f"{day(ends)}."
    )
    if now < ends:
        until = min(ends, ends_on) if ends_on else ends
        decision = _of(
            subscription,
            FULL,
            "grace",
            sentence,
            since=failed_at,
            until=until,
            level_after=NONE if until == ends_on else afterwards,
        )
    else:
        decision = _of(
            subscription,
            afterwards,
            "grace_over",
            sentence,
            since=ends,
            until=ends_on,
            level_after=NONE if ends_on else None,
        )
    if invoice is None:
        return decision
    return replace(decision, kind="invoice", object_id=invoice.stripe_id)


def _kept(subscription: Subscription, account: Account, now: datetime) -> Decision:
    """A status we do not know: the last decision stands, as it would stand today."""
    last = AccessDecision.last_of(account)
    sentence = (
        f"{_name(subscription)} has the status {subscription.status!r}, which the portal does not "
        f"know; {'the last decision stands' if last else 'nothing was decided before'}."
    )
    if last is None:
        return _of(subscription, NONE, UNKNOWN_STATUS, sentence)
    # Only what the subscription gave is kept; a grant is weighed anew each time.
    is_over = last.rule == "grant" or (last.until is not None and last.until <= now)
    return replace(
        _of(subscription, last.level, UNKNOWN_STATUS, sentence, since=last.since),
        level=(last.level_after or last.level) if is_over else last.level,
        until=None if is_over else last.until,
        level_after=None if is_over else last.level_after,
    )


def _grants(account: Account, now: datetime) -> list[AccessGrant]:
    """The grants in force, those that last longest first."""
    found = db.session.scalars(
        select(AccessGrant)
        .where(AccessGrant.account_id == account.id, AccessGrant.revoked_at.is_(None))
        .order_by(AccessGrant.ends_at.desc(), AccessGrant.id)
    )
    return [grant for grant in found if grant.is_in_force(now)]


def _by_grant(grant: AccessGrant, otherwise: Decision) -> Decision:
    """The grant's decision; after it holds what would hold without it."""
    who = grant.granted_by.email if grant.granted_by else "an operator"
    return Decision(
        grant.level,
        "grant",
        f"Granted by {who} until {day(last_day(grant.ends_at))}: {grant.reason}",
        "access_grant",
        str(grant.id),
        since=grant.starts_at,
        until=grant.ends_at,
        level_after=_level_at(otherwise, grant.ends_at),
        plan=grant.plan or otherwise.plan,
        seats=otherwise.seats,
    )


def _level_at(decision: Decision, moment: datetime) -> str | None:
    """The level at a later moment, as far as the decision knows."""
    if decision.until is None or moment < decision.until:
        return decision.level
    return decision.level_after


def _is_higher_plan(given: Decision, decision: Decision) -> bool:
    if given.level != decision.level or given.plan is None:
        return False
    return decision.plan is None or given.plan.position > decision.plan.position


def _name(subscription: Subscription) -> str:
    """The subscription in a sentence for staff: "Team (sub_123)"."""
    plan = subscription.plan.name if subscription.plan else "A plan the portal does not know"
    return f"{plan} ({subscription.stripe_id})"
