"""What happens when a payment method is charged or set up: the rules of the test numbers."""

from dataclasses import dataclass

from sandbox.cards import card_error
from sandbox.errors import ApiError
from sandbox.store import store

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


DAY = 86_400
# How long a bank debit is on its way until it arrives, and until it comes back; some take longer.
ARRIVES, RETURNS, SLOWER = 4 * DAY, 7 * DAY, 3 * DAY


def settlement(payment_method: dict) -> int | None:
    """How many seconds a bank debit stays in processing; None for one that never ends."""
    behavior, _, code = payment_method["_behavior"].partition(":")
    if behavior == "never":
        return None
    return (RETURNS if code else ARRIVES) + (SLOWER if behavior == "slow" else 0)


def settled(payment_method: dict) -> Outcome:
    """How a bank debit ends, days after it was accepted."""
    behavior, _, code = payment_method["_behavior"].partition(":")
    if behavior in ("later", "slow") and code:
        return Outcome("declined", code)
    return Outcome("succeeded")


# What the bank can be made to answer from now on for a saved payment method, by its type.
ANSWERS = {
    "card": {
        "as_made": None,
        "succeeds": "ok",
        "generic_decline": "later:generic_decline",
        "insufficient_funds": "later:insufficient_funds",
        "do_not_honor": "later:do_not_honor",
        "expired_card": "later:expired_card",
        "lost_card": "later:lost_card",
        "stolen_card": "later:stolen_card",
        "authentication_required": "3ds:always",
    },
    "us_bank_account": {
        "as_made": None,
        "succeeds": "ok",
        "insufficient_funds": "later:insufficient_funds",
        "account_closed": "later:account_closed",
        "debit_not_authorized": "later:debit_not_authorized",
    },
}
ANSWERS["sepa_debit"] = ANSWERS["us_bank_account"]
ANSWERS["link"] = ANSWERS["card"]


def answer_of(payment_method: dict) -> str:
    """What the bank was told to answer for the payment method; "as_made" when nothing."""
    return payment_method.get("_answer", "as_made")


def set_answer(payment_method: dict, answer: str) -> dict:
    """Let the bank answer so to every later charge; "as_made" is what the test number does.

    ApiError 400 for an answer that the payment method's type does not know.
    """
    known = ANSWERS[payment_method["type"]]
    if answer not in known:
        raise ApiError(400, f"The answer must be one of {', '.join(known)}.", param="answer")
    made = payment_method.setdefault("_made_as", payment_method["_behavior"])
    payment_method.update(_answer=answer, _behavior=known[answer] or made)
    return store.save(payment_method)


def check_attachable(payment_method: dict) -> None:
    """ApiError 402 for a card that its bank refuses outright."""
    behavior, _, code = payment_method["_behavior"].partition(":")
    if behavior == "decline":
        raise card_error(code)
