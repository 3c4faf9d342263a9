"""Changes that wait for the end of the period: subscription schedules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.plan_change import ASKED_ONCE

if TYPE_CHECKING:
    from stripe.params import (
        InvoiceCreatePreviewParamsScheduleDetailsPhase,
        SubscriptionScheduleUpdateParamsPhase,
        SubscriptionScheduleUpdateParamsPhaseDiscount,
        SubscriptionScheduleUpdateParamsPhaseItem,
        SubscriptionScheduleUpdateParamsPhaseItemDiscount,
    )


def attach(subscription_id: str, *, idempotency_key: str) -> stripe.SubscriptionSchedule:
    """A new schedule that keeps the subscription as it is for its current period."""
    with translated():
        return v1().subscription_schedules.create(
            {"from_subscription": subscription_id}, {"idempotency_key": idempotency_key}
        )


def retrieve(schedule_id: str) -> stripe.SubscriptionSchedule:
    """The schedule with its phases."""
    with translated():
        return v1().subscription_schedules.retrieve(schedule_id)


@dataclass(frozen=True)
class NextPhase:
    """The phase to come: the current one, but for one price, for one of its periods.

    It begins at `starts_at` (Unix seconds), where a `promotion_code` (an id) is redeemed too.
    """

    from_price_id: str
    to_price_id: str
    quantity: int | None
    interval: str
    interval_count: int
    starts_at: int
    promotion_code: str | None = None


def replace_next_phase(
    schedule: stripe.SubscriptionSchedule, following: NextPhase, *, idempotency_key: str
) -> stripe.SubscriptionSchedule:
    """The schedule with one phase to come, after which it lets go.

    The current phase runs on unchanged until then. Discounts are named by their own ids, so that
    a coupon for some months does not start anew. Nothing is prorated.
    """
    phases = _phases(schedule, following)
    with translated():
        return v1().subscription_schedules.update(
            schedule.id,
            {"end_behavior": "release", "proration_behavior": "none", "phases": phases},
            {"idempotency_key": idempotency_key},
        )


def preview_recurring(schedule_id: str, following: NextPhase) -> stripe.Invoice:
    """What one whole period costs once the change has taken the place of what is scheduled.

    A preview of the subscription would go on with the scheduled phase, whatever it is told.
    """
    phases = _phases(retrieve(schedule_id), following)
    with translated():
        return v1().invoices.create_preview(
            {
                "schedule": schedule_id,
                "preview_mode": "recurring",
                "schedule_details": {
                    "end_behavior": "release",
                    "proration_behavior": "none",
                    "phases": cast("list[InvoiceCreatePreviewParamsScheduleDetailsPhase]", phases),
                },
            },
            ASKED_ONCE,
        )


def _phases(
    schedule: stripe.SubscriptionSchedule, following: NextPhase
) -> list[SubscriptionScheduleUpdateParamsPhase]:
    current = _current_phase(schedule)
    now = phase_params(current)
    now.update({"start_date": current.start_date, "end_date": following.starts_at})
    then = phase_params(current)
    then["items"] = [
        item_params(item, following.to_price_id, following.quantity)
        if id_of(item.price) == following.from_price_id
        else item_params(item)
        for item in current.items
    ]
    if following.promotion_code is not None:
        redeemed = {"promotion_code": following.promotion_code}
        then["discounts"] = [
            *(then.get("discounts") or []),
            cast("SubscriptionScheduleUpdateParamsPhaseDiscount", redeemed),
        ]
    then["duration"] = {
        "interval": following.interval,
        "interval_count": following.interval_count,
    }
    return [now, then]


def release(schedule_id: str) -> stripe.SubscriptionSchedule:
    """The schedule, let go: the subscription stays as it is and nothing more is to come."""
    with translated():
        return v1().subscription_schedules.release(schedule_id)


def _current_phase(schedule: stripe.SubscriptionSchedule) -> stripe.SubscriptionSchedule.Phase:
    started = schedule.current_phase.start_date if schedule.current_phase else None
    return next((p for p in schedule.phases if p.start_date == started), schedule.phases[0])


def phase_params(phase: stripe.SubscriptionSchedule.Phase) -> SubscriptionScheduleUpdateParamsPhase:
    """The phase as parameters, without its dates."""
    params: SubscriptionScheduleUpdateParamsPhase = {
        "items": [item_params(item) for item in phase.items],
        "proration_behavior": "none",
        "metadata": dict(phase.metadata.to_dict()) if phase.metadata else {},
        "currency": phase.currency,
    }
    if phase.collection_method:
        params["collection_method"] = phase.collection_method
    if phase.default_payment_method:
        params["default_payment_method"] = id_of(phase.default_payment_method)
    if phase.default_tax_rates:
        params["default_tax_rates"] = [rate.id for rate in phase.default_tax_rates]
    if phase.description:
        params["description"] = phase.description
    if phase.discounts:
        params["discounts"] = [
            cast("SubscriptionScheduleUpdateParamsPhaseDiscount", _discount(d))
            for d in phase.discounts
        ]
    if phase.automatic_tax and phase.automatic_tax.enabled:
        params["automatic_tax"] = {"enabled": True}
    if phase.invoice_settings and phase.invoice_settings.days_until_due is not None:
        params["invoice_settings"] = {"days_until_due": phase.invoice_settings.days_until_due}
    return params


def item_params(
    item: stripe.SubscriptionSchedule.Phase.Item,
    price_id: str | None = None,
    quantity: int | None = None,
) -> SubscriptionScheduleUpdateParamsPhaseItem:
    """The phase's item as parameters; at another price and quantity when a price is named."""
    params: SubscriptionScheduleUpdateParamsPhaseItem = {"price": price_id or id_of(item.price)}
    wanted = quantity if price_id is not None else item.quantity
    if wanted is not None:
        params["quantity"] = wanted
    if item.metadata:
        params["metadata"] = dict(item.metadata.to_dict())
    if item.tax_rates:
        params["tax_rates"] = [rate.id for rate in item.tax_rates]
    if item.discounts:
        params["discounts"] = [
            cast("SubscriptionScheduleUpdateParamsPhaseItemDiscount", _discount(d))
            for d in item.discounts
        ]
    return params


def _discount(discount: Any) -> dict[str, str]:
    """An existing discount by its id, else the coupon or promotion code it is to come from."""
    if discount.discount:
        return {"discount": id_of(discount.discount)}
    if discount.promotion_code:
        return {"promotion_code": id_of(discount.promotion_code)}
    return {"coupon": id_of(discount.coupon)}


def id_of(reference: Any) -> str:
    return reference if isinstance(reference, str) else str(reference.id)
