"""What every template can use: money, dates, the brand, the account."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, request
from flask_babel import get_locale
from flask_login import current_user

from billing import authorization, clock, colour, customer_view, dates, declines
from billing import money as money_text
from billing.backup_payment import backup_for
from billing.exports import period


def init_app(app: Flask) -> None:
    """Registers filters and context."""
    app.jinja_env.filters.update(
        money=money,
        price_tag=price_tag,
        compact=compact,
        day=dates.day,
        short_day=dates.short_day,
        day_of_month=dates.day_of_month,
        moment=dates.moment,
        from_unix=clock.from_unix,
        in_zone=dates.in_zone,
        explained=explained,
        time_left=dates.time_left,
        lasting=dates.lasting,
        text_on=colour.text_on,
    )
    app.jinja_env.globals.update(
        backup_for=backup_for,
        attempt_token=attempt_token,
        kept_search=kept_search,
        quick_choices=period.CHOICES,
    )
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


def compact(amount: int, currency: str) -> str:
    """As `money`, in few letters: "$1.2K"."""
    return money_text.compact(amount, currency, locale=_locale())


def explained(said: dict[str, Any] | None) -> declines.Decline | None:
    """`{{ (invoice.decline | explained).said }}` is "The bank said: not enough funds."."""
    if said is None:
        return None
    return declines.explain(said["code"], said["decline_code"], said["advice_code"])


def attempt_token() -> str:
    """A token for one form that pays, so that sending it twice pays once."""
    return secrets.token_urlsafe(16)


def kept_search(*, without: tuple[str, ...] = (), **changes: str) -> dict[str, str]:
    """The address's query, for a link or form that changes only some of it."""
    # `url_for` takes these names, and such as _scheme, for orders.
    kept = {
        name: value
        for name, value in request.args.items()
        if name not in {*without, "endpoint", "self"} and not name.startswith("_")
    }
    return {**kept, **changes}
