"""The plans as visitors will see them once a draft is published.

The drafted plan is made up in memory, of the same types as the mirror's, and never stored: the
page that shows it cannot tell it from the others.
"""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import inspect
from sqlalchemy.orm.attributes import set_committed_value

from billing import plan_drafts, plan_steps
from billing.plan_drafts import Subject
from billing.plan_steps import CURRENCY, INTERVAL, RETIRE
from models import Price, Product

Row = TypeVar("Row", Price, Product)


def offered_with(subject: Subject) -> list[Product]:
    """The plans on offer after the publication of `subject`, in the order they are shown."""
    drafted = as_drafted(subject)
    others = [p for p in Product.offered() if p.stripe_id != subject.product_id]
    if drafted.highlighted:
        others = [_without_mark(p) if p.highlighted else p for p in others]
    # As `Product.offered` orders them; what is not made yet comes last among its equals.
    return sorted(
        [*others, drafted],
        key=lambda p: (p.position, p.created is None, p.created or 0, p.stripe_id),
    )


def as_drafted(subject: Subject) -> Product:
    """The plan as it is to be, on sale."""
    values: dict[str, Any] = {
        **subject.values,
        "changes_to": subject.values["changes_to"] or None,
        "active": True,
        "public": True,
    }
    if subject.product is not None:
        drafted = _copy(subject.product, **values)
    else:
        drafted = Product(
            stripe_id=subject.product_id,
            data={},
            position=plan_drafts.next_position(),
            **values,
        )
    set_committed_value(drafted, "prices", _prices(subject))
    return drafted


def _prices(subject: Subject) -> list[Price]:
    steps = plan_steps.to_come(subject)
    retired = {s["price_id"] for s in steps if s["kind"] == RETIRE}
    found = [
        _with_currencies(price, [s for s in steps if s.get("price_id") == price.stripe_id])
        for price in (subject.product.prices if subject.product else [])
        if price.stripe_id not in retired
    ]
    return found + [_made(subject, s) for s in steps if s["kind"] == INTERVAL]


def _with_currencies(price: Price, steps: list[dict[str, Any]]) -> Price:
    added = {
        s["currency"]: {"unit_amount": s["amount"], "unit_amount_decimal": str(s["amount"])}
        for s in steps
        if s["kind"] == CURRENCY
    }
    if not added:
        return price
    return _copy(price, currency_options={**(price.currency_options or {}), **added})


def _made(subject: Subject, step: dict[str, Any]) -> Price:
    (currency, amount), *_ = step["amounts"]
    return Price(
        stripe_id=step["id"],
        data={},
        product_id=subject.product_id,
        active=True,
        type="recurring",
        currency=currency,
        unit_amount=amount,
        unit_amount_decimal=str(amount),
        billing_scheme="per_unit",
        currency_options={
            code: {"unit_amount": value, "unit_amount_decimal": str(value)}
            for code, value in step["amounts"]
        },
        interval=step["interval"],
        interval_count=step["count"],
        usage_type="licensed",
    )


def _without_mark(plan: Product) -> Product:
    unmarked = _copy(plan, highlighted=False)
    set_committed_value(unmarked, "prices", plan.prices)
    return unmarked


def _copy(row: Row, **values: Any) -> Row:
    """A row of the same columns that belongs to no session."""
    columns = {each.key: getattr(row, each.key) for each in inspect(type(row)).column_attrs}
    return type(row)(**{**columns, **values})
