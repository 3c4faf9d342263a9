"""Reading the pages that quote a change, and arranging what they depend on."""

from __future__ import annotations

import re
from datetime import datetime
from html import unescape
from typing import Any

from billing import sync
from models import Quote, Subscription, db
from sandbox import events
from sandbox.engine.time import run_due

OWNER = "ada@northwind.example"


def text_of(answer: Any) -> str:
    """The words of the page, in the order they are read."""
    body = answer.get_data(as_text=True)
    main = re.search(r"<main.*?</main>", body, re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main.group(0) if main else body)))


def quote_in(answer: Any) -> str:
    """The id of the quote that the page's form sends back."""
    found = re.search(r'name="quote" value="([^"]+)"', answer.get_data(as_text=True))
    assert found, text_of(answer)
    return found.group(1)


def offers_quote(answer: Any) -> bool:
    return 'name="quote"' in answer.get_data(as_text=True)


def accept(browser: Any, url: str, **fields: Any) -> Any:
    """Looks at the quote at `url` and confirms it."""
    quote = quote_in(browser.get(url))
    return browser.post(url, data={"quote": quote, **fields})


def after(browser: Any, answer: Any) -> str:
    """The words of the page that the answer leads to."""
    assert answer.status_code in {302, 303}, text_of(answer)
    return text_of(browser.get(answer.headers["Location"]))


def use_card(app: Any, stripe: Any, subscription_id: str, card: str) -> None:
    """Makes a test card the customer's default, at Stripe and in the mirror."""
    with app.app_context():
        customer = stripe.v1.subscriptions.retrieve(subscription_id).customer
        method = stripe.v1.payment_methods.attach(card, {"customer": customer})
        stripe.v1.customers.update(
            customer, {"invoice_settings": {"default_payment_method": method.id}}
        )
        sync.pull("payment_method", method.id)
        sync.pull("customer", customer)


def pass_time(sandbox: Any, clock: Any, moment: datetime) -> None:
    """Sets the clock, and lets the sandbox do what has fallen due by then."""
    clock.set(moment)
    with sandbox.app_context(), events.transaction():
        run_due(int(moment.timestamp()))


def pull(app: Any, kind: str, stripe_id: str) -> None:
    with app.app_context():
        sync.pull(kind, stripe_id)


def at_stripe(stripe: Any, subscription_id: str) -> tuple[str, int]:
    """The price's lookup key and the quantity that Stripe has for the subscription."""
    (item,) = stripe.v1.subscriptions.retrieve(subscription_id)["items"].data
    return item.price.lookup_key, item.quantity


def in_mirror(app: Any, subscription_id: str) -> tuple[str | None, int]:
    with app.app_context():
        subscription = db.session.get(Subscription, subscription_id)
        assert subscription is not None
        return subscription.price and subscription.price.lookup_key, subscription.quantity


def invoices_of(stripe: Any, subscription_id: str) -> list[tuple[str, int]]:
    """Status and amount due of each invoice, the newest first."""
    found = stripe.v1.invoices.list({"subscription": subscription_id}).data
    return [(invoice.status, invoice.amount_due) for invoice in found]


def stored_quote(app: Any, quote_id: str) -> Quote:
    with app.app_context():
        quote = db.session.get(Quote, quote_id)
        assert quote is not None
        db.session.expunge(quote)
        return quote


def row_of(answer: Any, label: str) -> str:
    """The amount beside a label of the quote, such as the row that begins "Due today"."""
    rows = re.findall(
        r"<(?:tr|div)[^>]*>\s*<(?P<name>th|dt)[^>]*>((?:(?!</?(?:tr|div)).)*?)</(?P=name)>"
        r"\s*<(?P<value>td|dd)[^>]*>(.*?)</(?P=value)>",
        answer.get_data(as_text=True),
        re.S,
    )
    for _, name, _, amount in rows:
        words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", unescape(name))).strip()
        if words.startswith(label):
            return unescape(amount).strip()
    raise AssertionError(f"no row {label!r} in {text_of(answer)}")
