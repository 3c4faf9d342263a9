"""Changing a price: rehearsed from the mirror, launched at Stripe, carried out, taken back.

Stripe's prices cannot change their amount. So a change makes a new price, gives it the old one's
lookup key and place, and retires the old one (`launch`); those who pay the old one go on with it
until a subscription schedule moves them (`moving`). `docs/price-changes.md` tells it to operators.
"""
