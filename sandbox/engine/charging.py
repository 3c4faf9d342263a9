"""Payment intents and their charges, without regard to what they pay for."""

from sandbox import cards, clock
from sandbox.engine import mandates
from sandbox.engine.payment import BANK_DEBITS, Outcome, settlement
from sandbox.events import emit
from sandbox.pages.urls import bank_url, base_url
from sandbox.schema import blank, part
from sandbox.store import new_id, random_text, store


def new_intent(amount: int, currency: str, **fields) -> dict:
    """A stored payment intent that waits for a payment method, announced by its event."""
    id = new_id("pi")
    fields.setdefault("payment_method_types", ["card"])
    intent = blank(
        "payment_intent",
        id=id,
        amount=amount,
        currency=currency,
        client_secret=f"{id}_secret_{random_text(25)}",
        capture_method=fields.pop("capture_method", "automatic_async"),
        confirmation_method="automatic",
        amount_details={"tip": {}},
        status="requires_payment_method",
        **fields,
    )
    intent["payment_method_options"] = {
        "card": {
            "installments": None,
            "mandate_options": None,
            "network": None,
            "request_three_d_secure": "automatic",
        }
    }
    store.insert("payment_intent", intent)
    emit("payment_intent.created", intent)
    return intent


def next_action(intent: dict, return_url: str | None) -> dict:
    """Where the customer confirms with the bank: a redirect when `return_url` is known."""
    if return_url:
        return {
            "redirect_to_url": {"return_url": return_url, "url": bank_url(intent, return_url)},
            "type": "redirect_to_url",
        }
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"stripe_js": bank_url(intent), "type": "three_d_secure_redirect"},
    }


def conclude(
    intent: dict, payment_method: dict, outcome: Outcome, return_url: str | None = None
) -> dict:
    """Bring the intent to where `outcome` leads, with its charge and events."""
    if outcome.status == "requires_action":
        intent.update(
            status="requires_action",
            payment_method=payment_method["id"],
            next_action=next_action(intent, return_url),
            last_payment_error=None,
        )
        store.save(intent)
        emit("payment_intent.requires_action", intent)
        return intent
    intent["next_action"] = None
    charge = _charge(intent, payment_method, outcome)
    intent["latest_charge"] = charge["id"]
    if outcome.status == "declined":
        return _decline(intent, payment_method, charge, outcome)
    intent.update(payment_method=payment_method["id"], last_payment_error=None)
    if outcome.status == "processing":
        takes = settlement(payment_method)
        intent.update(status="processing", _settles_at=takes and clock.now() + takes)
        store.save(intent)
        emit("charge.pending", charge)
        emit("payment_intent.processing", intent)
    elif intent["capture_method"] == "manual":
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        store.save(intent)
        emit("charge.succeeded", charge)
        emit("payment_intent.amount_capturable_updated", intent)
    else:
        intent.update(status="succeeded", amount_received=intent["amount"])
        store.save(intent)
        emit("charge.succeeded", charge)
        emit("payment_intent.succeeded", intent)
    return intent


def settle(intent: dict, payment_method: dict, outcome: Outcome) -> dict:
    """End a bank debit that was in processing."""
    charge = store.get("charge", intent["latest_charge"])
    intent.pop("_settles_at", None)
    if outcome.status == "declined":
        charge.update(status="failed", paid=False, **_failure(outcome, payment_method))
        store.save(charge)
        return _decline(intent, payment_method, charge, outcome)
    charge.update(status="succeeded", paid=True)
    store.save(charge)
    intent.update(status="succeeded", amount_received=intent["amount"])
    store.save(intent)
    emit("charge.succeeded", charge)
    emit("payment_intent.succeeded", intent)
    return intent


def fail_authentication(intent: dict) -> dict:
    """The bank did not confirm the customer."""
    intent.update(
        status="requires_payment_method",
        next_action=None,
        last_payment_error=authentication_error(intent, "payment_intent"),
        payment_method=None,
    )
    store.save(intent)
    emit("payment_intent.payment_failed", intent)
    return intent


def authentication_error(intent: dict, kind: str) -> dict:
    """What the intent holds after the customer failed or left 3-D Secure."""
    code = f"{kind}_authentication_failure"
    method = store.find("payment_method", intent["payment_method"])
    return {
        "code": code,
        "doc_url": f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}",
        "message": "We are unable to authenticate your payment method. Please choose a different "
        "payment method and try again.",
        "payment_method": method and cards.public(method),
        "type": "card_error" if kind == "payment_intent" else "invalid_request_error",
    }


def cancel(intent: dict, reason: str | None) -> dict:
    """The intent, canceled for good; what was reserved or on its way is let go."""
    charge = store.find("charge", intent["latest_charge"] or "")
    if charge and charge["status"] == "pending":
        charge.update(status="failed", failure_message="The payment was canceled.")
        store.save(charge)
        emit("charge.failed", charge)
    elif charge and charge["status"] == "succeeded" and not charge["captured"]:
        charge.update(refunded=True, amount_refunded=charge["amount"])
        store.save(charge)
        emit("charge.refunded", charge)
    intent.update(
        status="canceled",
        canceled_at=clock.now(),
        cancellation_reason=reason,
        next_action=None,
        amount_capturable=0,
    )
    intent.pop("_settles_at", None)
    store.save(intent)
    emit("payment_intent.canceled", intent)
    return intent


def capture(intent: dict, amount: int) -> dict:
    """Collect what was only reserved."""
    charge = store.get("charge", intent["latest_charge"])
    charge.update(captured=True, amount_captured=amount)
    store.save(charge)
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    store.save(intent)
    emit("charge.captured", charge)
    emit("payment_intent.succeeded", intent)
    return intent


def _decline(intent, payment_method, charge, outcome) -> dict:
    error = cards.error_object(outcome.decline_code, payment_method) | {"charge": charge["id"]}
    intent.update(status="requires_payment_method", last_payment_error=error, payment_method=None)
    store.save(intent)
    emit("charge.failed", charge)
    emit("payment_intent.payment_failed", intent)
    return intent


def _failure(outcome: Outcome, payment_method: dict) -> dict:
    code, message, advice = cards.failure(outcome.decline_code, payment_method)
    return {
        "failure_code": outcome.decline_code if payment_method["type"] in BANK_DEBITS else code,
        "failure_message": message,
        "outcome": part(
            "charge",
            "outcome",
            advice_code=advice,
            network_status="declined_by_network",
            reason=outcome.decline_code,
            risk_level="normal",
            risk_score=20,
            seller_message="The bank did not return any further details with this decline.",
            type="issuer_declined",
        ),
    }


def _charge(intent: dict, payment_method: dict, outcome: Outcome) -> dict:
    id = new_id("py" if payment_method["type"] != "card" else "ch")
    paid = outcome.status in ("succeeded", "processing")
    status = {"succeeded": "succeeded", "processing": "pending", "declined": "failed"}
    captured = paid and intent["capture_method"] != "manual"
    charge = blank(
        "charge",
        id=id,
        amount=intent["amount"],
        amount_captured=intent["amount"] if captured else 0,
        billing_details=payment_method["billing_details"],
        calculated_statement_descriptor="SANDBOX",
        captured=captured,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        fraud_details={},
        metadata=dict(intent["metadata"]),
        paid=outcome.status == "succeeded",
        payment_intent=intent["id"],
        payment_method=payment_method["id"],
        payment_method_details=_details(payment_method),
        receipt_email=intent["receipt_email"],
        receipt_url=f"{base_url()}/receipts/{id}",
        status=status[outcome.status],
    )
    if outcome.status == "declined":
        charge.update(_failure(outcome, payment_method), receipt_url=None)
    else:
        charge["outcome"] = part(
            "charge",
            "outcome",
            network_status="approved_by_network",
            risk_level="normal",
            risk_score=20,
            seller_message="Payment complete.",
            type="authorized",
        )
    return store.insert("charge", charge)


def _details(payment_method: dict) -> dict:
    kind = payment_method["type"]
    own = payment_method[kind]
    known = part("charge", f"payment_method_details.{kind}")
    shared = {name: value for name, value in own.items() if name in known}
    body = known | shared
    if kind == "card":
        body |= {"network": own["brand"], "checks": own["checks"]}
    elif kind in BANK_DEBITS:
        body["mandate"] = mandates.of(payment_method)["id"]
    return {kind: body, "type": kind}
