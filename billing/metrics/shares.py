"""Parts of a whole, for people to read as a percentage."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal


@dataclass(frozen=True)
class Share:
    """`part` of `whole`, both of one unit; nothing can be said of a share of nothing."""

    part: int
    whole: int

    @property
    def percent(self) -> Decimal | None:
        """To one decimal, rounded half to even: 108.4; None of nothing."""
        if not self.whole:
            return None
        return (Decimal(self.part) * 100 / Decimal(self.whole)).quantize(
            Decimal("0.1"), ROUND_HALF_EVEN
        )

    def __str__(self) -> str:
        return "\N{EN DASH}" if self.percent is None else f"{self.percent}%"
