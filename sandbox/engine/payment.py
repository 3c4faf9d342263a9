"""What happens when a payment method is charged or set up: the rules of the test numbers."""

from dataclasses import dataclass

from sandbox.cards import card_error

BANK_DEBITS = frozenset({"us_bank_account", "sepa_debit"})


@dataclass(frozen=True)
class Outcome:
    """`status` is "succeeded", "processing", "requires_action" or "declined" with its code."""

    status: str
    decline_code: str | None = None


def charged(payment_method: dict, *, off_session: bool, authenticated: bool = False) -> Outcome:
    """The outcome of a charge. `authenticated` says that 3-D Secure was just passed for it."""
    behavior, _, code = payment_method["_behavior"].partition(":")
    if payment_method["type"] in BANK_DEBITS:
        return Outcome("processing")
    if behavior in ("decline", "later"):
        return Outcome("declined", code)
    if behavior == "3ds" and not authenticated:
        if code == "once" and payment_method["_authenticated"]:
            return Outcome("succeeded")
        if off_session:
            return Outcome("declined", "authentication_required")
        return Outcome("requires_action")
    if behavior == "3ds" and code.startswith("decline:"):
        return Outcome("declined", code.removeprefix("decline:"))
    return Outcome("succeeded")


def set_up(payment_method: dict, *, authenticated: bool = False) -> Outcome:
    """The outcome of saving a payment method for later."""
    behavior, _, code = payment_method["_behavior"].partition(":")
    if behavior == "decline":
        return Outcome("declined", code)
    if behavior == "3ds" and not authenticated:
        return Outcome("requires_action")
    return Outcome("succeeded")


def settled(payment_method: dict) -> Outcome:
    """How a bank debit ends, days after it was accepted."""
    behavior, _, code = payment_method["_behavior"].partition(":")
    return Outcome("declined", code) if behavior == "later" else Outcome("succeeded")


def check_attachable(payment_method: dict) -> None:
    """ApiError 402 for a card that its bank refuses outright."""
    behavior, _, code = payment_method["_behavior"].partition(":")
    if behavior == "decline":
        raise card_error(code)
