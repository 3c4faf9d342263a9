"""Mails about a subscription: about to charge, changed, cancelled, ended, paused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from billing import deep_links
from billing.clock import from_unix, now
from billing.deep_links import Destination
from billing.next_charge import next_charge
from billing.notices.sending import notice
from billing.outbox import NotNeeded
from billing.pricing import Cadence, amount_for
from models import Account, Invoice, OutboxEntry, Price, Product, Subscription, db


@notice("trial_ending")
def trial_ending(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    subscription = _subscription(entry)
    end = subscription.trial_end
    if not subscription.is_trialing or end is None or subscription.is_ending:
        raise NotNeeded("the trial does not end in a charge any more")
    if end <= now() or int(end.timestamp()) != entry.payload["trial_end"]:
        raise NotNeeded("the trial ends at another time, or has ended")
    behaviour = (subscription.data.get("trial_settings") or {}).get("end_behavior") or {}
    return {
        **_about(subscription, account),
        "without_method": behaviour.get("missing_payment_method") or "create_invoice",
        "method_link": deep_links.url(account.id, Destination.NEW_PAYMENT_METHOD),
        "cancel_link": deep_links.url(account.id, Destination.CANCELLATION),
    }


@notice("renewal_coming")
def renewal_coming(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    subscription = _subscription(entry)
    about = _about(subscription, account)
    charge = about["charge"]
    if charge is None or charge.is_nothing or charge.on <= now():
        raise NotNeeded("nothing is charged then")
    if int(charge.on.timestamp()) != entry.payload["on"]:
        raise NotNeeded("it renews at another time")
    return {**about, "cancel_link": deep_links.url(account.id, Destination.CANCELLATION)}


@notice("plan_changed")
def plan_changed(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    subscription = _subscription(entry)
    item, wanted = subscription.item, entry.payload
    held = {(each.price_id, each.quantity) for each in subscription.items}
    if not subscription.is_live or item is None:
        raise NotNeeded("the subscription has ended")
    if (wanted["to_price"], wanted["to_quantity"]) not in held:
        raise NotNeeded("it was changed again since")
    return {**_about(subscription, account), **_change(subscription, wanted)}


@notice("plan_change_scheduled")
def plan_change_scheduled(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    subscription, wanted = _subscription(entry), entry.payload
    on = from_unix(wanted["on"])
    phase = subscription.schedule.next_phase(now()) if subscription.schedule else None
    if not subscription.is_live or phase is None or phase["start_date"] != wanted["on"]:
        raise NotNeeded("it is not to come any more")
    item = phase["items"][0]
    price_id = item["price"]["id"] if isinstance(item["price"], dict) else item["price"]
    if (price_id, item.get("quantity")) != (wanted["to_price"], wanted["to_quantity"]):
        raise NotNeeded("another change is to come instead")
    current = subscription.item
    before = {
        "from_price": current.price_id if current else None,
        "from_quantity": current.quantity if current else None,
    }
    return {
        **_about(subscription, account),
        **_change(subscription, {**before, **wanted}),
        "on": on,
    }


@notice("cancelled")
def cancelled(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    subscription = _subscription(entry)
    if not subscription.is_ending:
        raise NotNeeded("it goes on, or has ended")
    link = deep_links.url(account.id, Destination.CANCELLATION)
    return {**_about(subscription, account), "link": link}


@notice("cancellation_undone")
def cancellation_undone(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    subscription = _subscription(entry)
    if not subscription.is_live or subscription.is_ending:
        raise NotNeeded("it is ending again, or has ended")
    return _about(subscription, account)


@notice("ended")
def ended(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    subscription = _subscription(entry)
    current = account.subscription
    if current is not None and current.is_live:
        raise NotNeeded("there is another subscription by now")
    reason = (subscription.data.get("cancellation_details") or {}).get("reason")
    return {
        **_about(subscription, account),
        "reason": reason,
        "link": deep_links.url(account.id, Destination.PLANS),
        "invoices_link": deep_links.url(account.id, Destination.INVOICES),
    }


@notice("paused")
def paused(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    subscription = _subscription(entry)
    collection = subscription.pause_collection
    if not subscription.is_live or (subscription.status != "paused" and not collection):
        raise NotNeeded("it is not paused any more")
    needs_method = subscription.status == "paused" and subscription.payment_method is None
    agreed = subscription.pause
    if needs_method:
        to = Destination.NEW_PAYMENT_METHOD
    else:
        to = Destination.RESUMPTION if subscription.status == "paused" else Destination.SUBSCRIPTION
    return {
        **_about(subscription, account),
        "resumes_on": from_unix(collection.get("resumes_at"))
        if collection
        else agreed and agreed.resumes_at,
        "needs_method": needs_method,
        # Staff's own kind of pause, which the subscriber cannot end.
        "by_staff": subscription.status != "paused",
        "link": deep_links.url(account.id, to),
    }


@notice("resumption_refused")
def resumption_refused(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    """It was to run again today, and stays paused; `why` is what `Pause.refused_because` says."""
    subscription = db.session.get(Subscription, entry.payload["subscription"])
    if subscription is None or subscription.status != "paused":
        raise NotNeeded("it is not paused any more")
    why = entry.payload["reason"]
    needs_method = why == "no_method"
    to = Destination.NEW_PAYMENT_METHOD if needs_method else Destination.RESUMPTION
    owed = next(iter(_open_invoices(subscription)), None) if why == "owes" else None
    link = (
        deep_links.url(account.id, Destination.INVOICE, owed.stripe_id)
        if owed
        else deep_links.url(account.id, to)
    )
    return {**_about(subscription, account), "why": why, "owed": owed, "link": link}


@notice("resumed")
def resumed(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    subscription = _subscription(entry)
    if not subscription.is_live or subscription.status == "paused" or subscription.pause_collection:
        raise NotNeeded("it is paused again, or has ended")
    return _about(subscription, account)


def _open_invoices(subscription: Subscription) -> Sequence[Invoice]:
    return db.session.scalars(
        select(Invoice)
        .where(
            Invoice.subscription_id == subscription.stripe_id,
            Invoice.status == "open",
            Invoice.amount_remaining > 0,
            Invoice.deleted_at.is_(None),
        )
        .order_by(Invoice.created)
    ).all()


def _subscription(entry: OutboxEntry) -> Subscription:
    subscription = db.session.get(Subscription, entry.payload["subscription_id"])
    if subscription is None or subscription.deleted_at is not None:
        raise NotNeeded("the subscription is gone")
    return subscription


def _about(subscription: Subscription, account: Account) -> dict[str, Any]:
    """What most of these mails name; `each` is the price of one period, without discounts."""
    price = subscription.price
    cadence = Cadence.of(price) if price and price.is_recurring else None
    return {
        "subscription": subscription,
        "plan": subscription.plan.name if subscription.plan else "your plan",
        "charge": next_charge(subscription, now()),
        "each": amount_for(price, subscription.quantity, subscription.currency) if price else None,
        "cadence": cadence,
        "ends_on": subscription.ends_on,
        "link": deep_links.url(account.id, Destination.SUBSCRIPTION),
    }


def _change(subscription: Subscription, change: dict[str, Any]) -> dict[str, Any]:
    return {
        "old": _choice(change["from_price"], change["from_quantity"], subscription),
        "new": _choice(change["to_price"], change["to_quantity"], subscription),
    }


def _choice(price_id: str | None, quantity: int | None, subscription: Subscription) -> Any:
    """A plan with its seats and what it costs for one period, as far as the mirror knows it."""
    price = db.session.get(Price, price_id) if price_id else None
    plan: Product | None = price.product if price else None
    return {
        "plan": plan.name if plan else "another plan",
        "seats": quantity if plan and plan.is_per_seat else None,
        "cadence": Cadence.of(price) if price and price.is_recurring else None,
        "amount": amount_for(price, quantity, subscription.currency) if price else None,
    }
