"""Who gets an account's mails, and how money and days are written in them."""

from __future__ import annotations

from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages

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
    """How the customer's country writes English, where it is spoken: "$9", elsewhere "US$9"."""
    country = account.customer.country if account.customer else None
    if country and "en" in get_official_languages(country, de_facto=True):
        try:
            return str(Locale("en", country))
        except UnknownLocaleError:
            pass
    return DEFAULT_LOCALE
