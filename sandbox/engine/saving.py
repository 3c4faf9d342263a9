"""Payment methods in a customer's wallet."""

from sandbox.cards import resolve
from sandbox.engine.payment import check_attachable
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.store import store


def attach(payment_method: dict, customer_id: str) -> dict:
    """The payment method, attached; attaching it again to the same customer changes nothing.

    ApiError 402 for a declining card, 400 when it belongs to somebody else.
    """
    if payment_method["customer"] == customer_id:
        return payment_method
    if payment_method["customer"]:
        raise ApiError(
            400,
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    if payment_method.get("_detached"):
        raise ApiError(
            400,
            "This PaymentMethod was previously used without being attached to a Customer or was "
            "detached from a Customer, and may not be used again.",
        )
    check_attachable(payment_method)
    payment_method["customer"] = customer_id
    store.save(payment_method)
    emit("payment_method.attached", payment_method)
    return payment_method


def detach(payment_method: dict) -> dict:
    """The payment method without a customer; it is no longer anybody's default."""
    customer_id = payment_method["customer"]
    if not customer_id:
        raise ApiError(
            400,
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible.",
        )
    _forget(payment_method["id"], customer_id)
    payment_method.update(customer=None, _detached=True)
    store.save(payment_method)
    emit("payment_method.detached", payment_method, {"customer": customer_id})
    return payment_method


def _forget(id: str, customer_id: str) -> None:
    customer = store.find("customer", customer_id)
    if customer and customer["invoice_settings"].get("default_payment_method") == id:
        customer["invoice_settings"]["default_payment_method"] = None
        store.save(customer)
        emit("customer.updated", customer, {"invoice_settings": {"default_payment_method": id}})
    for subscription in store.all("subscription", customer=customer_id):
        if subscription["default_payment_method"] == id:
            subscription["default_payment_method"] = None
            store.save(subscription)
            emit("customer.subscription.updated", subscription, {"default_payment_method": id})


def owned(id: str, customer_id: str, param: str) -> dict:
    """The customer's payment method called `id`; ApiError 400 when it is not theirs."""
    payment_method = resolve(id, param)
    if payment_method["customer"] != customer_id:
        raise ApiError(
            400,
            f"The customer does not have a payment method with the ID {id}. The payment method "
            "must be attached to the customer.",
            code="resource_missing",
            param=param,
        )
    return payment_method


def default_of(customer: dict, *holders: dict | None) -> dict | None:
    """The payment method to charge: the first holder's own, else the customer's default."""
    ids = [holder["default_payment_method"] for holder in holders if holder]
    ids.append((customer.get("invoice_settings") or {}).get("default_payment_method"))
    for id in ids:
        found = store.find("payment_method", id) if id else None
        if found and found["customer"] == customer["id"]:
            return found
    return None
