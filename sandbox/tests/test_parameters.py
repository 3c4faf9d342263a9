"""Parameters are checked against the SDK's types, answers expanded as asked."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import Sandbox
from sandbox.protocol import form

KEY = {"Authorization": "Bearer sk_test_any"}


def refusal(app: Sandbox, path: str, data: dict[str, str]) -> dict[str, Any]:
    answer = app.test_client().post(path, data=data, headers=KEY)
    assert answer.status_code == 400
    return answer.json["error"]


@pytest.mark.parametrize(
    ("path", "data", "code", "param"),
    [
        ("/v1/customers", {"emial": "x"}, "parameter_unknown", "emial"),
        ("/v1/customers", {"address[street]": "x"}, "parameter_unknown", "address[street]"),
        (
            "/v1/prices",
            {"currency": "usd", "product": "p", "tiers[0][up_to]": "1", "tiers[0][foo]": "1"},
            "parameter_unknown",
            "tiers[0][foo]",
        ),
        ("/v1/products", {}, "parameter_missing", "name"),
        (
            "/v1/products",
            {"name": "x", "default_price_data[unit_amount]": "1"},
            "parameter_missing",
            "default_price_data[currency]",
        ),
        ("/v1/products", {"name": ""}, "parameter_invalid_empty", "name"),
        ("/v1/customers", {"balance": "1.5"}, "parameter_invalid_integer", "balance"),
        ("/v1/products", {"name": "x", "active": "yes"}, None, "active"),
        ("/v1/customers", {"address": "Main St"}, None, "address"),
        ("/v1/customers", {"name[first]": "x"}, None, "name"),
        ("/v1/tax_rates", {"display_name": "x", "inclusive": "true", "percentage": "a"}, None,
         "percentage"),
        ("/v1/customers", {"tax_exempt": "maybe"}, None, "tax_exempt"),
        ("/v1/customers", {"email": "nobody"}, "email_invalid", "email"),
        ("/v1/prices", {"currency": "zzz", "product": "p", "unit_amount": "1"}, None, "currency"),
        (
            "/v1/products",
            {"name": "x", "default_price_data[currency]": "dollars"},
            None,
            "default_price_data[currency]",
        ),
        (
            "/v1/prices",
            {"currency": "usd", "product": "p", "currency_options[euro][unit_amount]": "1"},
            None,
            "currency_options[euro]",
        ),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(
    path: str, data: dict[str, str], code: str | None, param: str, app: Sandbox
) -> None:
    error = refusal(app, path, data)
    assert error.get("code") == code
    assert error["param"] == param


def test_messages_are_stripes(app: Sandbox) -> None:
    assert refusal(app, "/v1/customers", {"a": "1", "b": "2"})["message"] == (
        "Received unknown parameters: a, b"
    )
    assert refusal(app, "/v1/products", {})["message"] == "Missing required param: name."
    assert refusal(app, "/v1/customers", {"tax_exempt": "x"})["message"] == (
        "Invalid tax_exempt: must be one of exempt, none, or reverse"
    )
    assert refusal(app, "/v1/customers", {"balance": "x"})["message"] == "Invalid integer: x"


def test_empty_and_indexed_brackets_make_lists() -> None:
    pairs = [("a[]", "1"), ("a[]", "2"), ("b[0][c][]", "3"), ("b[1][c]", "4"), ("d[e]", "5")]
    assert form.decode(pairs) == {
        "a": ["1", "2"],
        "b": [{"c": ["3"]}, {"c": "4"}],
        "d": {"e": "5"},
    }


def test_text_in_every_script_arrives(stripe_client: stripe.StripeClient) -> None:
    name = "Żółć & Söhne = 株式会社 [a] +1%"
    customer = stripe_client.v1.customers.create({"name": name})
    assert customer.name == name


def test_metadata_is_merged_and_unset(stripe_client: stripe.StripeClient) -> None:
    customers = stripe_client.v1.customers
    customer = customers.create({"metadata": {"a": "1", "b": "2"}})
    merged = customers.update(customer.id, {"metadata": {"b": "", "c": "3"}})
    assert merged.metadata.to_dict() == {"a": "1", "c": "3"}
    assert customers.update(customer.id, {"metadata": ""}).metadata.to_dict() == {}


@pytest.mark.parametrize("metadata", [{"k" * 41: "v"}, {"k": "v" * 501}])
def test_metadata_has_limits(metadata: dict[str, str], stripe_client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        stripe_client.v1.customers.create({"metadata": metadata})


def test_an_empty_value_unsets_a_field(stripe_client: stripe.StripeClient) -> None:
    customer = stripe_client.v1.customers.create(
        {"name": "Ann", "address": {"line1": "1 Main St", "city": "Ulm"}}
    )
    update = stripe_client.v1.customers.update
    assert update(customer.id, {"name": ""}).name is None
    changed = update(customer.id, {"address": {"city": "Bonn"}})
    assert (changed.address.city, changed.address.line1) == ("Bonn", "1 Main St")
    assert update(customer.id, {"address": ""}).address is None


def test_expand_follows_ids_to_objects(stripe_client: stripe.StripeClient) -> None:
    product = stripe_client.v1.products.create(
        {"name": "Pro", "default_price_data": {"currency": "usd", "unit_amount": 100}}
    )
    assert isinstance(product.default_price, str)
    prices = stripe_client.v1.prices.list({"expand": ["data.product.default_price.product"]})
    assert prices.data[0].product.default_price.product.name == "Pro"


def test_includable_fields_are_there_only_when_asked_for(
    stripe_client: stripe.StripeClient,
) -> None:
    customer = stripe_client.v1.customers.create({"name": "Ann"})
    assert not [n for n in ("tax", "tax_ids", "sources", "subscriptions") if n in customer]
    full = stripe_client.v1.customers.retrieve(customer.id, {"expand": ["tax_ids", "tax"]})
    assert full.tax_ids.data == []
    assert full.tax.automatic_tax == "unrecognized_location"


@pytest.mark.parametrize(
    "path", ["email", "nonsense", "default_source.foo.bar.baz.five", "data.default_source"]
)
def test_what_cannot_be_expanded_is_refused(path: str, stripe_client: stripe.StripeClient) -> None:
    customer = stripe_client.v1.customers.create({"email": "a@b.example"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe_client.v1.customers.retrieve(customer.id, {"expand": [path]})
    assert refused.value.param == "expand"


def test_four_levels_may_be_expanded_counting_data(stripe_client: stripe.StripeClient) -> None:
    stripe_client.v1.products.create(
        {"name": "Pro", "default_price_data": {"currency": "usd", "unit_amount": 100}}
    )
    four = "data.product.default_price.product"
    assert stripe_client.v1.prices.list({"expand": [four]}).data
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        stripe_client.v1.prices.list({"expand": [f"{four}.default_price"]})
