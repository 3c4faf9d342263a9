"""What can be refused, as types. One handler turns each into a page (`views/errors.py`).

Each error says what happened, what did not happen, and what to do; `status` is the HTTP status
of its page. The mapping from Stripe's errors is in `gateway/client.py`.
"""

from __future__ import annotations

from billing import declines


class BillingError(Exception):
    """An expected refusal. `message` is written for the person who reads the page."""

    status = 400
    title = "That did not work"
    message = "Nothing was changed."

    def __init__(self, message: str | None = None):
        self.message = message or self.message
        super().__init__(self.message)


class Refused(BillingError):
    """The request makes no sense in the present state, such as paying a paid invoice."""

    status = 409
    title = "That is not possible now"


class CardDeclined(BillingError):
    """The bank said no. Nothing was charged; the message says why and what to do."""

    status = 402
    title = "The payment did not go through"

    def __init__(
        self,
        *,
        code: str | None = None,
        decline_code: str | None = None,
        advice_code: str | None = None,
    ):
        self.decline = declines.explain(code, decline_code, advice_code)
        super().__init__(f"{self.decline.said} You were not charged. {self.decline.advice}")


class AuthenticationNeeded(BillingError):
    """The bank wants the cardholder to confirm. Nothing was charged yet.

    `invoice_id` is the open invoice that waits for it, where there is one.
    """

    status = 402
    title = "Confirm with your bank"
    message = "Your bank asks you to confirm this payment. You were not charged yet."

    def __init__(self, message: str | None = None, *, invoice_id: str | None = None):
        super().__init__(message)
        self.invoice_id = invoice_id


class StripeBusy(BillingError):
    """Stripe asked us to slow down. Nothing was done; the same request may be sent again."""

    status = 503
    title = "Our payment provider is busy"
    message = "Nothing was changed and you were not charged. Please try again in a minute."


class StripeUnavailable(BillingError):
    """No usable answer: the outcome is unknown until Stripe is asked again."""

    status = 503
    title = "We are checking"
    message = (
        "Our payment provider did not answer, so we do not know yet whether this went through. "
        "We check and show the result here. Trying again cannot charge you twice."
    )


class StripeMisconfigured(BillingError):
    """A wrong key or missing permission: for the operator, not the reader, to mend."""

    status = 503
    title = "Billing is not available right now"
    message = "Nothing was changed and you were not charged. We have been told and will mend it."


class GoneFromStripe(BillingError):
    """The object does not exist at Stripe (any more)."""

    status = 410
    title = "That is no longer there"
    message = "It was removed in the meantime. Nothing was changed."

    def __init__(self, message: str | None = None, *, stripe_id: str | None = None):
        super().__init__(message)
        self.stripe_id = stripe_id


class InvalidRequest(BillingError):
    """Stripe refused a value, such as a tax number of the wrong form."""

    status = 422
    title = "That was not accepted"

    def __init__(
        self, message: str | None = None, *, code: str | None = None, param: str | None = None
    ):
        super().__init__(message)
        self.code = code
        self.param = param


class IdempotencyConflict(BillingError):
    """One key came with two different requests: a bug of ours. Never charge under a new key."""

    status = 500
    title = "Something is wrong on our side"
    message = "We stopped before doing anything twice. We have been told and will look at it."


class BadWebhook(BillingError):
    """A webhook whose signature, age or body is not acceptable."""

    status = 400
