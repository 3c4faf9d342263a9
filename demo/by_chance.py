"""The stories drawn by a fixed seed: sign-ups with growth and seasons, and what a month brings."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from demo.population import drawn
from demo.story import Story

SEED = 20260
# How many sign up in a calendar month, against the average: quiet summers and Decembers.
SEASON = (1.25, 1.05, 1.1, 1.0, 0.95, 0.9, 0.65, 0.6, 1.2, 1.25, 1.1, 0.7)
# Growth from month to month, and the crowd of the first.
FIRST, EACH, OPENING = 7.0, 0.35, 5
REASONS = (
    *("too_expensive", "too_expensive", "unused", "unused", "switched_service"),
    *("missing_features", "too_complex", "low_quality", "customer_service", "other"),
)
COMMENTS = {
    "too_expensive": ("Budget cut for next year.", "The seats add up.", ""),
    "unused": ("The project ended.", "", ""),
    "switched_service": ("Group-wide tool from our parent company.", ""),
    "missing_features": ("No on-premises version.", "We need SAML for contractors."),
}
# The chance of leaving in a month.
LEAVES = {"starter": 0.1, "team": 0.055, "business": 0.015}
SEATS = {"starter": (1, 1), "team": (2, 14), "business": (6, 48)}
CARDS = ("pm_card_visa",) * 6 + ("pm_card_mastercard",) * 4 + ("pm_card_amex",)
BANK_DEBIT = "pm_sepaDebit"


def stories(begin: datetime, today: datetime, count: int) -> list[Story]:
    random_ = random.Random(SEED)  # noqa: S311
    companies = drawn(random_)
    told = []
    for joins in _sign_ups(random_, begin, today, count):
        story = Story(next(companies), begin, today, hour=random_.uniform(6, 20))
        _Chance(random_, story, joins, (today - begin).days).live()
        told.append(story)
    return told


def _sign_ups(random_: random.Random, begin: datetime, today: datetime, count: int) -> list[int]:
    """Days of joining: more from month to month, with the seasons."""
    days = (today - begin).days
    weights = []
    for day in range(days - 1):
        month = begin + timedelta(days=day)
        crowd = FIRST + EACH * day / 30.4 + (OPENING if day < 30 else 0)
        weekend = 0.3 if month.weekday() >= 5 else 1.0
        weights.append(crowd * SEASON[month.month - 1] * weekend)
    return sorted(random_.choices(range(days - 1), weights, k=count))


class _Chance:
    """A drawn company's life, month by month; what it was drawn to be decides what can follow."""

    def __init__(self, random_: random.Random, story: Story, joins: int, today: int):
        self._random, self._story, self._joins, self._today = random_, story, joins, today
        self._plan = self._weighted({"starter": 34, "team": 48, "business": 18})
        low, high = SEATS[self._plan]
        self._seats = min(random_.randint(low, high), random_.randint(low, high) + 2)
        yearly = {"starter": 0.12, "team": 0.22, "business": 0.4}[self._plan]
        self._yearly = random_.random() < yearly
        self._given_back = False
        self._card = random_.choice(CARDS)
        if story.company.currency == "eur" and random_.random() < 0.2:
            self._card = BANK_DEBIT

    def live(self) -> None:
        if self._joins > 20 and self._random.random() < 0.05:
            self._story.on(self._joins, "register")
        elif self._begins():
            self._goes_on(self._joins)

    def _begins(self) -> bool:
        """The first subscription; whether it is one that goes on."""
        terms: dict[str, Any] = {"plan": self._plan, "seats": self._seats}
        terms["card"] = self._card
        if self._yearly:
            terms["interval"] = "year"
        tried = {"starter": 0.5, "team": 0.35, "business": 0.0}[self._plan]
        if not self._yearly and self._random.random() < tried:
            return self._tries(terms)
        chance = self._random.random()
        if self._joins < 94 and chance < 0.25:
            terms["coupon"] = "founders"
        elif self._yearly and self._joins > 21 and chance < 0.45:
            terms["code"] = "ANNUAL10"
        elif chance < 0.14:
            terms["code"] = "WELCOME20"
        elif 76 < self._joins < 209 and chance < 0.24:
            terms["code"] = "KITE"
        elif 151 < self._joins < 194 and chance < 0.4:
            terms["code"] = "SPRING25"
        self._story.on(self._joins, "subscribe", **terms)
        if self._plan == "business" and self._random.random() < 0.3:
            amount = self._random.choice((90000, 125000, 250000))
            self._story.on(self._joins + 3, "bill", of="Onboarding workshop", amount=amount)
        return True

    def _tries(self, terms: dict[str, Any]) -> bool:
        free = self._plan == "starter"
        stays = self._random.random() < (0.55 if free else 0.68)
        if free:
            card = terms.pop("card")
            self._story.on(self._joins, "subscribe", trial="free", **terms)
            if stays:
                self._on(self._joins + self._random.randint(3, 12), "save_card", card=card)
        else:
            self._story.on(self._joins, "subscribe", trial="card", **terms)
            if not stays:
                self._on(self._joins + self._random.randint(2, 12), "cancel", **self._reason())
        self._joins += 14
        return stays

    def _goes_on(self, since: int) -> None:
        month = 0
        while (day := since + month * 30.4) + 30 < self._today:
            month += 1
            happens = self._happens(day, month)
            if happens == "over":
                return
            month += happens == "trouble"

    def _happens(self, day: float, month: int) -> str:
        """What a month brings; "over" when the subscription ends with it."""
        random_, plan = self._random, self._plan
        midst = day + random_.uniform(8, 19)
        if month > 1 and random_.random() < LEAVES[plan] * (0.3 if self._yearly else 1):
            self._on(midst, "cancel", **self._reason())
            if not self._yearly and random_.random() < 0.18:
                returns = midst + random_.uniform(60, 110)
                if returns + 30 < self._today:
                    self._on(returns, "subscribe", plan=plan, seats=self._seats)
                    self._goes_on(int(returns))
            return "over"
        # A debit that comes back does so days later: another story.
        fails = not self._yearly and self._card != BANK_DEBIT
        if fails and random_.random() < 0.055:
            return self._fails(day)
        chance = random_.random()
        if plan != "starter" and chance < 0.2:
            most = 25 if plan == "team" else 400
            self._seats = min(self._seats + random_.randint(1, 2 + self._seats // 3), most)
            self._on(midst, "seats", to=self._seats)
        elif plan != "starter" and chance < 0.26 and self._seats > 3:
            self._seats -= random_.randint(1, self._seats // 3)
            self._on(midst, "seats", to=self._seats)
        elif chance < 0.295 and not self._yearly:
            self._moves(midst)
        elif chance < 0.335 and month > 1 and self._yearly:
            # The one payment of the year goes back once.
            if not self._given_back:
                self._given_back = True
                self._on(midst, "refund", part=0.25, reason="requested_by_customer")
        elif chance < 0.32 and month > 1:
            part = random_.choice((0.25, 0.5, 1.0))
            self._on(midst, "refund", part=part, reason="requested_by_customer")
        elif chance < 0.345 and month > 1:
            back_to = random_.choice(("card", "balance"))
            self._on(midst, "credit", part=0.3, back_to=back_to, reason="order_change")
        elif chance < 0.36 and plan == "team" and not self._yearly:
            self._on(midst, "pause")
            self._on(midst + 45, "resume")
            return "over"
        elif chance < 0.375:
            self._on(midst, "discount", coupon="sorry" if midst > 51 else "welcome20")
        return ""

    def _moves(self, day: float) -> None:
        """Another plan: mostly a larger one."""
        up = self._random.random() < 0.75
        ladder = ("starter", "team", "business")
        to = ladder[max(0, min(2, ladder.index(self._plan) + (1 if up else -1)))]
        if to == self._plan:
            return
        self._plan = to
        if to == "starter":
            self._seats = 1
        elif up:
            self._seats += self._random.randint(1, 4)
        else:
            self._seats = min(self._seats, 25)
        self._on(day, "change" if up else "change_at_renewal", plan=to, seats=self._seats)

    def _fails(self, day: float) -> str:
        """The next renewal is refused: most come back, some are lost."""
        refusal = self._random.choice(
            ("insufficient_funds", "insufficient_funds", "expired_card", "do_not_honor")
        )
        self._on(day + 22, "bank_says", answer=refusal)
        kind = self._random.random()
        if kind < 0.4:
            self._on(day + 33, "bank_says", answer="as_made")
        elif kind < 0.75:
            self._on(day + 36, "save_card", card=self._random.choice(CARDS))
            self._on(day + 36.1, "pay")
        else:
            return "over"
        return "trouble"

    def _on(self, day: float, what: str, **terms: Any) -> None:
        if 0 <= day < self._today:
            self._story.on(day, what, **terms)

    def _reason(self) -> dict[str, str]:
        reason = self._random.choice(REASONS)
        comment = self._random.choice(COMMENTS.get(reason, ("",)))
        return {"reason": reason, "comment": comment} if comment else {"reason": reason}

    def _weighted(self, weights: dict[str, int]) -> str:
        return self._random.choices(list(weights), list(weights.values()))[0]
