"""What a bank's refusal means, in plain words: what happened, what to do, whether to try again.

Source: Stripe's docs, "Decline codes", "Retrying issuer declines" (advice codes) and "Blocked and
failed ACH Direct Debit payments". A code that is not in the table reads as a plain decline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Decline:
    """A refusal in words: what was said ("The bank said: not enough funds.") and what to do.

    `same_card_may_work` tells whether trying the same card again can help.
    """

    said: str
    advice: str
    same_card_may_work: bool = False


ANOTHER = "Use another card."
ASK = "Ask your bank to allow it, or use another card."
CHECK = "Check its details and add the card again, or use another one."
OTHER_METHOD = "Use another payment method."

PLAIN = Decline("The bank declined it and did not say why.", "Use another card, or ask your bank.")
# Told as a plain decline in every way: the true reason would warn a thief.
UNSPOKEN = frozenset(
    {
        "fraudulent",
        "highest_risk_level",
        "lost_card",
        "merchant_blacklist",
        "pickup_card",
        "previously_declined_do_not_retry",
        "restricted_card",
        "security_violation",
        "stolen_card",
    }
)

MEANINGS = {
    PLAIN: "call_issuer card_declined do_not_honor do_not_try_again generic_decline "
    "no_action_taken not_permitted service_not_allowed test_mode_live_card testmode_decline",
    Decline(
        "The bank said: not enough funds.",
        "Use another card, or try again once there is enough money.",
        True,
    ): "insufficient_funds",
    Decline(
        "The bank said: the card's limit is reached.",
        "Try again tomorrow, use another card, or ask your bank.",
    ): "card_velocity_exceeded withdrawal_count_limit_exceeded",
    Decline(
        "The bank could not be reached just now.",
        "Try again in a few minutes, or use another card.",
        True,
    ): "approve_with_id card_decline_rate_limit_exceeded issuer_not_available processing_error "
    "reenter_transaction try_again_later",
    Decline("The bank said: the card has expired.", ANOTHER): "expired_card",
    Decline(
        "The bank said: the card number is not right.", CHECK
    ): "incorrect_number invalid_number",
    Decline(
        "The bank said: the card's security code is not right.", CHECK
    ): "incorrect_cvc invalid_cvc",
    Decline(
        "The bank said: the card's expiry date is not right.", CHECK
    ): "invalid_expiry_month invalid_expiry_year",
    Decline(
        "The bank said: the billing address is not the card's.", CHECK
    ): "incorrect_address incorrect_zip",
    Decline(
        "The bank said: the card only pays with its PIN.", ANOTHER
    ): "incorrect_pin invalid_pin offline_pin_required online_or_offline_pin_required "
    "pin_try_exceeded",
    Decline(
        "The bank said: the card's account is not valid.", "Use another card, or ask your bank."
    ): "invalid_account",
    Decline(
        "The bank said: the card was replaced by a new one.",
        "Add the new card, or use another one.",
    ): "new_account_information_available",
    Decline(
        "The bank said: the card cannot be used for such a payment.", ASK
    ): "card_not_supported transaction_not_allowed",
    Decline("The bank said: the card cannot pay in this currency.", ASK): "currency_not_supported",
    Decline("The bank said: the card cannot pay this amount.", ASK): "invalid_amount",
    Decline(
        "The bank said: the same payment was made a moment ago.",
        "Look at your invoices before you try again.",
    ): "duplicate_transaction",
    Decline(
        "The bank said: you asked it to stop payments to us.",
        "Tell your bank to allow them again, or use another card.",
    ): "revocation_of_all_authorizations revocation_of_authorization stop_payment_order",
    Decline(
        "The bank could not confirm that it was you.",
        "Try again and confirm it with your bank, or use another card.",
        True,
    ): "authentication_failure authentication_not_handled authentication_required "
    "mobile_device_authentication_required payment_intent_authentication_failure "
    "setup_intent_authentication_failure",
    # Bank debits, refused at once or sent back days later.
    Decline(
        "The bank said: the account cannot be charged.", OTHER_METHOD
    ): "account_invalid account_number_invalid bank_account_declined bank_account_restricted "
    "bank_account_unusable no_account",
    Decline(
        "The bank said: the account is closed.", OTHER_METHOD
    ): "account_closed bank_ownership_changed",
    Decline(
        "The bank said: the debit was not allowed.",
        "Ask your bank to allow it, or use another payment method.",
    ): "debit_disputed debit_not_authorized refer_to_customer",
}
BY_CODE = {code: decline for decline, codes in MEANINGS.items() for code in codes.split()}


def explain(
    code: str | None = None, decline_code: str | None = None, advice_code: str | None = None
) -> Decline:
    """The refusal in words, of Stripe's `decline_code` or else its error `code`.

    `advice_code` is the network's: do_not_try_again, try_again_later or confirm_card_data.
    """
    if decline_code in UNSPOKEN or code in UNSPOKEN:
        return PLAIN
    found = BY_CODE.get(decline_code or "") or BY_CODE.get(code or "", PLAIN)
    if advice_code == "do_not_try_again" and found.same_card_may_work:
        return replace(found, advice=ANOTHER, same_card_may_work=False)
    if advice_code == "try_again_later" and found == PLAIN:
        return replace(
            PLAIN,
            advice="Try again later, use another card, or ask your bank.",
            same_card_may_work=True,
        )
    if advice_code == "confirm_card_data" and found == PLAIN:
        return Decline("The bank said: something in the card's details is not right.", CHECK)
    return found
