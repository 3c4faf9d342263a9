"""What Stripe's JSON says each column of the mirror should hold, and the comparison of the two.

It reads Stripe's JSON on its own: nothing here is shared with `billing.sync`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from stripe import InvalidRequestError, StripeClient

from models import MIRRORED, db

# Columns that are ours, not Stripe's.
BOOKKEEPING = {"data", "pulled_at", "deleted_at", "version"}
# What the tests' purchases carry: the payments of invoices are told by their invoices.
PURCHASE = {"purchase": "abc"}
# What a discount takes off is kept with it.
COUPON = "discounts.source.coupon"
# Not kept of a payment: what lets somebody act on it; of its last error only the reasons are.
NOT_KEPT = {"client_secret", "next_action", "last_payment_error"}
# What Stripe changes without telling: nothing of ours reads it. A refund carries its charge as it
# stood when the refund was pulled.
UNTOLD = {
    "customer": {"next_invoice_sequence"},
    "refund": {"charge"},
    "payment_intent": NOT_KEPT,
    # Kept with what their intents say, and compared as rows of their own.
    "invoice": {"payments"},
}


def at(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)


def same(o: dict[str, Any], fields: str) -> dict[str, Any]:
    return {field: o[field] for field in fields.split()}


def moments(o: dict[str, Any], fields: str) -> dict[str, Any]:
    return {field: at(o[field]) for field in fields.split()}


def ref(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else value["id"]


def total(amounts: list[dict[str, Any]] | None) -> int:
    return sum(entry["amount"] for entry in (amounts or ()))


def expected_product(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "slug": o["metadata"].get("slug"),
        "name": o["name"],
        "description": o["description"],
        "active": o["active"],
        "public": o["metadata"].get("public", "true") == "true",
        "highlighted": o["metadata"].get("highlight") == "true",
        "position": int(o["metadata"].get("position", 0)),
        **{
            field: int(o["metadata"][field]) if field in o["metadata"] else None
            for field in ("min_seats", "max_seats", "trial_days", "grace_days")
        },
        "changes_to": o["metadata"]["changes_to"].split(",")
        if "changes_to" in o["metadata"]
        else None,
        "purchase": o["metadata"].get("purchase"),
        "credits": int(o["metadata"]["credits"]) if "credits" in o["metadata"] else None,
        "trial_needs_method": o["metadata"].get("trial_needs_method", "true") == "true",
        "pausable": o["metadata"].get("pausable") == "true",
        "features": [f["name"] for f in o["marketing_features"]],
        "default_price_id": ref(o["default_price"]),
    }


def expected_price(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "product_id": ref(o["product"]),
        **same(
            o,
            "active type currency unit_amount unit_amount_decimal billing_scheme "
            "tiers_mode tiers currency_options lookup_key nickname tax_behavior",
        ),
        **{
            field: o["recurring"][field] if o["recurring"] else None
            for field in ("interval", "interval_count", "usage_type")
        },
    }


def expected_customer(o: dict[str, Any]) -> dict[str, Any]:
    return {
        **same(o, "email name currency balance delinquent"),
        "country": o["address"]["country"] if o["address"] else None,
        "default_payment_method_id": ref(o["invoice_settings"]["default_payment_method"]),
    }


def expected_payment_method(o: dict[str, Any]) -> dict[str, Any]:
    own = o[o["type"]]
    return {
        "customer_id": ref(o["customer"]),
        "type": o["type"],
        "brand": own.get("brand") or own.get("bank_name"),
        **{field: own.get(field) for field in ("last4", "exp_month", "exp_year", "fingerprint")},
        "wallet": None,
    }


def expected_subscription(o: dict[str, Any]) -> dict[str, Any]:
    item = min(o["items"]["data"], key=lambda each: each["current_period_end"])
    return {
        "customer_id": ref(o["customer"]),
        **same(o, "status currency collection_method cancel_at_period_end pause_collection"),
        **moments(o, "start_date trial_start trial_end cancel_at canceled_at ended_at"),
        "current_period_start": at(item["current_period_start"]),
        "current_period_end": at(item["current_period_end"]),
        "cancellation_feedback": o["cancellation_details"]["feedback"],
        "default_payment_method_id": ref(o["default_payment_method"]),
        "schedule_id": ref(o["schedule"]),
        "latest_invoice_id": ref(o["latest_invoice"]),
    }


def expected_subscription_schedule(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "customer_id": ref(o["customer"]),
        "subscription_id": ref(o["subscription"]),
        "status": o["status"],
        "end_behavior": o["end_behavior"],
        "phases": o["phases"],
    }


def expected_invoice(o: dict[str, Any]) -> dict[str, Any]:
    parent = o["parent"] or {}
    return {
        "customer_id": ref(o["customer"]),
        "subscription_id": ref(parent.get("subscription_details", {}).get("subscription")),
        **same(
            o,
            "number status billing_reason collection_method currency subtotal total "
            "amount_due amount_paid amount_remaining starting_balance attempt_count "
            "hosted_invoice_url invoice_pdf total_excluding_tax ending_balance amount_overpaid "
            "pre_payment_credit_notes_amount post_payment_credit_notes_amount "
            "customer_name customer_email",
        ),
        "amount_paid_off_stripe": o["amount_paid_off_stripe"] or 0,
        "customer_country": o["customer_address"]["country"] if o["customer_address"] else None,
        "discount": total(o["total_discount_amounts"]),
        "tax": total(o["total_taxes"]),
        **moments(o, "next_payment_attempt due_date period_start period_end effective_at"),
        **moments(
            o["status_transitions"], "finalized_at paid_at voided_at marked_uncollectible_at"
        ),
    }


def expected_item(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "stripe_id": o["id"],
        "price_id": o["price"]["id"],
        "quantity": o["quantity"],
        "current_period_start": at(o["current_period_start"]),
        "current_period_end": at(o["current_period_end"]),
    }


def expected_line(o: dict[str, Any]) -> dict[str, Any]:
    parent = o["parent"]
    # An amount billed once is of no price.
    details = o["pricing"]["price_details"] or {}
    return {
        "stripe_id": o["id"],
        **same(o, "description amount currency quantity"),
        "unit_amount_decimal": o["pricing"]["unit_amount_decimal"],
        "price_id": details.get("price"),
        "product_id": details.get("product"),
        "is_proration": parent[parent["type"]]["proration"],
        "discount": total(o["discount_amounts"]),
        "tax": total(o["taxes"]),
        "tax_included": total([t for t in o["taxes"] if t["tax_behavior"] == "inclusive"]),
        "period_start": at(o["period"]["start"]),
        "period_end": at(o["period"]["end"]),
    }


def expected_payment(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "stripe_id": o["id"],
        **same(o, "status amount_paid"),
        "payment_intent_id": ref(o["payment"]["payment_intent"]),
        **moments(o["status_transitions"], "paid_at"),
    }


def expected_refund(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "payment_intent_id": ref(o["payment_intent"]),
        "charge_id": ref(o["charge"]),
        **same(o, "amount currency status reason"),
        "failure_reason": o.get("failure_reason"),
    }


def expected_credit_note(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "customer_id": ref(o["customer"]),
        "invoice_id": ref(o["invoice"]),
        **same(o, "number status reason currency total pre_payment_amount post_payment_amount pdf"),
        "total_excluding_tax": o["total_excluding_tax"],
        "out_of_band_amount": o["out_of_band_amount"] or 0,
        **moments(o, "voided_at effective_at"),
    }


def refunds_of(o: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**each, "id": f"{o['id']}/{each['refund']}"} for each in o["refunds"]]


def expected_stand_in(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "stripe_id": o["id"],
        "refund_id": ref(o["refund"]),
        "amount_refunded": o["amount_refunded"],
    }


def expected_promotion_code(o: dict[str, Any]) -> dict[str, Any]:
    return {
        **same(o, "code active max_redemptions times_redeemed"),
        **same(o["restrictions"], "first_time_transaction minimum_amount minimum_amount_currency"),
        "coupon_id": ref(o["promotion"]["coupon"]),
        "customer_id": ref(o["customer"]),
        **moments(o, "expires_at"),
    }


def expected_payment_intent(o: dict[str, Any]) -> dict[str, Any]:
    error = o["last_payment_error"] or {}
    charge = o["latest_charge"] or {}
    return {
        "customer_id": ref(o["customer"]),
        "payment_method_id": ref(o["payment_method"]),
        "charge_id": charge.get("id"),
        "receipt_url": charge.get("receipt_url"),
        "amount_refunded": charge.get("amount_refunded", 0),
        **same(o, "status amount amount_received currency description cancellation_reason"),
        "error_code": error.get("decline_code"),
        "error_message": error.get("message"),
        **moments(o, "canceled_at"),
    }


def expected_coupon(o: dict[str, Any]) -> dict[str, Any]:
    return {
        **same(o, "name amount_off currency duration duration_in_months valid"),
        "percent_off": f"{o['percent_off']:g}" if o["percent_off"] else None,
        "currency_options": o.get("currency_options"),
        "applies_to": (o.get("applies_to") or {}).get("products"),
        **moments(o, "redeem_by"),
    }


EXPECTED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "product": expected_product,
    "price": expected_price,
    "customer": expected_customer,
    "payment_method": expected_payment_method,
    "subscription": expected_subscription,
    "subscription_schedule": expected_subscription_schedule,
    "invoice": expected_invoice,
    "refund": expected_refund,
    "credit_note": expected_credit_note,
    "coupon": expected_coupon,
    "promotion_code": expected_promotion_code,
    "payment_intent": expected_payment_intent,
}
Json = dict[str, Any]
Nested = tuple[str, Callable[[Json], list[Json]], Callable[[Json], Json]]
NESTED: dict[str, list[Nested]] = {
    "subscription": [("items", lambda o: o["items"]["data"], expected_item)],
    "invoice": [
        ("lines", lambda o: o["lines"]["data"], expected_line),
        ("payments", lambda o: o["payments"]["data"], expected_payment),
    ],
    "credit_note": [("refunds", refunds_of, expected_stand_in)],
}


def expected_row(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    row = {
        "stripe_id": found["id"],
        # A refund does not say; none of the sandbox's objects is live.
        "livemode": found.get("livemode", False),
        "created": at(found["created"]),
        **EXPECTED[kind](found),
    }
    for attribute, listed, of in NESTED.get(kind, []):
        row[attribute] = [of(each) for each in listed(found)]
    return row


def mirrored_row(kind: str, row: Any) -> dict[str, Any]:
    columns = {c.key: getattr(row, c.key) for c in row.__table__.columns}
    shown = {name: value for name, value in columns.items() if name not in BOOKKEEPING}
    for attribute, _, _ in NESTED.get(kind, []):
        own = {"position", "data", f"{kind}_id"}
        shown[attribute] = [
            {c.key: getattr(each, c.key) for c in each.__table__.columns if c.key not in own}
            for each in getattr(row, attribute)
        ]
    return shown


def at_stripe(stripe: StripeClient, kind: str, stripe_id: str) -> dict[str, Any] | None:
    """The object's JSON, None when it is gone."""
    v1 = stripe.v1
    ask: dict[str, Callable[[], Any]] = {
        "product": lambda: v1.products.retrieve(stripe_id),
        "price": lambda: v1.prices.retrieve(stripe_id, {"expand": ["tiers", "currency_options"]}),
        "customer": lambda: v1.customers.retrieve(stripe_id),
        "payment_method": lambda: v1.payment_methods.retrieve(stripe_id),
        "subscription": lambda: v1.subscriptions.retrieve(
            stripe_id, {"expand": [f"{COUPON}.applies_to", f"{COUPON}.currency_options"]}
        ),
        "subscription_schedule": lambda: v1.subscription_schedules.retrieve(stripe_id),
        "invoice": lambda: v1.invoices.retrieve(stripe_id, {"expand": ["payments", COUPON]}),
        "refund": lambda: v1.refunds.retrieve(stripe_id),
        "credit_note": lambda: v1.credit_notes.retrieve(stripe_id),
        "promotion_code": lambda: v1.promotion_codes.retrieve(stripe_id),
        "payment_intent": lambda: v1.payment_intents.retrieve(
            stripe_id, {"expand": ["latest_charge"]}
        ),
        "coupon": lambda: v1.coupons.retrieve(
            stripe_id, {"expand": ["applies_to", "currency_options"]}
        ),
    }
    try:
        found: dict[str, Any] = ask[kind]().to_dict(for_json=True)
    except InvalidRequestError as error:
        if error.code != "resource_missing":
            raise
        return None
    return None if found.get("deleted") else found


def compare(stripe: StripeClient, objects: set[tuple[str, str]]) -> None:
    """The mirror holds exactly these objects, each equal to Stripe's, column by column."""
    for kind, model in MIRRORED.items():
        wanted = {stripe_id for named, stripe_id in objects if named == kind}
        rows = {row.stripe_id: row for row in db.session.scalars(db.select(model))}
        assert wanted <= set(rows), kind
        for stripe_id in wanted:
            found, row = at_stripe(stripe, kind, stripe_id), rows[stripe_id]
            assert (row.deleted_at is not None) == (found is None), (kind, stripe_id)
            if found is None:
                continue
            assert mirrored_row(kind, row) == expected_row(kind, found)
            told = found.keys() - UNTOLD.get(kind, set())
            differing = {n: (row.data[n], found[n]) for n in told if row.data[n] != found[n]}
            assert not differing, (kind, stripe_id, differing)
