"""What a buyer does on Stripe's own Checkout page, without a browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask

VISA = "4242424242424242"


def form(number: str = VISA) -> dict[str, str]:
    """What is typed into the page."""
    return {
        "action": "pay",
        "number": number,
        "exp": "12 / 34",
        "cvc": "123",
        "name": "Ada Lindqvist",
        "email": "ada@northwind.example",
        "country": "US",
        "postal_code": "94107",
    }


def pay(sandbox: Flask, url: str, number: str = VISA) -> str:
    """Pays the session whose page is at `url`; the path that Checkout sends the buyer back to."""
    answer = sandbox.test_client().post(urlsplit(url).path, data=form(number))
    assert answer.status_code in {302, 303}, answer.text
    back = urlsplit(answer.location)
    return f"{back.path}?{back.query}"
