"""A timeline's entries in plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from billing.recent_invoices import REASONS
from billing.timeline import Entry

AN_INVOICE = re.compile(r"in_[A-Za-z0-9_]+")

EVENTS = {
    "invoice.created": "Invoice drafted",
    "invoice.finalized": "Invoice finalized",
    "invoice.paid": "Invoice paid",
    "invoice.payment_succeeded": "Payment of an invoice succeeded",
    "invoice.payment_failed": "Payment of an invoice was refused",
    "invoice.payment_action_required": "The bank wants a payment confirmed",
    "invoice.upcoming": "A renewal is coming",
    "invoice.voided": "Invoice voided",
    "invoice.marked_uncollectible": "Invoice given up as uncollectible",
    "invoice_payment.paid": "A payment was applied to an invoice",
    "charge.succeeded": "Card charged",
    "charge.failed": "The bank refused a charge",
    "charge.refunded": "Charge refunded",
    "payment_intent.succeeded": "Payment succeeded",
    "payment_intent.payment_failed": "Payment was refused",
    "payment_method.attached": "Payment method saved",
    "payment_method.detached": "Payment method removed",
    "checkout.session.completed": "Checkout completed",
    "checkout.session.expired": "Checkout expired",
    "customer.subscription.trial_will_end": "The trial ends in three days",
    "customer.subscription.deleted": "Subscription ended",
}
ACTIONS = {
    "customer_view.started": "Began to look at the portal as this customer",
    "customer_view.ended": "Stopped looking as this customer",
    "access.granted": "Access granted by staff",
    "access.revoked": "A grant of access revoked",
}
SENT = {
    "sent": "sent",
    "pending": "to be sent",
    "claimed": "being sent",
    "skipped": "not sent",
    "failed": "could not be sent",
}
LEVELS = {"full": "full access", "read_only": "read-only access", "none": "no access"}
PURCHASES = {
    "open": "begun, not paid",
    "processing": "payment on its way",
    "succeeded": "paid",
    "canceled": "called off",
}
REFUNDS = {"succeeded": "", "pending": "on its way", "failed": "failed", "canceled": "called off"}
KIND_WORDS = {
    "event": "Stripe",
    "mail": "Mail",
    "invoice": "Invoice",
    "payment": "Payment",
    "credit_note": "Credit note",
    "refund": "Refund",
    "purchase": "Purchase",
    "action": "Action",
    "access": "Access",
}
BAD_EVENTS = ("failed", "voided", "uncollectible", "action_required")


@dataclass(frozen=True)
class Line:
    """An entry in words. `detail` is smaller, `invoice_id` the invoice it is about."""

    entry: Entry
    words: str
    detail: str
    invoice_id: str | None
    is_bad: bool = False

    @property
    def kind(self) -> str:
        return KIND_WORDS[self.entry.source]


def line(entry: Entry, members: frozenset[int]) -> Line:
    """The entry in words; `members` are the ids of the account's own people."""
    words, detail, is_bad = _WORDS[entry.source](entry)
    if entry.source == "action":
        detail = _by(entry, members)
    found = AN_INVOICE.search(entry.subject or "")
    return Line(entry, words, detail, found[0] if found else None, is_bad)


def event(kind: str | None) -> str:
    """A type of Stripe's events in words: "Invoice paid"."""
    return EVENTS.get(kind or "", sentence(kind))


def action(name: str | None) -> str:
    """An action of the audit log in words: "Access granted by staff"."""
    return ACTIONS.get(name or "", sentence(name))


def sentence(word: str | None) -> str:
    """ "payment_method.made_default" as "Payment method made default"."""
    said = (word or "").removeprefix("customer.") if (word or "").count(".") > 1 else word or ""
    return said.replace(".", " ").replace("_", " ").strip().capitalize()


def _by(entry: Entry, members: frozenset[int]) -> str:
    if entry.user_id is None:
        return f"by {entry.who}" if entry.who else "by the portal itself"
    return f"by {entry.who}{'' if entry.user_id in members else ', staff'}"


def _event(entry: Entry) -> tuple[str, str, bool]:
    word = entry.word or ""
    not_done = {
        "pending": ", not worked off yet",
        "quarantined": ", set aside: of another mode or account",
    }.get(entry.status or "", "")
    return event(word), f"{word}{not_done}", word.endswith(BAD_EVENTS)


def _mail(entry: Entry) -> tuple[str, str, bool]:
    status = SENT.get(entry.status or "", entry.status or "")
    why = entry.label if entry.status == "skipped" and entry.label else ""
    return f"Mail “{sentence(entry.word)}” {status}", why, entry.status == "failed"


def _invoice(entry: Entry) -> tuple[str, str, bool]:
    reason = REASONS.get(entry.word or "", "Invoice")
    name = f" {entry.label}" if entry.label else ""
    states = {
        "draft": "a draft",
        "open": "open",
        "paid": "paid",
        "void": "void",
        "uncollectible": "given up as uncollectible",
    }
    state = states.get(entry.status or "", entry.status or "")
    return f"Invoice{name} made", f"{reason}; {state} now", entry.status == "uncollectible"


def _payment(entry: Entry) -> tuple[str, str, bool]:
    return f"Invoice {entry.label or ''} paid".replace("  ", " "), "", False


def _credit_note(entry: Entry) -> tuple[str, str, bool]:
    return f"Credit note {entry.label} issued", "void now" if entry.status == "void" else "", False


def _refund(entry: Entry) -> tuple[str, str, bool]:
    why = sentence(entry.word) if entry.word else ""
    status = REFUNDS.get(entry.status or "", entry.status or "")
    return f"Refund {status}".strip(), why, entry.status == "failed"


def _purchase(entry: Entry) -> tuple[str, str, bool]:
    return f"{entry.label}: {PURCHASES.get(entry.status or '', entry.status)}", "", False


def _action(entry: Entry) -> tuple[str, str, bool]:
    return action(entry.word or ""), "", False


def _access(entry: Entry) -> tuple[str, str, bool]:
    level = LEVELS.get(entry.status or "", entry.status or "")
    return f"From here on {level}", entry.label or "", entry.status == "none"


_WORDS = {
    "event": _event,
    "mail": _mail,
    "invoice": _invoice,
    "payment": _payment,
    "credit_note": _credit_note,
    "refund": _refund,
    "purchase": _purchase,
    "action": _action,
    "access": _access,
}
