"""The plans that generated accounts are on: those of the mirror, else some made for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from models import Price, Product, db

MADE = (("starter", "Starter", 1900), ("team", "Team", 4900), ("business", "Business", 19900))


def put_in_place(now: datetime) -> list[dict[str, Any]]:
    """Monthly prices to subscribe to, each as {"id", "product", "amount" in minor units,
    "currency"}; joins the transaction."""
    found = _known()
    if not found:
        for position, (slug, name, amount) in enumerate(MADE):
            _make(position, slug, name, amount, now)
        db.session.flush()
        found = _known()
    return found


def _known() -> list[dict[str, Any]]:
    prices = db.session.scalars(
        select(Price)
        .join(Product, Product.stripe_id == Price.product_id)
        .where(
            Product.slug.is_not(None),
            Price.active,
            Price.interval == "month",
            Price.interval_count == 1,
            Price.unit_amount.is_not(None),
            Price.deleted_at.is_(None),
        )
        .order_by(Product.position, Price.stripe_id)
    )
    return [
        {
            "id": price.stripe_id,
            "product": price.product_id,
            "amount": price.unit_amount,
            "currency": price.currency,
        }
        for price in prices
    ]


def _make(position: int, slug: str, name: str, amount: int, now: datetime) -> None:
    product_id, price_id = f"prod_gen_{slug}", f"price_gen_{slug}"
    about = {"slug": slug, "position": str(position)}
    data: dict[str, Any] = {"id": product_id, "object": "product", "metadata": about}
    db.session.add(
        Product(
            stripe_id=product_id,
            data=data,
            created=now,
            slug=slug,
            name=name,
            active=True,
            position=position,
            features=[],
            default_price_id=price_id,
        )
    )
    db.session.add(
        Price(
            stripe_id=price_id,
            data={"id": price_id, "object": "price", "product": product_id},
            created=now,
            product_id=product_id,
            active=True,
            type="recurring",
            currency="usd",
            unit_amount=amount,
            unit_amount_decimal=str(amount),
            billing_scheme="per_unit",
            interval="month",
            interval_count=1,
            usage_type="licensed",
        )
    )
