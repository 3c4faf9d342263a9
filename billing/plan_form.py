"""What staff type about a plan. Whatever was typed is kept."""

from __future__ import annotations

import json
import re
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from billing import plan_drafts, plan_values
from billing.plan_values import Values
from billing.trials import MOST_DAYS

# Stripe's docs, "Products": at most 15 marketing features of 80 characters each.
MOST_FEATURES, LONGEST_FEATURE = 15, 80
LONGEST_NAME, LONGEST_SLUG, LONGEST_DESCRIPTION = 250, 60, 1000
MOST_GRACE_DAYS = 365


def _trimmed(text: Any) -> Any:
    return text.strip() if isinstance(text, str) else text


class NumberField(StringField):
    """A whole number or nothing, within limits; `number` is it."""

    def __init__(self, label: str, *, least: int, most: int, **kwargs: Any):
        super().__init__(label, filters=[_trimmed], **kwargs)
        self.least, self.most = least, most

    @property
    def number(self) -> int | None:
        typed = self.data or ""
        return int(typed) if re.fullmatch(r"[0-9]{1,9}", typed) else None

    def pre_validate(self, form: Any) -> None:
        if self.data and (self.number is None or not self.least <= self.number <= self.most):
            raise ValidationError(f"Enter a whole number from {self.least} to {self.most}.")


class CheckboxesField(SelectMultipleField):
    """Several of several, a box for each."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class PlanForm(FlaskForm):
    """A plan's values. `seen` carries those the form was shown with, to tell others' edits."""

    seen = HiddenField()
    attempt = HiddenField()
    name = StringField(
        "Name",
        [DataRequired("Give the plan a name."), Length(max=LONGEST_NAME)],
        filters=[_trimmed],
    )
    slug = StringField(
        "Address",
        [DataRequired("Give the plan an address."), Length(max=LONGEST_SLUG)],
        filters=[_trimmed],
    )
    description = TextAreaField(
        "Description", [Length(max=LONGEST_DESCRIPTION)], filters=[_trimmed]
    )
    features = TextAreaField("Features")
    min_seats = NumberField("Fewest seats", least=1, most=999_999)
    max_seats = NumberField("Most seats", least=1, most=999_999)
    trial_days = NumberField("Trial days", least=0, most=MOST_DAYS)
    trial_needs_method = BooleanField("The trial asks for a payment method")
    pausable = BooleanField("Subscribers can pause it")
    grace_days = NumberField("Grace days", least=0, most=MOST_GRACE_DAYS)
    highlighted = BooleanField("Mark it as the plan most chosen")
    changes_to = CheckboxesField("Can be changed to")

    def __init__(self, product_id: str | None, values: Values, formdata: Any = None):
        self._product_id, self._held = product_id, values
        super().__init__(formdata, data={**as_typed(values), "seen": json.dumps(values)})
        others = [p for p in plan_drafts.plans() if p.stripe_id != product_id]
        # One that is archived is offered only where it is chosen already.
        self.changes_to.choices = [
            SelectChoice(p.stripe_id, p.name)
            for p in others
            if p.active or p.stripe_id in values["changes_to"]
        ]

    def show(self, values: Values, seen: Values) -> None:
        """Puts other values into the fields, as shown on top of `seen`."""
        for name, typed in as_typed(values).items():
            self[name].data = typed
        self.seen.data = json.dumps(seen)

    @property
    def seen_values(self) -> Values:
        """The values the form was shown with; those held where it sent none that can be read."""
        try:
            sent = json.loads(self.seen.data or "")
        except ValueError:
            return self._held
        return sent if isinstance(sent, dict) else self._held

    @property
    def typed(self) -> Values:
        """What was typed, once it is valid."""
        return {
            "name": self.name.data,
            "slug": self.slug.data,
            "description": self.description.data or "",
            "features": self._features,
            "min_seats": self.min_seats.number,
            "max_seats": self.max_seats.number,
            "trial_days": self.trial_days.number or None,
            "trial_needs_method": self.trial_needs_method.data,
            "pausable": self.pausable.data,
            "grace_days": self.grace_days.number,
            "highlighted": self.highlighted.data,
            "changes_to": sorted(self.changes_to.data or []),
        }

    @property
    def _features(self) -> list[str]:
        return [line.strip() for line in (self.features.data or "").splitlines() if line.strip()]

    def validate_slug(self, field: StringField) -> None:
        kept = field.data == self._held["slug"]
        if not kept and not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", field.data):
            raise ValidationError("Use small letters, digits and single dashes, as in team-plus.")
        if plan_drafts.slug_is_taken(field.data, self._product_id):
            raise ValidationError(f"Another plan has the address {field.data}.")

    def validate_features(self, field: TextAreaField) -> None:
        if len(self._features) > MOST_FEATURES:
            raise ValidationError(f"Stripe keeps {MOST_FEATURES} features at most.")
        long = [line for line in self._features if len(line) > LONGEST_FEATURE]
        if long:
            raise ValidationError(
                f"A line has {LONGEST_FEATURE} characters at most; "
                f"“{long[0][:30]}…” has {len(long[0])}."
            )

    def validate_min_seats(self, field: NumberField) -> None:
        if field.number is not None and not self.max_seats.data:
            raise ValidationError("Say how many seats there can be at most, too.")

    def validate_max_seats(self, field: NumberField) -> None:
        least = self.min_seats.number or 1
        if field.number is not None and field.number < least:
            raise ValidationError("The most cannot be less than the fewest.")

    def validate_changes_to(self, field: CheckboxesField) -> None:
        if len(",".join(field.data or [])) > plan_values.LONGEST_METADATA:
            raise ValidationError("Stripe cannot keep that many; choose fewer, or none for all.")


def as_typed(values: Values) -> dict[str, Any]:
    """The values as the form's fields hold them."""
    return {
        **values,
        "features": "\n".join(values["features"]),
        **{
            name: "" if values[name] is None else str(values[name])
            for name in ("min_seats", "max_seats", "trial_days", "grace_days")
        },
    }
