"""Columns that staff chose and named: saved, removed, each in the audit log."""

from __future__ import annotations

from typing import Any

from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from wtforms import SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from billing import audit
from billing.exports.rows import Rows
from models import ExportPreset, db


class PresetForm(FlaskForm):
    """A name, and which columns of one kind of rows."""

    name = StringField("Name", [DataRequired("Give it a name."), Length(max=80)])
    columns = SelectMultipleField(
        "Columns", option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False)
    )

    def __init__(self, rows: Rows, **given: Any):
        super().__init__(**given)
        self.rows = rows
        self.columns.choices = [
            SelectChoice(c.key, c.key) for c in rows.columns if c.key != "blank"
        ]

    def validate_columns(self, field: SelectMultipleField) -> None:
        if not field.data:
            raise ValidationError("Choose at least one column.")

    def validate_name(self, field: StringField) -> None:
        field.data = (field.data or "").strip()
        if db.session.scalar(select(ExportPreset.id).where(ExportPreset.name == field.data)):
            raise ValidationError("There is a preset of that name already.")


def save(form: PresetForm) -> ExportPreset | None:
    """The new preset, in the order that its form shows; None when its name was just taken."""
    chosen = set(form.columns.data or [])
    preset = ExportPreset(
        name=form.name.data,
        rows=form.rows.key,
        columns=[c.key for c in form.rows.columns if c.key in chosen],
        user_id=current_user.id,
    )
    db.session.add(preset)
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        return None
    audit.record("export_preset.saved", str(preset.id), after=_told(preset))
    db.session.commit()
    return preset


def remove(preset: ExportPreset) -> None:
    audit.record("export_preset.removed", str(preset.id), before=_told(preset))
    db.session.delete(preset)
    db.session.commit()


def _told(preset: ExportPreset) -> dict[str, Any]:
    return {"name": preset.name, "rows": preset.rows, "columns": preset.columns}
