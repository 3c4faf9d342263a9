"""The addresses of the sandbox's pages, as they stand in Stripe's objects.

Each function takes a stored document (with its private keys) and returns an absolute address.
The base comes from `app.config["BASE_URL"]`, so a call needs an application context.
"""

import secrets
from urllib.parse import quote

from flask import current_app


def base_url() -> str:
    """The sandbox's own address, without a trailing slash."""
    return current_app.config["BASE_URL"].rstrip("/")


def new_secret() -> str:
    """A token that cannot be guessed, for a document's private `_secret`."""
    return secrets.token_urlsafe(24)


def hosted_invoice_url(invoice: dict) -> str:
    """The invoice's page. Gives the invoice its `_secret` when it has none; the caller saves it."""
    secret = invoice.setdefault("_secret", new_secret())
    return f"{base_url()}/i/{invoice['id']}/{secret}"


def invoice_pdf_url(invoice: dict) -> str:
    """The invoice's PDF, beside its page."""
    return hosted_invoice_url(invoice) + "/pdf"


def credit_note_pdf_url(note: dict) -> str:
    """The credit note's PDF. Gives the note its `_secret` when it has none; the caller saves it."""
    secret = note.setdefault("_secret", new_secret())
    return f"{base_url()}/credit_notes/{note['id']}/{secret}/pdf"


def bank_url(intent: dict, return_url: str | None = None) -> str:
    """The bank's 3-D Secure page for a SetupIntent or PaymentIntent.

    `return_url` is where the page leads afterwards; without it the intent's own
    `next_action.redirect_to_url.return_url` is used.
    """
    address = f"{base_url()}/bank/{intent['client_secret']}"
    return f"{address}?return_url={quote(return_url, safe='')}" if return_url else address


def checkout_url(session: dict) -> str:
    """The page of an open Checkout Session."""
    return f"{base_url()}/c/pay/{session['id']}"


def portal_url(session: dict) -> str:
    """The Billing Portal page of a portal session, found by its private `_secret`."""
    secret = session.setdefault("_secret", new_secret())
    return f"{base_url()}/p/session/{secret}"
