"""A Checkout Session's life: created open, then complete or expired."""

from __future__ import annotations

from typing import Any

from sandbox import clock
from sandbox.checkout import lines, sums
from sandbox.engine import discounting
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.pages.urls import checkout_url
from sandbox.schema import blank, part
from sandbox.store import random_text, store

KIND = "checkout.session"
DAY = 86_400
HALF_AN_HOUR = 1_800
# Parameters that are only told again in the session, as they came.
TOLD_AGAIN = (
    "allow_promotion_codes",
    "allowed_payment_method_types",
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "customer",
    "customer_account",
    "customer_email",
    "excluded_payment_method_types",
    "integration_identifier",
    "locale",
    "origin_context",
    "redirect_on_completion",
    "return_url",
    "submit_type",
    "success_url",
)
# Parameters that are objects of the same shape in the session.
NESTED = (
    "after_expiration",
    "consent_collection",
    "managed_payments",
    "name_collection",
    "permissions",
    "phone_number_collection",
    "saved_payment_method_options",
    "wallet_options",
)
NOT_COVERED = (
    "customer_account",
    "optional_items",
    "payment_method_configuration",
    "payment_method_options",
    "shipping_address_collection",
    "shipping_options",
)
PAYS_BY = {"us_bank_account": "usd", "sepa_debit": "eur"}


def start(params: dict[str, Any], display_name: str) -> dict[str, Any]:
    """A new open session for the checked parameters of a create call, stored with its lines.

    `display_name` is the name that the page shows as the merchant's. ApiError 400 as Stripe words
    it for parameters that do not go together.
    """
    _check(params)
    mode = params["mode"]
    session = blank(
        KIND,
        id=f"cs_test_{random_text(58)}",
        mode=mode,
        ui_mode="hosted_page",
        status="open",
        payment_status="no_payment_required" if mode == "setup" else "unpaid",
        currency=params.get("currency"),
        expires_at=params.get("expires_at", clock.now() + DAY),
        metadata=params.get("metadata") or {},
        adaptive_pricing=part(KIND, "adaptive_pricing", enabled=False),
        automatic_tax=part(KIND, "automatic_tax", enabled=False),
        custom_fields=[_custom_field(field) for field in params.get("custom_fields") or []],
        custom_text={
            name: (params.get("custom_text") or {}).get(name) or None
            for name in part(KIND, "custom_text")
        },
        customer_creation=_customer_creation(params),
        discounts=[
            _discount(entry, index, params.get("customer"))
            for index, entry in enumerate(params.get("discounts") or [])
        ],
        payment_method_collection=params.get("payment_method_collection", "always")
        if mode == "subscription"
        else None,
        payment_method_options={},
        branding_settings=_branding(params, display_name),
        tax_id_collection=_tax_id_collection(params),
        invoice_creation=_invoice_creation(params),
        **{name: params[name] for name in TOLD_AGAIN if name in params},
        **{name: _filled(name, params[name]) for name in NESTED if name in params},
        _subscription_data=_without_decimals(params.get("subscription_data") or {}),
        _payment_intent_data=params.get("payment_intent_data") or {},
        _setup_intent_data=params.get("setup_intent_data") or {},
        _customer_update=params.get("customer_update") or {},
        _allow_redisplay=(params.get("payment_method_data") or {}).get("allow_redisplay"),
    )
    if session["saved_payment_method_options"] is None and mode != "setup":
        session["saved_payment_method_options"] = part(
            KIND, "saved_payment_method_options", allow_redisplay_filters=["always"]
        )
    _fill_customer(session)
    store.insert(KIND, session)
    lines.build(session, params.get("line_items") or [])
    sums.fill(session)
    discounting.check_order(
        params.get("discounts"),
        [line["price"]["product"] for line in lines.of(session)],
        session["currency"],
        session["amount_subtotal"],
    )
    session["payment_method_types"] = _payment_method_types(session)
    session["url"] = checkout_url(session)
    return store.save(session)


def current(id: str) -> dict[str, Any]:
    """The session as it is now: one whose time has passed expires first. ApiError 404."""
    session = store.get(KIND, id)
    if session["status"] == "open" and session["expires_at"] <= clock.now():
        close(session, "expired")
    return session


def close(session: dict[str, Any], status: str) -> dict[str, Any]:
    """End an open session as "complete" or "expired", with its event."""
    session.update(status=status, url=None)
    session.pop("_challenge", None)
    store.save(session)
    emit(
        "checkout.session.completed" if status == "complete" else f"checkout.session.{status}",
        session,
    )
    return session


def payment_settled(payment_intent_id: str, succeeded: bool) -> None:
    """A bank debit that a session was completed with has ended, days later."""
    for session in store.all(KIND, _awaits=payment_intent_id):
        session.pop("_awaits")
        if succeeded:
            session["payment_status"] = "paid"
        store.save(session)
        outcome = "succeeded" if succeeded else "failed"
        emit(f"checkout.session.async_payment_{outcome}", session)


def _check(params: dict[str, Any]) -> None:
    _check_covered(params)
    mode = params.get("mode")
    if mode is None:
        raise _missing("mode")
    if mode != "setup" and not params.get("line_items"):
        raise _missing("line_items")
    if (
        mode == "setup"
        and not params.get("currency")
        and not params.get("allowed_payment_method_types")
    ):
        raise _missing("currency")
    if not params.get("success_url"):
        raise _missing("success_url")
    for name in ("success_url", "cancel_url", "return_url"):
        if params.get(name) and not params[name].startswith(("http://", "https://")):
            raise ApiError(400, "Not a valid URL", code="url_invalid", param=name)
    for one, other in (("customer", "customer_email"), ("allow_promotion_codes", "discounts")):
        if params.get(one) and params.get(other):
            raise ApiError(
                400, f"You may only specify one of these parameters: {one}, {other}.", param=one
            )
    if params.get("customer_update") and not params.get("customer"):
        raise ApiError(400, "`customer_update` can only be used with `customer`.")
    if params.get("customer_creation") and (mode == "subscription" or params.get("customer")):
        raise ApiError(
            400,
            "`customer_creation` can only be used in `payment` and `setup` mode, without "
            "`customer`.",
            param="customer_creation",
        )
    for name, of in (
        ("subscription_data", "subscription"),
        ("payment_intent_data", "payment"),
        ("setup_intent_data", "setup"),
        ("payment_method_collection", "subscription"),
        ("invoice_creation", "payment"),
    ):
        if params.get(name) and mode != of:
            raise ApiError(400, f"You can not pass `{name}` in `{mode}` mode.", param=name)
    if len(params.get("discounts") or []) > 1:
        raise ApiError(400, "You may only specify one discount.", param="discounts")
    data = params.get("subscription_data") or {}
    if data.get("trial_end") and data.get("trial_period_days"):
        raise ApiError(
            400,
            "You may only specify one of these parameters: subscription_data[trial_end], "
            "subscription_data[trial_period_days].",
        )
    collects_tax_id = (params.get("tax_id_collection") or {}).get("enabled")
    may_rename = (params.get("customer_update") or {}).get("name") == "auto"
    if params.get("customer") and collects_tax_id and not may_rename:
        raise ApiError(
            400,
            "Tax ID collection requires updating business name on the customer. To enable tax ID "
            "collection for an existing customer, please set `customer_update[name]` to `auto`.",
            param="tax_id_collection",
        )
    _check_expiry(params.get("expires_at"))


def _check_covered(params: dict[str, Any]) -> None:
    enabled = [
        name
        for name in ("automatic_tax", "invoice_creation")
        if (params.get(name) or {}).get("enabled")
    ]
    for name in [*(name for name in NOT_COVERED if params.get(name)), *enabled]:
        raise ApiError(400, f"The sandbox does not cover `{name}`.", param=name)
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise ApiError(400, "The sandbox covers `ui_mode: hosted_page` only.", param="ui_mode")


def _check_expiry(expires_at: int | None) -> None:
    if expires_at is None:
        return
    ahead = expires_at - clock.now()
    if ahead > DAY:
        raise ApiError(
            400,
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    # A minute's grace, for the time the request itself takes.
    if ahead < HALF_AN_HOUR - 60:
        raise ApiError(
            400,
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session "
            "creation.",
            param="expires_at",
        )


def _missing(name: str) -> ApiError:
    return ApiError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)


def _discount(entry: dict[str, Any], index: int, customer: str | None) -> dict[str, Any]:
    buyer = {"id": customer} if customer else {}
    promotion, coupon = discounting.redeemable(entry, buyer, f"discounts[{index}]")
    if promotion:
        return {"coupon": None, "promotion_code": promotion["id"]}
    return {"coupon": coupon["id"], "promotion_code": None}


def _filled(path: str, given: dict[str, Any]) -> dict[str, Any]:
    """A nested object of the session with what was not given left null or false."""
    inner = {
        name: _filled(f"{path}.{name}", value) if isinstance(value, dict) else value
        for name, value in given.items()
    }
    return part(KIND, path, **inner)


def _customer_creation(params: dict[str, Any]) -> str | None:
    if params.get("customer"):
        return None
    if params["mode"] == "subscription":
        return "always"
    return params.get("customer_creation", "if_required")


def _tax_id_collection(params: dict[str, Any]) -> dict[str, Any]:
    given = params.get("tax_id_collection") or {}
    return {"enabled": given.get("enabled", False), "required": given.get("required", "never")}


def _invoice_creation(params: dict[str, Any]) -> dict[str, Any] | None:
    if params["mode"] != "payment":
        return None
    data = part(KIND, "invoice_creation.invoice_data", metadata={})
    return {"enabled": False, "invoice_data": data}


def _branding(params: dict[str, Any], display_name: str) -> dict[str, Any]:
    colours = {"background_color": "#ffffff", "button_color": "#3a4c63"}
    given = {key: value for key, value in (params.get("branding_settings") or {}).items() if value}
    settings = colours | {"border_style": "rounded", "font_family": "default"} | given
    for name in ("icon", "logo"):
        if settings.get(name):
            settings[name] = {"file": None, "url": None} | settings[name]
    return part(KIND, "branding_settings", **({"display_name": display_name} | settings))


def _custom_field(field: dict[str, Any]) -> dict[str, Any]:
    shown = {"optional": False} | field
    for name in ("dropdown", "numeric", "text"):
        if field["type"] == name:
            shown[name] = part(KIND, f"custom_fields.{name}", **field.get(name, {}))
    return part(KIND, "custom_fields", **shown)


def _without_decimals(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value != ""}


def _fill_customer(session: dict[str, Any]) -> None:
    if not session["customer"]:
        if session["customer_email"]:
            session["customer_details"] = part(
                KIND, "customer_details", email=session["customer_email"], tax_exempt="none"
            )
        return
    customer = store.retrieve("customer", session["customer"], "customer")
    if customer.get("deleted"):
        raise ApiError(
            400,
            f"No such customer: '{customer['id']}'",
            code="resource_missing",
            param="customer",
        )
    session["customer_details"] = part(
        KIND,
        "customer_details",
        email=customer["email"],
        name=customer["name"],
        phone=customer["phone"],
        address=customer["address"],
        tax_exempt=customer["tax_exempt"],
    )


def _payment_method_types(session: dict[str, Any]) -> list[str]:
    wanted = session["allowed_payment_method_types"]
    excluded = session["excluded_payment_method_types"] or []
    fitting = ["card"]
    if wanted:
        fitting += [kind for kind, money in PAYS_BY.items() if session["currency"] in (money, None)]
        fitting = [kind for kind in wanted if kind in fitting]
        if not fitting:
            raise ApiError(
                400,
                "None of the payment methods you asked for can pay in "
                f"`{session['currency']}` here: {', '.join(wanted)}.",
                param="allowed_payment_method_types",
            )
    return [kind for kind in fitting if kind not in excluded] or ["card"]
