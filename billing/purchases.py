"""Buying something once: what is on sale, paying for it, calling it off, letting it go.

What was paid for is told by the payment intent alone: `billing.purchase_grants` reads it whenever
it is written into the mirror. No tax is computed: Stripe works out none for payment intents.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from billing import customers, sync
from billing.audit import record
from billing.clock import now
from billing.errors import (
    BillingError,
    CardDeclined,
    GoneFromStripe,
    InvalidRequest,
    Refused,
    StripeBusy,
    StripeUnavailable,
)
from billing.gateway import payment_intents as gateway
from billing.pricing import fixed_currency
from models import Account, PaymentMethod, Price, Product, Purchase, PurchaseGrant, db

log = logging.getLogger(__name__)

MOST = 99
ABANDONED_AFTER = timedelta(hours=24)
CREDITS = "credits"


class AlreadyPaid(Refused):
    title = "This is paid"
    message = "It was paid already, so you were not charged again."


class OnItsWay(Refused):
    title = "A payment is on its way"
    message = "A payment for this is on its way already. You were not charged again."


class CalledOff(Refused):
    title = "This was called off"
    message = (
        "It was called off, or left for a day, so it cannot be paid any more. You were not charged."
    )


class AmountChanged(Refused):
    title = "The amount has changed"
    message = "The amount has changed since you opened this page. You were not charged."


class NotOnSale(Refused):
    title = "This is not for sale any more"
    message = "It is not sold at this price any more. You were not charged."


@dataclass(frozen=True)
class Item:
    """Something on sale, in one currency. `unit_amount` is minor units for one of it."""

    product: Product
    price: Price
    currency: str
    unit_amount: int

    @property
    def grants(self) -> str:
        """What is granted for it: "credits", "setup" or another word of the product's."""
        return self.product.purchase or ""

    @property
    def units_each(self) -> int:
        return (self.product.credits or 1) if self.grants == CREDITS else 1

    def amount(self, quantity: int) -> int:
        return self.unit_amount * quantity


# What is on sale --------------------------------------------------------------------------------


def on_sale(account: Account | None, currency: str | None = None) -> list[Item]:
    """Everything that can be bought once, in the account's own currency where it is sold in it.

    `currency` is what an account that is bound to none asks for.
    """
    wanted = fixed_currency(account) or currency
    found = [_item(price, wanted) for price in _prices()]
    return [item for item in found if item is not None]


def find_item(account: Account, price_id: str, currency: str | None = None) -> Item | None:
    """That price as `on_sale` has it; None when it is not for sale."""
    found = on_sale(account, currency)
    return next((item for item in found if item.price.stripe_id == price_id), None)


def is_anything_on_sale() -> bool:
    return bool(_prices())


def _prices() -> Sequence[Price]:
    """Active one-time prices of active products that say what they grant, the cheapest first."""
    return db.session.scalars(
        select(Price)
        .join(Product, Product.stripe_id == Price.product_id)
        .where(
            Price.active,
            Price.type == "one_time",
            Price.billing_scheme == "per_unit",
            Price.unit_amount > 0,
            Price.deleted_at.is_(None),
            Product.active,
            Product.public,
            Product.purchase.is_not(None),
            Product.deleted_at.is_(None),
        )
        .order_by(Product.position, Product.created, Price.unit_amount, Price.stripe_id)
    ).all()


def _item(price: Price, currency: str | None) -> Item | None:
    if price.product is None or price.data.get("transform_quantity"):
        return None
    code = currency if currency in price.currencies else price.currency
    unit = price.unit_amount_in(code)
    return Item(price.product, price, code, unit) if unit else None


# What was bought --------------------------------------------------------------------------------


def of(account: Account) -> Sequence[Purchase]:
    """The account's purchases, the newest first; those called off before they were paid too."""
    return db.session.scalars(
        select(Purchase)
        .where(Purchase.account_id == account.id)
        .order_by(Purchase.created_at.desc(), Purchase.id)
    ).all()


def has_any(account: Account) -> bool:
    found = select(Purchase.id).where(Purchase.account_id == account.id).limit(1)
    return db.session.scalar(found) is not None


def find(account: Account, purchase_id: str) -> Purchase | None:
    """The account's purchase of that id; None for another's and for none."""
    return db.session.scalar(
        select(Purchase).where(Purchase.id == purchase_id, Purchase.account_id == account.id)
    )


def credits_bought(account: Account) -> int:
    """Credits granted by all purchases, less those taken back by refunds."""
    found = db.session.scalar(
        select(db.func.coalesce(db.func.sum(PurchaseGrant.units), 0)).where(
            PurchaseGrant.account_id == account.id, PurchaseGrant.kind == CREDITS
        )
    )
    return int(found or 0)


# Buying -----------------------------------------------------------------------------------------


def start(
    account: Account,
    item: Item,
    quantity: int,
    *,
    shown_amount: int,
    attempt: str,
    user_id: int,
    email: str,
) -> Purchase:
    """The purchase that a summary was agreed to for, with its payment waiting to be made.

    The same `attempt` (the token of the form) gets the same purchase. Nothing is charged. Raises
    AmountChanged when `shown_amount` (minor units) is not what it costs now.
    """
    account_id = account.id
    key = f"purchase:{account_id}:{attempt}"
    purchase = _by_key(key)
    if purchase is None and shown_amount != item.amount(quantity):
        raise AmountChanged
    with _nothing_done_yet():
        customer_id = customers.of(account, email=email)
    if purchase is None:
        purchase = _store(
            Purchase(
                id=secrets.token_urlsafe(12),
                account_id=account_id,
                user_id=user_id,
                product_id=item.product.stripe_id,
                price_id=item.price.stripe_id,
                name=item.product.name,
                quantity=quantity,
                unit_amount=item.unit_amount,
                amount=item.amount(quantity),
                currency=item.currency,
                grants=item.grants,
                units_each=item.units_each,
                idempotency_key=key,
                created_at=now(),
                expires_at=now() + ABANDONED_AFTER,
            )
        )
    if purchase.payment_intent_id is None and purchase.is_open:
        _create_payment(purchase, customer_id)
    return purchase


def _by_key(key: str) -> Purchase | None:
    return db.session.scalar(select(Purchase).where(Purchase.idempotency_key == key))


def _store(purchase: Purchase) -> Purchase:
    """Stores it before Stripe is asked; a second press of the button finds the first one's."""
    key = purchase.idempotency_key
    db.session.add(purchase)
    record(
        "purchase.started",
        purchase.id,
        after={
            "price": purchase.price_id,
            "quantity": purchase.quantity,
            "amount": purchase.amount,
            "currency": purchase.currency,
        },
    )
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        held = _by_key(key)
        if held is None:
            raise
        return held
    return purchase


def _create_payment(purchase: Purchase, customer_id: str) -> None:
    try:
        with _nothing_done_yet():
            intent = gateway.create(
                customer_id=customer_id,
                amount=purchase.amount,
                currency=purchase.currency,
                description=_description(purchase, purchase.quantity),
                metadata=_metadata(purchase, purchase.quantity),
                idempotency_key=purchase.idempotency_key,
            )
    except InvalidRequest as error:
        purchase.status = "canceled"
        db.session.commit()
        raise NotOnSale from error
    db.session.execute(
        update(Purchase).where(Purchase.id == purchase.id).values(payment_intent_id=intent.id)
    )
    db.session.commit()
    with _nothing_done_yet():
        sync.pull("payment_intent", intent.id)


def _description(purchase: Purchase, quantity: int) -> str:
    return purchase.name if quantity == 1 else f"{quantity} \N{MULTIPLICATION SIGN} {purchase.name}"


def _metadata(purchase: Purchase, quantity: int) -> dict[str, str]:
    return {"purchase": purchase.id, "quantity": str(quantity)}


def change_quantity(purchase: Purchase, quantity: int) -> None:
    """Buys another number of it, before it is paid; refused once a payment is on its way."""
    _look(purchase)
    before = purchase.quantity
    if quantity == before:
        return
    assert purchase.payment_intent_id is not None
    try:
        gateway.update(
            purchase.payment_intent_id,
            amount=purchase.unit_amount * quantity,
            description=_description(purchase, quantity),
            metadata=_metadata(purchase, quantity),
        )
    except (InvalidRequest, GoneFromStripe):
        _look(purchase)
        raise
    record(
        "purchase.quantity_changed",
        purchase.id,
        before={"quantity": before},
        after={"quantity": quantity},
    )
    db.session.commit()
    sync.pull("payment_intent", purchase.payment_intent_id)


def pay(
    purchase: Purchase, method: PaymentMethod, *, shown_amount: int, attempt: str, return_url: str
) -> str | None:
    """Charges a saved method; the bank's page when the buyer has to confirm there, else None.

    `shown_amount` (minor units) is what the buyer agreed to; `attempt` is the token of the form
    they sent, so that a second press repeats the first. A bank debit is on its way afterwards.
    Raises AlreadyPaid, OnItsWay, CalledOff, AmountChanged, CardDeclined, StripeUnavailable when the
    outcome is not known.
    """
    _look(purchase)
    _check_amount(purchase, shown_amount)
    payment_intent_id = purchase.payment_intent_id
    assert payment_intent_id is not None
    key = f"pay:{payment_intent_id}:{method.stripe_id}:{attempt}"
    record(
        "purchase.payment_started",
        purchase.id,
        after={
            "amount": shown_amount,
            "currency": purchase.currency,
            "payment_method": method.stripe_id,
            "idempotency_key": key,
        },
    )
    db.session.commit()
    try:
        url = gateway.confirm(
            payment_intent_id,
            payment_method_id=method.stripe_id,
            return_url=return_url,
            idempotency_key=key,
        )
    except CardDeclined:
        sync.pull("payment_intent", payment_intent_id)
        raise
    except (InvalidRequest, GoneFromStripe):
        _look(purchase)
        raise
    sync.pull("payment_intent", payment_intent_id)
    return url


def client_secret(purchase: Purchase, *, shown_amount: int) -> str:
    """What lets the buyer's browser pay with a card that is not saved, for the amount it shows.

    Raises as `pay` does. It is for that page and kept nowhere.
    """
    _look(purchase)
    _check_amount(purchase, shown_amount)
    with _nothing_done_yet():
        secret = gateway.client_secret(str(purchase.payment_intent_id))
    if secret is None:
        raise Refused("This could not be started. You were not charged. Please try again.")
    return secret


def look(purchase: Purchase) -> None:
    """Asks Stripe how the payment stands, for whoever comes back from paying."""
    if purchase.payment_intent_id is not None:
        sync.pull("payment_intent", purchase.payment_intent_id)
        db.session.refresh(purchase)


def call_off(purchase: Purchase) -> None:
    """Cancels the payment, so that it can never be charged. Raises AlreadyPaid and OnItsWay."""
    if purchase.status == "canceled":
        return
    _end(purchase, "requested_by_customer")
    _refuse_what_is_paid(purchase)


def expire_due(moment: datetime) -> tuple[int, int]:
    """Cancels what was left unpaid for a day; how many ended, and how many could not be asked for.

    One that turns out to be paid or on its way counts for neither.
    """
    due = db.session.scalars(
        select(Purchase).where(Purchase.status == "open", Purchase.expires_at <= moment)
    ).all()
    ended = failed = 0
    for purchase in due:
        try:
            _end(purchase, "abandoned")
        except BillingError as error:
            db.session.rollback()
            failed += 1
            log.warning("purchase %s could not be ended: %s", purchase.id, type(error).__name__)
            continue
        ended += purchase.status == "canceled"
    return ended, failed


def _end(purchase: Purchase, reason: gateway.Reason) -> None:
    # A bank debit on its way can be cancelled at Stripe too, and is not.
    look(purchase)
    if not purchase.is_open:
        return
    if purchase.payment_intent_id is None:
        # Stripe's answer was lost, and nobody has the secret that could pay it.
        purchase.status = "canceled"
    else:
        try:
            gateway.cancel(purchase.payment_intent_id, reason=reason)
        except (InvalidRequest, GoneFromStripe):
            look(purchase)
            return
    record(
        "purchase.called_off", purchase.id, after={"reason": reason}, account_id=purchase.account_id
    )
    db.session.commit()
    look(purchase)


def _look(purchase: Purchase) -> None:
    """Refuses unless it still can be paid, as Stripe has it now."""
    with _nothing_done_yet():
        look(purchase)
    _refuse_what_is_paid(purchase)
    if purchase.status == "canceled" or purchase.payment_intent_id is None:
        raise CalledOff


def _refuse_what_is_paid(purchase: Purchase) -> None:
    if purchase.is_paid:
        raise AlreadyPaid
    if purchase.is_processing:
        raise OnItsWay


def _check_amount(purchase: Purchase, shown_amount: int) -> None:
    if shown_amount != purchase.amount:
        raise AmountChanged


@contextmanager
def _nothing_done_yet() -> Iterator[None]:
    """Before anything can be charged, no answer means that nothing was, and that is what to say."""
    try:
        yield
    except StripeUnavailable as error:
        raise StripeBusy from error
