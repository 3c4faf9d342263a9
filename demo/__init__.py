"""The demo's company: 150 accounts over fourteen months, lived through and not written down.

Everything at Stripe is made by Stripe's API, step by step, while the sandbox's clock goes from the
company's first day to the present; so invoices, retries, refunds and coupons are what they would
have become. It stands outside of the portal and of the sandbox, as the tests do: it may use the
portal's models and commands, and speaks to the sandbox by HTTP alone.
"""
