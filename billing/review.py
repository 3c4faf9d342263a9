"""A form that is filled in, looked at with its exact effect, and only then done.

What is filled in is sent by GET and shown again with what it would do; the button below sends the
same by POST, with the token of the page and the state that was shown.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import StopValidation

from billing import amount_field, staff_actions
from billing.errors import (
    AuthenticationNeeded,
    BillingError,
    CardDeclined,
    InvalidRequest,
    StripeBusy,
    StripeMisconfigured,
    StripeUnavailable,
)
from billing.staff_actions import Kind, State
from models import Account, StaffAction, db

# Staff's roles that act for customers.
CARE = ("admin", "support")


def choices(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """What a field offers, by values and their words."""
    return [SelectChoice(value, words) for value, words in pairs]


class ReviewForm(FlaskForm):
    """What is filled in. It asks for a preview and changes nothing, so it carries no token; the
    button of the preview has one like every POST."""

    class Meta:
        csrf = False

    @property
    def is_sent(self) -> bool:
        return request.method == "POST" or any(field.name in request.args for field in self)

    @property
    def values(self) -> dict[str, str]:
        """What was filled in, as the confirming form sends it again."""
        sent = request.values
        return {field.name: sent[field.name] for field in self if field.name in sent}

    @classmethod
    def of_request(cls, **more: Any) -> ReviewForm:
        """The form with what was sent; its own defaults when nothing was."""
        sent = request.form if request.method == "POST" else request.args
        return cls(sent or None, **more)


class MoneyField(StringField):
    """An amount as it is typed; `amount` is minor units of `currency`, once it is valid."""

    currency = "usd"
    amount = 0

    def pre_validate(self, form: Any) -> None:
        try:
            self.amount = amount_field.read(self.data or "", self.currency)
        except ValueError as error:
            raise StopValidation(str(error)) from None


@dataclass(frozen=True)
class Agreement:
    """What the confirming form carries: the token of the attempt, and the state that was shown."""

    attempt: str
    seen: str

    @classmethod
    def to(cls, state: State, problem: BillingError | None = None) -> Agreement:
        """For the state as it is shown now; the one that was sent when it may be sent again."""
        if problem is not None and may_be_sent_again(problem):
            return cls.sent()
        return cls(secrets.token_urlsafe(16), staff_actions.fingerprint(state))

    @classmethod
    def sent(cls) -> Agreement:
        return cls(request.form.get("attempt", "")[:60], request.form.get("seen", ""))


def press(
    kind: Kind, subject: str, account: Account, form: ReviewForm, params: Callable[[], State]
) -> StaffAction | None:
    """The action after the confirming button was pressed; None when the form makes no sense.

    An earlier press of the same button is carried on whatever the form would say now. Raises as
    `staff_actions.carry_out` does.
    """
    agreed = Agreement.sent()
    if not agreed.attempt:
        raise staff_actions.Changed
    action = staff_actions.find(kind, subject, agreed.attempt)
    if action is None:
        if not form.validate():
            return None
        action = staff_actions.plan(
            kind,
            subject,
            account_id=account.id,
            user_id=current_user.id,
            attempt=agreed.attempt,
            params=params(),
        )
    try:
        return staff_actions.carry_out(action, agreed.seen)
    except BillingError:
        db.session.rollback()
        raise


def may_be_sent_again(problem: BillingError) -> bool:
    """Whether the same button may be pressed again and does no more than it was to do."""
    return isinstance(problem, (StripeUnavailable, StripeBusy, StripeMisconfigured))


def said(problem: BillingError) -> tuple[str, str]:
    """A title and what to do, for staff: the reader is not the one who pays."""
    if isinstance(problem, StripeBusy):
        return "Stripe is busy", "Nothing was changed. Press the button again in a minute."
    if isinstance(problem, StripeUnavailable):
        return (
            "Stripe did not answer",
            "We do not know yet whether this went through. Press the button again: it looks first "
            "and does nothing twice.",
        )
    if isinstance(problem, StripeMisconfigured):
        return "Stripe refused our key", "Nothing was changed. Whoever runs the portal was told."
    if isinstance(problem, AuthenticationNeeded):
        return (
            "The bank wants the customer to confirm",
            "Nothing was charged. Send them a link: they pay and confirm on its page.",
        )
    if isinstance(problem, CardDeclined):
        return "The payment did not go through", f"{problem.decline.said} Nothing was charged."
    if isinstance(problem, InvalidRequest):
        return "Stripe refused this", f"{problem.message} Nothing was changed."
    return problem.title, problem.message
