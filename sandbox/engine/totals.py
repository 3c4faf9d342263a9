"""An invoice's sums, from its lines."""

from sandbox.engine import taxes
from sandbox.engine.money import minimum_charge


def fill(invoice: dict, lines: list[dict], balance: int) -> dict:
    """Set every total of a draft `invoice` from lines whose discounts and taxes are worked out.

    `balance` is the customer's balance in minor units: negative is credit, positive is owed.
    """
    discounts: dict[str, int] = {}
    for line in lines:
        for part in line["discount_amounts"]:
            discounts[part["discount"]] = discounts.get(part["discount"], 0) + part["amount"]
    off = sum(discounts.values())
    total_taxes = taxes.merged([line["taxes"] for line in lines])
    on_top = sum(tax["amount"] for tax in total_taxes if tax["tax_behavior"] == "exclusive")
    subtotal = sum(line["amount"] for line in lines)
    total = subtotal - off + on_top
    contained = sum(
        taxes.inclusive_part(line["amount"], line.get("_tax_rates", []), line["currency"])
        for line in lines
    )
    invoice.update(
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - contained,
        total=total,
        total_excluding_tax=total - sum(tax["amount"] for tax in total_taxes),
        total_discount_amounts=[{"amount": a, "discount": d} for d, a in discounts.items()],
        total_pretax_credit_amounts=[
            {"amount": a, "credit_balance_transaction": None, "discount": d, "type": "discount"}
            for d, a in discounts.items()
        ],
        total_taxes=total_taxes,
        starting_balance=balance,
        amount_due=due(total, balance, invoice["currency"])[0],
    )
    invoice["amount_remaining"] = invoice["amount_due"]
    return invoice


def due(total: int, balance: int, currency: str) -> tuple[int, int]:
    """What is to be paid of `total`, and the customer's balance afterwards.

    A negative total and a total below the currency's least charge go to the balance. Source:
    Stripe's "Customer credit balance".
    """
    owed = total + balance
    if owed < max(minimum_charge(currency), 1):
        return 0, owed
    return owed, 0
