"""Billing arithmetic and the rules of Stripe's billing objects.

- Plain computing: calendar, money, pricing, discounts, taxes, totals, payment, wording.
- An invoice comes together in drafts (from lines, items, entries, proration, discounting), lives in
  invoicing, is collected by collecting and paying (charging, saving, intents, mandates, refunding),
  tried again by retrying as policy says, and is reduced by crediting. standing tells its
  subscription.
- A subscription starts in subscribing, changes in changing and revising (terms, phases, schedules),
  renews in renewing, pauses in pausing and ends in ending and closing.
- previewing does any of that and undoes it; time plays what is due.
"""
