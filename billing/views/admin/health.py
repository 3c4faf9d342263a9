"""Is billing healthy, and what to do where it is not."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing import health, stripe_calls, task_runs
from billing.authorization import staff_required
from billing.clock import machine_now
from billing.health import mirror
from billing.health.stripe_answers import LOOKED_AT
from billing.tasks import TASKS

bp = Blueprint("admin_health", __name__, url_prefix="/admin/health")


@bp.get("")
@staff_required("admin")
def index() -> Any:
    report = health.examine()
    return render_template(
        "admin/health/index.html",
        report=report,
        tasks=TASKS,
        runs=task_runs.every(),
        calls=stripe_calls.since(machine_now() - LOOKED_AT),
        kinds=mirror.kinds(),
        machine_now=machine_now(),
    )
