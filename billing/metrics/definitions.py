"""What each figure means, in a sentence: on the page beside it, and in docs/metrics.md."""

from __future__ import annotations

DEFINITIONS = {
    "mrr": "What the subscriptions that are paid for bring in a month, before tax, after discounts "
    "that last; trials and pauses count nothing, what is past due counts until it ends.",
    "arr": "Twelve times the MRR.",
    "net_retention": "Of those who paid twelve months before: their MRR now as a share of their "
    "MRR then, upgrades, downgrades and departures among it, newcomers not.",
    "gross_retention": "As net retention, but nobody counts for more than they were worth then.",
    "customer_churn": "The subscribers who paid when the month began and did not when it ended, as "
    "a share of all who paid when it began.",
    "revenue_churn": "The MRR that was lost in the month by downgrades and departures, as a share "
    "of the MRR when it began.",
    "arpa": "MRR divided by the number of subscribers who pay.",
    "trial_conversion": "Of the trials that ended in the month, the share that was paid for by the "
    "month's end.",
    "recovery": "Of the renewals whose payment failed for the first time in the month, those paid "
    "since; lost are those voided, written off, or left unpaid when the subscription ended.",
    "movements": "Each subscriber's MRR at the end of the month against the end of the month "
    "before; a pause is churn, and its end a reactivation.",
    "new": "MRR of subscribers who never paid at the end of a month before.",
    "reactivation": "MRR of subscribers who paid before, but not at the end of the month before.",
    "expansion": "What subscribers pay more than at the end of the month before.",
    "contraction": "What subscribers pay less than at the end of the month before.",
    "churn": "MRR, at the end of the month before, of subscribers who do not pay any more.",
    "cohorts": "Subscribers by the month at whose end they paid for the first time, and the share "
    "of them who pay at the end of each month since.",
    "not_counted": "Subscriptions of which a part depends on usage, or on a price that is not "
    "known whole; that part is in no figure here.",
}
