"""Was each quote charged as it said, and is it known what every account may use?"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import aliased

from billing import quote_differences
from billing.access import UNKNOWN_STATUS
from billing.health.check import ATTENTION, BAD, GOOD, Check, counted, number
from models import AccessDecision


def quotes() -> Check:
    name, title = "quotes", "Quotes charged as they said"
    count = counted(quote_differences.unresolved())
    if not count:
        return Check(name, title, GOOD, "All of them, to the cent.", figure=0)
    what = number(count, "quote was", "quotes were")
    return Check(
        name,
        title,
        ATTENTION,
        f"{what} charged otherwise than shown before.",
        f"{what} charged otherwise",
        "See each difference under Quotes, put it right with the customer, and mark it as "
        "looked into.",
        count,
    )


def access() -> Check:
    name, title = "access", "Access is decided"
    later = aliased(AccessDecision)
    newer = select(later.id).where(
        later.account_id == AccessDecision.account_id, later.id > AccessDecision.id
    )
    unknown = select(AccessDecision.id).where(
        AccessDecision.rule == UNKNOWN_STATUS, ~newer.exists()
    )
    count = counted(unknown)
    if not count:
        said = "Every subscription has a status that the portal knows."
        return Check(name, title, GOOD, said, figure=0)
    what = number(count, "account has", "accounts have")
    return Check(
        name,
        title,
        BAD,
        f"{what} a subscription with a status that this version does not know; the last "
        "decision stands.",
        f"{what} a status that is not known",
        "Stripe may have a new status: update the portal. Until then, grant access by hand with "
        "flask billing grant-access; the audit log names them under access.status_unknown.",
        count,
    )
