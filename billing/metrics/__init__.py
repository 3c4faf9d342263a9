"""What finance reads of recurring revenue: worked out from the past of subscriptions, in one pass.

`book` holds what each subscriber was worth at the end of every month; every figure is a question
to it, and so is the list of subscribers behind the figure. The rules are in docs/metrics.md.
"""
