"""Price changes before they happen: amounts typed, everybody rehearsed, confirmed once."""

from __future__ import annotations

import csv
import io

import pytest

from models import AuditEntry, Price, PriceChange, Product, db
from tests.quote_page import text_of


@pytest.fixture
def four(changing):
    """Contoso with 25 seats, Northwind with 8, Fabrikam with 12 at 20% off, Litware with 4."""
    changing.stripe.v1.coupons.create(
        {"id": "twenty", "percent_off": 20, "duration": "repeating", "duration_in_months": 4}
    )
    return {
        "Contoso": changing.subscriber("Contoso", quantity=25),
        "Northwind": changing.subscriber("Northwind", quantity=8),
        "Fabrikam": changing.subscriber("Fabrikam", quantity=12, discounts=[{"coupon": "twenty"}]),
        "Litware": changing.subscriber("Litware", quantity=4),
    }


def test_the_rehearsal_shows_each_subscriber_before_and_after_and_asks_stripe_nothing(
    changing, four, stripe_calls
):
    number = changing.draft()
    before = len(stripe_calls)
    page = changing.page(number)
    assert len(stripe_calls) == before
    assert "Raise Team from $49 to $54 a seat" in page
    assert "Nothing has happened yet. This is what would." in page
    assert "Contoso 25 $1,225.00 $1,350.00 19 Dec 2026" in page
    assert "Fabrikam 20% off until 19 March 2027 12 $470.40 $518.40 19 Dec 2026" in page
    # 49 seats at $5 more, twelve of them at 80%: 37 * 5 + 12 * 4 = 233.
    assert "+ $233.00 $2,283.40 → $2,516.40" in page
    assert "Largest rise $125.00 a month, Contoso, 25 seats" in page
    assert "Need a look 1 1 discount" in page
