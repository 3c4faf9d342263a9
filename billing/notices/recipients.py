"""Who gets an account's mails, and how money and days are written in them."""

from __future__ import annotations

from babel import Locale, UnknownLocaleError

from models import Account

WHO_PAYS = frozenset({"owner", "billing"})
DEFAULT_LOCALE = "en_GB"


def recipients(account: Account) -> list[str]:
    """Owners and billing members, then the customer's own billing address; each once.

    Viewers read and download; nothing in these mails is theirs to do.
    """
    found = [
        membership.user.email
        for membership in account.memberships
        # An address nobody confirmed may be a stranger's.
        if membership.role in WHO_PAYS and membership.user.active and membership.user.confirmed_at
    ]
    if account.customer is not None and account.customer.email:
        found.append(account.customer.email)
    once: dict[str, str] = {}
    for address in found:
        once.setdefault(address.casefold(), address)
    return list(once.values())


def locale_of(account: Account) -> str:
    """English, as the mails are, with money written as in the customer's country: "392,00 €"."""
    country = account.customer.country if account.customer else None
    try:
        return str(Locale.parse(f"en_{country}")) if country else DEFAULT_LOCALE
    except (UnknownLocaleError, ValueError):
        return DEFAULT_LOCALE
