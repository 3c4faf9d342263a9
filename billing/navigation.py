"""What the header offers the reader: their tabs, their accounts, their own links."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import url_for
from flask_login import current_user

from billing.authorization import current_account, current_role
from billing.purchases import has_any, is_anything_on_sale
from models import Account, User

# key, label, endpoint, and the roles that have a use for the page.
ALL = ("owner", "billing", "viewer")
BUYERS = ("owner", "billing")
TABS = (
    ("overview", "Overview", "home.show", ALL),
    ("plans", "Plans", "plans.index", ALL),
    ("payment_methods", "Payment methods", "payment_methods.index", BUYERS),
    ("invoices", "Invoices", "invoices.index", ALL),
    ("purchases", "Purchases", "purchases.index", ALL),
    ("details", "Details", "billing_details.edit", ALL),
    ("members", "Members", "members.index", ALL),
)


@dataclass(frozen=True)
class Entry:
    key: str
    label: str
    url: str


@dataclass(frozen=True)
class Navigation:
    user: User | None = None
    account: Account | None = None
    accounts: list[Account] = field(default_factory=list)
    tabs: list[Entry] = field(default_factory=list)
    links: list[Entry] = field(default_factory=list)
    switch_url: str | None = None


def navigation() -> Navigation:
    """The header for whoever is signed in; an empty one for a visitor."""
    if not current_user.is_authenticated:
        return Navigation()
    user = current_user._get_current_object()
    account = current_account._get_current_object()
    return Navigation(
        user=user,
        account=account,
        accounts=[membership.account for membership in user.memberships],
        tabs=[
            Entry(key, label, url_for(endpoint))
            for key, label, endpoint, roles in TABS
            if current_role() in roles and (key != "purchases" or _has_purchases(account))
        ],
        links=[Entry("settings", "Your settings", url_for("account_settings.show"))],
        switch_url=url_for("accounts.switch") if len(user.memberships) > 1 else None,
    )


def _has_purchases(account: Account) -> bool:
    """Whether there is anything to buy once, or anything that was bought."""
    return is_anything_on_sale() or has_any(account)
