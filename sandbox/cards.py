"""Test cards, bank accounts and tokens: what each one looks like and how it behaves.

A number is read once, when the payment method is made. What stays is the last four digits, a
fingerprint that cannot be turned back, and the private key `_behavior`. Source: Stripe's "Test card
numbers".
"""

import hashlib
from dataclasses import dataclass

from sandbox import clock
from sandbox.engine.calendar import moment
from sandbox.errors import ApiError
from sandbox.schema import blank, part
from sandbox.store import new_id, store

DECLINED = "Your card was declined."

# decline code -> (error code, message, advice code)
DECLINES: dict[str, tuple[str, str, str]] = {
    "generic_decline": ("card_declined", DECLINED, "try_again_later"),
    "insufficient_funds": (
        "card_declined",
        "Your card has insufficient funds.",
        "try_again_later",
    ),
    "lost_card": ("card_declined", DECLINED, "do_not_try_again"),
    "stolen_card": ("card_declined", DECLINED, "do_not_try_again"),
    "fraudulent": ("card_declined", DECLINED, "do_not_try_again"),
    "pickup_card": ("card_declined", DECLINED, "do_not_try_again"),
    "do_not_honor": ("card_declined", DECLINED, "try_again_later"),
    "card_velocity_exceeded": (
        "card_declined",
        "Your card was declined for making repeated attempts too frequently or exceeding its "
        "amount limit.",
        "try_again_later",
    ),
    "expired_card": ("expired_card", "Your card has expired.", "confirm_card_data"),
    "incorrect_cvc": (
        "incorrect_cvc",
        "Your card's security code is incorrect.",
        "confirm_card_data",
    ),
    "processing_error": (
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
        "try_again_later",
    ),
    "authentication_required": (
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
        "try_again_later",
    ),
}

# What a bank debit comes back with -> its message. Source: Stripe's "Accept an ACH Direct Debit
# payment" and "Error codes".
RETURNS: dict[str, str] = {
    "insufficient_funds": "The customer's account has insufficient funds to cover this payment.",
    "account_closed": "The customer's bank account has been closed.",
    "no_account": "The bank account could not be located.",
    "debit_not_authorized": "The customer has notified their bank that this payment was "
    "unauthorized.",
    "charge_exceeds_source_limit": "This charge exceeds the account's volume limit for a week.",
    "charge_exceeds_weekly_limit": "This charge exceeds the account's transaction limit.",
    "generic_decline": "The bank returned this payment without saying why.",
}

# Declines after which the same card is never charged again by itself. Source: Stripe's "Automate
# payment retries".
HARD_DECLINES = frozenset(
    {"authentication_required", "fraudulent", "lost_card", "pickup_card", "stolen_card"}
)


@dataclass(frozen=True)
class TestCard:
    """A card number's look and behaviour.

    `behavior` is "ok", "decline:CODE" (attaching fails too), "later:CODE" (attaches, charges
    fail), "3ds:once" (asks until it was set up), "3ds:always" or "3ds:decline:CODE". Refunds of
    "refund:late" are pending for a day, those of "refund:fail" come back after one.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    number: str
    brand: str = "visa"
    behavior: str = "ok"
    funding: str = "credit"
    country: str = "US"
    cvc_check: str = "pass"
    postal_check: str = "pass"


CARDS = {
    card.number: card
    for card in (
        TestCard("4242424242424242"),
        TestCard("4000056655665556", funding="debit"),
        TestCard("5555555555554444", "mastercard"),
        TestCard("2223003122003222", "mastercard"),
        TestCard("5200828282828210", "mastercard", funding="debit"),
        TestCard("5105105105105100", "mastercard", funding="prepaid"),
        TestCard("378282246310005", "amex"),
        TestCard("371449635398431", "amex"),
        TestCard("6011111111111117", "discover"),
        TestCard("3056930009020004", "diners"),
        TestCard("3566002020360505", "jcb"),
        TestCard("6200000000000005", "unionpay"),
        TestCard("4000008260000000", country="GB"),
        TestCard("4000002760000016", country="DE"),
        TestCard("4000002500000003", country="FR"),
        TestCard("4000000000000002", behavior="decline:generic_decline"),
        TestCard("4000000000009995", behavior="decline:insufficient_funds"),
        TestCard("4000000000009987", behavior="decline:lost_card"),
        TestCard("4000000000009979", behavior="decline:stolen_card"),
        TestCard("4100000000000019", behavior="decline:fraudulent"),
        TestCard("4000000000000069", behavior="decline:expired_card"),
        TestCard("4000000000000127", behavior="decline:incorrect_cvc", cvc_check="fail"),
        TestCard("4000000000000119", behavior="decline:processing_error"),
        TestCard("4000000000006975", behavior="decline:card_velocity_exceeded"),
        TestCard("4000000000000341", behavior="later:generic_decline"),
        TestCard("4000000000007726", behavior="refund:late"),
        TestCard("4000000000005126", behavior="refund:fail"),
        TestCard("4000000000000101", cvc_check="fail"),
        TestCard("4000000000000036", postal_check="fail"),
        TestCard("4000002500003155", behavior="3ds:once"),
        TestCard("4000002760003184", behavior="3ds:always"),
        TestCard("4000000000003220", behavior="3ds:always"),
        TestCard("4000000000003063", behavior="3ds:always"),
        TestCard("4000008260003178", behavior="3ds:decline:insufficient_funds"),
        TestCard("4000003800000446"),
        TestCard("4000000000003055"),
    )
}

_TOKENS = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "mastercard_debit": "5200828282828210",
    "mastercard_prepaid": "5105105105105100",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "us": "4242424242424242",
    "gb": "4000008260000000",
    "de": "4000002760000016",
    "fr": "4000002500000003",
    "chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedLostCard": "4000000000009987",
    "chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedFraudulent": "4100000000000019",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "chargeCustomerFail": "4000000000000341",
    "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126",
    "cvcCheckFail": "4000000000000101",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequired": "4000002760003184",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "authenticationRequiredSetupForOffSession": "4000003800000446",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureRequired": "4000000000003063",
    "threeDSecureOptional": "4000000000003055",
}


def token_number(token: str) -> str | None:
    """The card number behind pm_card_… or tok_…, or None when there is no such test token."""
    for prefix in ("pm_card_visa_", "tok_visa_", "pm_card_", "tok_"):
        if token.startswith(prefix) and token.removeprefix(prefix) in _TOKENS:
            return _TOKENS[token.removeprefix(prefix)]
    return None


def fingerprint(kind: str, number: str) -> str:
    """16 letters and digits, the same for the same number."""
    digest = hashlib.blake2b(number.encode(), key=b"sandbox", person=kind.encode()[:16])
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "".join(alphabet[byte % 62] for byte in digest.digest()[:16])


def card_error(decline_code: str, **extra) -> ApiError:
    """The 402 of a declined card; the declined attempt itself is kept."""
    code, message, advice = DECLINES[decline_code]
    return ApiError(
        402,
        message,
        type="card_error",
        code=code,
        decline_code=decline_code,
        advice_code=advice,
        **extra,
    )


def failure(decline_code: str, payment_method: dict | None) -> tuple[str, str, str | None]:
    """Error code, message and advice code of a declined card or a returned bank debit."""
    if payment_method and payment_method["type"] in ("us_bank_account", "sepa_debit"):
        general = decline_code in ("generic_decline", "charge_exceeds_weekly_limit")
        code = "payment_intent_payment_attempt_failed" if general else decline_code
        return code, RETURNS[decline_code], None
    return DECLINES[decline_code]


def error_object(decline_code: str, payment_method: dict | None = None) -> dict:
    """What `last_payment_error` and `last_setup_error` hold after a decline."""
    code, message, advice = failure(decline_code, payment_method)
    error = {
        "code": code,
        "decline_code": decline_code,
        "doc_url": f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}",
        "message": message,
        "payment_method": payment_method and public(payment_method),
        "type": "card_error",
    }
    return error | {"advice_code": advice} if advice else error


def public(doc: dict) -> dict:
    """A copy of a document without its private keys."""
    return {key: value for key, value in doc.items() if not key.startswith("_")}


def _valid_luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _test_card(number: str) -> TestCard:
    number = number.replace(" ", "").replace("-", "")
    param = "number"
    if not number.isdigit() or not 12 <= len(number) <= 19 or not _valid_luhn(number):
        raise ApiError(
            402,
            "Your card number is incorrect.",
            type="card_error",
            code="incorrect_number",
            param=param,
        )
    if number not in CARDS:
        raise ApiError(
            402,
            "Your card was declined. Your request was in test mode, but used a non test (live) "
            "card. For a list of valid test cards, visit: https://stripe.com/docs/testing.",
            type="card_error",
            code="card_declined",
            decline_code="test_mode_live_card",
        )
    return CARDS[number]


def _check_expiry(month: int, year: int) -> int:
    """The four-digit year; ApiError 402 for a month or year that cannot be."""
    year = year + 2000 if year < 100 else year
    today = clock.now()
    if not 1 <= month <= 12:
        raise ApiError(
            402,
            "Your card's expiration month is invalid.",
            type="card_error",
            code="invalid_expiry_month",
            param="exp_month",
        )
    current = _year_month(today)
    if (year, month) < current or year > current[0] + 50:
        raise ApiError(
            402,
            "Your card's expiration year is invalid.",
            type="card_error",
            code="invalid_expiry_year",
            param="exp_year",
        )
    return year


def _year_month(timestamp: int) -> tuple[int, int]:
    at = moment(timestamp)
    return at.year, at.month


def _details(given: dict | None) -> dict:
    given = given or {}
    address = given.get("address") or {}
    fields = ("city", "country", "line1", "line2", "postal_code", "state")
    return {
        "address": {name: address.get(name) or None for name in fields},
        "email": given.get("email") or None,
        "name": given.get("name") or None,
        "phone": given.get("phone") or None,
        "tax_id": given.get("tax_id") or None,
    }


def create_payment_method(
    type: str = "card",
    number: str | None = None,
    exp_month: int | None = None,
    exp_year: int | None = None,
    cvc: str | None = None,
    billing_details: dict | None = None,
    metadata: dict | None = None,
    **bank: str,
) -> dict:
    """A stored, unattached payment method. `bank` holds a bank debit's account fields
    (`account_number`, `routing_number`, `iban`, ...). ApiError 402 for a bad number or expiry."""
    details = _details(billing_details)
    behavior = "ok"
    if type == "card":
        body, behavior = _card(number or "", exp_month or 0, exp_year or 0, cvc, details)
    elif type == "us_bank_account":
        body, behavior = _us_bank_account(bank)
    elif type == "sepa_debit":
        body, behavior = _sepa_debit(bank)
    elif type == "link":
        body = part("payment_method", "link", email=details["email"])
    else:
        raise ApiError(400, f"The sandbox has no payment method type '{type}'.", param="type")
    doc = blank(
        "payment_method",
        id=new_id("pm"),
        type=type,
        billing_details=details,
        allow_redisplay="unspecified",
        metadata=metadata or {},
        _behavior=behavior,
        _authenticated=False,
        **{type: body},
    )
    return store.insert("payment_method", doc)


def _card(number, exp_month, exp_year, cvc, details) -> tuple[dict, str]:
    card = _test_card(number)
    year = _check_expiry(exp_month, exp_year)
    if cvc is not None and not (cvc.isdigit() and len(cvc) in (3, 4)):
        raise ApiError(
            402,
            "Your card's security code is invalid.",
            type="card_error",
            code="invalid_cvc",
            param="cvc",
        )
    address = details["address"]
    body = part(
        "payment_method",
        "card",
        brand=card.brand,
        checks={
            "address_line1_check": "pass" if address["line1"] else None,
            "address_postal_code_check": card.postal_check if address["postal_code"] else None,
            "cvc_check": None if cvc is None else card.cvc_check,
        },
        country=card.country,
        display_brand="american_express" if card.brand == "amex" else card.brand,
        exp_month=exp_month,
        exp_year=year,
        fingerprint=fingerprint("card", card.number),
        funding=card.funding,
        last4=card.number[-4:],
        networks={"available": [card.brand], "preferred": None},
        regulated_status="unregulated",
        three_d_secure_usage={"supported": card.brand in ("visa", "mastercard", "amex")},
    )
    return body, card.behavior


# Account numbers of "Test ACH Direct Debit" and what a debit of them comes to.
ACH = {
    "000123456789": ("success", "ok"),
    "000111111113": ("accountClosed", "later:account_closed"),
    "000111111116": ("noAccount", "later:no_account"),
    "000222222227": ("insufficientFunds", "later:insufficient_funds"),
    "000333333335": ("debitNotAuthorized", "later:debit_not_authorized"),
    "000777777771": ("weeklyLimitExceeded", "later:charge_exceeds_source_limit"),
    "000000000009": ("processing", "never"),
}
# The German IBANs of "Test SEPA Direct Debit"; "slow" ones take three days longer.
SEPA = {
    "DE89370400440532013000": ("success", "ok"),
    "DE08370400440532013003": ("successDelayed", "slow"),
    "DE62370400440532013001": ("failed", "later:generic_decline"),
    "DE78370400440532013004": ("failedDelayed", "slow:generic_decline"),
    "DE65370400440000343434": (
        "exceedsWeeklyVolumeLimit",
        "later:charge_exceeds_source_limit",
    ),
    "DE27370400440000121212": (
        "exceedsWeeklyTransactionLimit",
        "later:charge_exceeds_weekly_limit",
    ),
    "DE65370400440002222227": ("insufficientFunds", "later:insufficient_funds"),
}
# The payment methods that tokens such as pm_usBankAccount_success stand for.
_BANK_TOKENS = {
    **{
        f"pm_usBankAccount_{name}": ("us_bank_account", {"account_number": number})
        for number, (name, _) in ACH.items()
    },
    **{
        f"pm_sepaDebit_{name}_de": ("sepa_debit", {"iban": iban})
        for iban, (name, _) in SEPA.items()
    },
    **{f"pm_{name}_de": ("sepa_debit", {"iban": iban}) for iban, (name, _) in SEPA.items()},
    "pm_sepaDebit": ("sepa_debit", {}),
    "pm_sepaDebit_success": ("sepa_debit", {}),
}


def _us_bank_account(bank: dict) -> tuple[dict, str]:
    number = bank.get("account_number") or "000123456789"
    routing = bank.get("routing_number") or "110000000"
    body = part(
        "payment_method",
        "us_bank_account",
        account_holder_type=bank.get("account_holder_type") or "individual",
        account_type=bank.get("account_type") or "checking",
        bank_name="STRIPE TEST BANK",
        fingerprint=fingerprint("us_bank_account", routing + number),
        last4=number[-4:],
        networks={"preferred": "ach", "supported": ["ach"]},
        routing_number=routing,
        status_details={},
    )
    return body, ACH[number][1] if number in ACH else "ok"


def _sepa_debit(bank: dict) -> tuple[dict, str]:
    iban = (bank.get("iban") or "DE89370400440532013000").replace(" ", "").upper()
    body = part(
        "payment_method",
        "sepa_debit",
        bank_code=iban[4:12],
        branch_code="",
        country=iban[:2],
        fingerprint=fingerprint("sepa_debit", iban),
        generated_from={"charge": None, "setup_attempt": None},
        last4=iban[-4:],
    )
    return body, SEPA[iban][1] if iban in SEPA else "ok"


def resolve(id: str, param: str = "payment_method") -> dict:
    """The payment method called `id`; a test token such as pm_card_visa makes a new one."""
    number = token_number(id) if id.startswith("pm_card_") else None
    if number:
        return from_number(number)
    if id in _BANK_TOKENS:
        kind, account = _BANK_TOKENS[id]
        owner = {"name": "Jenny Rosen", "email": "jenny@example.com"}
        return create_payment_method(kind, billing_details=owner, **account)
    found = store.find("payment_method", id)
    if not found:
        raise ApiError(400, f"No such PaymentMethod: '{id}'", code="resource_missing", param=param)
    return found


def from_number(number: str, billing_details: dict | None = None) -> dict:
    """A payment method for a test token's number, expiring a year from now."""
    year, month = _year_month(clock.now())
    return create_payment_method(
        number=number, exp_month=month, exp_year=year + 1, billing_details=billing_details
    )
