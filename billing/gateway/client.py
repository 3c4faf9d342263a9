"""The configured Stripe client, and Stripe's errors turned into ours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import stripe
from flask import current_app
from stripe._v1_services import V1Services

from billing import errors
from billing.gateway.measured import MeasuredClient
from config import Settings

log = logging.getLogger(__name__)

API_VERSION: Final = "2026-10-28.endive"
# The SDK would keep an identifier of this machine in the home folder and report its timings.
stripe.enable_telemetry = False

CONNECT_SECONDS, READ_SECONDS = 3, 10
# After so many failures that Stripe keeps, it is not the key.
SPENT_KEYS = 2

Made = TypeVar("Made")

# How Stripe says that the bank wants the cardholder to confirm.
AUTHENTICATION_CODES = frozenset(
    {
        "authentication_required",
        "invoice_payment_intent_requires_action",
        "subscription_payment_intent_requires_action",
        "payment_intent_action_required",
        "setup_intent_authentication_failure",
    }
)


def build(settings: Settings) -> stripe.StripeClient:
    """A client for these settings: pinned version, bounded time-outs, the SDK's own retries."""
    return stripe.StripeClient(
        settings.stripe_secret_key,
        stripe_version=API_VERSION,
        max_network_retries=settings.stripe_network_retries,
        http_client=MeasuredClient(timeout=(CONNECT_SECONDS, READ_SECONDS)),
        base_addresses={"api": settings.stripe_api_base},
    )


def v1() -> V1Services:
    """The application's Stripe client, one per process."""
    extensions = current_app.extensions
    if "stripe" not in extensions:
        extensions["stripe"] = build(current_app.config["SETTINGS"])
    client: stripe.StripeClient = extensions["stripe"]
    return client.v1


@contextmanager
def translated() -> Iterator[None]:
    """Turns Stripe's errors, raised inside, into ours, as the table in Stripe's docs, "Errors".

    Details go to the log with Stripe's request id; messages are for the reader.
    """
    try:
        yield
    except stripe.CardError as error:
        raise _declined(error) from error
    except stripe.IdempotencyError as error:
        log.critical("idempotency key used for another request: %s", error.request_id)
        raise errors.IdempotencyConflict from error
    except stripe.RateLimitError as error:
        log.warning("stripe is busy (%s): %s", error.code, error.request_id)
        raise errors.StripeBusy from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        log.critical("stripe refused our key: %s", error.request_id)
        raise errors.StripeMisconfigured from error
    except stripe.InvalidRequestError as error:
        raise _invalid(error) from error
    except (stripe.APIConnectionError, stripe.APIError) as error:
        # Also 409: the same key is being worked on, as when a button is pressed twice, and the
        # first press may be charging right now.
        log.error("stripe did not answer (%s): %s", type(error).__name__, error.request_id)
        if (error.headers or {}).get("Idempotent-Replayed") == "true":
            raise errors.KeySpent from error
        raise errors.StripeUnavailable from error


def under_key(make: Callable[[str], Made], key: str) -> Made:
    """What `make` makes under an idempotency key, or under the next one when that key is spent.

    Only for what costs nothing and does no harm when it is there twice. The next keys follow from
    the first, so that two requests at once still make one thing.
    """
    for number in range(SPENT_KEYS):
        try:
            return make(f"{key}-again-{number}" if number else key)
        except errors.KeySpent:
            log.warning("stripe keeps a failure under a key; trying the next one")
    return make(f"{key}-again-{SPENT_KEYS}")


def _declined(error: stripe.CardError) -> errors.BillingError:
    detail = error.error
    decline_code = detail.decline_code if detail else None
    if error.code in AUTHENTICATION_CODES or decline_code in AUTHENTICATION_CODES:
        return errors.AuthenticationNeeded()
    return errors.CardDeclined(
        code=error.code,
        decline_code=decline_code,
        advice_code=detail.advice_code if detail else None,
    )


def _invalid(error: stripe.InvalidRequestError) -> errors.BillingError:
    if error.code == "resource_missing":
        return errors.GoneFromStripe(stripe_id=None)
    if error.code in AUTHENTICATION_CODES:
        return errors.AuthenticationNeeded()
    if error.code == "lock_timeout":
        return errors.StripeBusy()
    log.info("stripe refused a value (%s, %s): %s", error.code, error.param, error.request_id)
    return errors.InvalidRequest(error.user_message, code=error.code, param=error.param)
