"""Publishing a plan: its draft written at Stripe, step by step, and read back into the mirror.

Whatever stops it in the middle, publishing again goes on: the product has the id that was chosen
with the draft, each price is made under the id of its step, and what is made already is seen in
the mirror. The draft ends with the last step.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm.exc import StaleDataError

from billing import plan_drafts, plan_steps, plan_values, sync
from billing.audit import record, record_once
from billing.errors import InvalidRequest, Refused
from billing.gateway import plans as gateway
from billing.plan_drafts import Subject
from billing.plan_steps import CURRENCY, INTERVAL, MARK, RETIRE
from billing.pricing import Cadence, buyable_prices
from models import PlanDraft, Price, Product, db


class NotAsSeen(Refused):
    """The draft was edited since its preview was shown; nothing was published."""

    title = "The draft has changed"
    message = "Somebody edited it since you looked. Nothing was published; this is how it is now."


class NotReady(Refused):
    """The plan lacks something that a plan on sale has."""

    title = "Not ready to be published"


def obstacle(subject: Subject, *, visible: bool = True) -> str | None:
    """Why the plan cannot be published as it is drafted, shown or hidden; None when it can."""
    if subject.product is not None and not subject.product.active:
        return "This plan is archived. Restore it first."
    # Stripe keeps a product's default price from being retired.
    needs_price = visible or any(step["kind"] == RETIRE for step in subject.steps)
    if needs_price and not plan_steps.has_price(subject):
        return "It has no price. Add one before you publish it."
    if plan_drafts.slug_is_taken(str(subject.values["slug"]), subject.product_id):
        return f"Another plan has the address {subject.values['slug']}. Choose another one."
    return None


def publish(product_id: str, *, version: int, visible: bool) -> Product:
    """The plan as it is at Stripe after its draft was written there, shown to visitors or not.

    `version` is that of the draft whose preview was seen, 0 for none. Raises NotAsSeen when it is
    another now, NotReady when something is missing, and what Stripe refuses; publishing again
    then goes on where it stopped.
    """
    subject = _subject(product_id)
    found = subject.draft.version if subject.draft else 0
    if found != version:
        raise NotAsSeen
    hindrance = obstacle(subject, visible=visible)
    if hindrance:
        raise NotReady(f"{hindrance} Nothing was published.")
    edited, steps = subject.edited, plan_steps.to_come(subject)
    if subject.product is None:
        _create(subject)
    for step in steps:
        if step["kind"] != RETIRE:
            _make(product_id, step)
    retiring = {step["price_id"] for step in steps if step["kind"] == RETIRE}
    makes_price = any(step["kind"] == INTERVAL for step in steps)
    _write(product_id, edited, visible=visible, retiring=retiring, makes_price=makes_price)
    for step in steps:
        if step["kind"] == RETIRE:
            _make(product_id, step)
    if edited.get("highlighted"):
        _take_marks_from_others(product_id)
    _finish(product_id, version)
    return db.session.get_one(Product, product_id)


def _subject(product_id: str) -> Subject:
    subject = plan_drafts.find(product_id)
    if subject is None:
        raise Refused("This plan is not there any more. Nothing was published.")
    return subject


def _create(subject: Subject) -> None:
    """The product, hidden until it has its prices."""
    values, product_id = subject.values, subject.product_id
    metadata = plan_values.metadata(values) | {
        "public": "false",
        "position": str(plan_drafts.next_position()),
    }
    db.session.commit()
    try:
        gateway.create(
            product_id,
            name=values["name"],
            description=values["description"],
            features=values["features"],
            metadata=metadata,
        )
    except InvalidRequest as error:
        # Its answer was lost the last time.
        if error.code != "resource_already_exists":
            raise
    record_once("plan.created", product_id, after=values)
    sync.pull("product", product_id)


def _make(product_id: str, step: dict[str, Any]) -> None:
    """Makes one change of prices at Stripe and reads it back."""
    product = db.session.get_one(Product, product_id)
    slug, tax_behavior = product.slug, _tax_behavior(product)
    db.session.commit()
    if step["kind"] == INTERVAL:
        when = plan_steps.cadence(step["interval"], step["count"])
        price_id = gateway.create_price(
            product=product_id,
            interval=step["interval"],
            interval_count=step["count"],
            amounts=dict(step["amounts"]),
            lookup_key=f"{slug}_{when.key}",
            tax_behavior=tax_behavior,
            metadata={MARK: step["id"]},
            idempotency_key=f"plan-price-{step['id']}",
        ).id
        record_once("price.created", price_id, after={**step, "product": product_id})
    elif step["kind"] == CURRENCY:
        price_id = step["price_id"]
        gateway.add_currency(price_id, step["currency"], step["amount"], tax_behavior=tax_behavior)
        record("price.currency_added", price_id, before={}, after=step)
    else:
        price_id = step["price_id"]
        gateway.retire_price(price_id)
        record("price.retired", price_id, before={"active": True}, after={"active": False})
    sync.pull("price", price_id)


def _tax_behavior(product: Product) -> str | None:
    """Whether the plan's prices include tax, as those it has say; None when they do not."""
    said = {price.tax_behavior for price in buyable_prices(product)} - {None, "unspecified"}
    return said.pop() if len(said) == 1 else None


def _write(
    product_id: str, edited: dict[str, Any], *, visible: bool, retiring: set[str], makes_price: bool
) -> None:
    """Writes what was edited, and which price comes first where that one ends or there was none."""
    if retiring:
        # Stripe refuses to retire a default price that we have not heard of.
        sync.pull("product", product_id)
    product = db.session.get_one(Product, product_id)
    held = _subject(product_id).published
    edited = {name: value for name, value in edited.items() if held[name] != value}
    left = [price for price in buyable_prices(product) if price.stripe_id not in retiring]
    default = product.default_price_id
    wanted = None
    # One that never had a default price is the operator's to decide about.
    if left and (default in retiring or (default is None and makes_price)):
        wanted = _first(left, db.session.get(Price, default) if default else None).stripe_id
    metadata = plan_values.metadata(edited)
    before = {name: held[name] for name in edited}
    after = dict(edited)
    if product.public != visible:
        metadata["public"] = "true" if visible else "false"
        before["public"], after["public"] = product.public, visible
    if wanted:
        before["default_price"], after["default_price"] = default, wanted
    db.session.commit()
    if not after:
        return
    gateway.update(
        product_id,
        name=edited.get("name"),
        description=edited.get("description"),
        features=edited.get("features"),
        metadata=metadata or None,
        default_price=wanted,
    )
    record("plan.published", product_id, before=before, after=after)
    sync.pull("product", product_id)


def _first(prices: list[Price], former: Price | None) -> Price:
    """The price that takes the place of `former`: one of its interval, else the shortest."""
    same = [p for p in prices if former is not None and Cadence.of(p) == Cadence.of(former)]
    return same[0] if same else min(prices, key=Cadence.of)


def _take_marks_from_others(product_id: str) -> None:
    """At most one plan is marked as the one most chosen."""
    marked = [p.stripe_id for p in plan_drafts.plans() if p.highlighted]
    for other in marked:
        if other != product_id:
            db.session.commit()
            gateway.update(other, metadata=plan_values.metadata({"highlighted": False}))
            record(
                "plan.mark_moved",
                other,
                before={"highlighted": True},
                after={"highlighted": False, "now": product_id},
            )
            sync.pull("product", other)


def _finish(product_id: str, version: int) -> None:
    """Ends the draft; what was edited in the meantime stays one."""
    draft = db.session.get(PlanDraft, product_id, populate_existing=True)
    if draft is None:
        return
    if draft.version == version:
        db.session.delete(draft)
    else:
        # Only what was edited since is to be written next time.
        draft.is_new, draft.base = False, _subject(product_id).published
    try:
        db.session.commit()
    except StaleDataError:
        db.session.rollback()
