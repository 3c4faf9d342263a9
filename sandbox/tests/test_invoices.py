"""Invoices: their totals, their life, and what they do to the customer's balance."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import Sandbox
from sandbox.tests.billing import Shop, amounts
from sandbox.tests.conftest import NOON

DAY = 86_400


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def tax(shop: Shop, percentage: float, *, inclusive: bool = False) -> str:
    return shop.client.v1.tax_rates.create(
        {"display_name": "VAT", "percentage": percentage, "inclusive": inclusive}
    ).id


def one_off(shop: Shop, customer: Any, *given: Any, **terms: Any) -> Any:
    """A draft invoice of the given amounts."""
    for amount in given:
        shop.client.v1.invoice_items.create(
            {"customer": customer.id, "amount": amount, "currency": "usd", "description": "Work"}
        )
    return shop.client.v1.invoices.create(
        {"customer": customer.id, "pending_invoice_items_behavior": "include", **terms}
    )


def test_exclusive_tax_comes_on_top(shop: Shop) -> None:
    rate = tax(shop, 19)
    subscription = shop.subscribe(shop.customer(), shop.price(2999), default_tax_rates=[rate])
    invoice = shop.latest(subscription)
    # 29.99 * 0.19 = 5.6981
    assert (invoice.subtotal, invoice.total, invoice.total_excluding_tax) == (2999, 3569, 2999)
    [total] = invoice.total_taxes
    assert (total.amount, total.taxable_amount, total.tax_behavior) == (570, 2999, "exclusive")
    assert total.tax_rate_details.tax_rate == rate
    assert invoice.lines.data[0].taxes[0].amount == 570


def test_inclusive_tax_is_contained(shop: Shop) -> None:
    subscription = shop.subscribe(
        shop.customer(), shop.price(2999), default_tax_rates=[tax(shop, 20, inclusive=True)]
    )
    invoice = shop.latest(subscription)
    # 29.99 / 1.2 = 24.9916.., and 29.99 - 24.99 = 5.00
    assert (invoice.subtotal, invoice.total) == (2999, 2999)
    assert (invoice.subtotal_excluding_tax, invoice.total_excluding_tax) == (2499, 2499)
    assert invoice.total_taxes[0].amount == 500


def test_tax_is_on_what_the_discount_leaves(shop: Shop) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 25, "duration": "once"})
    subscription = shop.subscribe(
        shop.customer(),
        shop.price(2000),
        discounts=[{"coupon": coupon.id}],
        default_tax_rates=[tax(shop, 10)],
    )
    invoice = shop.latest(subscription)
    assert (invoice.subtotal, invoice.total) == (2000, 1650)
    assert [one.amount for one in invoice.total_discount_amounts] == [500]
    assert shop.client.v1.coupons.retrieve(coupon.id).times_redeemed == 1
    # Once is once: the discount is gone from the subscription and from the next invoice.
    assert shop.again(subscription).discounts == []
    shop.travel(NOON + 31 * DAY + 3600)
    assert shop.latest(subscription).total == 2200


def test_an_exempt_customer_pays_no_tax_and_the_reason_is_given(shop: Shop) -> None:
    customer = shop.customer(tax_exempt="reverse")
    subscription = shop.subscribe(customer, shop.price(2000), default_tax_rates=[tax(shop, 19)])
    invoice = shop.latest(subscription)
    assert invoice.total == 2000
    assert invoice.total_taxes[0].taxability_reason == "reverse_charge"
    assert invoice.customer_tax_exempt == "reverse"


def test_an_amount_off_is_spread_to_the_last_cent(shop: Shop) -> None:
    coupon = shop.client.v1.coupons.create(
        {"amount_off": 1000, "currency": "usd", "duration": "forever"}
    )
    prices = [shop.price(amount, name=f"Part {amount}") for amount in (1000, 1000, 1000)]
    subscription = shop.client.v1.subscriptions.create(
        {
            "customer": shop.customer().id,
            "items": [{"price": price.id} for price in prices],
            "discounts": [{"coupon": coupon.id}],
        }
    )
    invoice = shop.latest(subscription)
    shares = [line.discount_amounts[0].amount for line in invoice.lines.data]
    assert (sorted(shares), invoice.total) == ([333, 333, 334], 2000)


def test_a_coupon_for_one_product_leaves_the_others(shop: Shop) -> None:
    seats, storage = shop.price(1000, name="Seats"), shop.price(500, name="Storage")
    coupon = shop.client.v1.coupons.create(
        {
            "percent_off": 50,
            "duration": "forever",
            "applies_to": {"products": [storage.product]},
        }
    )
    subscription = shop.client.v1.subscriptions.create(
        {
            "customer": shop.customer().id,
            "items": [{"price": seats.id}, {"price": storage.id}],
            "discounts": [{"coupon": coupon.id}],
        }
    )
    assert shop.latest(subscription).total == 1250


def test_a_repeating_discount_ends_after_its_months(shop: Shop) -> None:
    coupon = shop.client.v1.coupons.create(
        {"percent_off": 50, "duration": "repeating", "duration_in_months": 2}
    )
    subscription = shop.subscribe(
        shop.customer(), shop.price(2000), discounts=[{"coupon": coupon.id}]
    )
    shop.travel(NOON + 65 * DAY)
    assert [one.total for one in shop.invoices(subscription)] == [1000, 1000, 2000]


def test_a_used_up_promotion_code_is_refused(shop: Shop) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 10, "duration": "once"})
    code = shop.client.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "max_redemptions": 1}
    )
    given = [{"promotion_code": code.id}]
    subscription = shop.subscribe(shop.customer(), shop.price(), discounts=given)
    assert shop.latest(subscription).total == 2610
    assert shop.client.v1.promotion_codes.retrieve(code.id).times_redeemed == 1
    with pytest.raises(stripe.InvalidRequestError, match="cannot be redeemed"):
        shop.subscribe(shop.customer(), shop.price(), discounts=given)


def test_a_draft_is_edited_numbered_and_paid(shop: Shop) -> None:
    customer = shop.customer()
    draft = one_off(shop, customer, 1000, 500, custom_fields=[{"name": "PO", "value": "7"}])
    assert (draft.status, draft.number, draft.total) == ("draft", None, 1500)
    invoices, entries = shop.client.v1.invoices, shop.client.v1.invoice_items
    entries.create(
        {"customer": customer.id, "invoice": draft.id, "amount": -200, "currency": "usd"}
    )
    first = entries.list({"invoice": draft.id}).data[-1]
    entries.update(first.id, {"amount": 1100})
    entries.delete(entries.list({"invoice": draft.id}).data[1].id)
    edited = invoices.update(draft.id, {"footer": "Thanks", "metadata": {"k": "v"}})
    assert (edited.total, edited.footer) == (900, "Thanks")
    final = invoices.finalize_invoice(draft.id)
    assert (final.status, final.amount_due) == ("open", 900)
    assert final.number == f"{customer.invoice_prefix}-0001"
    assert final.hosted_invoice_url.startswith("http://127.0.0.1:8001/")
    assert final.status_transitions.finalized_at == NOON
    with pytest.raises(stripe.InvalidRequestError) as late:
        invoices.update(draft.id, {"footer": "No"})
    assert late.value.code == "invoice_not_editable"
    paid = invoices.pay(draft.id, {"expand": ["payments.data.payment.payment_intent"]})
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 900, 0)
    assert paid.payments.data[0].payment.payment_intent.status == "succeeded"
    assert paid.payments.data[0].amount_paid == 900


def test_the_customers_credit_pays_first(shop: Shop) -> None:
    customer = shop.customer(balance=-400)
    invoice = one_off(shop, customer, 1000)
    assert invoice.amount_due == 600
    paid = shop.client.v1.invoices.pay(invoice.id)
    assert (paid.starting_balance, paid.ending_balance, paid.amount_paid) == (-400, 0, 600)
    assert shop.client.v1.customers.retrieve(customer.id).balance == 0


def test_too_little_to_charge_waits_on_the_balance(shop: Shop) -> None:
    customer = shop.customer()
    invoice = shop.client.v1.invoices.finalize_invoice(one_off(shop, customer, 30).id)
    assert (invoice.status, invoice.amount_due, invoice.ending_balance) == ("paid", 0, 30)
    next_one = shop.client.v1.invoices.finalize_invoice(one_off(shop, customer, 1000).id)
    assert next_one.amount_due == 1030


def test_a_void_invoice_gives_the_credit_back(shop: Shop) -> None:
    customer = shop.customer(balance=-400)
    invoices = shop.client.v1.invoices
    invoice = invoices.finalize_invoice(one_off(shop, customer, 1000).id)
    assert shop.client.v1.customers.retrieve(customer.id).balance == 0
    assert invoices.void_invoice(invoice.id).status == "void"
    assert shop.client.v1.customers.retrieve(customer.id).balance == -400
    with pytest.raises(stripe.InvalidRequestError):
        invoices.pay(invoice.id)
    [payment] = shop.client.v1.invoice_payments.list({"invoice": invoice.id}).data
    assert payment.status == "canceled"


def test_an_uncollectible_invoice_can_still_be_paid(shop: Shop) -> None:
    invoices = shop.client.v1.invoices
    invoice = invoices.finalize_invoice(one_off(shop, shop.customer(), 1000).id)
    given_up = invoices.mark_uncollectible(invoice.id)
    assert given_up.status == "uncollectible"
    assert invoices.pay(invoice.id).status == "paid"


def test_an_invoice_paid_elsewhere_is_paid_without_a_charge(shop: Shop) -> None:
    invoices = shop.client.v1.invoices
    invoice = invoices.finalize_invoice(one_off(shop, shop.customer(None), 1000).id)
    paid = invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid_off_stripe) == ("paid", 1000)
    assert shop.events("charge.succeeded") == []


def test_many_lines_are_paged(shop: Shop) -> None:
    invoice = one_off(shop, shop.customer(), *range(1000, 1012))
    assert len(invoice.lines.data) == 10
    assert invoice.lines.has_more is True
    every = [
        line.amount
        for line in shop.client.v1.invoices.line_items.list(
            invoice.id, {"limit": 5}
        ).auto_paging_iter()
    ]
    assert every == list(range(1000, 1012))


def test_invoices_are_found_by_what_they_are(shop: Shop, clock: Any) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price())
    clock.advance(DAY)
    draft = one_off(shop, customer, 1000, collection_method="send_invoice", days_until_due=30)
    listed = shop.client.v1.invoices.list

    def ids(**filters: Any) -> list[str]:
        return [one.id for one in listed({"customer": customer.id, **filters}).data]

    assert ids() == [draft.id, subscription.latest_invoice]
    assert ids(status="draft") == ids(collection_method="send_invoice") == [draft.id]
    assert ids(subscription=subscription.id) == ids(status="paid") == [subscription.latest_invoice]
    assert ids(created={"gt": NOON}) == ids(due_date={"gte": NOON + 31 * DAY}) == [draft.id]
    assert ids(due_date={"lt": NOON}) == []


def test_the_client_secret_is_there_when_asked_for(shop: Shop) -> None:
    subscription = shop.subscribe(
        shop.customer(None),
        shop.price(),
        payment_behavior="default_incomplete",
        expand=["latest_invoice.confirmation_secret"],
    )
    assert subscription.status == "incomplete"
    secret = subscription.latest_invoice.confirmation_secret
    assert secret.type == "payment_intent"
    intent = shop.client.v1.payment_intents.confirm(
        secret.client_secret.split("_secret_")[0], {"payment_method": "pm_card_visa"}
    )
    assert intent.status == "succeeded"
    assert shop.again(subscription).status == "active"


def test_a_one_off_joins_the_next_renewal_and_its_preview(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(2900))
    shop.client.v1.invoice_items.create(
        {
            "customer": customer.id,
            "subscription": subscription.id,
            "amount": 500,
            "currency": "usd",
        }
    )
    previews = shop.client.v1.invoices.create_preview
    assert amounts(previews({"subscription": subscription.id})) == [500, 2900]
    assert amounts(previews({"customer": customer.id})) == [500, 2900]
    recurring = previews({"subscription": subscription.id, "preview_mode": "recurring"})
    assert amounts(recurring) == [2900]
    shop.travel(NOON + 31 * DAY + 3600)
    assert amounts(shop.latest(subscription)) == [500, 2900]


def test_a_new_subscription_can_be_previewed_and_leaves_no_trace(shop: Shop) -> None:
    customer = shop.customer()
    preview = shop.client.v1.invoices.create_preview(
        {
            "customer": customer.id,
            "subscription_details": {"items": [{"price": shop.price(2900).id, "quantity": 2}]},
        }
    )
    assert (preview.total, preview.amount_due) == (5800, 5800)
    assert shop.client.v1.subscriptions.list({"customer": customer.id}).data == []
    assert shop.client.v1.invoices.list({"customer": customer.id}).data == []
    assert shop.events("customer.subscription.created") == []


def test_after_the_end_nothing_is_upcoming(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price())
    shop.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError) as none:
        shop.client.v1.invoices.create_preview({"subscription": subscription.id})
    assert none.value.code == "invoice_upcoming_none"


@pytest.mark.parametrize("terms", [{}, {"trial": True}, {"yearly": True}, {"later": True}])
def test_a_first_invoice_is_what_its_preview_said(shop: Shop, terms: dict[str, bool]) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 15, "duration": "once"})
    price = shop.price(28_999, "year") if "yearly" in terms else shop.price(2999)
    items = [{"price": price.id, "quantity": 3, "tax_rates": [tax(shop, 7.7)]}]
    discounts = [{"coupon": coupon.id}]
    customer = shop.customer(balance=-1000)
    details: dict[str, Any] = {"items": items}
    given: dict[str, Any] = {"items": items, "discounts": discounts, "customer": customer.id}
    if "trial" in terms:
        details["trial_end"] = given["trial_end"] = NOON + 14 * DAY
    if "later" in terms:
        given["billing_cycle_anchor"] = NOON + 9 * DAY
        details["billing_cycle_anchor"] = {"type": "timestamp", "timestamp": NOON + 9 * DAY}
    preview = shop.client.v1.invoices.create_preview(
        {"customer": customer.id, "discounts": discounts, "subscription_details": details}
    )
    invoice = shop.latest(shop.client.v1.subscriptions.create(given))
    for name in ("subtotal", "total", "total_excluding_tax", "amount_due", "starting_balance"):
        assert preview[name] == invoice[name], name
    assert amounts(preview) == amounts(invoice)
    assert [line.period for line in preview.lines.data] == [
        line.period for line in invoice.lines.data
    ]


def test_a_balance_pays_invoices_in_its_own_currency_only(shop: Shop) -> None:
    customers = shop.client.v1.customers
    customer = shop.customer()
    price = shop.price(9900, currency_options={"eur": {"unit_amount": 9100}})
    first = shop.subscribe(customer, price)
    shop.client.v1.subscriptions.cancel(first.id, {"prorate": True, "invoice_now": True})
    assert customers.retrieve(customer.id).balance == -9900
    second = shop.subscribe(customer, price, currency="eur")
    invoice = shop.latest(second)
    assert (invoice.starting_balance, invoice.amount_paid) == (0, 9100)
    known = customers.retrieve(customer.id, {"expand": ["invoice_credit_balance"]})
    assert (known.currency, known.balance) == ("eur", 0)
    assert known.invoice_credit_balance.to_dict() == {"usd": 9900}
    owed = {"amount": 1000, "currency": "usd"}
    added = customers.balance_transactions.create(customer.id, owed)
    assert (added.currency, added.ending_balance) == ("usd", -8900)
    shop.client.v1.subscriptions.cancel(second.id)
    again = shop.latest(shop.subscribe(customer, price))
    assert (again.currency, again.starting_balance, again.amount_due) == ("usd", -8900, 1000)
    known = customers.retrieve(customer.id)
    assert (known.currency, known.balance) == ("usd", 0)


def test_what_is_still_billed_keeps_the_customer_to_its_currency(shop: Shop) -> None:
    customer = shop.customer()
    price = shop.price(9900, currency_options={"eur": {"unit_amount": 9100}})
    shop.subscribe(customer, price)
    with pytest.raises(stripe.InvalidRequestError, match="cannot combine currencies"):
        shop.subscribe(customer, price, currency="eur")
