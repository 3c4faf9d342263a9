"""Business facts that come to light when the mirror is written, each put into the outbox once.

What became true is told by comparing a row with what it was, never by an event, so webhooks may
come late, twice or in any order. A key names the fact, so two writes that both show it tell it
once. What is long past is not told: a backfill says nothing, nor does a row that is first seen
when its own times are older than Stripe's redeliveries reach.
"""

from billing.facts import credit_note, invoice, purchase, refund, schedule, subscription

__all__ = ["credit_note", "invoice", "purchase", "refund", "schedule", "subscription"]
