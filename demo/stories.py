"""What happens to whom and when: the company's life as a list of acts, the same for every seed.

Nothing here is done yet; `life.py` does it. A day counts from the company's first day, or, when it
is negative, back from today, which is the last.
"""

from __future__ import annotations

import calendar
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from demo.population import Company, drawn

SEED = 20260
MONTHS = 14
ACCOUNTS = 148  # with the two of `flask billing seed-demo` they are 150
SIZES = ("none", "small", "full")
# The day on which Team's price was raised, in months before today.
RAISED = 7


@dataclass(frozen=True)
class Act:
    """Something that happens at a moment (unix seconds) to a company; None for to all of them.

    `what` is the name of a method of `life.Life`, `terms` are its arguments.
    """

    at: int
    company: Company | None
    what: str
    terms: dict[str, Any] = field(default_factory=dict)


class Story:
    """The acts of one company, in the order of the days that are named."""

    def __init__(self, company: Company | None, begin: datetime, today: datetime, hour: float = 9):
        self.acts: list[Act] = []
        self._company, self._begin, self._today, self._hour = company, begin, today, hour

    def on(self, day: float, what: str, **terms: Any) -> Story:
        base = self._begin if day >= 0 else self._today
        at = base + timedelta(days=day, hours=self._hour)
        self.acts.append(Act(int(at.timestamp()), self._company, what, terms))
        return self


def told(size: str, now: datetime) -> tuple[datetime, list[Act]]:
    """The company's first moment and everything that happens until `now`, in order."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    begin = months_before(today, MONTHS)
    stories = [*_of_the_company(begin, today), *_by_hand(begin, today)]
    if size == "full":
        stories += _by_chance(begin, today, ACCOUNTS - len(_CAST))
    acts = [act for story in stories for act in story.acts]
    latest = int((now - timedelta(minutes=10)).timestamp())
    order = sorted(range(len(acts)), key=lambda index: (acts[index].at, index))
    return begin, [acts[index] for index in order if acts[index].at <= latest]


def months_before(moment: datetime, months: int) -> datetime:
    """The same day so many months ago, or the last of a shorter month."""
    years, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    last = calendar.monthrange(years, month + 1)[1]
    return moment.replace(year=years, month=month + 1, day=min(moment.day, last))


# All of them --------------------------------------------------------------------------------


def _of_the_company(begin: datetime, today: datetime) -> Iterator[Story]:
    raised = (months_before(today, RAISED) - begin).days
    story = Story(None, begin, today, hour=8)
    story.on(0, "found")
    story.on(0, "offer", coupon="founders", name="Founding customer", percent_off=30)
    story.on(0, "offer", coupon="welcome20", name="Welcome", percent_off=20, months=3)
    story.on(0, "name_code", code="WELCOME20", coupon="welcome20", first_time=True)
    story.on(20, "offer", coupon="annual10", name="A year ahead", percent_off=10, once=True)
    story.on(20, "name_code", code="ANNUAL10", coupon="annual10")
    story.on(50, "offer", coupon="sorry", name="Sorry for the outage", amount_off=1500, once=True)
    story.on(75, "offer", coupon="kite", name="Partner: Kite", percent_off=15, months=12)
    story.on(75, "name_code", code="KITE", coupon="kite", most=25)
    story.on(95, "retire_coupon", coupon="founders")
    story.on(150, "offer", coupon="spring", name="Spring offer", percent_off=25, once=True)
    story.on(150, "name_code", code="SPRING25", coupon="spring", days=45)
    story.on(210, "retire_code", code="KITE")
    story.on(raised, "raise_prices")
    yield story


# By hand: each kind of thing at least once ----------------------------------------------------


def _address(line1: str, postal_code: str, city: str, country: str) -> dict[str, str]:
    return dict(line1=line1, postal_code=postal_code, city=city, country=country)


def _cast(
    name: str, domain: str, place: tuple[str, str, str, str], people: tuple[str, ...], **more: Any
) -> Company:
    country = place[3]
    currency = {"US": "usd", "GB": "usd", "CA": "usd", "JP": "jpy"}.get(country, "eur")
    return Company(
        name=name,
        domain=f"{domain}.example",
        country=country,
        currency=currency,
        address=_address(*place),
        people=people,
        **more,
    )


BERLIN = ("Torstr. 177", "10115", "Berlin", "DE")
LYON = ("3 place Bellecour", "69002", "Lyon", "FR")
ATHENS = ("Ερμού 56", "105 63", "Αθήνα", "GR")
TOKYO = ("港区六本木6-10-1", "106-0032", "東京", "JP")
BOSTON = ("200 Boylston St", "02116", "Boston", "US")
TORONTO = ("55 Queen St W", "M5H 2M9", "Toronto", "CA")

_CAST = {
    "longest": _cast(
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft "
        "mit beschränkter Haftung & Co. Kommanditgesellschaft auf Aktien",
        "donaudampf",
        BERLIN,
        ("Hildegard Freifrau von Oertzen-Wackerbarth", "Kai Ott"),
        tax="DE",
    ),
    "japanese": _cast(
        "株式会社東京海洋データ解析研究所",
        "kaiyo-data",
        TOKYO,
        ("伊藤 さくら", "森 拓海"),
        tax="JP",
        latin=("sakura ito", "takumi mori"),
    ),
    "greek": _cast(
        "Εκδόσεις Αιγαίο Α.Ε.", "aigaio", ATHENS, ("Ελένη Παππά",), latin=("eleni pappa",)
    ),
    "arabic": _cast(
        "مكتبة الأندلس للنشر", "andalus", LYON, ("ليلى منصور",), latin=("layla mansour",)
    ),
    "quoted": _cast('O\'Hara, Finch & "Sons" <Print> Ltd.', "ohara", BOSTON, ("Siobhán O'Hara",)),
    "won_back": _cast("Tidal Works Inc.", "tidalworks", BOSTON, ("Ruth Abara", "Leo Sandoval")),
    "by_itself": _cast("Ferment & Co.", "ferment", TORONTO, ("Dev Chaudhary",)),
    "past_due": _cast("Papierhaus Seidel KG", "seidel", BERLIN, ("Uta Seidel",), tax="DE"),
    "late_too": _cast("Pinewood Pediatrics", "pinewood", BOSTON, ("Dr. Alma Reyes",)),
    "unpaid": _cast("Gantry Freight LLC", "gantry", BOSTON, ("Bill Kowalski",)),
    "given_up": _cast("Studio Halbmond", "halbmond", BERLIN, ("Selin Aydın",), tax="DE"),
    "left": _cast("Marlow & Finch", "marlow", BOSTON, ("Clara Finch",)),
    "returned": _cast("Boulangerie Numérique", "boulangerie", LYON, ("Hugo Perrin",), tax="FR"),
    "leaving": _cast("Quartz Learning", "quartz", TORONTO, ("Naomi Fraser", "Ed Lam")),
    "refunded": _cast("Atlas Cartographie", "atlas", LYON, ("Anouk Delmas",), tax="FR"),
    "credited": _cast("Kobayashi 精密工業", "kobayashi", TOKYO, ("小林 誠",), latin=("m kobayashi",)),
    "paused": _cast("Snowline Tours", "snowline", TORONTO, ("Beth Morin",)),
    "resumed": _cast("Sommerfrische Events UG", "sommerfrische", BERLIN, ("Nils Haake",), tax="DE"),
    "trialing": _cast("Moss & Ember", "mossember", BOSTON, ("Ivy Chen",)),
    "never_began": _cast("Lighthouse Tutors", "lighthouse", BOSTON, ("Sam Ojo",)),
    "scheduled": _cast("Volta Mobility GmbH", "volta", BERLIN, ("Tobias Renner", "Ece Kaya")),
    "billed": _cast("Meridian Hospital Trust", "meridian", TORONTO, ("Carol Singh", "Ann Whyte")),
    "growing": _cast("Helix Genomics", "helix", BOSTON, ("Amara Obi", "Jon Beck", "Mei Tan")),
    "founder": _cast("Larch & Loom", "larch", TORONTO, ("Wren Davies",)),
    "incomplete": _cast("Pixel Dentistry", "pixeldent", BOSTON, ("Kurt Vance",)),
    "visiting": _cast("Understory Farms", "understory", BOSTON, ("Paz Romero",)),
}


def _by_hand(begin: datetime, today: datetime) -> Iterator[Story]:
    at_hand = iter(range(100))

    def of(key: str) -> Story:
        return Story(_CAST[key], begin, today, hour=9 + next(at_hand) % 8)

    yield of("founder").on(2, "subscribe", plan="team", seats=6, coupon="founders")
    yield of("longest").on(4, "subscribe", plan="business", seats=40).on(70, "seats", to=55)
    yield (
        of("growing")
        .on(6, "subscribe", plan="starter", seats=1, trial="free")
        .on(15, "save_card", card="pm_card_mastercard")
        .on(60, "change", plan="team", seats=5)
        .on(125, "seats", to=11)
        .on(190, "change", plan="business", seats=14)
        .on(260, "seats", to=38)
        .on(300, "bill", description="Migration of archives", amount=180000)
        .on(-40, "seats", to=64)
    )
    yield (
        of("japanese")
        .on(9, "subscribe", plan="business", seats=12, interval="year")
        .on(100, "seats", to=18)
    )
    yield of("greek").on(30, "subscribe", plan="team", seats=4, interval="year", code="ANNUAL10")
    yield of("arabic").on(80, "subscribe", plan="team", seats=3, code="WELCOME20")
    yield of("quoted").on(41, "subscribe", plan="team", seats=9).on(200, "seats", to=7)
    yield (
        of("won_back")
        .on(33, "subscribe", plan="team", seats=12)
        .on(115, "bank_says", answer="expired_card")
        .on(129, "save_card", card="pm_card_visa")
        .on(129.1, "pay")
    )
    yield (
        of("by_itself")
        .on(25, "subscribe", plan="starter", seats=1)
        .on(110, "bank_says", answer="insufficient_funds")
        .on(120, "bank_says", answer="as_made")
    )
    yield (
        of("past_due")
        .on(-97, "subscribe", plan="team", seats=8)
        .on(-10, "bank_says", answer="insufficient_funds")
    )
    yield (
        of("late_too")
        .on(-94, "subscribe", plan="business", seats=10)
        .on(-8, "bank_says", answer="do_not_honor")
    )
    yield (
        of("unpaid")
        .on(245, "subscribe", plan="team", seats=15)
        .on(260, "bank_says", answer="insufficient_funds")
    )
    # Its renewal fails on about day 275; what becomes of it after the last try is for it alone.
    yield (
        Story(None, begin, today)
        .on(285, "end_failures_by", subscription="unpaid")
        .on(293, "end_failures_by", subscription="cancel")
    )
    yield of("given_up").on(60, "subscribe", plan="team", seats=3).on(
        130, "bank_says", answer="lost_card"
    )
    yield (
        of("left")
        .on(12, "subscribe", plan="team", seats=5)
        .on(180, "cancel", reason="too_expensive", comment="The new price is more than we planned.")
    )
    yield (
        of("returned")
        .on(18, "subscribe", plan="team", seats=4)
        .on(120, "cancel", reason="unused")
        .on(240, "subscribe", plan="team", seats=6)
    )
    yield (
        of("leaving")
        .on(55, "subscribe", plan="team", seats=7)
        .on(-4, "cancel", reason="switched_service", comment="We were bought; they use another.")
    )
    yield (
        of("refunded")
        .on(48, "subscribe", plan="team", seats=10)
        .on(112, "refund", part=1.0, reason="requested_by_customer")
        .on(200, "refund", part=0.5, reason="requested_by_customer")
        .on(-3, "refund", part=0.25, reason="duplicate")
    )
    yield (
        of("credited")
        .on(65, "subscribe", plan="business", seats=9)
        .on(135, "credit", part=0.4, back_to="card", reason="product_unsatisfactory")
        .on(230, "credit", part=0.2, back_to="balance", reason="order_change")
        .on(250, "discount", coupon="welcome20")
    )
    yield (
        of("paused").on(90, "subscribe", plan="team", seats=6).on(-35, "pause")
    )
    yield (
        of("resumed")
        .on(14, "subscribe", plan="team", seats=5)
        .on(105, "pause")
        .on(170, "resume")
    )
    yield of("trialing").on(-6, "subscribe", plan="team", seats=4, trial="card")
    yield of("never_began").on(-60, "subscribe", plan="starter", seats=1, trial="free")
    yield (
        of("scheduled")
        .on(70, "subscribe", plan="business", seats=20)
        .on(-9, "change_at_renewal", plan="team", seats=12)
    )
    yield (
        of("billed")
        .on(22, "subscribe", plan="business", seats=30, interval="year")
        .on(24, "bill", description="Onboarding workshop", amount=250000)
        .on(85, "send_bill", description="Security review", amount=120000, days=30, ends="paid")
        .on(140, "send_bill", description="Training, two days", amount=90000, days=14, ends="credited")
        .on(205, "send_bill", description="Training, ordered twice", amount=90000, days=14, ends="void")
        .on(255, "send_bill", description="Custom report", amount=45000, days=14, ends="uncollectible")
        .on(-20, "send_bill", description="Data residency study", amount=160000, days=14, ends="open")
        .on(-2, "send_bill", description="Migration day", amount=75000, days=30, ends="open")
    )
    yield of("incomplete").on(
        -15, "subscribe", plan="team", seats=2, card="pm_card_chargeCustomerFail"
    )
    yield of("visiting").on(-5, "register")


# By chance ------------------------------------------------------------------------------------

# How many sign up in a calendar month, against the average: quiet summers and Decembers.
SEASON = (1.25, 1.05, 1.1, 1.0, 0.95, 0.9, 0.65, 0.6, 1.2, 1.25, 1.1, 0.7)
# Growth from month to month, and the crowd of the first.
FIRST, EACH, OPENING = 5.0, 0.6, 4
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
LEAVES = {"starter": 0.055, "team": 0.028, "business": 0.008}
SEATS = {"starter": (1, 1), "team": (2, 14), "business": (6, 48)}
CARDS = ("pm_card_visa",) * 6 + ("pm_card_mastercard",) * 4 + ("pm_card_amex",)


def _by_chance(begin: datetime, today: datetime, count: int) -> list[Story]:
    random_ = random.Random(SEED)  # noqa: S311
    companies = drawn(random_)
    stories = []
    for joins in _sign_ups(random_, begin, today, count):
        story = Story(next(companies), begin, today, hour=random_.uniform(6, 20))
        _Chance(random_, story, joins, (today - begin).days).live()
        stories.append(story)
    return stories


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

    def live(self) -> None:
        if self._joins > 20 and self._random.random() < 0.05:
            self._story.on(self._joins, "register")
        elif self._begins():
            self._goes_on(self._joins)

    def _begins(self) -> bool:
        """The first subscription; whether it is one that goes on."""
        terms: dict[str, Any] = {"plan": self._plan, "seats": self._seats}
        terms["card"] = self._random.choice(CARDS)
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
            self._story.on(self._joins + 3, "bill", description="Onboarding workshop", amount=amount)
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
        if not self._yearly and random_.random() < 0.03:
            return self._fails(day)
        chance = random_.random()
        if plan != "starter" and chance < 0.13:
            most = 25 if plan == "team" else 400
            self._seats = min(self._seats + random_.randint(1, 2 + self._seats // 3), most)
            self._on(midst, "seats", to=self._seats)
        elif plan != "starter" and chance < 0.17 and self._seats > 3:
            self._seats -= random_.randint(1, self._seats // 3)
            self._on(midst, "seats", to=self._seats)
        elif chance < 0.185 and not self._yearly:
            self._moves(midst)
        elif chance < 0.20 and month > 1:
            part = random_.choice((0.25, 0.5, 1.0))
            self._on(midst, "refund", part=part, reason="requested_by_customer")
        elif chance < 0.212 and month > 1:
            back_to = random_.choice(("card", "balance"))
            self._on(midst, "credit", part=0.3, back_to=back_to, reason="order_change")
        elif chance < 0.22 and plan == "team" and not self._yearly:
            self._on(midst, "pause")
            self._on(midst + 45, "resume")
            return "over"
        elif chance < 0.235:
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
