"""What staff read when Stripe does not do what a page of theirs asked for."""

from __future__ import annotations

from billing.errors import (
    BillingError,
    GoneFromStripe,
    InvalidRequest,
    StripeBusy,
    StripeMisconfigured,
    StripeUnavailable,
)

TROUBLE = (StripeUnavailable, StripeBusy, StripeMisconfigured, InvalidRequest, GoneFromStripe)


def said(error: BillingError) -> str:
    """What happened and what to do, for who works on prices rather than pays them."""
    if isinstance(error, StripeBusy):
        return "Stripe is busy and asked us to wait. Try again in a minute; nothing is lost."
    if isinstance(error, StripeMisconfigured):
        return "Stripe refuses our key. Nothing more was changed; see the health page."
    if isinstance(error, StripeUnavailable):
        return (
            "Stripe did not answer, so a part of this may be done already. "
            "Try again: it goes on where it stopped and makes nothing twice."
        )
    if isinstance(error, GoneFromStripe):
        return "It is not at Stripe any more. Nothing was changed."
    return f"Stripe refused it: {error.message}"
