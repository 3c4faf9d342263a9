"""Customer balance transactions: every change of what a customer is owed (negative) or owes."""

from __future__ import annotations

from typing import Any

from sandbox import events
from sandbox.protocol import assign, computed, endpoint, lists, merge_metadata, missing
from sandbox.resources.account import DEFAULT_CURRENCY
from sandbox.schema import blank
from sandbox.store import new_id, store

KIND = "customer_balance_transaction"
ROOT = "/v1/customers/<customer>/balance_transactions"


def of(customer: dict[str, Any], currency: str) -> int:
    """What the customer owes in `currency`, in minor units; negative is credit.

    Each currency has a balance of its own; the customer shows the one in its own currency.
    Source: Stripe's "Multi-currency customers".
    """
    if currency == (customer["currency"] or DEFAULT_CURRENCY):
        return customer["balance"] or 0
    return customer.get("_other_balances", {}).get(currency, 0)


def use_currency(customer: dict[str, Any], currency: str) -> None:
    """Make `currency` the customer's own, and the balance in it the one that is shown."""
    shown, former = of(customer, currency), customer["currency"] or DEFAULT_CURRENCY
    others = {**customer.get("_other_balances", {}), former: customer["balance"] or 0}
    others.pop(currency, None)
    customer.update(currency=currency, balance=shown, _other_balances=others)


@computed("customer", "invoice_credit_balance")
def invoice_credit_balance(customer: dict[str, Any]) -> dict[str, int]:
    """What is left in each currency, credit positive here."""
    others = customer.get("_other_balances", {})
    balances = {customer["currency"] or DEFAULT_CURRENCY: customer["balance"] or 0, **others}
    return {currency: -amount for currency, amount in balances.items() if amount}


def record(
    customer: dict[str, Any], amount: int, type: str, currency: str | None = None, **fields: Any
) -> dict[str, Any]:
    """Change the customer's balance in `currency` by `amount` (minor units; negative is credit).

    Saves the customer with its new balance, emits customer.updated, gives the transaction.
    """
    before = store.get("customer", customer["id"])
    currency = currency or customer["currency"] or DEFAULT_CURRENCY
    if not customer["currency"]:
        use_currency(customer, currency)
    ending = of(before, currency) + amount
    if currency == customer["currency"]:
        customer["balance"] = ending
    else:
        customer["_other_balances"] = {**before.get("_other_balances", {}), currency: ending}
    transaction = store.insert(
        KIND,
        blank(
            KIND,
            id=new_id("cbtxn"),
            amount=amount,
            currency=currency,
            customer=customer["id"],
            ending_balance=ending,
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
