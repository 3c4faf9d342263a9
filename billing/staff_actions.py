"""What staff do at Stripe for an account: looked at before, done once, told as it ended.

An action is stored with its idempotency key before Stripe is asked. A double click, a reload, a
lost answer or a second tab finds it by its key, or finds that another one is under way, or that
what was shown is true no longer. Whether something was done is asked of Stripe, never guessed.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from billing.audit import record
from billing.clock import now
from billing.errors import (
    BillingError,
    KeySpent,
    Refused,
    StripeBusy,
    StripeMisconfigured,
    StripeUnavailable,
)
from models import StaffAction, db

log = logging.getLogger(__name__)

# The key under which Stripe's objects name the action that made them.
MADE_BY = "staff_action"
# Longer than Stripe works on a request: what was not done by then was not done.
ANSWERED_WITHIN = timedelta(minutes=2)
# After so many failures that Stripe keeps, it is not the key.
SPENT_KEYS = 2

State = dict[str, Any]


class Changed(Refused):
    """What was looked at is not so any more."""

    title = "This has changed since you looked"
    message = "Nothing was done. Here is how it stands now; please look again before you confirm."


class UnderWay(Refused):
    """Another action on the same thing is not over."""

    title = "Something else is under way here"
    message = (
        "Somebody is changing this right now, or a change was asked for whose outcome is not "
        "known yet. Nothing was done. Look again in a minute or two."
    )


class OtherValues(Refused):
    """The same form, sent again with other values in it."""

    title = "This form was sent before"
    message = "It was sent before with other values, so nothing was done. Please look again."


@dataclass(frozen=True)
class Kind:
    """One thing that staff can do to a subject, an object of Stripe's named by its id.

    `refresh` pulls what the action rests on; `state` tells it from the mirror, in what JSON can
    hold, to be compared with what was shown; `do` asks Stripe under a key and gives what came of
    it; `find` looks whether Stripe has done all of it. `audit` is what the audit log calls it.
    """

    name: str
    audit: str
    refresh: Callable[[StaffAction], None]
    state: Callable[[str], State]
    do: Callable[[StaffAction, str], State]
    find: Callable[[StaffAction], State | None]
    # Whether the first of several steps is done, so that the rest must follow whatever is so now.
    is_begun: Callable[[StaffAction], bool] = lambda action: False


KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Makes the kind known, so that actions of it can be settled later."""
    if kind.name in KINDS:
        raise ValueError(f"{kind.name} is registered twice")
    KINDS[kind.name] = kind
    return kind


def fingerprint(state: State) -> str:
    """A short text that is the same exactly if the state is; a form carries it."""
    return sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:24]


def find(kind: Kind, subject: str, attempt: str) -> StaffAction | None:
    """What an earlier press of the same form began."""
    return db.session.scalar(
        select(StaffAction).where(StaffAction.idempotency_key == _key(kind, subject, attempt))
    )


def plan(
    kind: Kind, subject: str, *, account_id: int, user_id: int, attempt: str, params: State
) -> StaffAction:
    """The action, stored; the same one for the same `attempt`, the token of the form."""
    action = StaffAction(
        id=secrets.token_urlsafe(16),
        idempotency_key=_key(kind, subject, attempt),
        account_id=account_id,
        user_id=user_id,
        kind=kind.name,
        subject=subject,
        params=params,
        created_at=now(),
    )
    db.session.add(action)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        held = find(kind, subject, attempt)
        if held is None:
            raise
        if held.params != params:
            raise OtherValues from None
        return held
    return action


def carry_out(action: StaffAction, seen: str) -> StaffAction:
    """The action, done, as it was agreed to in the state with the fingerprint `seen`.

    Raises Changed or UnderWay, having done nothing; StripeBusy when nothing was done;
    StripeUnavailable when the outcome is not known, and what Stripe refuses.
    """
    kind = KINDS[action.kind]
    if action.is_done:
        _refresh(kind, action)
        return action
    if action.status == "refused":
        raise Changed
    was_asked = action.is_open
    if was_asked and _is_found(kind, action):
        return action
    if was_asked and kind.is_begun(action):
        _do(kind, action, may_release=False)
        return action
    if not was_asked:
        _settle_earlier(action)
        _claim(action)
    try:
        _check(kind, action, seen)
    except Changed:
        # A second press may find it done by the first while it was looking.
        if was_asked and _is_found(kind, action):
            return action
        _close(action, "refused")
        raise
    except BillingError:
        if was_asked:
            raise StripeUnavailable from None
        _close(action, "planned")
        raise StripeBusy from None
    _do(kind, action, may_release=not was_asked)
    return action


def settle_open() -> int:
    """Finds out about actions whose answer was lost; how many are settled now."""
    waiting = db.session.scalars(
        select(StaffAction).where(
            StaffAction.status == "asked", StaffAction.asked_at <= now() - ANSWERED_WITHIN
        )
    ).all()
    settled = 0
    for action in waiting:
        try:
            settled += _settle(action)
        except BillingError as error:
            db.session.rollback()
            log.warning("staff action %s is not settled: %s", action.id, type(error).__name__)
    return settled


def open_on(subject: str) -> StaffAction | None:
    """The action on the subject whose outcome is not known."""
    return db.session.scalar(
        select(StaffAction).where(StaffAction.subject == subject, StaffAction.status == "asked")
    )


def _key(kind: Kind, subject: str, attempt: str) -> str:
    return f"{kind.name}:{subject}:{attempt}"[:240]


def _claim(action: StaffAction) -> None:
    """Marks it as asked, before Stripe is. UnderWay when another one on the subject is."""
    try:
        db.session.execute(
            update(StaffAction)
            .where(StaffAction.id == action.id, StaffAction.status == "planned")
            .values(status="asked", asked_at=now())
        )
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise UnderWay from None
    db.session.refresh(action)


def _settle_earlier(action: StaffAction) -> None:
    """Settles what was asked before on the same subject, if it is over."""
    earlier = open_on(action.subject)
    if earlier is not None and earlier.id != action.id and not _settle(earlier):
        raise UnderWay


def _settle(action: StaffAction) -> bool:
    """Whether the outcome of an action that was asked is known now."""
    kind = KINDS[action.kind]
    if _is_found(kind, action):
        return True
    if action.asked_at is not None and action.asked_at > now() - ANSWERED_WITHIN:
        return False
    if kind.is_begun(action):
        _do(kind, action, may_release=False)
    else:
        _close(action, "refused")
    return True


def _check(kind: Kind, action: StaffAction, seen: str) -> None:
    kind.refresh(action)
    state = kind.state(action.subject)
    if fingerprint(state) != seen:
        raise Changed
    action.before = state
    db.session.commit()


def _do(kind: Kind, action: StaffAction, *, may_release: bool) -> None:
    for _ in range(SPENT_KEYS + 1):
        try:
            result = kind.do(action, action.key)
        except KeySpent:
            # What was asked under the key is over; seen not to be done, it is asked for anew.
            if _is_found(kind, action):
                return
            action.spent_keys += 1
            db.session.commit()
            continue
        except StripeUnavailable:
            if _is_found(kind, action):
                return
            raise
        except (StripeBusy, StripeMisconfigured):
            if may_release:
                _close(action, "planned")
            raise
        except BillingError:
            _close(action, "refused")
            _refresh(kind, action)
            raise
        _done(kind, action, result)
        return
    _close(action, "refused")
    raise StripeBusy


def _is_found(kind: Kind, action: StaffAction) -> bool:
    """Whether Stripe turns out to have done it; then it is settled. Raises StripeUnavailable."""
    db.session.commit()
    try:
        result = kind.find(action)
    except BillingError as error:
        raise StripeUnavailable from error
    if result is None:
        return False
    _done(kind, action, result)
    return True


def _done(kind: Kind, action: StaffAction, result: State) -> None:
    """Settles it once, whoever finds out, and tells the audit log."""
    marked = db.session.execute(
        update(StaffAction)
        .where(StaffAction.id == action.id, StaffAction.status != "done")
        .values(status="done", result=result, settled_at=now())
    )
    if marked.rowcount:
        entry = record(
            kind.audit,
            action.subject,
            before=action.before,
            after={**action.params, **result},
            account_id=action.account_id,
        )
        # Found out in the background, it still is whose button it was.
        entry.user_id = action.user_id
    db.session.commit()
    db.session.refresh(action)
    _refresh(kind, action)


def _refresh(kind: Kind, action: StaffAction) -> None:
    """Pulls what it touched. It is over: no answer now changes nothing about that."""
    try:
        kind.refresh(action)
    except BillingError:
        db.session.rollback()
        log.warning("the mirror of %s waits for its webhook", action.subject)


def _close(action: StaffAction, status: str) -> None:
    db.session.rollback()
    db.session.execute(
        update(StaffAction)
        .where(StaffAction.id == action.id, StaffAction.status == "asked")
        .values(status=status, settled_at=now() if status == "refused" else None)
    )
    db.session.commit()
    db.session.refresh(action)
