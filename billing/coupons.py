"""Coupons and their promotion codes as staff make, count and retire them.

Both are made once however often a form is sent: a coupon by the id that comes with the form, a
code because Stripe has each spelling once, told as ours by what is written with it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, not_, select

from billing import sync
from billing.audit import record, record_once
from billing.errors import GoneFromStripe, InvalidRequest
from billing.gateway import coupons as gateway
from billing.gateway import promotion_codes as codes_gateway
from models import Coupon, PromotionCode, db

# A coupon may have a code for each of thousands of people: so many are read back at once. What
# becomes of the others is told by their coupon.
CODES_AT_ONCE = 20
# Written with each code, to be known again.
MARK = "made_by_form"


@dataclass(frozen=True)
class Terms:
    """What a coupon takes off: a percentage, or minor units by currency; no products are all."""

    name: str
    percent_off: str | None
    amounts_off: dict[str, int]
    duration: str
    duration_in_months: int | None
    redeem_by: datetime | None
    max_redemptions: int | None
    products: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class CodeTerms:
    """What a promotion code allows; `minima` are minor units by currency."""

    code: str
    expires_at: datetime | None
    max_redemptions: int | None
    first_time: bool
    minima: dict[str, int]
    customer_id: str | None

    @property
    def fingerprint(self) -> str:
        """Another one for any other terms."""
        return hashlib.sha256(repr(vars(self)).encode()).hexdigest()[:16]


class CodeTaken(InvalidRequest):
    """An active code is spelled like it."""

    message = "An active code is spelled like this."


def create(terms: Terms, attempt: str) -> tuple[Coupon, bool]:
    """The coupon, and whether this request made it: an earlier one of the same form may have."""
    coupon_id = f"coupon_{attempt}"
    made = True
    db.session.commit()
    try:
        gateway.create(coupon_id, **vars(terms))
    except InvalidRequest as error:
        if error.code != "resource_already_exists":
            raise
        made = False
    record_once("coupon.created", coupon_id, after=_plain(vars(terms)))
    return sync.pull("coupon", coupon_id), made


def retire(coupon_id: str) -> Coupon:
    """The coupon, which nobody can redeem any more, nor any code of it. Discounts given stay."""
    coupon = db.session.get_one(Coupon, coupon_id)
    before = {"name": coupon.name, "times_redeemed": coupon.times_redeemed}
    codes = active_codes(coupon_id)
    db.session.commit()
    try:
        gateway.delete(coupon_id)
        record("coupon.retired", coupon_id, before=before, after={"retired": True, "codes": codes})
    except GoneFromStripe:
        pass
    gone: Coupon = sync.pull("coupon", coupon_id)
    for code_id in codes:
        sync.pull("promotion_code", code_id)
    return gone


def count_again(coupon_id: str) -> Coupon:
    """The coupon with its redemptions as Stripe counts them now, its active codes too."""
    codes = active_codes(coupon_id)
    coupon: Coupon = sync.pull("coupon", coupon_id)
    for code_id in codes:
        sync.pull("promotion_code", code_id)
    return coupon


def create_code(coupon_id: str, terms: CodeTerms, attempt: str) -> tuple[PromotionCode, bool]:
    """The promotion code, and whether this request made it. CodeTaken when it is in use."""
    made, code_id = True, None
    db.session.commit()
    try:
        code_id = codes_gateway.create(
            coupon=coupon_id,
            code=terms.code,
            expires_at=terms.expires_at,
            max_redemptions=terms.max_redemptions,
            first_time=terms.first_time,
            minima=terms.minima,
            customer=terms.customer_id,
            metadata={MARK: attempt},
            # What is mended and sent again is another request.
            idempotency_key=f"promotion-code-{attempt}-{terms.fingerprint}",
        ).id
    except InvalidRequest:
        made = False
        code_id = _made_before(terms.code, attempt)
        if code_id is None:
            if any(_is_active(each) for each in codes_gateway.ids_for(terms.code)):
                raise CodeTaken(param="code") from None
            raise
    after = _plain({**vars(terms), "coupon": coupon_id})
    record_once("promotion_code.created", code_id, after=after)
    return sync.pull("promotion_code", code_id), made


def deactivate(code_id: str) -> PromotionCode:
    """The promotion code, which nobody can redeem any more. Discounts it gave stay."""
    code = db.session.get_one(PromotionCode, code_id)
    if code.active:
        db.session.commit()
        codes_gateway.deactivate(code_id)
        record(
            "promotion_code.retired",
            code_id,
            before={"active": True, "code": code.code},
            after={"active": False},
        )
    pulled: PromotionCode = sync.pull("promotion_code", code_id)
    return pulled


def active_codes(coupon_id: str) -> list[str]:
    """The ids of the coupon's newest codes that could be redeemed, a limited number."""
    return list(
        db.session.scalars(
            select(PromotionCode.stripe_id)
            .where(PromotionCode.coupon_id == coupon_id, PromotionCode.active)
            .order_by(PromotionCode.created.desc())
            .limit(CODES_AT_ONCE)
        )
    )


def listed(*, retired: bool) -> Select[tuple[Coupon]]:
    """Every coupon that exists, or those retired, the newest first."""
    gone = Coupon.deleted_at.is_not(None) if retired else Coupon.deleted_at.is_(None)
    return (
        select(Coupon)
        .where(gone, Coupon.created.is_not(None))
        .order_by(Coupon.created.desc(), Coupon.stripe_id.desc())
    )


def codes_listed(*, active: bool, typed: str = "") -> Select[tuple[PromotionCode]]:
    """The promotion codes that can be redeemed, or the others, the newest first.

    `typed` is a code's spelling, in whatever case, or its beginning.
    """
    retired = select(Coupon.stripe_id).where(
        Coupon.stripe_id == PromotionCode.coupon_id, Coupon.deleted_at.is_not(None)
    )
    works = and_(PromotionCode.active, ~retired.exists())
    found = select(PromotionCode).where(
        works if active else not_(works), PromotionCode.created.is_not(None)
    )
    if typed:
        found = found.where(
            func.upper(PromotionCode.code).startswith(typed.upper(), autoescape=True)
        )
    return found.order_by(PromotionCode.created.desc(), PromotionCode.stripe_id.desc())


def codes_of(coupon_id: str) -> Select[tuple[PromotionCode]]:
    """The coupon's codes, the newest first."""
    return (
        select(PromotionCode)
        .where(PromotionCode.coupon_id == coupon_id, PromotionCode.created.is_not(None))
        .order_by(PromotionCode.created.desc(), PromotionCode.stripe_id.desc())
    )


def _made_before(code: str, attempt: str) -> str | None:
    """The id of the code that an earlier request of the same form made, if one did."""
    for code_id in codes_gateway.ids_for(code):
        metadata = codes_gateway.retrieve(code_id).metadata
        if metadata is not None and metadata.to_dict().get(MARK) == attempt:
            return code_id
    return None


def _is_active(code_id: str) -> bool:
    return bool(sync.pull("promotion_code", code_id).active)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """The values as the audit log keeps them."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }
