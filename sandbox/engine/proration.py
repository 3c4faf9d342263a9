"""Proration to the second, as pending invoice items.

A credit gives back the unused share of what was billed for an item; a debit charges the rest of
the period at the new price, discounts included. Each amount is rounded once, half away from zero.
Source: Stripe's "Prorations", flexible billing mode.
"""

from fractions import Fraction

from sandbox import clock
from sandbox.engine import items, lines, wording
from sandbox.engine.money import decimal_string, round_to
from sandbox.events import emit
from sandbox.schema import blank
from sandbox.store import new_id, store


def share(amount: int, seconds: int, whole: int, currency: str) -> int:
    """`amount` * `seconds` / `whole`, rounded to the currency's step."""
    return round_to(Fraction(amount * seconds, whole), currency)


def credit(item: dict, subscription: dict, at: int) -> dict | None:
    """The stored credit for the time of `item` after `at`, or None when nothing was billed."""
    billed = item.get("_billed")
    if not billed or billed["end"] <= at:
        return None
    currency = subscription["currency"]
    start = max(at, billed["start"])
    unused = share(
        billed["amount"], billed["end"] - start, billed["end"] - billed["start"], currency
    )
    what = wording.several(items.product_name(billed["price"]), billed["quantity"])
    return _entry(
        item,
        subscription,
        amount=-unused,
        price=billed["price"],
        quantity=billed["quantity"],
        period={"start": start, "end": billed["end"]},
        description=wording.unused(what, start),
        credited=_credited(billed),
    )


def _credited(billed: dict) -> dict | None:
    if not billed.get("line"):
        return None
    return {
        "invoice_item": None,
        "invoice_line_item_details": {
            "invoice": billed["invoice"],
            "invoice_line_items": [billed["line"]],
        },
        "type": "invoice_line_items",
    }


def debit(item: dict, subscription: dict, at: int) -> dict:
    """The stored debit for the rest of the item's period; the item remembers it as billed."""
    end = item["current_period_end"]
    start, whole_end = items.full_period(item, subscription["billing_cycle_anchor"], at)
    net = items.net_amount(item, subscription, at)
    currency = subscription["currency"]
    amount = share(net, end - at, whole_end - start, currency)
    what = wording.several(items.product_name(item["price"]), item["quantity"])
    reduced_by = [one.id for one in items.reductions_of(item, subscription, at)]
    item["_billed"] = {
        "start": at,
        "end": end,
        "amount": amount,
        "price": item["price"],
        "quantity": item["quantity"],
    }
    return _entry(
        item,
        subscription,
        amount=amount,
        price=item["price"],
        quantity=item["quantity"],
        period={"start": at, "end": end},
        description=wording.remaining(what, at),
        credited=None,
        reduced_by=reduced_by,
    )


def _entry(
    item, subscription, *, amount, price, quantity, period, description, credited, reduced_by=()
) -> dict:
    count = 1 if quantity is None else quantity
    each = decimal_string(Fraction(amount, count)) if count else "0"
    entry = blank(
        "invoiceitem",
        id=new_id("ii"),
        amount=amount,
        currency=subscription["currency"],
        customer=subscription["customer"],
        date=clock.now(),
        description=description,
        discountable=False,
        discounts=[],
        metadata={},
        net_amount=amount,
        parent={
            "subscription_details": {
                "subscription": subscription["id"],
                "subscription_item": item["id"],
            },
            "type": "subscription_details",
        },
        period=period,
        pricing=lines.pricing_of(price, each),
        proration=True,
        proration_details={"credited_items": credited, "discount_amounts": []},
        quantity=count,
        quantity_decimal=str(count),
        tax_rates=item["tax_rates"] or subscription["default_tax_rates"] or [],
        # Discounts that the amount contains: one that applies once is used up by it.
        _reduced_by=list(reduced_by),
    )
    store.insert("invoiceitem", entry)
    emit("invoiceitem.created", entry)
    return entry
