"""Links in mails to the page that solves the matter: signed, for one account, for two weeks.

A link names an account and one of the destinations below, never an address, so that it cannot be
made to lead elsewhere. It proves nothing about who holds it and does nothing by itself: whoever
follows it signs in as a member of the account, and finds the page with its button.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from flask import current_app, url_for
from itsdangerous import BadSignature, URLSafeSerializer

from billing.clock import from_unix, now
from billing.errors import BillingError
from models import Account, db

VALID_FOR = timedelta(days=14)


class Destination(Enum):
    """Where a link may lead: an endpoint, and the name of the id in its address if it has one."""

    OVERVIEW = ("home.show", None)
    SUBSCRIPTION = ("subscription.show", None)
    PLANS = ("plans.index", None)
    CANCELLATION = ("cancellation.show", None)
    RESUMPTION = ("resumption.show", None)
    NEW_PAYMENT_METHOD = ("payment_methods.new", None)
    INVOICES = ("invoices.index", None)
    INVOICE = ("invoices.show", "stripe_id")
    BANK_CONFIRMATION = ("bank_confirmation.show", "stripe_id")

    @property
    def endpoint(self) -> str:
        return self.value[0]

    @property
    def argument(self) -> str | None:
        return self.value[1]


class LinkNotGood(BillingError):
    """The address was not made by us, or not whole: a mail program may have cut it."""

    status = 404
    title = "This link does not work"
    message = (
        "It is not complete, or was changed on its way. Open it from the mail again, or find what "
        "you need from the overview. Nothing was changed."
    )


class LinkExpired(BillingError):
    """The link is older than two weeks."""

    status = 410
    title = "This link has expired"
    message = (
        "Links in our mails work for two weeks. What it led to is still there: sign in, and the "
        "overview says what there is to do. Nothing was changed."
    )


@dataclass(frozen=True)
class DeepLink:
    """What a link names."""

    account: Account
    destination: Destination
    object_id: str | None

    @property
    def path(self) -> str:
        """The address of the page it leads to, within the site."""
        argument = self.destination.argument
        values = {argument: self.object_id} if argument else {}
        return url_for(self.destination.endpoint, **values)


def url(account_id: int, destination: Destination, object_id: str | None = None) -> str:
    """The absolute address to put into a mail to the account; good for 14 days from now."""
    if (object_id is None) is not (destination.argument is None):
        raise ValueError(f"{destination.name} with {object_id!r} names no page")
    until = int((now() + VALID_FOR).timestamp())
    token = _signer().dumps([account_id, destination.name, object_id, until])
    return url_for("deep_links.follow", token=token, _external=True)


def read(token: str, moment: datetime) -> DeepLink:
    """What the link names. Raises LinkNotGood and LinkExpired."""
    try:
        account_id, name, object_id, until = _signer().loads(token)
    except BadSignature:
        raise LinkNotGood from None
    expires_at = from_unix(until)
    if expires_at is None or expires_at <= moment:
        raise LinkExpired
    account = db.session.get(Account, account_id)
    if account is None or name not in Destination.__members__:
        # The account was closed, or the page is no longer part of the portal.
        raise LinkExpired
    return DeepLink(account, Destination[name], object_id)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="deep-link")
