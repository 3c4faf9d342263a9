"""Money given back on a charge, and what becomes of it. Source: Stripe's "Refund and cancel
payments" and "Testing"."""

from sandbox import clock
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.engine.payment import BANK_DEBITS
from sandbox.engine.wording import money
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.schema import blank
from sandbox.store import new_id, random_text, store

DAY = 86_400
# How long a bank account waits for its money; the test cards that change their mind take a day.
BANK_DAYS = 5 * DAY
# How long a pending refund to a test card can still be taken back, in seconds.
CANCELABLE = 30 * 60


def refund(charge: dict, amount: int | None = None, reason: str | None = None, **fields) -> dict:
    """The refund of `amount` minor units, by default of all that is left of the charge.

    ApiError 400 for more than is left, or for a charge that was not paid.
    """
    amount = _check(charge, amount)
    status, settles_at = _course(charge)
    card = _kind(charge) not in BANK_DEBITS
    made = blank(
        "refund",
        id=new_id("re" if card else "pyr"),
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        payment_intent=charge["payment_intent"],
        reason=reason,
        status=status,
        _unsettled=settles_at is not None,
        _settles_at=settles_at,
        **({"metadata": {}} | fields),
    )
    for name in ("balance_transaction", "receipt_number", "source_transfer_reversal"):
        made.setdefault(name, None)
    made.setdefault("transfer_reversal", None)
    made["destination_details"] = _destination(charge, status)
    if status == "pending":
        made["pending_reason"] = "processing"
    store.insert("refund", made)
    before = snapshot(charge)
    _give_back(charge, amount)
    emit("refund.created", made)
    emit_updated("charge.refunded", charge, before)
    return made


def _check(charge: dict, amount: int | None) -> int:
    left = charge["amount_captured"] - charge["amount_refunded"]
    if not charge["paid"] or not charge["captured"]:
        raise ApiError(
            400, f"Charge {charge['id']} has not been paid and cannot be refunded.", param="charge"
        )
    if not left:
        raise ApiError(
            400,
            f"Charge {charge['id']} has already been refunded.",
            code="charge_already_refunded",
        )
    amount = left if amount is None else amount
    if amount < 1:
        raise ApiError(
            400,
            "Invalid positive integer",
            code="parameter_invalid_integer",
            param="amount",
        )
    if amount > left:
        currency = charge["currency"]
        raise ApiError(
            400,
            f"Refund amount ({money(amount, currency)}) is greater than unrefunded amount on "
            f"charge ({money(left, currency)})",
            param="amount",
        )
    return amount


def _kind(charge: dict) -> str:
    return (charge["payment_method_details"] or {}).get("type", "card")


def _course(charge: dict) -> tuple[str, int | None]:
    """The status the refund begins with, and when it changes, if it does."""
    if _kind(charge) in BANK_DEBITS:
        return "pending", clock.now() + BANK_DAYS
    method = store.find("payment_method", charge["payment_method"] or "") or {}
    made_as = method.get("_made_as") or method.get("_behavior")
    if made_as == "refund:late":
        return "pending", clock.now() + DAY
    if made_as == "refund:fail":
        return "succeeded", clock.now() + DAY
    return "succeeded", None


def _destination(charge: dict, status: str) -> dict:
    if _kind(charge) == "us_bank_account":
        transfer = {"reference": None, "reference_status": "pending"}
        return {"type": "us_bank_transfer", "us_bank_transfer": transfer}
    if _kind(charge) == "sepa_debit":
        transfer = {"reference": None, "reference_status": "pending"}
        return {"type": "eu_bank_transfer", "eu_bank_transfer": transfer}
    return {
        "card": {
            "reference": None,
            "reference_status": "pending",
            "reference_type": "acquirer_reference_number",
            "type": "pending" if status == "pending" else "refund",
        },
        "type": "card",
    }


def _give_back(charge: dict, amount: int) -> None:
    """Count `amount` as refunded; a negative one is the charge's again."""
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    store.save(charge)


def settle(made: dict) -> dict:
    """The end of a refund that was on its way: it arrived, or its card does not take it."""
    made.update(_unsettled=False, _settles_at=None)
    if made["status"] == "pending":
        return _move(made, "succeeded")
    return _fail(made, "failed", failure_reason="expired_or_canceled_card")


def cancel(made: dict) -> dict:
    """The pending refund, taken back. ApiError 400 when it cannot be any more."""
    card = made["destination_details"]["type"] == "card"
    late = made["created"] + CANCELABLE <= clock.now()
    if made["status"] != "pending" or not card or late:
        raise ApiError(
            400,
            f"Refund {made['id']} cannot be canceled: its status is {made['status']}.",
        )
    made.update(_unsettled=False, _settles_at=None)
    return _fail(made, "canceled", failure_reason="merchant_request")


def _fail(made: dict, status: str, **why: str) -> dict:
    """The money stays with the account: the charge counts it as not refunded."""
    charge = store.get("charge", made["charge"])
    _give_back(charge, -made["amount"])
    moved = _move(made, status, **why)
    if status == "failed":
        emit("refund.failed", made)
    return moved


def _move(made: dict, status: str, **fields: str) -> dict:
    before = snapshot(made)
    made.update(status=status, pending_reason=None, **fields)
    kind = made["destination_details"]["type"]
    if status == "succeeded" and kind != "card":
        transfer = {"reference": random_text(14).upper(), "reference_status": "available"}
        made["destination_details"] = {"type": kind, kind: transfer}
    store.save(made)
    emit_updated("refund.updated", made, before)
    emit_updated("charge.refund.updated", made, before)
    return made
