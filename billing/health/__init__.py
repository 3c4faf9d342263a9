"""Is billing healthy? Each check says what it found and what to do; one sentence sums up."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from billing import stripe_calls
from billing.health import database, mails, mirror, promises, stripe_answers, webhooks, worker
from billing.health.check import ATTENTION, BAD, GOOD, STATES, Check, Checking
from models import db

__all__ = ["ATTENTION", "BAD", "GOOD", "Check", "Report", "examine"]

# So many troubles are named in the sentence.
NAMED = 2

log = logging.getLogger(__name__)

CHECKS: tuple[Checking, ...] = (
    database.answering,
    worker.running,
    worker.tasks,
    webhooks.arriving,
    webhooks.waiting,
    webhooks.failed,
    mails.waiting,
    mails.failed,
    stripe_answers.answering,
    stripe_answers.speed,
    stripe_answers.clock,
    mirror.synced,
    promises.quotes,
    promises.access,
)


@dataclass(frozen=True)
class Report:
    """What every check found."""

    checks: Sequence[Check]

    @property
    def state(self) -> str:
        """The most pressing of all."""
        return max((check.state for check in self.checks), key=STATES.index, default=GOOD)

    @property
    def sentence(self) -> str:
        if self.state == GOOD:
            return "Billing is healthy."
        named = _enumerated([check.short for check in self.checks if check.state == self.state])
        if self.state == BAD:
            return f"Billing is not healthy: {named}."
        return f"Billing works, and something needs a look: {named}."

    @property
    def troubles(self) -> list[Check]:
        """What is not good, the most pressing first."""
        found = [check for check in self.checks if not check.is_good]
        return sorted(found, key=lambda check: -STATES.index(check.state))

    def of(self, name: str) -> Check | None:
        return next((check for check in self.checks if check.name == name), None)


def examine() -> Report:
    """Looks at everything, within a few short questions to the database; Stripe is not asked."""
    stripe_calls.flush()
    found: list[Check] = []
    for check in CHECKS:
        try:
            found.append(check())
        except SQLAlchemyError as error:
            db.session.rollback()
            log.warning("a check could not be made: %s", type(error).__name__)
            found.append(_no_answer(error))
            break
    return Report(found)


def _no_answer(error: SQLAlchemyError) -> Check:
    return Check(
        "database",
        "Database",
        BAD,
        f"It cannot be used ({type(error).__name__}).",
        "the database cannot be used",
        "Check DATABASE_URL and that its server runs; flask billing doctor says what is missing.",
    )


def _enumerated(words: list[str]) -> str:
    """The first few in a row, the others as a number."""
    if len(words) > NAMED:
        words = [*words[:NAMED], f"{len(words) - NAMED} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
