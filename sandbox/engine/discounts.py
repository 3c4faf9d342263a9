"""Coupons taken off invoice lines.

Item discounts come before the invoice's; each works on what the one before left over. A percentage
is taken line by line; an amount is spread over the lines in proportion, to the last minor unit.
Source: Stripe's "Stack discounts".
"""

from fractions import Fraction

from sandbox.engine.money import round_to, step


class Reduction:
    """One discount's terms: what its coupon takes off, and from which products."""

    def __init__(self, discount_id: str, coupon: dict):
        self.id = discount_id
        self.coupon = coupon
        applies = coupon.get("applies_to") or coupon.get("_applies_to") or {}
        self.products = frozenset(applies.get("products") or ())

    def covers(self, product: str | None) -> bool:
        return not self.products or product in self.products

    def amount_off(self, currency: str) -> int | None:
        """The fixed amount in `currency`; None for a percentage or another currency's coupon."""
        if self.coupon.get("amount_off") is None:
            return None
        if self.coupon["currency"] == currency:
            return self.coupon["amount_off"]
        options = self.coupon.get("currency_options") or {}
        return (options.get(currency) or {}).get("amount_off")

    def of(self, amount: int, currency: str) -> int:
        """How much it takes off a single positive amount."""
        if self.coupon.get("percent_off") is not None:
            return round_to(amount * Fraction(str(self.coupon["percent_off"])) / 100, currency)
        return min(amount, self.amount_off(currency) or 0)


def take(amounts: list[int], reduction: Reduction, currency: str) -> list[int]:
    """What `reduction` takes off each of `amounts`; never below zero, nothing off a credit."""
    if reduction.coupon.get("percent_off") is not None:
        return [reduction.of(amount, currency) if amount > 0 else 0 for amount in amounts]
    available = sum(amount for amount in amounts if amount > 0)
    off = min(reduction.amount_off(currency) or 0, available)
    return spread(off, [max(amount, 0) for amount in amounts], currency)


def spread(total: int, weights: list[int], currency: str) -> list[int]:
    """`total` divided in proportion to `weights`, exactly: the largest remainders get the rest."""
    whole = sum(weights)
    if not whole or not total:
        return [0] * len(weights)
    unit = step(currency)
    steps, odd = divmod(total, unit)
    exact = [Fraction(steps * weight, whole) for weight in weights]
    shares = [int(part) for part in exact]
    order = sorted(range(len(weights)), key=lambda i: (shares[i] - exact[i], i))
    for i in order[: steps - sum(shares)]:
        shares[i] += 1
    parts = [share * unit for share in shares]
    if odd:
        parts[order[0]] += odd
    return parts


def net(amount: int, product: str | None, reductions: list[Reduction], currency: str) -> int:
    """A single amount after all `reductions` that cover its product."""
    for reduction in reductions:
        if reduction.covers(product):
            amount -= reduction.of(amount, currency)
    return amount


def apply(lines: list[dict], of_lines: dict[str, list[Reduction]], of_invoice: list[Reduction]):
    """Fill `discount_amounts` of every line. `of_lines` holds each line's own discounts by line id.

    Lines that are not discountable (prorations, whose amounts already include them) are left.
    """
    currency = lines[0]["currency"] if lines else ""
    open_lines = [line for line in lines if line["discountable"]]
    left = {line["id"]: line["amount"] for line in open_lines}
    for line in lines:
        line["discount_amounts"] = line.get("_itemized") or []
    for line in open_lines:
        for reduction in of_lines.get(line["id"], []):
            if reduction.covers(_product(line)):
                _book([line], take([left[line["id"]]], reduction, currency), reduction, left)
    for reduction in of_invoice:
        covered = [line for line in open_lines if reduction.covers(_product(line))]
        taken = take([left[line["id"]] for line in covered], reduction, currency)
        _book(covered, taken, reduction, left)


def _book(lines, taken, reduction, left):
    for line, amount in zip(lines, taken, strict=True):
        left[line["id"]] -= amount
        line["discount_amounts"] = [
            *line["discount_amounts"],
            {"amount": amount, "discount": reduction.id},
        ]


def _product(line: dict) -> str | None:
    details = (line.get("pricing") or {}).get("price_details") or {}
    return details.get("product")
