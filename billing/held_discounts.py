"""Who has a discount now: kept beside the mirror, so that a coupon's page need not read them all.

Kept up with each write of what has it. A database from before this was kept is filled by
`flask billing sync`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.sql import Select

from billing import sync
from billing.clock import from_unix, now
from models import Account, HeldDiscount, db


@sync.observer
def keep(written: sync.Written) -> None:
    """Notes the discounts of a live subscription, or of a customer, as they are now."""
    if written.kind == "subscription":
        row = written.row
        given = row.data.get("discounts") if row.is_live else None
        _keep_up(row.stripe_id, row.customer_id, given or [])
    elif written.kind == "customer":
        row = written.row
        shared = row.data.get("discount") if row.deleted_at is None else None
        _keep_up(row.stripe_id, row.stripe_id, [shared] if shared else [])


def _keep_up(holder_id: str, customer_id: str, given: list[Any]) -> None:
    """The rows of `holder_id` as its discounts are now; those that stay keep their place."""
    wanted = {one["id"]: one for one in given if _coupon_of(one) is not None}
    held = {
        row.discount_id: row
        for row in db.session.scalars(
            select(HeldDiscount).where(HeldDiscount.holder_id == holder_id)
        )
    }
    for discount_id in held.keys() - wanted.keys():
        db.session.delete(held[discount_id])
    for discount_id, one in wanted.items():
        row = held.get(discount_id) or HeldDiscount(discount_id=discount_id)
        row.holder_id, row.customer_id = holder_id, customer_id
        row.coupon_id = str(_coupon_of(one))
        row.promotion_code_id = _id(one.get("promotion_code"))
        row.started_at = from_unix(one.get("start")) or now()
        row.ends_at = from_unix(one.get("end"))
        db.session.add(row)


def _coupon_of(given: Any) -> str | None:
    """The coupon of a discount; None where the mirror holds only the discount's id."""
    return _id((given.get("source") or {}).get("coupon")) if isinstance(given, dict) else None


def _id(value: Any) -> str | None:
    return value["id"] if isinstance(value, dict) else value


def of_coupon(coupon_id: str) -> Select[tuple[HeldDiscount]]:
    """Those with a discount of the coupon, the newest first."""
    return (
        select(HeldDiscount)
        .where(HeldDiscount.coupon_id == coupon_id)
        .order_by(HeldDiscount.started_at.desc(), HeldDiscount.discount_id.desc())
    )


def of_promotion_code(code_id: str) -> Select[tuple[HeldDiscount]]:
    """Those with a discount that the code gave, the newest first."""
    return (
        select(HeldDiscount)
        .where(HeldDiscount.promotion_code_id == code_id)
        .order_by(HeldDiscount.started_at.desc(), HeldDiscount.discount_id.desc())
    )


def accounts_of(held: list[HeldDiscount]) -> dict[str, Account]:
    """The accounts of those who hold the discounts, by customer."""
    ids = {one.customer_id for one in held}
    found = db.session.scalars(select(Account).where(Account.stripe_customer_id.in_(ids)))
    return {str(account.stripe_customer_id): account for account in found}


def is_held(coupon_id: str) -> bool:
    return db.session.scalar(of_coupon(coupon_id).limit(1)) is not None
