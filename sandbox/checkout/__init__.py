"""Checkout Sessions: what they sell, what it costs, and what happens when someone pays."""
