"""How often one may try: to sign in, to register, to have mails sent, to guess codes.

Successes do not count against a limit of guesses, so an office behind one address is not shut
out. A refusal is 429 with Retry-After.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask, request, session
from flask_limiter.util import get_remote_address
from flask_login import current_user
from werkzeug.wrappers import Response

from billing.extensions import limiter, security

REDIRECTS = range(300, 400)


def was_refused(response: Response) -> bool:
    return response.status_code not in REDIRECTS


def per_address() -> str:
    """The key for one visitor, by where they come from."""
    return get_remote_address()


def per_mailbox() -> str:
    """The key for one mail address, whoever asks about it and however it is written.

    A domain in full-width letters is the same domain (RFC 5895), and finds the same person.
    """
    given = request.form.get("email", "")
    try:
        address = security.mail_util.normalize(given)
    except ValueError:
        address = given
    return f"mailbox:{address.strip().casefold()}"


def per_person() -> str:
    """The key for one person: signed in, or half-way through signing in."""
    if current_user.is_authenticated:
        return f"user:{current_user.id}"
    return f"user:{session.get('tf_user_id', get_remote_address())}"


# endpoint: limits as (how often, for whom, whether only refusals count)
LIMITS: dict[str, tuple[tuple[str, Callable[[], str], bool], ...]] = {
    "security.login": (("20 per minute", per_address, True), ("50 per hour", per_mailbox, True)),
    "security.verify": (("10 per 5 minutes", per_person, True),),
    "security.change_password": (("10 per 5 minutes", per_person, True),),
    "security.register": (("20 per hour", per_address, False), ("5 per hour", per_mailbox, False)),
    "security.forgot_password": (
        ("20 per hour", per_address, False),
        ("5 per hour", per_mailbox, False),
    ),
    "security.send_confirmation": (
        ("20 per hour", per_address, False),
        ("5 per hour", per_mailbox, False),
    ),
    "security.change_email": (("10 per hour", per_person, False),),
    "security.two_factor_token_validation": (("10 per 5 minutes", per_person, True),),
    "security.two_factor_setup_validate": (("10 per 5 minutes", per_person, True),),
    "security.two_factor_rescue": (("5 per hour", per_person, False),),
    "security.mf_recovery": (("10 per hour", per_person, True),),
    "security.wan_signin_response": (("20 per minute", per_address, False),),
}


def init_app(app: Flask) -> None:
    for endpoint in LIMITS:
        app.view_functions[endpoint] = _limited(endpoint, app.view_functions[endpoint])


@cache
def _limited(endpoint: str, view: Callable[..., Any]) -> Callable[..., Any]:
    """The view behind its limits; the same one for every application, so each counts once."""
    for how_often, key, refusals_only in LIMITS[endpoint]:
        view = limiter.limit(
            how_often,
            key_func=key,
            methods=["POST"],
            deduct_when=was_refused if refusals_only else None,
        )(view)
    return view
