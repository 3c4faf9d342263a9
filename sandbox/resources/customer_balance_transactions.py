"""Customer balance transactions: every change of what a customer is owed (negative) or owes."""

from __future__ import annotations

from typing import Any

from sandbox import events
from sandbox.protocol import assign, endpoint, lists, merge_metadata, missing
from sandbox.resources.account import DEFAULT_CURRENCY
from sandbox.schema import blank
from sandbox.store import new_id, store

KIND = "customer_balance_transaction"
ROOT = "/v1/customers/<customer>/balance_transactions"


def record(
    customer: dict[str, Any], amount: int, type: str, currency: str | None = None, **fields: Any
) -> dict[str, Any]:
    """Change the customer's balance by `amount` (minor units; negative is credit).

    Saves the customer with its new balance, emits customer.updated, gives the transaction.
    """
    before = store.get("customer", customer["id"])
    customer["balance"] = before["balance"] + amount
    if currency and not customer["currency"]:
        customer["currency"] = currency
    transaction = store.insert(
        KIND,
        blank(
            KIND,
            id=new_id("cbtxn"),
            amount=amount,
            currency=currency or customer["currency"] or DEFAULT_CURRENCY,
            customer=customer["id"],
            ending_balance=customer["balance"],
            type=type,
            **({"metadata": {}} | fields),
        ),
    )
    events.changed("customer.updated", customer, before)
    return transaction


@endpoint("POST", ROOT, params="CustomerBalanceTransactionCreateParams")
def create(customer: str, params: dict[str, Any]) -> dict[str, Any]:
    owner = store.get("customer", customer, "customer")
    transaction = record(owner, params["amount"], "adjustment", params["currency"].lower())
    assign(transaction, params, "description")
    merge_metadata(transaction, params)
    return store.save(transaction)


@endpoint("GET", ROOT, params="CustomerBalanceTransactionListParams")
def listed(customer: str, params: dict[str, Any]) -> dict[str, Any]:
    store.get("customer", customer, "customer")
    return lists(KIND, params, where={"customer": customer, "invoice": params.get("invoice")})


@endpoint("GET", f"{ROOT}/<id>", params="CustomerBalanceTransactionRetrieveParams")
def retrieve(customer: str, id: str, params: dict[str, Any]) -> dict[str, Any]:
    return _owned(customer, id)


@endpoint("POST", f"{ROOT}/<id>", params="CustomerBalanceTransactionUpdateParams")
def update(customer: str, id: str, params: dict[str, Any]) -> dict[str, Any]:
    transaction = _owned(customer, id)
    assign(transaction, params, "description")
    merge_metadata(transaction, params)
    return store.save(transaction)


def _owned(customer: str, id: str) -> dict[str, Any]:
    transaction = store.find(KIND, id)
    if transaction is None or transaction["customer"] != customer:
        raise missing(KIND, id)
    return transaction
