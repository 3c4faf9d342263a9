"""Rows about invoices: one for each, or one for each of their lines.

Names and addresses are the invoice's own, as they were when it was finalized.
"""

from __future__ import annotations

from sqlalchemy import func, join, outerjoin, select

from billing.exports.rows import Column, Rows, listed
from billing.invoice_parts import PARTS
from models import Account, Invoice, InvoiceLine, Product

_PLANS = listed(
    select(Product.name)
    .select_from(join(InvoiceLine, Product, InvoiceLine.product_id == Product.stripe_id))
    .where(InvoiceLine.invoice_id == Invoice.stripe_id),
    Invoice,
)
_ISSUED = func.coalesce(Invoice.effective_at, Invoice.finalized_at, Invoice.created)

OF_INVOICE = (
    Column("invoice_id", "text", "Stripe's id of the invoice.", Invoice.stripe_id),
    Column("invoice_number", "text", "The number printed on the invoice.", Invoice.number),
    Column(
        "status", "text", "Where the invoice stands: draft, open, paid, void or uncollectible.",
        Invoice.status,
    ),
    Column("invoice_date", "day", "The date of issue printed on the invoice.", _ISSUED),
    Column("created_at", "moment", "When the invoice was made, as a draft.", Invoice.created),
    Column(
        "finalized_at", "moment", "When it got its number and became due.", Invoice.finalized_at
    ),
    Column(
        "due_date", "day",
        "The last day to pay: its due date, or its date of issue where it is charged at once.",
        func.coalesce(Invoice.due_date, _ISSUED),
    ),
    Column("paid_at", "moment", "When nothing was left to pay.", Invoice.paid_at),
    Column("voided_at", "moment", "When it was voided.", Invoice.voided_at),
    Column(
        "uncollectible_at", "moment", "When it was marked uncollectible.",
        Invoice.marked_uncollectible_at,
    ),
    Column("customer_id", "text", "Stripe's id of the customer.", Invoice.customer_id),
    Column(
        "customer_name", "text", "Who was billed, by the name on the invoice.",
        func.coalesce(Invoice.customer_name, Account.name, Invoice.customer_email),
    ),
    Column("customer_email", "text", "The mail address on the invoice.", Invoice.customer_email),
    Column(
        "customer_country", "text", "The country of the address on the invoice, two letters.",
        Invoice.customer_country,
    ),
    Column("account", "text", "The account's name in this portal.", Account.name),
    Column(
        "subscription_id", "text", "Stripe's id of the subscription it is for.",
        Invoice.subscription_id,
    ),
    Column(
        "billing_reason", "text",
        "What made it: subscription_create, subscription_cycle, subscription_update, manual ...",
        Invoice.billing_reason,
    ),
    Column("currency", "text", "The currency of every amount of the row.", Invoice.currency),
)  # fmt: skip

_AMOUNTS = (
    Column(
        "subtotal", "amount", "All lines, before discounts and before tax added on top.",
        Invoice.subtotal,
    ),
    Column("discount", "amount", "What coupons took off.", Invoice.discount),
    Column(
        "net", "amount", "The total without any tax.",
        func.coalesce(Invoice.total_excluding_tax, Invoice.total - Invoice.tax),
    ),
    Column("tax", "amount", "All taxes, also those contained in prices.", Invoice.tax),
    Column("total", "amount", "What was invoiced, tax included.", Invoice.total),
    Column(
        "balance_applied", "amount",
        "Credit of the customer's balance used when it was finalised; negative where it added to "
        "the balance or collected a debt of it.",
        func.coalesce(Invoice.ending_balance, Invoice.starting_balance) - Invoice.starting_balance,
    ),
    Column(
        "amount_due", "amount",
        "What was to be paid: the total less balance and less credit notes before payment.",
        Invoice.amount_due,
    ),
    Column(
        "amount_paid", "amount", "What was paid towards what was due, outside Stripe included.",
        Invoice.amount_paid,
    ),
    Column(
        "amount_remaining", "amount", "What is or was left to pay, as Stripe has it.",
        Invoice.amount_remaining,
    ),
    *(
        Column(key, "amount", PARTS[part].meaning, PARTS[part].of)
        for key, part in (
            ("credited", "credited"),
            ("voided", "voided"),
            ("uncollectible", "uncollectible"),
            ("paid", "paid"),
            ("paid_by_stripe", "by_stripe"),
            ("paid_off_stripe", "off_stripe"),
            ("paid_from_balance", "from_balance"),
            ("given_back", "given_back"),
            ("open", "open"),
        )
    ),
)  # fmt: skip

_SOURCE = outerjoin(Invoice, Account, Account.stripe_customer_id == Invoice.customer_id)

INVOICES = Rows(
    "invoices",
    "One row for each invoice",
    (
        *OF_INVOICE,
        Column("plans", "text", "The names of all products on its lines.", _PLANS),
        *_AMOUNTS,
    ),
    _SOURCE,
    Invoice.currency,
)

_NET = InvoiceLine.amount - InvoiceLine.discount - InvoiceLine.tax_included

INVOICE_LINES = Rows(
    "invoice_lines",
    "One row for each line of an invoice",
    (
        *OF_INVOICE,
        Column("invoice_total", "amount", "The total of the line's invoice.", Invoice.total),
        Column("line_id", "text", "Stripe's id of the line.", InvoiceLine.stripe_id),
        Column(
            "line", "number", "The line's place on its invoice, from 1.",
            InvoiceLine.position + 1,
        ),
        Column("description", "text", "What the line is for.", InvoiceLine.description),
        Column("plan", "text", "The product's name.", Product.name),
        Column("product_id", "text", "Stripe's id of the product.", InvoiceLine.product_id),
        Column("price_id", "text", "Stripe's id of the price.", InvoiceLine.price_id),
        Column("quantity", "number", "How many, such as seats.", InvoiceLine.quantity),
        Column(
            "unit_amount", "unit_amount", "The price of one, with all its decimals.",
            InvoiceLine.unit_amount_decimal,
        ),
        Column("service_start", "day", "The first day it is for.", InvoiceLine.period_start),
        Column("service_end", "day", "The day its period ends.", InvoiceLine.period_end),
        Column(
            "line_amount", "amount", "The line before discounts and before tax on top.",
            InvoiceLine.amount,
        ),
        Column("line_discount", "amount", "The line's share of discounts.", InvoiceLine.discount),
        Column("line_net", "amount", "The line less discounts and without tax.", _NET),
        Column("line_tax", "amount", "The line's taxes.", InvoiceLine.tax),
        Column(
            "line_total", "amount",
            "The line less discounts and with tax. The lines of an invoice add up to its total, "
            "but for a minor unit where Stripe rounds tax on the whole invoice.",
            _NET + InvoiceLine.tax,
        ),
        Column(
            "blank", "constant", "Empty: a column that the reading program expects.",
            lambda settings: "",
        ),
        Column(
            "one", "constant",
            "Always 1: the quantity for ledgers that multiply it with line_net, so that nothing "
            "is rounded again.",
            lambda settings: "1",
        ),
        Column(
            "revenue_account", "constant",
            "The account that revenue is booked to: the setting EXPORT_REVENUE_ACCOUNT.",
            lambda settings: settings.finance.revenue_account,
        ),
        Column(
            "tax_name", "constant",
            "The ledger's own name of the tax: the setting EXPORT_TAX_NAME.",
            lambda settings: settings.finance.tax_name,
        ),
    ),
    outerjoin(
        join(_SOURCE, InvoiceLine, InvoiceLine.invoice_id == Invoice.stripe_id),
        Product,
        Product.stripe_id == InvoiceLine.product_id,
    ),
    Invoice.currency,
)  # fmt: skip
