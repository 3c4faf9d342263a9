"""Invoice lines: for a subscription item's period, and for an invoice item."""

from sandbox.engine import items, pricing, wording
from sandbox.schema import blank
from sandbox.store import new_id


def for_item(item: dict, subscription: dict, *, trial: bool = False) -> dict:
    """The line of an item's current period; free when it is a trial."""
    price, quantity, currency = item["price"], item["quantity"], subscription["currency"]
    name = items.product_name(price)
    if trial:
        description = wording.trial(name)
    else:
        description = wording.subscription_line(name, price, quantity, currency)
    return _line(
        amount=0 if trial else items.amount(item, currency),
        currency=currency,
        description=description,
        discountable=True,
        discounts=list(item["discounts"]),
        metadata=dict(subscription["metadata"]),
        quantity=quantity,
        period={"start": item["current_period_start"], "end": item["current_period_end"]},
        parent=_item_parent(item["id"], subscription["id"]),
        pricing=pricing_of(price, "0" if trial else pricing.unit_amount_decimal(price, currency)),
        subscription=subscription["id"],
        _tax_rates=item["tax_rates"] or subscription["default_tax_rates"] or [],
        _item=item["id"],
    )


def for_invoice_item(entry: dict, default_tax_rates: list[dict]) -> dict:
    """The line of a pending invoice item, prorations among them."""
    details = (entry["parent"] or {}).get("subscription_details") or {}
    credited = _credited(entry)
    if details.get("subscription_item"):
        parent = _item_parent(
            details["subscription_item"],
            details["subscription"],
            invoice_item=entry["id"],
            proration=entry["proration"],
            credited=credited,
        )
    else:
        parent = {
            "invoice_item_details": {
                "invoice_item": entry["id"],
                "proration": entry["proration"],
                "proration_details": {"credited_items": credited},
                "subscription": details.get("subscription"),
            },
            "subscription_item_details": None,
            "type": "invoice_item_details",
        }
    return _line(
        amount=entry["amount"],
        currency=entry["currency"],
        description=entry["description"],
        discountable=entry["discountable"],
        discounts=list(entry["discounts"] or []),
        metadata=dict(entry["metadata"] or {}),
        quantity=entry["quantity"],
        period=entry["period"],
        parent=parent,
        pricing=entry["pricing"],
        subscription=details.get("subscription"),
        _tax_rates=entry["tax_rates"] or default_tax_rates,
        _itemized=(entry.get("proration_details") or {}).get("discount_amounts") or [],
    )


def pricing_of(price: dict, unit_amount_decimal: str | None) -> dict:
    """The `pricing` of a line or invoice item."""
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": unit_amount_decimal,
    }


def _credited(entry: dict) -> dict | None:
    found = (entry.get("proration_details") or {}).get("credited_items")
    return found and found["invoice_line_item_details"]


def _item_parent(item, subscription, invoice_item=None, proration=False, credited=None) -> dict:
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": invoice_item,
            "proration": proration,
            "proration_details": {"credited_items": credited},
            "subscription": subscription,
            "subscription_item": item,
        },
        "type": "subscription_item_details",
    }


def _line(**fields) -> dict:
    quantity = fields["quantity"]
    return blank(
        "line_item",
        id=new_id("il"),
        quantity_decimal=None if quantity is None else str(quantity),
        subtotal=fields["amount"],
        **fields,
    )
