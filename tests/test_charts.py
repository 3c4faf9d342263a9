"""Charts are pictures that stand in a page whose policy allows neither script nor style in it."""

from __future__ import annotations

import re

import pytest
from defusedxml import ElementTree

from billing import charts, money
from billing.charts import Chart, Series


def chart(*values, labels=None, currency="usd"):
    return Chart(
        id="mrr",
        title="Monthly <recurring> revenue",
        summary="From $1.00 to $2.00.",
        labels=labels or [f"M{place}" for place, _ in enumerate(values[0])],
        series=[Series(f"part{place}", f"Part {place}", one) for place, one in enumerate(values)],
        written=lambda value: money.text(int(value), currency),
        tick=lambda value: money.compact(int(value), currency),
    )


CASES = {
    "nothing": chart([0, 0]),
    "one month": chart([4900]),
    "losses": chart([100, 0, 300], [-900, -100, 0]),
    "only losses": chart([-100, -300]),
    "no decimals": chart([7400, 14800], currency="jpy"),
    "very large": chart([10**15, 3 * 10**15 + 1]),
    "years": chart(list(range(60))),
}


@pytest.mark.parametrize("draw", [charts.area, charts.stacked])
@pytest.mark.parametrize("name", CASES)
def test_a_picture_has_a_name_and_nothing_that_the_policy_forbids(draw, name):
    drawn = draw(CASES[name])
    wide, narrow = ElementTree.fromstring(f"<both>{drawn}</both>")
    for picture in (wide, narrow):
        assert picture.get("role") == "img"
        title, summary = picture[0], picture[1]
        assert (title.text, summary.text) == ("Monthly <recurring> revenue", "From $1.00 to $2.00.")
        assert picture.get("aria-labelledby") == title.get("id")
        assert picture.get("aria-describedby") == summary.get("id")
    assert len(re.findall(r'\bid="', drawn)) == len(set(re.findall(r'\bid="([^"]+)"', drawn))) == 4
    assert not re.search(r"<script|<style|style=|<!--|href|on\w+=|url\(|nan|inf\b", drawn)


@pytest.mark.parametrize(
    ("values", "stacks", "expected"),
    [
        ([[4413660]], False, [0, 2000000, 4000000, 6000000]),
        ([[100, 300], [200, -900]], True, [-1000, -500, 0, 500]),
        ([[0, 0]], True, [0]),
        ([[3]], False, [0, 1, 2, 3]),
        ([[-5]], True, [-6, -4, -2, 0]),
    ],
)
def test_an_axis_has_a_few_round_numbers_with_zero_among_them(values, stacks, expected):
    assert charts.ticks([Series("a", "A", one) for one in values], stacks=stacks) == expected


def test_amounts_stand_at_the_axis_in_few_letters_and_at_the_shapes_in_full():
    drawn = charts.stacked(chart([4413660, 120], [-100, -250000]))
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
    assert {"$40K", "$0"} <= set(texts)
    assert "<title>$44,136.60</title>" in drawn
    assert "<title>\N{MINUS SIGN}$2,500.00</title>" in drawn
