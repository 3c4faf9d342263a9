"""Every object that the sandbox can return has the SDK's fields, nullability and literals."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe
from stripe._object_classes import OBJECT_CLASSES

from sandbox import Sandbox, schema
from sandbox.protocol.routing import ENDPOINTS
from sandbox.tests import makers

MAKERS = makers.load()


def kinds_of_endpoints() -> set[str]:
    """The kinds whose own URL some endpoint answers, by Stripe's rule from kind to URL."""
    urls = {f"/v1/{kind.replace('.', '/')}s": kind for kind in OBJECT_CLASSES}
    return {
        kind
        for url, kind in urls.items()
        if any(one.rule == url or one.rule.startswith(f"{url}/") for one in ENDPOINTS)
    }


def plain(made: Any) -> dict[str, Any]:
    """The answer as it came: the SDK's own conversion fails on some nested objects. An object out
    of a larger answer has that conversion only."""
    if made.last_response is None:
        return made.to_dict(for_json=True)
    return json.loads(made.last_response.body)


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_object_has_the_fields_of_the_sdk(
    kind: str, stripe_client: stripe.StripeClient, app: Sandbox
) -> None:
    made: Any = MAKERS[kind](stripe_client)
    assert made.object == kind
    assert schema.violations(plain(made)) == []
    # Their snapshots are objects too; conftest holds each answer against the SDK.
    assert stripe_client.v1.events.list({"limit": 100}).object == "list"


def test_every_kind_with_an_endpoint_is_walked(app: Sandbox) -> None:
    assert sorted(kinds_of_endpoints() - set(MAKERS)) == []


def test_every_kind_that_is_stored_is_walked(
    stripe_client: stripe.StripeClient, app: Sandbox
) -> None:
    for make in MAKERS.values():
        make(stripe_client)
    with app.storage.transaction() as transaction:
        stored = {kind for kind, _ in transaction.kinds()}
    assert sorted(stored - set(MAKERS)) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"invented": 1}, "customer.invented: invented"),
        ({"email": 5}, "customer.email: 5 is a int"),
        ({"livemode": None}, "customer.livemode: null"),
        ({"tax_exempt": "maybe"}, "customer.tax_exempt: 'maybe' is not one of"),
        ({"address": {"street": "x"}}, "customer.address.street: invented"),
    ],
)
def test_a_wrong_object_is_found_out(
    change: dict[str, Any], finding: str, stripe_client: stripe.StripeClient
) -> None:
    customer = plain(MAKERS["customer"](stripe_client))
    assert schema.violations(customer) == []
    assert any(line.startswith(finding) for line in schema.violations(customer | change))


def test_a_missing_field_is_found_out(stripe_client: stripe.StripeClient) -> None:
    price = plain(MAKERS["price"](stripe_client))
    del price["lookup_key"]
    assert schema.violations(price) == ["price.lookup_key: missing"]
