"""How a write ended when no answer told: found out by looking at what it was to change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from billing.errors import BillingError, StripeUnavailable


@contextmanager
def told_by(look: Callable[[], bool]) -> Iterator[None]:
    """Runs a write to Stripe. When its answer is lost, `look` tells whether it was done.

    It was: then the block ends as if the answer had come. It was not, or not yet: raises what the
    write raised. Stripe cannot be asked: raises StripeUnavailable. Stripe's docs, "Advanced error
    handling": after a lost answer or a 500 the result is indeterminate.
    """
    try:
        yield
    except StripeUnavailable:
        try:
            done = look()
        except BillingError as error:
            raise StripeUnavailable from error
        if not done:
            raise
