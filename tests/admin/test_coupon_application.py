"""Coupons that staff put on a subscription, with what they do to the next invoice."""

from __future__ import annotations

import pytest

from tests.staff import agreed, words


@pytest.fixture
def path(desk):
    return desk.path("coupon-application")


@pytest.fixture
def coupons(desk, stripe):
    """20% for three months, $5.00 once, one in yen, one for another plan, one that is over."""
    v1 = stripe.v1
    made = {
        "part": {
            "percent_off": 20,
            "duration": "repeating",
            "duration_in_months": 3,
            "name": "Part",
        },
        "five": {"amount_off": 500, "currency": "usd", "duration": "once", "name": "Five"},
        "yen": {"amount_off": 500, "currency": "jpy", "duration": "once", "name": "Yen"},
        "other": {
            "percent_off": 10,
            "duration": "once",
            "name": "Other",
            "applies_to": {"products": ["demo_starter"]},
        },
        "over": {"percent_off": 10, "duration": "once", "name": "Over", "max_redemptions": 1},
    }
    ids = {key: v1.coupons.create({"id": key, **params}).id for key, params in made.items()}
    v1.coupons.delete("over")
    for each in ids:
        desk.pull("coupon", each)


def discounts(stripe, team):
    found = stripe.v1.subscriptions.retrieve(team, {"expand": ["discounts.source.coupon"]})
    return [discount.source.coupon.id for discount in found.discounts]


def test_only_coupons_that_count_for_it_are_offered(desk, path, coupons):
    said = words(desk.look(path))
    assert "Part: 20% off for 3 months" in said
    assert "Five: $5.00 off once" in said
    for name in ("Yen", "Other", "Over"):
        assert name not in said
    assert desk.look(path, coupon="yen").status_code == 422


def test_its_effect_is_shown_and_then_had(desk, stripe, path, team, coupons):
    page = desk.look(path, coupon="part")
    said = words(page)
    assert "Next invoice without it 19 December 2026 $392.00" in said
    assert "Next invoice with it 19 December 2026 $313.60" in said
    form = agreed(page)
    for _ in range(2):
        assert desk.press(path, form).status_code == 303
    assert discounts(stripe, team) == ["part"]
    assert stripe.v1.invoices.create_preview({"subscription": team}).total == 31360
    ((before, after, account_id),) = desk.audited("coupon.applied")
    assert (before["discounts"], after["coupon"], account_id) == ([], "part", desk.number)
    # The next one comes on top.
    desk.do(path, coupon="five")
    assert discounts(stripe, team) == ["part", "five"]


def test_a_discount_is_removed_once(desk, stripe, path, team, coupons):
    desk.do(path, coupon="part")
    desk.do(path, coupon="five")
    held = stripe.v1.subscriptions.retrieve(team).discounts[0]
    page = desk.look(f"{path}/{held}/removal")
    assert "Next invoice with it 19 December 2026 $308.60" in words(page)
    assert "Next invoice without it 19 December 2026 $387.00" in words(page)
    form = agreed(page)
    for _ in range(2):
        answer = desk.press(f"{path}/{held}/removal", form)
        assert "Part is off the subscription" in words(desk.browser.get(answer.location))
    assert discounts(stripe, team) == ["five"]
    assert len(desk.audited("coupon.removed")) == 1
    assert desk.look(f"{path}/{held}/removal").status_code == 404


def test_a_discount_that_came_meanwhile_is_not_lost(desk, stripe, path, team, coupons):
    form = agreed(desk.look(path, coupon="part"))
    stripe.v1.subscriptions.update(team, {"discounts": [{"coupon": "five"}]})
    answer = desk.press(path, form)
    assert answer.status_code == 409
    assert "This has changed since you looked." in words(answer)
    assert discounts(stripe, team) == ["five"]


def test_a_coupon_that_is_over_by_then_is_refused_in_words(desk, stripe, path, team, coupons):
    form = agreed(desk.look(path, coupon="part"))
    stripe.v1.coupons.delete("part")
    answer = desk.press(path, form)
    assert answer.status_code == 410
    assert "It was removed in the meantime. Nothing was changed." in words(answer)
    assert discounts(stripe, team) == []


def test_without_stripe_the_page_says_that_the_effect_is_not_known(
    desk, path, coupons, stripe_is_down
):
    stripe_is_down()
    page = desk.look(path, coupon="part")
    assert "Stripe does not say what the next invoice will be." in words(page)
