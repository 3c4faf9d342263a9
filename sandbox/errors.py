"""Stripe's error body, raised as an exception from anywhere inside a request."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer that Stripe would give as `{"error": {...}}` with an HTTP status.

    `extra` goes into the error object as it is: payment_intent, charge, advice_code and so on.
    `keep` says whether what the request wrote so far is kept. A declined card (402) leaves its
    payment attempt behind, every other refusal leaves nothing.
    """

    def __init__(
        self,
        status: int,
        message: str,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        *,
        keep: bool | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.decline_code = decline_code
        self.keep = status == 402 if keep is None else keep
        self.extra = extra

    def body(self, request_id: str | None = None) -> dict[str, Any]:
        """The `error` object, keys without a value left out as Stripe does."""
        error: dict[str, Any] = {
            "code": self.code,
            "decline_code": self.decline_code,
            "doc_url": self.code
            and f"https://docs.stripe.com/error-codes/{self.code.replace('_', '-')}",
            "message": self.message,
            "param": self.param,
            "request_log_url": request_id
            and f"https://dashboard.stripe.com/test/workbench/logs?object={request_id}",
            "type": self.type,
        }
        shown = {key: value for key, value in error.items() if value is not None}
        return {"error": shown | self.extra}


def missing(kind: str, id: str, param: str = "id", status: int = 404) -> ApiError:
    """Stripe's "No such customer: 'cus_x'"."""
    # Stripe's messages name most kinds by their `object` string, a few by an older name.
    name = {
        "payment_method": "PaymentMethod",
        "promotion_code": "promotion code",
        "tax_rate": "tax rate",
        "webhook_endpoint": "webhook endpoint",
        "setup_intent": "setupintent",
        "subscription_item": "subscription_item",
        "billing_portal.configuration": "configuration",
        "billing_portal.session": "session",
    }.get(kind, kind)
    return ApiError(status, f"No such {name}: '{id}'", code="resource_missing", param=param)
