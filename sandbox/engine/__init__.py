"""Billing arithmetic and the rules of Stripe's billing objects.

calendar, money, pricing, proration, discounts, taxes and totals compute on plain values and
documents; the other modules read and write the store inside the current request.
"""
