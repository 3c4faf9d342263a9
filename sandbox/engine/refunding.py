"""Money given back on a charge."""

from sandbox.engine.changes import emit_updated, snapshot
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.schema import blank
from sandbox.store import new_id, store


def refund(charge: dict, amount: int | None = None, reason: str | None = None, **fields) -> dict:
    """The refund of `amount` minor units, by default of all that is left of the charge.

    ApiError 400 for more than is left, or for a charge that was not paid.
    """
    left = charge["amount_captured"] - charge["amount_refunded"]
    if charge["status"] == "failed" or not charge["captured"]:
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
        raise ApiError(
            400,
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).",
            code="amount_too_large",
            param="amount",
        )
    card = (charge["payment_method_details"] or {}).get("type") == "card"
    made = blank(
        "refund",
        id=new_id("re" if card else "pyr"),
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="succeeded" if card else "pending",
        **({"metadata": {}} | fields),
    )
    for name in ("balance_transaction", "receipt_number", "source_transfer_reversal"):
        made.setdefault(name, None)
    made.setdefault("transfer_reversal", None)
    if card:
        made["destination_details"] = {
            "card": {
                "reference": None,
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        }
    store.insert("refund", made)
    before = snapshot(charge)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    store.save(charge)
    emit("refund.created", made)
    emit_updated("charge.refunded", charge, before)
    return made
