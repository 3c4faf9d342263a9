"""The hosted invoice page, its PDF, receipts and the bank's page."""

from __future__ import annotations

import re
import zlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe

from sandbox.pages.card_offers import TEST_CARDS

CARD = {"exp": "12 / 34", "cvc": "123", "name": "Ada Lovelace", "country": "DE", "action": "pay"}


@pytest.fixture
def browser(app: Any) -> Any:
    return app.test_client()


@pytest.fixture
def invoice(stripe_client: stripe.StripeClient) -> Any:
    """An open invoice for €119: a workshop for €100 and 19% VAT."""
    v1 = stripe_client.v1
    rate = v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False})
    customer = v1.customers.create(
        {
            "name": "Żółć & Söhne",
            "email": "billing@example.com",
            "address": {"line1": "Lindenstr. 4", "city": "Berlin", "country": "DE"},
        }
    )
    draft = v1.invoices.create(
        {
            "customer": customer.id,
            "currency": "eur",
            "collection_method": "send_invoice",
            "days_until_due": 14,
            "footer": "Thank you",
        }
    )
    v1.invoice_items.create(
        {
            "customer": customer.id,
            "invoice": draft.id,
            "currency": "eur",
            "amount": 10000,
            "description": "Workshop",
            "tax_rates": [rate.id],
        }
    )
    return v1.invoices.finalize_invoice(draft.id)


def path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def pay(browser: Any, invoice: Any, number: str = "4242424242424242", **fields: str) -> Any:
    return browser.post(path(invoice.hosted_invoice_url), data={"number": number} | CARD | fields)


def test_an_open_invoice_shows_what_is_due_and_why(invoice, browser):
    page = browser.get(path(invoice.hosted_invoice_url)).text
    assert "€119.00 due 15 May 2026" in page
    for text in (invoice.number, "Workshop", "VAT (19%)", "€19.00", "Berlin", "Thank you"):
        assert text in page
    assert "Żółć &amp; Söhne" in page
    assert "Pay €119.00" in page


def test_paying_it_turns_it_into_a_receipt(stripe_client, invoice, browser):
    assert pay(browser, invoice).status_code == 303
    page = browser.get(path(invoice.hosted_invoice_url)).text
    assert "€119.00 paid on 1 May 2026" in page
    assert "Visa ending 4242" in page
    assert "Pay €119.00" not in page
    assert stripe_client.v1.invoices.retrieve(invoice.id).status == "paid"
    assert pay(browser, invoice).status_code == 303
    assert len(stripe_client.v1.charges.list().data) == 1
    charge = stripe_client.v1.charges.list().data[0]
    assert "Receipt for €119.00" in browser.get(path(charge.receipt_url)).text


def test_a_declined_card_leaves_it_open_and_keeps_what_was_typed(stripe_client, invoice, browser):
    answer = pay(browser, invoice, "4000000000009995")
    assert answer.status_code == 422
    assert "Your card has insufficient funds. You were not charged." in answer.text
    assert 'value="Ada Lovelace"' in answer.text
    assert 'value="123"' not in answer.text
    assert stripe_client.v1.invoices.retrieve(invoice.id).status == "open"


def test_the_bank_is_asked_and_leads_back(stripe_client, invoice, browser):
    bank = pay(browser, invoice, "4000002760003184").location
    assert "Confirm €119.00" in browser.get(path(bank)).text
    refused = browser.post(path(bank), data={"answer": "fail"})
    assert "unable to authenticate" in browser.get(path(refused.location)).text
    assert stripe_client.v1.invoices.retrieve(invoice.id).status == "open"
    bank = pay(browser, invoice, "4000002760003184").location
    agreed = browser.post(path(bank), data={"answer": "complete"})
    assert parse_qs(urlsplit(agreed.location).query)["redirect_status"] == ["succeeded"]
    assert stripe_client.v1.invoices.retrieve(invoice.id).status == "paid"


def test_the_customers_saved_card_can_pay_it(stripe_client, invoice, browser):
    method = stripe_client.v1.payment_methods.attach(
        "pm_card_mastercard", {"customer": invoice.customer}
    )
    page = browser.get(path(invoice.hosted_invoice_url)).text
    assert "Mastercard ending 4444" in page
    answer = pay(browser, invoice, "", saved_payment_method=method.id)
    assert answer.status_code == 303
    assert stripe_client.v1.invoices.retrieve(invoice.id).status == "paid"


def test_a_void_invoice_cannot_be_paid(stripe_client, invoice, browser):
    stripe_client.v1.invoices.void_invoice(invoice.id)
    page = browser.get(path(invoice.hosted_invoice_url)).text
    assert "void: nothing is owed" in page
    assert "Pay this invoice" not in page
    pay(browser, invoice)
    assert stripe_client.v1.charges.list().data == []


def test_without_its_secret_an_invoice_is_not_found(invoice, browser):
    parts = path(invoice.hosted_invoice_url).split("/")
    for wrong in ("x" * len(parts[-1]), "none"):
        guess = "/".join([*parts[:-1], wrong])
        assert browser.get(guess).status_code == 404
        assert browser.get(f"{guess}/pdf").status_code == 404
        assert browser.post(guess, data=CARD).status_code == 404


def drawn(pdf: bytes) -> int:
    """How many drawing streams of the PDF can be read."""
    found = 0
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found += b" Tf" in zlib.decompress(stream)
        except zlib.error:
            continue
    return found


def test_the_pdf_is_a_file_with_the_invoices_number(invoice, browser):
    answer = browser.get(path(invoice.invoice_pdf))
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    assert invoice.number in answer.headers["Content-Disposition"]
    assert drawn(answer.data) == 1


def test_a_long_invoice_runs_over_several_pages(stripe_client, browser):
    customer = stripe_client.v1.customers.create({"name": "Ada"})
    for number in range(70):
        stripe_client.v1.invoice_items.create(
            {
                "customer": customer.id,
                "amount": 100 + number,
                "currency": "usd",
                "description": f"Item {number}",
            }
        )
    draft = stripe_client.v1.invoices.create(
        {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    )
    done = stripe_client.v1.invoices.finalize_invoice(draft.id)
    assert drawn(browser.get(path(done.invoice_pdf)).data) >= 3


def test_the_bank_leads_back_with_the_parameters_stripe_adds(stripe_client, browser):
    customer = stripe_client.v1.customers.create({})
    intent = stripe_client.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
            "return_url": "https://shop.example/back?tab=cards",
        }
    )
    bank = intent.next_action.redirect_to_url.url
    answer = browser.post(path(bank), data={"answer": "complete"})
    back = urlsplit(answer.location)
    assert (back.netloc, back.path) == ("shop.example", "/back")
    assert parse_qs(back.query) == {
        "tab": ["cards"],
        "setup_intent": [intent.id],
        "setup_intent_client_secret": [intent.client_secret],
        "redirect_status": ["succeeded"],
    }
    assert stripe_client.v1.setup_intents.retrieve(intent.id).status == "succeeded"


def test_the_bank_knows_no_other_address(browser):
    assert browser.get("/bank/seti_none_secret_none").status_code == 404
    assert browser.post("/bank/seti_none_secret_none").status_code == 404


@pytest.mark.parametrize("card", TEST_CARDS, ids=lambda card: card.number)
def test_each_offered_card_does_what_it_says(stripe_client, invoice, browser, card):
    answer = pay(browser, invoice, card.number)
    status = stripe_client.v1.invoices.retrieve(invoice.id).status
    if card.what.startswith("Succeeds"):
        assert (answer.status_code, status) == (303, "paid")
    elif card.what.startswith("Asks"):
        assert "/bank/" in answer.location
        assert status == "open"
    else:
        assert (answer.status_code, status) == (422, "open")
