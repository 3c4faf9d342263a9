"""Names as companies and people have them, from several scripts."""

from __future__ import annotations

import random

FIRST = """
    Northwind Blue Silver Alpine Harbour Maple Cedar Granite Aurora Copper Willow Summit Coastal
    Bright Quiet Ember Frost Golden Iron Juniper Linden Meadow Oak Pine Quartz River Sable Tidal
    Umber Vale Müller Søren Łódź Ñandú Αθήνα Привет 東京 大阪 한빛 हिन्द
"""
SECOND = """
    Traders Studio Labs Works Foods Systems Logistics Partners Media Health Energy Design Books
    Motors Textiles Analytics Robotics Gardens Bakery Software
"""
LEGAL = "GmbH Ltd Inc AB Oy SAS BV KK Srl"
GIVEN = """
    Ada Noor Ines Femi Ravi Mei Lars Olga Jorge Amara Tom Yuki Zoe Karim Elif Hanna Piotr Lucia
    Sven Aiko
"""
FAMILY = """
    Lindqvist Haddad Ferreira Kolade Patel Chen Nilsen Ivanova Ruiz Okafor Baker Tanaka Novak
    Aziz Demir Weber Kowalski Romano Larsson Sato
"""


def company(chance: random.Random) -> str:
    """Such as "Silver Harbour Foods Ltd"; there are some 300,000 of them, so a few come twice."""
    return " ".join(_one_of(words, chance) for words in (FIRST, FIRST, SECOND, LEGAL))


def person(chance: random.Random) -> str:
    return f"{_one_of(GIVEN, chance)} {_one_of(FAMILY, chance)}"


def _one_of(words: str, chance: random.Random) -> str:
    return chance.choice(words.split())
