"""Drafts of plans: kept here, shown to nobody else, one for each plan.

Two people may edit one plan at once. A form carries the values it was shown with; whoever saves
second is told what the first changed, and what they typed stays.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_login import current_user
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from billing import plan_values
from billing.audit import record
from billing.clock import now
from billing.errors import Refused
from billing.plan_values import Difference, Values
from models import AuditEntry, PlanDraft, Product, User, db

TRIES = 4


class EditedMeanwhile(Refused):
    """Somebody else changed the plan since the form was shown; nothing was saved.

    `theirs` is what they changed, `values` what was typed with theirs beside it, `current` the
    values as they are now.
    """

    title = "Somebody else edited this plan"

    def __init__(self, theirs: list[Difference], values: Values, current: Values, who: str):
        super().__init__(f"{who} changed this plan while you were editing it.")
        self.theirs, self.values, self.current, self.who = theirs, values, current, who


@dataclass(frozen=True)
class Subject:
    """A plan as it is (None before it was first published) with its draft, if it has one."""

    product_id: str
    product: Product | None
    draft: PlanDraft | None

    @property
    def published(self) -> Values:
        """The values at Stripe."""
        return plan_values.of(self.product, plans()) if self.product else dict(plan_values.BLANK)

    @property
    def values(self) -> Values:
        """The values as they are to be: what was edited, over what is at Stripe."""
        return {**self.published, **self.edited}

    @property
    def edited(self) -> Values:
        """The values that the draft changes; all of a new plan's."""
        if self.draft is None:
            return {}
        if self.draft.is_new:
            return dict(self.draft.values)
        names = plan_values.changed(self.draft.base, self.draft.values)
        return {name: self.draft.values[name] for name in names}

    @property
    def name(self) -> str:
        return str(self.values["name"])

    @property
    def steps(self) -> list[dict[str, Any]]:
        return list(self.draft.steps) if self.draft else []


def plans() -> Sequence[Product]:
    """Every plan at Stripe, archived ones too, in the order they are shown."""
    return db.session.scalars(
        select(Product)
        .where(Product.slug.is_not(None), Product.deleted_at.is_(None))
        .order_by(Product.active.desc(), Product.position, Product.created, Product.stripe_id)
    ).all()


def find(product_id: str) -> Subject | None:
    """The plan of that id, or None."""
    product = db.session.get(Product, product_id)
    if product is not None and (product.slug is None or product.deleted_at is not None):
        return None
    draft = db.session.get(PlanDraft, product_id)
    return Subject(product_id, product, draft) if product or draft else None


def unborn() -> list[Subject]:
    """The drafts of plans that are not at Stripe yet, the newest first."""
    drafts = db.session.scalars(
        select(PlanDraft).where(PlanDraft.is_new).order_by(PlanDraft.created_at.desc())
    )
    found = [find(draft.product_id) for draft in drafts]
    return [subject for subject in found if subject is not None and subject.product is None]


def slug_is_taken(slug: str, product_id: str | None) -> bool:
    """Whether another plan has that address, or is to have it."""
    if any(plan.slug == slug and plan.stripe_id != product_id for plan in plans()):
        return True
    drafts = db.session.scalars(select(PlanDraft)).all()
    return any(d.values.get("slug") == slug and d.product_id != product_id for d in drafts)


def begin(values: Values, attempt: str) -> PlanDraft:
    """The draft of a new plan; the same `attempt` again (a double click) gives the same draft."""
    product_id = f"plan_{attempt}"
    found = db.session.get(PlanDraft, product_id)
    if found is not None:
        return found
    draft = PlanDraft(
        product_id=product_id,
        is_new=True,
        values=values,
        base={},
        steps=[],
        created_at=now(),
        updated_at=now(),
        updated_by_id=_who(),
    )
    db.session.add(draft)
    record("plan_draft.created", product_id, after=values)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return db.session.get_one(PlanDraft, product_id)
    return draft


def save(product_id: str, values: Values, seen: Values) -> bool:
    """Keeps the values as the plan's draft; whether anything is different now.

    `seen` are the values the form was shown with. Raises EditedMeanwhile when they are no longer
    the plan's.
    """

    def change(subject: Subject) -> None:
        current = subject.values
        if plan_values.changed(seen, current):
            theirs = plan_values.differences(seen, current, plans())
            merged = plan_values.merged(seen, values, current)
            raise EditedMeanwhile(theirs, merged, current, last_editor(subject))
        draft = _draft_of(subject)
        names = plan_values.changed(current, values)
        if names:
            draft.values = values
            record(
                "plan_draft.saved",
                product_id,
                before={name: current[name] for name in names},
                after={name: values[name] for name in names},
            )

    return _write(product_id, change)


def add_step(product_id: str, step: dict[str, Any]) -> None:
    """Adds a change of prices to the plan's draft. The same step again is one step."""

    def change(subject: Subject) -> None:
        if all(each["id"] != step["id"] for each in subject.steps):
            _draft_of(subject).steps = [*subject.steps, step]
            record("plan_draft.price_planned", product_id, after=step)

    _write(product_id, change)


def drop_step(product_id: str, step_id: str) -> None:
    """Takes a change of prices out of the draft; nothing when it is not there any more."""

    def change(subject: Subject) -> None:
        dropped = [each for each in subject.steps if each["id"] == step_id]
        if dropped:
            left = [each for each in subject.steps if each["id"] != step_id]
            _draft_of(subject).steps = left
            record("plan_draft.price_dropped", product_id, before=dropped[0])

    _write(product_id, change)


def discard(product_id: str) -> None:
    """Forgets the draft. A plan that was never published is gone with it."""
    draft = db.session.get(PlanDraft, product_id)
    if draft is not None:
        record("plan_draft.discarded", product_id, before={**draft.values, "steps": draft.steps})
        db.session.delete(draft)
        db.session.commit()


def new_step_id() -> str:
    return secrets.token_urlsafe(9)


def last_editor(subject: Subject) -> str:
    """Who changed the plan last, by name."""
    user = subject.draft.updated_by if subject.draft else None
    if user is None:
        user = db.session.scalar(
            select(User)
            .join(AuditEntry, AuditEntry.user_id == User.id)
            .where(AuditEntry.action == "plan.published", AuditEntry.subject == subject.product_id)
            .order_by(AuditEntry.id.desc())
            .limit(1)
        )
    return (user.name or user.email) if user else "Somebody"


def _draft_of(subject: Subject) -> PlanDraft:
    """The plan's draft, begun if it has none."""
    draft = subject.draft
    if draft is None:
        draft = PlanDraft(
            product_id=subject.product_id,
            values=subject.published,
            base=subject.published,
            steps=[],
            created_at=now(),
        )
        db.session.add(draft)
    draft.updated_at, draft.updated_by_id = now(), _who()
    return draft


def _write(product_id: str, change: Callable[[Subject], None]) -> bool:
    """Applies `change` to the plan as it is at that moment; whether a draft is left.

    A draft that differs from the plan in nothing is not kept.
    """
    for _ in range(TRIES):
        db.session.commit()
        subject = find(product_id)
        if subject is None:
            raise Refused("This plan is not there any more. Nothing was saved.")
        try:
            change(subject)
            db.session.flush()
            draft = db.session.get(PlanDraft, product_id)
            kept = draft is not None and (
                draft.is_new or draft.steps or plan_values.changed(draft.base, draft.values)
            )
            if draft is not None and not kept:
                db.session.delete(draft)
            db.session.commit()
            return bool(kept)
        except (StaleDataError, IntegrityError):
            db.session.rollback()
    raise Refused("Several people are editing this plan at once. Nothing was saved; try again.")


def _who() -> int | None:
    return current_user.id if current_user and current_user.is_authenticated else None


def next_position() -> int:
    """The place after every plan."""
    return (db.session.scalar(select(func.max(Product.position))) or 0) + 1
