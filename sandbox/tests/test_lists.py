"""Lists: pages, cursors, filters."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import Sandbox


@pytest.fixture
def names(stripe_client: stripe.StripeClient, clock: Any) -> list[str]:
    """Ids of 25 customers, newest first; three are made in each second."""
    made = []
    for number in range(25):
        made.append(stripe_client.v1.customers.create({"name": str(number)}).id)
        if number % 3 == 2:
            clock.advance(1)
    return made[::-1]


def ids(found: Any) -> list[str]:
    return [one.id for one in found.data]


def test_newest_come_first_ten_at_a_time(
    stripe_client: stripe.StripeClient, names: list[str]
) -> None:
    page = stripe_client.v1.customers.list()
    assert ids(page) == names[:10]
    assert page.has_more is True
    assert page.url == "/v1/customers"
    assert "total_count" not in page


def test_cursors_walk_both_ways(stripe_client: stripe.StripeClient, names: list[str]) -> None:
    customers = stripe_client.v1.customers
    onward = customers.list({"limit": 7, "starting_after": names[6]})
    assert ids(onward) == names[7:14]
    back = customers.list({"limit": 5, "ending_before": names[14]})
    assert ids(back) == names[9:14]
    assert back.has_more is True
    start = customers.list({"limit": 5, "ending_before": names[3]})
    assert (ids(start), start.has_more) == (names[:3], False)
    end = customers.list({"limit": 5, "starting_after": names[22]})
    assert (ids(end), end.has_more) == (names[23:], False)


def test_a_full_last_page_has_no_more(stripe_client: stripe.StripeClient, names: list[str]) -> None:
    assert stripe_client.v1.customers.list({"limit": 25}).has_more is False


def test_auto_paging_sees_each_once(stripe_client: stripe.StripeClient, names: list[str]) -> None:
    walked = [one.id for one in stripe_client.v1.customers.list({"limit": 4}).auto_paging_iter()]
    assert walked == names


def test_a_cursor_outlives_its_object(stripe_client: stripe.StripeClient, names: list[str]) -> None:
    stripe_client.v1.customers.delete(names[4])
    assert ids(stripe_client.v1.customers.list({"limit": 2, "starting_after": names[4]})) == [
        names[5],
        names[6],
    ]


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_limit_is_one_to_a_hundred(limit: int, stripe_client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe_client.v1.customers.list({"limit": limit})
    assert refused.value.param == "limit"


def test_an_unknown_cursor_is_refused(stripe_client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe_client.v1.customers.list({"starting_after": "cus_none"})
    assert (refused.value.http_status, refused.value.param) == (400, "starting_after")


def test_total_count_is_refused(app: Sandbox) -> None:
    answer = app.test_client().get(
        "/v1/customers?include[]=total_count", headers={"Authorization": "Bearer sk_test_x"}
    )
    assert answer.json["error"]["code"] == "parameter_unknown"


def test_created_is_a_second_or_a_range(
    stripe_client: stripe.StripeClient, names: list[str]
) -> None:
    customers = stripe_client.v1.customers
    start = customers.retrieve(names[-1]).created
    assert ids(customers.list({"created": start})) == names[-3:]
    assert ids(customers.list({"created": {"gt": start, "lte": start + 1}})) == names[-6:-3]
    assert ids(customers.list({"created": {"gte": start + 1, "lt": start + 2}})) == names[-6:-3]


def test_filters_and_cursors_work_together(stripe_client: stripe.StripeClient) -> None:
    customers = stripe_client.v1.customers
    ours = [
        customers.create({"email": "a@b.example" if n % 2 else "x@y.example"}).id for n in range(6)
    ][1::2][::-1]
    assert ids(customers.list({"email": "a@b.example"})) == ours
    second = customers.list({"email": "a@b.example", "limit": 1, "starting_after": ours[0]})
    assert (ids(second), second.has_more) == ([ours[1]], True)


def test_a_filter_on_nested_fields_fills_its_pages(stripe_client: stripe.StripeClient) -> None:
    prices, wanted = stripe_client.v1.prices, []
    product = stripe_client.v1.products.create({"name": "Pro"}).id
    for number in range(8):
        interval = "year" if number % 4 == 0 else "month"
        price = prices.create(
            {
                "currency": "usd",
                "unit_amount": number,
                "product": product,
                "recurring": {"interval": interval},
            }
        )
        if interval == "year":
            wanted.append(price.id)
    found = prices.list({"recurring": {"interval": "year"}, "limit": 1})
    assert (ids(found), found.has_more) == (wanted[:0:-1], True)
    assert [one.id for one in found.auto_paging_iter()] == wanted[::-1]


@pytest.mark.parametrize(
    "equal",
    [
        {},
        {"customer": "cus_x"},
        {"status": "open"},
        {"status": ["open", "paid"]},
        {"customer": "cus_x", "status": "open"},
        {"subscription": "sub_x", "collection_method": "send_invoice"},
    ],
)
def test_a_page_costs_the_same_however_long_the_list_is(
    equal: dict[str, Any], app: Sandbox
) -> None:
    page = {"newest_first": True, "after": (1, 1), "created": {"gte": 0}, "limit": 11}
    with app.storage.transaction() as transaction:
        sql, values = transaction.selection("invoice", equal, **page)
        plan = [row[3] for row in transaction.sql(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert not [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step]
