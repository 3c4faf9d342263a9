"""What every template can use: money, dates, the brand, the account."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask
from flask_babel import get_locale
from flask_login import current_user

from billing import authorization, clock, colour, customer_view, dates, declines
from billing import money as money_text
from billing.backup_payment import backup_for


def init_app(app: Flask) -> None:
    """Registers filters and context."""
    app.jinja_env.filters.update(
        money=money,
        price_tag=price_tag,
        day=dates.day,
        short_day=dates.short_day,
        day_of_month=dates.day_of_month,
        moment=dates.moment,
        explained=explained,
        time_left=dates.time_left,
        lasting=dates.lasting,
        text_on=colour.text_on,
    )
    app.jinja_env.globals.update(backup_for=backup_for, attempt_token=attempt_token)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    settings = app.config["SETTINGS"]

    @app.context_processor
    def context() -> dict[str, Any]:
        signed_in = current_user.is_authenticated
        return {
            "brand": settings.brand,
            "settings": settings,
            "current_account": authorization.current_account if signed_in else None,
            "current_role": authorization.current_role() if signed_in else None,
            "now": clock.now(),
            "customer_view": customer_view.current(),
            "machine_now": clock.machine_now(),
        }


def _locale() -> str:
    return str(get_locale() or "en_US")


def money(amount: int, currency: str) -> str:
    """`{{ 39200|money("usd") }}` is "$392.00" in the reader's locale."""
    return money_text.text(amount, currency, locale=_locale())


def price_tag(amount: int, currency: str) -> str:
    """As `money`, without a zero fraction: "$49"."""
    return money_text.text(amount, currency, locale=_locale(), trim=True)


def explained(said: dict[str, Any] | None) -> declines.Decline | None:
    """`{{ (invoice.decline | explained).said }}` is "The bank said: not enough funds."."""
    if said is None:
        return None
    return declines.explain(said["code"], said["decline_code"], said["advice_code"])


def attempt_token() -> str:
    """A token for one form that pays, so that sending it twice pays once."""
    return secrets.token_urlsafe(16)
