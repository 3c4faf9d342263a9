"""Rounding to what a currency can express."""

from fractions import Fraction

ZERO_DECIMAL = frozenset(
    [
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    ]
)
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])

# The least a card can be charged, in minor units ("Minimum and maximum charge amounts").
MINIMUM_CHARGE = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500,
    "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000,
    "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip


def exponent(currency: str) -> int:
    """How many decimals the minor unit stands for: 2 for usd, 0 for jpy, 3 for kwd."""
    if currency.lower() in ZERO_DECIMAL:
        return 0
    return 3 if currency.lower() in THREE_DECIMAL else 2


def step(currency: str) -> int:
    """The smallest difference between two amounts: 10 in three-decimal currencies, else 1."""
    return 10 if currency.lower() in THREE_DECIMAL else 1


def round_to(amount: Fraction, currency: str) -> int:
    """`amount` minor units rounded half away from zero to the currency's step."""
    unit = step(currency)
    steps = Fraction(amount) / unit
    whole = int(abs(steps) + Fraction(1, 2))
    return whole * unit if steps >= 0 else -whole * unit


def minimum_charge(currency: str) -> int:
    """The least amount a charge may have; 1 where Stripe names none."""
    return MINIMUM_CHARGE.get(currency.lower(), 1)


def decimal_string(value: Fraction) -> str:
    """A decimal with at most 12 places and no trailing zeros, as in `unit_amount_decimal`."""
    scaled = int(abs(value) * 10**12 + Fraction(1, 2))
    whole, places = divmod(scaled, 10**12)
    text = f"{whole}.{places:012d}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 and text != "0" else text
