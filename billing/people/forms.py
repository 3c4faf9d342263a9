"""The forms of Flask-Security that ask for more, or say more, than its own."""

from __future__ import annotations

from typing import Any

from flask_security.forms import LoginForm as StockLoginForm
from flask_security.forms import RegisterFormV2
from flask_security.recovery_codes import MfRecoveryForm
from flask_security.utils import get_message
from wtforms import StringField
from wtforms.validators import DataRequired, Length, Regexp


def stripped(value: str | None) -> str:
    return (value or "").strip()


def as_printed(value: str | None) -> str:
    """A recovery code as we show it, however it was typed."""
    return "".join((value or "").split()).lower()


# Names go into mail headers and Stripe's fields: one line, as long as the column, read the way
# it is written (no marks that turn or break a line: Unicode's Cc, Zl, Zp and bidi controls).
ONE_LINE = Regexp(
    r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$", message="Use letters on one line."
)
NAME = (DataRequired("Enter a name."), Length(max=200, message="Use 200 letters at most."))


class RegisterForm(RegisterFormV2):
    """A new person and the account they open."""

    name = StringField(
        "Your name",
        [*NAME, ONE_LINE],
        filters=[stripped],
        render_kw={"autocomplete": "name", "maxlength": 200},
    )
    account_name = StringField(
        "Company or account name",
        [Length(max=200, message="Use 200 letters at most."), ONE_LINE],
        filters=[stripped],
        render_kw={"autocomplete": "organization", "maxlength": 200},
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        # Errors are listed in the order of the page, which asks for the names first.
        names = ("name", "account_name")
        rest = [name for name in self._fields if name not in names]
        self._fields = {name: self._fields[name] for name in (*names, *rest)}


class RecoveryForm(MfRecoveryForm):
    """Takes a recovery code in capitals and with spaces too."""

    code = StringField(
        "Recovery code",
        [DataRequired("Enter a recovery code.")],
        filters=[as_printed],
    )


class LoginForm(StockLoginForm):
    """Says that the address awaits confirmation, to whoever knew the password."""

    def validate(self, **kwargs: Any) -> bool:
        valid = super().validate(**kwargs)
        if self.user_authenticated and self.requires_confirmation:
            # Errors on fields become "do not match" for everyone; these are kept.
            self.form_errors.append(get_message("CONFIRMATION_REQUIRED")[0])
            self.email.errors = []
        return valid
