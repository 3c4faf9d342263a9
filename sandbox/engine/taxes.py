"""Tax by tax rates, worked out and rounded line by line.

Inclusive rates are contained in the amount, exclusive rates come on top of the amount without the
inclusive ones. Source: Stripe's "Tax rates".
"""

from fractions import Fraction

from sandbox.engine.money import round_to


def of_amount(amount: int, rates: list[dict], currency: str, exempt: str = "none") -> list[dict]:
    """The `taxes` of a line whose amount after discounts is `amount`.

    `exempt` is the customer's `tax_exempt`: "none", "exempt" or "reverse".
    """
    inclusive = sum((_share(rate) for rate in rates if rate["inclusive"]), Fraction(0))
    base = Fraction(amount) / (1 + inclusive)
    return [_tax(amount, base, rate, currency, exempt) for rate in rates]


def _share(rate: dict) -> Fraction:
    return Fraction(str(rate["percentage"])) / 100


def _tax(amount: int, base: Fraction, rate: dict, currency: str, exempt: str) -> dict:
    taxed = exempt == "none"
    reason = {"none": "standard_rated", "exempt": "customer_exempt", "reverse": "reverse_charge"}
    if taxed and not rate["percentage"]:
        reason = {"none": "zero_rated"}
    return {
        "amount": round_to(base * _share(rate), currency) if taxed else 0,
        "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": reason[exempt],
        "taxable_amount": round_to(base, currency) if taxed else 0,
        "type": "tax_rate_details",
    }


def inclusive_part(amount: int, rates: list[dict], currency: str) -> int:
    """How much of `amount` is inclusive tax."""
    taxes = of_amount(amount, [rate for rate in rates if rate["inclusive"]], currency)
    return sum(tax["amount"] for tax in taxes)


def merged(lists: list[list[dict]]) -> list[dict]:
    """Lines' taxes added up by rate, in the order they first appear."""
    found: dict[tuple, dict] = {}
    for taxes in lists:
        for tax in taxes:
            key = (tax["tax_rate_details"]["tax_rate"], tax["taxability_reason"])
            if key in found:
                found[key]["amount"] += tax["amount"]
                found[key]["taxable_amount"] += tax["taxable_amount"]
            else:
                found[key] = dict(tax)
    return list(found.values())
