"""The demo company's plans and credit pack, put into whatever Stripe account the keys open."""

from __future__ import annotations

from dataclasses import dataclass

from billing import sync
from billing.errors import InvalidRequest
from billing.gateway import catalog

MONTHS_PAID_PER_YEAR = 10


@dataclass(frozen=True)
class DemoPlan:
    """One plan: monthly amounts in minor units by currency, the first being the price's own.

    `earlier` are the amounts it was sold at before its price was raised, if it ever was.
    """

    slug: str
    name: str
    description: str
    features: tuple[str, ...]
    monthly: dict[str, int]
    metadata: dict[str, str]
    earlier: dict[str, int] | None = None


PLANS = (
    DemoPlan(
        "starter",
        "Starter",
        "For one person getting going",
        ("1 project", "7 days of history", "Mail support"),
        {"usd": 1900, "eur": 1800, "jpy": 2900},
        {"position": "1", "trial_days": "14", "trial_needs_method": "no"},
    ),
    DemoPlan(
        "team",
        "Team",
        "For teams that ship together",
        ("Unlimited projects", "1 year of history", "Single sign-on", "Priority support"),
        {"usd": 4900, "eur": 4500, "jpy": 7400},
        {
            "position": "2",
            "highlight": "true",
            "min_seats": "1",
            "max_seats": "25",
            "trial_days": "14",
            "pausable": "true",
        },
        earlier={"usd": 4500, "eur": 4200, "jpy": 6800},
    ),
    DemoPlan(
        "business",
        "Business",
        "For companies with auditors",
        (
            "Everything in Team",
            "Audit log and SCIM",
            "99.95% uptime, in writing",
            "A person you can call",
        ),
        {"usd": 9900, "eur": 9200, "jpy": 14900},
        {"position": "3", "min_seats": "1", "max_seats": "500", "grace_days": "30"},
    ),
)


RETENTION_COUPON = "demo_stay"
CREDIT_PACK = {"usd": 2000, "eur": 1900, "jpy": 3000}


def put_in_place(*, earlier: bool = False) -> None:
    """Creates the plans and prices that are missing at Stripe and pulls all into the mirror.

    With `earlier` the prices are those from before they were raised.
    """
    for plan in PLANS:
        product_id = f"demo_{plan.slug}"
        _product(
            product_id,
            plan.name,
            plan.description,
            plan.features,
            {"slug": plan.slug, "public": "true", **plan.metadata},
        )
        amounts = (earlier and plan.earlier) or plan.monthly
        _price(plan.slug, amounts, product_id, "month", 1)
        _price(plan.slug, amounts, product_id, "year", MONTHS_PAID_PER_YEAR)
    _credit_pack()
    _retention_coupon()


def _product(
    product_id: str,
    name: str,
    description: str,
    features: tuple[str, ...],
    metadata: dict[str, str],
) -> None:
    try:
        catalog.create_product(
            product_id=product_id,
            name=name,
            description=description,
            features=features,
            metadata=metadata,
        )
    except InvalidRequest as error:
        if error.code != "resource_already_exists":
            raise
    sync.pull("product", product_id)


def _credit_pack() -> None:
    """1,000 credits, to be bought once or as often as one likes."""
    product_id, lookup_key = "demo_credits", "demo_credits"
    _product(
        product_id,
        "Credit pack",
        "For exports and API calls. Credits do not expire.",
        (),
        {"purchase": "credits", "credits": "1000"},
    )
    price = catalog.price_by_lookup_key(lookup_key)
    if price is None:
        (currency, amount), *others = CREDIT_PACK.items()
        price = catalog.create_one_time_price(
            product=product_id,
            lookup_key=lookup_key,
            currency=currency,
            unit_amount=amount,
            other_currencies=dict(others),
        )
    sync.pull("price", price.id)


def _retention_coupon() -> None:
    """What the demo offers to who cancels as too expensive."""
    try:
        catalog.create_coupon(
            RETENTION_COUPON, name="Stay with us", percent_off=20, duration_in_months=3
        )
    except InvalidRequest as error:
        if error.code != "resource_already_exists":
            raise
    sync.pull("coupon", RETENTION_COUPON)


def _price(
    slug: str,
    monthly: dict[str, int],
    product_id: str,
    interval: catalog.Interval,
    months: int,
) -> None:
    lookup_key = f"demo_{slug}_{interval}"
    price = catalog.price_by_lookup_key(lookup_key)
    if price is None:
        (currency, amount), *others = monthly.items()
        price = catalog.create_price(
            product=product_id,
            lookup_key=lookup_key,
            interval=interval,
            currency=currency,
            unit_amount=amount * months,
            other_currencies={code: value * months for code, value in others},
        )
    sync.pull("price", price.id)
