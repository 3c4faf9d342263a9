"""The stories told by hand: each kind of thing that can happen, at least once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from demo.population import ADDRESS, Company
from demo.story import Story


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
        address=dict(zip(ADDRESS, place, strict=True)),
        people=people,
        **more,
    )


BERLIN = ("Torstr. 177", "10115", "Berlin", "DE")
LYON = ("3 place Bellecour", "69002", "Lyon", "FR")
ATHENS = ("Ερμού 56", "105 63", "Αθήνα", "GR")
TOKYO = ("港区六本木6-10-1", "106-0032", "東京", "JP")
BOSTON = ("200 Boylston St", "02116", "Boston", "US")
TORONTO = ("55 Queen St W", "M5H 2M9", "Toronto", "CA")

CAST = {
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
    "greek": _cast("Εκδόσεις Αιγαίο", "aigaio", ATHENS, ("Ελένη Παππά",), latin=("eleni pappa",)),
    "arabic": _cast(
        "مكتبة الأندلس للنشر", "andalus", LYON, ("ليلى منصور",), latin=("layla mansour",)
    ),
    "quoted": _cast('O\'Hara, Finch & "Sons" <Print> Ltd.', "ohara", BOSTON, ("Siobhán O'Hara",)),
    "won_back": _cast("Tidal Works Inc.", "tidalworks", BOSTON, ("Ruth Abara", "Leo Sandoval")),
    "by_itself": _cast("Ferment & Co.", "ferment", TORONTO, ("Dev Chaudhary",)),
    "past_due": _cast("Papierhaus Seidel KG", "seidel", BERLIN, ("Uta Seidel",), tax="DE"),
    "late_too": _cast("Pinewood Pediatrics", "pinewood", BOSTON, ("Dr. Alma Reyes",)),
    "unpaid": _cast("Gantry Freight LLC", "gantry", BOSTON, ("Bill Kowalski",)),
    "given_up": _cast("Studio Halbmond", "halbmond", BERLIN, ("Selin Aydin",), tax="DE"),
    "left": _cast("Marlow & Finch", "marlow", BOSTON, ("Clara Finch",)),
    "returned": _cast("Boulangerie Numérique", "boulangerie", LYON, ("Hugo Perrin",), tax="FR"),
    "leaving": _cast("Quartz Learning", "quartz", TORONTO, ("Naomi Fraser", "Ed Lam")),
    "refunded": _cast("Atlas Cartographie", "atlas", LYON, ("Anouk Delmas",), tax="FR"),
    "credited": _cast(
        "Kobayashi 精密工業", "kobayashi", TOKYO, ("小林 誠",), latin=("m kobayashi",)
    ),
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


def stories(begin: datetime, today: datetime) -> Iterator[Story]:
    at_hand = iter(range(100))

    def of(key: str) -> Story:
        return Story(CAST[key], begin, today, hour=9 + next(at_hand) % 8)

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
        .on(300, "bill", of="Migration of archives", amount=180000)
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
    yield (
        of("given_up")
        .on(60, "subscribe", plan="team", seats=3)
        .on(130, "bank_says", answer="lost_card")
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
    yield (of("paused").on(90, "subscribe", plan="team", seats=6).on(-35, "pause"))
    yield (
        of("resumed").on(14, "subscribe", plan="team", seats=5).on(105, "pause").on(170, "resume")
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
        .on(24, "bill", of="Onboarding workshop", amount=250000)
        .on(85, "send_bill", of="Security review", amount=120000, days=30)
        .on(109, "settle", how="out_of_band")
        .on(140, "send_bill", of="Training", amount=90000, days=14)
        .on(147, "settle", how="credited")
        .on(148, "settle", how="paid")
        .on(205, "send_bill", of="Training, twice", amount=90000, days=14)
        .on(206, "settle", how="void")
        .on(255, "send_bill", of="Custom report", amount=45000, days=14)
        .on(330, "settle", how="uncollectible")
        .on(-20, "send_bill", of="Data residency study", amount=160000, days=14)
        .on(-2, "send_bill", of="Migration day", amount=75000, days=30)
    )
    yield of("incomplete").on(
        -15, "subscribe", plan="team", seats=2, card="pm_card_chargeCustomerFail"
    )
    yield of("visiting").on(-5, "register")
