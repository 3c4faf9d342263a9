"""What happens to whom and when: the company's life as a list of acts, the same for every day.

Nothing here is done yet; `life.py` does it. A day counts from the company's first day, or, when it
is negative, back from today, which is the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from demo import by_chance, by_hand
from demo.story import Act, Story, months_before

MONTHS = 14
ACCOUNTS = 148  # with the two of `flask billing seed-demo` they are 150
SIZES = ("none", "small", "full")
# The day on which Team's price was raised, in months before today.
RAISED = 7


def told(size: str, now: datetime) -> tuple[datetime, list[Act]]:
    """The company's first moment and everything that happens until yesterday, in order."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    begin = months_before(today, MONTHS)
    stories = [*_of_the_company(begin, today), *by_hand.stories(begin, today)]
    if size == "full":
        stories += by_chance.stories(begin, today, ACCOUNTS - len(by_hand.CAST))
    acts = [act for story in stories for act in story.acts]
    return begin, sorted(acts, key=lambda act: act.at)


def _of_the_company(begin: datetime, today: datetime) -> Iterator[Story]:
    raised = (months_before(today, RAISED) - begin).days
    story = Story(None, begin, today, hour=1)
    story.on(0, "found")
    story.on(0, "offer", coupon="founders", name="Founding customer", percent_off=30, days=95)
    story.on(0, "offer", coupon="welcome20", name="Welcome", percent_off=20, months=3)
    story.on(0, "name_code", code="WELCOME20", coupon="welcome20", first_time=True)
    story.on(20, "offer", coupon="annual10", name="A year ahead", percent_off=10, once=True)
    story.on(20, "name_code", code="ANNUAL10", coupon="annual10")
    story.on(50, "offer", coupon="sorry", name="Sorry for the outage", amount_off=1500, once=True)
    story.on(75, "offer", coupon="kite", name="Partner: Kite", percent_off=15, months=12)
    story.on(75, "name_code", code="KITE", coupon="kite", most=25)
    story.on(150, "offer", coupon="spring", name="Spring offer", percent_off=25, once=True)
    story.on(150, "name_code", code="SPRING25", coupon="spring", days=45)
    story.on(210, "retire_code", code="KITE")
    story.on(raised, "raise_prices")
    yield story
