"""The columns that exports can have, what each means, and presets of them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select

from billing.authorization import staff_required
from billing.exports import presets
from billing.exports.layouts import READY, ROWS
from billing.exports.presets import PresetForm
from models import ExportPreset, db

bp = Blueprint("finance_export_presets", __name__, url_prefix="/finance/export-presets")
TAKEN = "There is a preset of that name already."


@bp.get("")
@staff_required("admin", "finance")
def index() -> Any:
    saved = db.session.scalars(select(ExportPreset).order_by(ExportPreset.name)).all()
    return render_template("finance/export_presets/index.html", saved=saved, ready=READY, rows=ROWS)


@bp.get("/new")
@staff_required("admin", "finance")
def new() -> Any:
    return _new(PresetForm(_rows()))


@bp.post("/new")
@staff_required("admin", "finance")
def create() -> Any:
    form = PresetForm(_rows())
    if not form.validate():
        return _new(form), 422
    preset = presets.save(form)
    if preset is None:
        form.name.errors = [TAKEN]
        return _new(form), 422
    flash(f"Saved {preset.name}. Choose it where you export.", "success")
    return redirect(url_for(".index"), 303)


@bp.get("/<int:preset_number>/removal")
@staff_required("admin", "finance")
def removal(preset_number: int) -> Any:
    return render_template("finance/export_presets/removal.html", preset=_found(preset_number))


@bp.post("/<int:preset_number>/removal")
@staff_required("admin", "finance")
def remove(preset_number: int) -> Any:
    preset = _found(preset_number)
    presets.remove(preset)
    flash(f"Removed {preset.name}.", "success")
    return redirect(url_for(".index"), 303)


def _new(form: PresetForm) -> Any:
    return render_template("finance/export_presets/new.html", form=form, rows=form.rows)


def _rows() -> Any:
    key = request.args.get("rows", "invoices")
    if key not in ROWS:
        abort(404)
    return ROWS[key]


def _found(number: int) -> ExportPreset:
    preset = db.session.get(ExportPreset, number)
    if preset is None:
        abort(404)
    return preset
