"""What the header offers the reader: their tabs, their accounts, their own links.

Staff's pages have tabs of their own; a member who is staff too crosses over in the menu.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import request, url_for
from flask_login import current_user

from billing import customer_view
from billing.authorization import current_account, current_role
from billing.purchases import has_any, is_anything_on_sale
from models import STAFF_ROLES, Account, User

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
# The same for staff.
STAFF_TABS = (
    ("overview", "Overview", "admin_overview.index", STAFF_ROLES),
    ("plans", "Plans", "admin_plans.index", ("admin",)),
    ("customers", "Customers", "admin_customers.index", STAFF_ROLES),
    ("finance", "Finance", "finance_metrics.index", ("admin", "finance")),
    ("webhooks", "Webhooks", "admin_webhooks.index", ("admin",)),
    ("audit", "Audit log", "admin_audit.index", ("admin",)),
)


@dataclass(frozen=True)
class Entry:
    key: str
    label: str
    url: str


@dataclass(frozen=True)
class Navigation:
    user: User | None = None
    # Where one acts: an account's name, or "Admin".
    place: str = ""
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
    if is_staff_page() or (account is None and user.is_staff):
        return _of_staff(user, account)
    is_looking = customer_view.current() is not None
    links = [Entry("settings", "Your settings", url_for("account_settings.show"))]
    if is_looking:
        # Their own settings are not the customer's.
        links = []
    if user.is_staff:
        links.append(Entry("staff", "Staff pages", url_for("admin_overview.index")))
    return Navigation(
        user=user,
        place=account.name if account else "",
        account=account,
        accounts=[] if is_looking else [membership.account for membership in user.memberships],
        tabs=[
            Entry(key, label, url_for(endpoint))
            for key, label, endpoint, roles in TABS
            if current_role() in roles and (key != "purchases" or _has_purchases(account))
        ],
        links=links,
        switch_url=(
            url_for("accounts.switch") if len(user.memberships) > 1 and not is_looking else None
        ),
    )


def is_staff_page() -> bool:
    """Whether the page asked for is one of staff's."""
    return (request.blueprint or "").startswith(("admin_", "finance_"))


def _of_staff(user: User, account: Account | None) -> Navigation:
    held = {role.name for role in user.roles}
    links = [Entry("settings", "Your settings", url_for("account_settings.show"))]
    if account is not None:
        links.append(Entry("account", account.name, url_for("home.show")))
    return Navigation(
        user=user,
        place=", ".join(role.capitalize() for role in STAFF_ROLES if role in held),
        tabs=[
            Entry(key, label, url_for(endpoint))
            for key, label, endpoint, roles in STAFF_TABS
            if held & set(roles)
        ],
        links=links,
    )


def _has_purchases(account: Account) -> bool:
    """Whether there is anything to buy once, or anything that was bought."""
    return is_anything_on_sale() or has_any(account)
