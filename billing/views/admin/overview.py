"""Staff's first page: is anything wrong, and what needs a look, by role."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from flask_login import current_user

from billing import health, overview
from billing.authorization import staff_required

bp = Blueprint("admin_overview", __name__, url_prefix="/admin")


@bp.get("")
@staff_required()
def index() -> Any:
    """Each role's part; who has several roles sees each of them."""
    roles = {role.name for role in current_user.roles}
    facts: dict[str, Any] = {}
    if "admin" in roles:
        facts |= {
            "report": health.examine(),
            "price_changes": overview.running_price_changes(),
            "actions": overview.recent_staff_actions(),
        }
    if roles & {"admin", "support"}:
        facts |= {
            "troubled": overview.troubled(),
            "how_many_troubled": overview.how_many_troubled(),
            "failed_refunds": overview.failed_refunds(),
        }
    if roles & {"admin", "finance"}:
        facts |= {"mrr": overview.mrr(), "owed": overview.owed()}
    return render_template("admin/overview/index.html", roles=roles, **facts)
