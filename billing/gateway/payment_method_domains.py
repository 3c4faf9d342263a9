"""The site's domain, registered so that wallets may be shown on it."""

from __future__ import annotations

import stripe

from billing.gateway.client import translated, v1


def register(domain: str) -> stripe.PaymentMethodDomain:
    """The domain, registered and validated for Apple Pay, Google Pay, Link and others.

    Stripe's docs, "Register payment method domains".
    """
    with translated():
        service = v1().payment_method_domains
        found = service.list({"domain_name": domain, "limit": 1}).data
        if not found:
            return service.create({"domain_name": domain})
        return service.validate(found[0].id)
