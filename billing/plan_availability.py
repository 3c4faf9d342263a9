"""Whether a plan is on sale: hidden from visitors, archived at Stripe, restored; and its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from billing import plan_drafts, sync
from billing.audit import record
from billing.gateway import plans as gateway
from models import Product, db


def hide(product: Product) -> bool:
    """Takes the plan off the plans page; False when it was not there. Who has it keeps it."""
    if not product.public:
        return False
    _change(product.stripe_id, "plan.hidden", {"public": True}, {"public": False}, _hide)
    return True


def archive(product: Product) -> bool:
    """Ends the plan's sale at Stripe; False when it had ended. Who has it keeps it."""
    if not product.active:
        return False
    _change(product.stripe_id, "plan.archived", {"active": True}, {"active": False}, _archive)
    return True


def restore(product: Product) -> bool:
    """Puts an archived plan back, hidden, so that it is looked at before visitors see it."""
    if product.active:
        return False
    _change(product.stripe_id, "plan.restored", {"active": False}, {"active": True}, _restore)
    return True


def move(product: Product, direction: Literal["up", "down"], place: int) -> bool:
    """Swaps the plan with its neighbour; False when it cannot, or is not at `place` any more.

    `place` is the plan's index among those not archived, as the reader saw it, so that a second
    click on one button moves nothing further.
    """
    order = [plan for plan in plan_drafts.plans() if plan.active]
    ids = [plan.stripe_id for plan in order]
    there = place + (-1 if direction == "up" else 1)
    if not 0 <= place < len(ids) or ids[place] != product.stripe_id or not 0 <= there < len(ids):
        return False
    ids[place], ids[there] = ids[there], ids[place]
    held = {plan.stripe_id: plan.position for plan in order}
    moved_id = product.stripe_id
    for number, plan_id in enumerate(ids, start=1):
        if held[plan_id] != number:
            db.session.commit()
            gateway.update(plan_id, metadata={"position": str(number)})
            if plan_id == moved_id:
                record(
                    "plan.moved",
                    plan_id,
                    before={"position": place + 1},
                    after={"position": number},
                )
            sync.pull("product", plan_id)
    return True


def _change(
    product_id: str,
    action: str,
    before: dict[str, bool],
    after: dict[str, bool],
    write: Callable[[str], object],
) -> None:
    db.session.commit()
    write(product_id)
    record(action, product_id, before=before, after=after)
    sync.pull("product", product_id)


def _hide(product_id: str) -> None:
    gateway.update(product_id, metadata={"public": "false"})


def _archive(product_id: str) -> None:
    gateway.update(product_id, active=False)


def _restore(product_id: str) -> None:
    gateway.update(product_id, active=True, metadata={"public": "false"})
