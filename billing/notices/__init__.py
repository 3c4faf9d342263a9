"""Mails to an account's people, one for each business fact that the outbox holds.

Each kind is a function that reads the mirror when the mail's turn comes, and says what the
template of the same name (`templates/mail/notices/`) speaks of, or that it is true no longer.
"""

from billing.notices import (
    card,
    credit_note,
    invoice,
    payment_request,
    price_change,
    purchase,
    refund,
    subscription,
)

__all__ = [
    "card",
    "credit_note",
    "invoice",
    "payment_request",
    "price_change",
    "purchase",
    "refund",
    "subscription",
]
