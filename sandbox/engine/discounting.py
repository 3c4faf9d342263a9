"""Discounts made from coupons and promotion codes, and what they need to be redeemable."""

from sandbox import clock
from sandbox.engine.calendar import after
from sandbox.engine.discounts import Reduction
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.schema import blank
from sandbox.store import new_id, store


def create(given: list[dict] | str | None, customer: dict, **owner: str | None) -> list[str]:
    """Ids of the discounts for a `discounts` parameter: new ones for coupons and promotion codes,
    the same for `discount`. `owner` says what they belong to: subscription, subscription_item,
    invoice or invoice_item. ApiError 400 for one that cannot be redeemed."""
    ids = []
    for index, entry in enumerate(given or []):
        where = f"discounts[{index}]"
        if entry.get("discount"):
            ids.append(store.need("discount", entry["discount"], f"{where}[discount]")["id"])
            continue
        promotion, coupon = redeemable(entry, customer, where)
        ids.append(_insert(coupon, promotion, customer, owner))
    return ids


def redeemable(entry: dict, customer: dict, where: str) -> tuple[dict | None, dict]:
    """The promotion code, if one is given, and the coupon of an entry of `discounts`.

    `customer` may be one who does not exist yet, without an id. ApiError 400 when it cannot be
    redeemed.
    """
    promotion = None
    if entry.get("promotion_code"):
        param = f"{where}[promotion_code]"
        promotion = store.need("promotion_code", entry["promotion_code"], param)
        _check_promotion(promotion, customer, param)
        coupon = store.need("coupon", promotion["promotion"]["coupon"], param)
    else:
        param = f"{where}[coupon]"
        coupon = store.need("coupon", entry.get("coupon", ""), param)
    used_up = coupon["max_redemptions"] and coupon["times_redeemed"] >= coupon["max_redemptions"]
    late = coupon["redeem_by"] and coupon["redeem_by"] < clock.now()
    if used_up or late or not coupon["valid"]:
        raise ApiError(
            400,
            f"Coupon expired: {coupon['id']}",
            code="coupon_expired",
            param=param,
        )
    return promotion, coupon


CANNOT = "This promotion code cannot be redeemed because "


def _check_promotion(promotion: dict, customer: dict, param: str) -> None:
    late = promotion["expires_at"] and promotion["expires_at"] <= clock.now()
    most = promotion["max_redemptions"]
    if late:
        raise ApiError(400, f"{CANNOT}it has expired.", param=param)
    if most and promotion["times_redeemed"] >= most:
        raise ApiError(400, f"{CANNOT}it has been used the maximum number of times.", param=param)
    if not promotion["active"]:
        raise ApiError(400, f"{CANNOT}it is inactive.", param=param)
    if promotion["customer"] and promotion["customer"] != customer.get("id"):
        raise ApiError(
            400,
            f"{CANNOT}the associated customer is not the one it is restricted to.",
            param=param,
        )
    first_only = promotion["restrictions"]["first_time_transaction"]
    if first_only and customer.get("id") and has_paid(customer["id"]):
        raise ApiError(400, f"{CANNOT}the associated customer has prior transactions.", param=param)


def has_paid(customer_id: str) -> bool:
    """Whether the customer has paid anything before: an invoice or a payment of its own."""
    invoices = store.all("invoice", customer=customer_id, status="paid")
    return any(invoice["amount_paid"] for invoice in invoices) or bool(
        store.all("charge", customer=customer_id, status="succeeded")
    )


def check_order(
    given: list[dict] | str | None, products: list[str], currency: str, amount: int | None
) -> None:
    """ApiError 400 when a promotion code of a `discounts` parameter does not fit what is bought:
    `products`, for `amount` minor units, None for an update, whose amount may still change."""
    for index, entry in enumerate(given or []):
        if not entry.get("promotion_code"):
            continue
        param = f"discounts[{index}][promotion_code]"
        promotion = store.need("promotion_code", entry["promotion_code"], param)
        coupon = store.need("coupon", promotion["promotion"]["coupon"], param)
        if not any(Reduction("", coupon).covers(product) for product in products):
            raise ApiError(
                400, f"{CANNOT}it does not apply to anything in this order.", param=param
            )
        least = minimum(promotion, currency)
        if least and amount is None:
            raise ApiError(
                400,
                "This promotion code cannot be redeemed on a subscription update because it uses "
                "the `minimum_amount` restriction and the amount may change.",
                param=param,
            )
        if amount is not None and amount < least:
            raise ApiError(
                400,
                f"{CANNOT}the associated purchase does not meet the minimum amount requirement.",
                param=param,
            )


def minimum(promotion: dict, currency: str) -> int:
    """The least an order in `currency` must come to; 0 when the code does not say."""
    restrictions = promotion["restrictions"]
    if restrictions["minimum_amount_currency"] == currency:
        return restrictions["minimum_amount"] or 0
    options = restrictions.get("currency_options") or {}
    return (options.get(currency) or {}).get("minimum_amount") or 0


def _insert(coupon: dict, promotion: dict | None, customer: dict, owner: dict) -> str:
    start = clock.now()
    ends = coupon["duration"] == "repeating"
    discount = blank(
        "discount",
        id=new_id("di"),
        customer=customer["id"],
        end=after(start, "month", coupon["duration_in_months"]) if ends else None,
        promotion_code=promotion and promotion["id"],
        source={"coupon": coupon["id"], "type": "coupon"},
        start=start,
        # A coupon that is deleted later goes on reducing what it was redeemed for.
        _coupon=coupon,
        **owner,
    )
    store.insert("discount", discount)
    coupon["times_redeemed"] += 1
    if coupon["max_redemptions"] and coupon["times_redeemed"] >= coupon["max_redemptions"]:
        coupon["valid"] = False
    store.save(coupon)
    if promotion:
        promotion["times_redeemed"] += 1
        most = promotion["max_redemptions"]
        if most and promotion["times_redeemed"] >= most:
            promotion["active"] = False
        store.save(promotion)
    emit("customer.discount.created", discount)
    return discount["id"]


def reductions(ids: list[str], at: int, invoice: str | None = None) -> list[Reduction]:
    """The terms of those discounts that are in force at `at`.

    A discount that applies once is in force until an invoice used it, and for that `invoice`.
    """
    found = (store.find("discount", id) for id in ids)
    return [
        Reduction(discount["id"], discount["_coupon"])
        for discount in found
        if discount
        and discount.get("_spent") in (None, invoice)
        and (discount["end"] or at + 1) > at
    ]


def spend(ids: list[str], invoice: str) -> None:
    """Mark discounts that apply once as used by the invoice."""
    for id in ids:
        discount = store.find("discount", id)
        if discount and discount["_coupon"]["duration"] == "once":
            discount["_spent"] = invoice
            store.save(discount)


def tell_removed(before: list[str], after: list[str]) -> None:
    """Emit customer.discount.deleted for what is in force no longer."""
    for id in before:
        discount = store.find("discount", id) if id not in after else None
        if discount:
            emit("customer.discount.deleted", discount)


def in_force(ids: list[str], at: int) -> list[str]:
    """Those of `ids` that still reduce invoices after `at`."""
    return [reduction.id for reduction in reductions(ids, at)]
