"""Subscribers move to a new price: each once, on their day, whatever they do meanwhile."""

from __future__ import annotations

import pytest

from models import PriceChange, db
from tests.quote_page import OWNER, accept, after, text_of


@pytest.fixture
def new_price(changing, app):
    """The id of the price that a change has made."""

    def find(number: int) -> str:
        with app.app_context():
            return db.session.get(PriceChange, number).new_price_id

    return find


def test_each_moves_at_the_first_renewal_after_their_notice(changing, new_price, clock):
    """30 days from 19 November is 19 December: who renews on that day at noon moves then."""
    a = changing.subscriber("Contoso", quantity=25)
    clock.advance(days=-1)
    b = changing.subscriber("Northwind", quantity=8)
    clock.advance(days=1)
    number = changing.change()
    assert changing.run().startswith("2 scheduled")
    old, new = changing.price_before, new_price(number)
    assert changing.phases(a) == [("2026-11-19", old, 25), ("2026-12-19", new, 25)]
    # One day before the notice is over it renews once more at the old price.
    assert changing.phases(b) == [("2026-11-18", old, 8), ("2027-01-18", new, 8)]
    assert changing.moves(number) == {
        "Contoso": ("scheduled", None),
        "Northwind": ("scheduled", None),
    }


def test_the_new_price_takes_the_old_ones_place_at_stripe_and_for_new_sign_ups(
    changing, new_price, client
):
    changing.subscriber("Contoso")
    old = changing.price()
    changing.stripe.v1.products.update("demo_team", {"default_price": old})
    changing.pull("product", "demo_team")
    number = changing.change()
    made = changing.stripe.v1.prices.retrieve(new_price(number), {"expand": ["currency_options"]})
    assert (made.unit_amount, made.lookup_key, made.active) == (5400, "demo_team_month", True)
    options = made.currency_options.to_dict()
    amounts = {code: option["unit_amount"] for code, option in options.items()}
    assert amounts == {"usd": 5400, "eur": 4950, "jpy": 8200}
    assert changing.stripe.v1.prices.retrieve(old).active is False
    assert changing.stripe.v1.products.retrieve("demo_team").default_price == made.id
    assert "$54" in text_of(client.get("/plans"))


def test_running_again_moves_nobody_twice(changing, stripe_calls):
    a = changing.subscriber("Contoso")
    changing.change()
    changing.run()
    before = changing.phases(a)
    calls = len(stripe_calls)
    assert changing.run().startswith("0 scheduled")
    assert len(stripe_calls) == calls
    assert changing.phases(a) == before
    assert len(changing.stripe.v1.subscription_schedules.list({}).data) == 1


def test_who_is_kept_stays_on_the_old_price_and_can_still_change_seats(changing, people, clock):
    people.join(OWNER)
    held = changing.subscriber("Northwind", quantity=8)
    old = changing.price()
    number = changing.change(rule="keep")
    assert changing.moves(number) == {}
    with changing.app.app_context():
        assert db.session.get(PriceChange, number).status == "done"
    ada = people.sign_in(OWNER)
    clock.advance(days=10)
    ada = people.sign_in(OWNER)
    assert "You now have" in after(ada, accept(ada, "/seats?seats=10", seats="10"))
    item = changing.stripe.v1.subscriptions.retrieve(held)["items"].data[0]
    assert (item.price.id, item.quantity) == (old, 10)
    assert "From 19 December 2026 you have" in after(ada, accept(ada, "/seats?seats=5", seats="5"))
    assert changing.phases(held)[-1] == ("2026-12-19", old, 5)
