"""What a subscription says about billing, apart from its items and dates."""

from sandbox.engine import discounting, items, saving
from sandbox.errors import ApiError
from sandbox.protocol.assigning import merge_metadata

# Parts of Stripe's API that the sandbox refuses rather than ignores.
UNSUPPORTED = (
    "application_fee_percent",
    "backdate_start_date",
    "billing_schedules",
    "billing_thresholds",
    "default_source",
    "on_behalf_of",
    "pending_invoice_item_interval",
    "transfer_data",
)


def refuse_unsupported(params: dict) -> None:
    """ApiError 400 naming a parameter that the sandbox has no behaviour for."""
    for name in UNSUPPORTED:
        if params.get(name):
            raise ApiError(400, f"The sandbox does not support `{name}`.", param=name)
    if (params.get("automatic_tax") or {}).get("enabled"):
        raise ApiError(
            400,
            "The sandbox does not calculate tax by itself; use tax rates.",
            param="automatic_tax[enabled]",
        )


def apply(subscription: dict, params: dict, customer: dict) -> None:
    """Set every plain field that `params` gives. ApiError 400 for an unknown id."""
    refuse_unsupported(params)
    merge_metadata(subscription, params)
    for name in ("description", "days_until_due"):
        if name in params:
            subscription[name] = params[name] or None
    if "collection_method" in params:
        _set_collection(subscription, params)
    if "default_payment_method" in params:
        id = params["default_payment_method"]
        method = saving.owned(id, customer["id"], "default_payment_method") if id else None
        subscription["default_payment_method"] = method and method["id"]
    if "default_tax_rates" in params:
        subscription["default_tax_rates"] = items.tax_rates(
            params["default_tax_rates"], "default_tax_rates"
        )
    if "discounts" in params:
        before = subscription["discounts"]
        subscription["discounts"] = discounting.create(
            params["discounts"], customer, subscription=subscription["id"]
        )
        discounting.tell_removed(before, subscription["discounts"])
    for name in ("invoice_settings", "payment_settings"):
        for key, value in (params.get(name) or {}).items():
            subscription[name][key] = None if value == "" else value
    if params.get("trial_settings"):
        end = subscription["trial_settings"]["end_behavior"]
        end.update(params["trial_settings"]["end_behavior"])
    if "pause_collection" in params:
        given = params["pause_collection"]
        subscription["pause_collection"] = (given and {"resumes_at": None, **given}) or None


def _set_collection(subscription: dict, params: dict) -> None:
    method = params["collection_method"]
    days = params.get("days_until_due") or subscription["days_until_due"]
    if method == "send_invoice" and not days:
        raise ApiError(
            400,
            "You must specify `days_until_due` when `collection_method` is `send_invoice`.",
            param="days_until_due",
        )
    subscription["collection_method"] = method
    if method == "charge_automatically":
        subscription["days_until_due"] = None
