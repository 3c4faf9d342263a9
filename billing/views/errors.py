"""Refusals and failures as pages: what happened, what did not, what to do."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from flask import (
    Flask,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError

from billing.authorization import current_role
from billing.checkout import NotOffered, NotPossible
from billing.errors import AuthenticationNeeded, BillingError, CardDeclined
from billing.quoting import NotToBeHad
from models import db

log = logging.getLogger(__name__)

SAID = {
    400: ("That request was not understood", "Nothing was changed. Go back and try again."),
    401: ("Please sign in", "This page is for signed-in people."),
    403: (
        "Not for your role",
        "Your role does not include this. An owner of the account can "
        "do it, or change your role under Members.",
    ),
    404: ("Page not found", "There is nothing at this address, or it belongs to another account."),
    405: ("That does not work here", "Nothing was changed. Go back and try again."),
    413: ("That was too much", "What you sent is larger than we accept. Nothing was changed."),
    429: ("Too many tries", "Please wait a moment and try again. Nothing was changed."),
    500: (
        "Something went wrong on our side",
        "We have been told. If you were paying, you are "
        "never charged twice: look at your invoices before you try again.",
    ),
}
STAFF_PAGE = (
    "Not for your role",
    "Your role among the staff does not include this page. Somebody with the role of an "
    "administrator can do it, or give you the role. Nothing was changed.",
)
# Staff, since others without an account are led to open one.
WITHOUT_ACCOUNT = (
    "Only for customers",
    "This page belongs to a customer's account, and you belong to none. Nothing was changed.",
)


def init_app(app: Flask) -> None:
    """One handler for each family of errors; none shows a stack trace."""
    app.register_error_handler(BillingError, refused)
    app.register_error_handler(CSRFError, stale_form)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(SecurityError, wrong_host)
    app.register_error_handler(Exception, crashed)


def refused(error: BillingError) -> Any:
    """The refusal's page; a bank that wants to be answered is led to at once."""
    db.session.rollback()
    if isinstance(error, AuthenticationNeeded) and error.invoice_id:
        return redirect(
            url_for("bank_confirmation.show", stripe_id=error.invoice_id, confirm="now"), 303
        )
    return page(error.status, error.title, error.message, _way_on(error))


def _way_on(error: BillingError) -> tuple[str, str] | None:
    """The address and the words of what the reader most likely wants to do next."""
    if isinstance(error, CardDeclined):
        return url_for("payment_methods.new"), "Use another card"
    if isinstance(error, (NotOffered, NotPossible, NotToBeHad)):
        return url_for("plans.index"), "See plans"
    return None


def stale_form(error: CSRFError) -> Response:
    return page(
        400,
        "This form is no longer valid",
        "Nothing was changed. Reload the page and send it again.",
    )


def http_error(error: HTTPException) -> Any:
    code = error.code or 500
    if code < 400 or error.response is not None:
        return error
    title, message = SAID.get(code, (HTTPStatus(code).phrase, "Nothing was changed."))
    if code == 403 and current_role() is None:
        is_for_staff = (request.blueprint or "").startswith(("admin_", "finance_"))
        title, message = STAFF_PAGE if is_for_staff else WITHOUT_ACCOUNT
    response = page(code, title, message)
    for name, value in error.get_headers():
        if name.lower() in {"allow", "retry-after"}:
            response.headers[name] = value
    return response


def wrong_host(error: SecurityError) -> Response:
    """Bare words: a page of ours has links, and none can be made for a host that is not ours."""
    return Response("There is nothing at this address.\n", 400, content_type="text/plain")


def crashed(error: Exception) -> Response:
    log.exception("unhandled error at %s %s", request.method, request.path, exc_info=error)
    db.session.rollback()
    # Rendered bare: what `render_template` adds asks the database who is signed in, and the
    # database may be what is broken.
    template = current_app.jinja_env.get_template("errors/error.html")
    title, message = SAID[500]
    brand = current_app.config["SETTINGS"].brand
    return make_response(
        template.render(status=500, title=title, message=message, brand=brand), 500
    )


def page(status: int, title: str, message: str, action: tuple[str, str] | None = None) -> Response:
    """An error page in our layout; `action` is an address and what its button says."""
    body = render_template(
        "errors/error.html", status=status, title=title, message=message, action=action
    )
    return make_response(body, status)
