"""How many seats somebody asks for."""

from __future__ import annotations

import re
from typing import Any

from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import ValidationError

from models import Product


class SeatCountForm(FlaskForm):
    """A number of seats within the plan's limits. Whatever was typed is kept."""

    class Meta:
        csrf = False  # It asks for a quote and changes nothing.

    seats = StringField("Seats")

    def __init__(self, plan: Product, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.least = plan.min_seats or 1
        self.most = max(plan.max_seats or self.least, self.least)

    def validate_seats(self, field: StringField) -> None:
        typed = (field.data or "").strip()
        # Longer numbers than any plan has seats are not worth converting.
        number = int(typed) if re.fullmatch(r"[0-9]{1,9}", typed) else None
        if number is None or not self.least <= number <= self.most:
            raise ValidationError(f"Enter a whole number from {self.least} to {self.most}.")

    @property
    def count(self) -> int:
        """The seats asked for, once the form is valid."""
        return int(self.seats.data or 0)
