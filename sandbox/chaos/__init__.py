"""Chaos on demand: webhooks that come late, twice or never, and calls that go wrong.

Everything is off until somebody switches it on, and nothing but `/v1/` and the deliveries is
touched: the sandbox's own pages always answer.
"""
