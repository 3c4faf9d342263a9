"""Who lives in the demo: companies and the people in them, drawn by a fixed seed."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Company:
    """An account to be: its name and people, where it is billed and in which currency."""

    name: str
    domain: str
    country: str
    currency: str
    address: dict[str, str]
    people: tuple[str, ...]  # the owner first
    tax: str | None = None  # the country whose tax is added; None for who is not charged any
    latin: tuple[str, ...] = field(default=())  # the people's names in letters of an address

    def addresses(self) -> list[str]:
        """The people's mail addresses, in their order."""
        return [f"{slug(name)}@{self.domain}" for name in self.latin or self.people]


@dataclass(frozen=True)
class Region:
    """A country's share of the sign-ups, and what names and addresses look like there."""

    country: str
    currency: str
    weight: int
    begins: tuple[str, ...]
    ends: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]
    places: tuple[tuple[str, str, str], ...]  # street, postal code, city
    taxed: float = 0.0  # how many of them are charged the country's tax
    joined: str = " "


def names(listed: str) -> tuple[str, ...]:
    return tuple(listed.split(", "))


REGIONS = (
    Region(
        "US",
        "usd",
        36,
        names("Juniper, Blue Ridge, Harbor, Cobalt, Redwood, Lantern, Prairie, Summit, Ironwood")
        + names("Clearwater, Maple Street, Foxglove, Northgate, Beacon, Osprey, Bluestem"),
        names(
            "Robotics Inc., Analytics, Dental Group, Coffee Roasters LLC, Logistics Inc., Legal LLP"
        )
        + names("Learning, Biosciences, Realty Partners, Studios, Energy Co-op"),
        ("Maya", "Jordan", "Priya", "Daniel", "Grace", "Marcus", "Elena", "Tom", "Aisha", "Wei"),
        ("Thompson", "Nguyen", "Ramirez", "Okafor", "Walsh", "Patel", "Kim", "Rosen", "Brooks"),
        (
            ("418 Market St", "94105", "San Francisco"),
            ("77 Wacker Dr", "60601", "Chicago"),
            ("1200 Congress Ave", "78701", "Austin"),
            ("9 Bleecker St", "10012", "New York"),
        ),
    ),
    Region(
        "GB",
        "usd",
        9,
        ("Thistle", "Kestrel", "Hollins", "Ashdown", "Pennine", "Larkspur", "Bramble", "Quayside"),
        ("Systems Ltd", "Publishing Ltd", "Consulting LLP", "Bakery", "Architects Ltd", "Media"),
        ("Oliver", "Freya", "Callum", "Imogen", "Rhys", "Zara", "Harriet", "Kwame"),
        ("Whitfield", "Mackenzie", "Adeyemi", "Pryce", "Sutherland", "Begum", "Hartley"),
        (("14 Castle Street", "EH2 3AH", "Edinburgh"), ("3 Dale Street", "M1 1JA", "Manchester")),
    ),
    Region(
        "DE",
        "eur",
        20,
        (
            "Lindner",
            "Köhler",
            "Schäfer",
            "Brandt",
            "Vogel",
            "Hansen",
            "Weiß",
            "Krüger",
            "Oberländer",
        ),
        names("Maschinenbau GmbH, Architekten PartG mbB, Verlag GmbH, Software GmbH & Co. KG")
        + names("Logistik AG, Medizintechnik GmbH, Optik e.K., Energieberatung GmbH"),
        ("Jonas", "Lena", "Friederike", "Mehmet", "Sören", "Katharina", "Björn", "Anneliese"),
        ("Bauer", "Großmann", "Yildiz", "Jäger", "Petersen", "Hoffmann", "Müller-Lüdenscheidt"),
        (("Lindenstr. 40", "10969", "Berlin"), ("Elbchaussee 9", "22765", "Hamburg")),
        taxed=0.7,
    ),
    Region(
        "FR",
        "eur",
        9,
        ("Atelier", "Maison", "Groupe", "Éditions", "Cabinet", "Librairie", "Studio"),
        ("Moreau SARL", "Lefèvre", "Saint-Clair", "Beaumont SAS", "du Canal", "Chevallier SA"),
        ("Chloé", "Théo", "Margaux", "Bastien", "Inès", "Gaël", "Françoise"),
        ("Moreau", "Lefèvre", "Benali", "Garnier", "D'Aubigné", "Rousseau"),
        (("12 rue de la République", "69002", "Lyon"), ("5 quai de Valmy", "75010", "Paris")),
        taxed=0.5,
    ),
    Region(
        "NL",
        "eur",
        7,
        ("De Vries", "Van den Berg", "Zonneveld", "Waterland", "Molenaar", "Kerkhof"),
        ("Techniek B.V.", "Advies", "Bloemen B.V.", "Media B.V.", "Transport"),
        ("Sanne", "Daan", "Lotte", "Ruben", "Fleur", "Jeroen"),
        ("de Vries", "Jansen", "van Dijk", "Bakker", "Smit"),
        (("Keizersgracht 210", "1016 DX", "Amsterdam"), ("Oudegracht 88", "3511 AV", "Utrecht")),
    ),
    Region(
        "ES",
        "eur",
        6,
        ("Talleres", "Bodegas", "Clínica", "Estudio", "Editorial"),
        ("Ibáñez S.L.", "del Río", "Montseny S.A.", "Peña Alta", "Castaño S.L."),
        ("Lucía", "Álvaro", "Noelia", "Íñigo", "Carmen"),
        ("Ibáñez", "Serrano", "Muñoz", "Etxeberria", "Vidal"),
        (("Carrer de Mallorca 401", "08013", "Barcelona"), ("Gran Vía 31", "28013", "Madrid")),
    ),
    Region(
        "JP",
        "jpy",
        17,
        ("青葉", "北斗", "桜井", "東雲", "みなと", "若松", "あさひ", "白波", "京町", "山吹"),
        (
            "ソフトウェア株式会社",
            "製作所",
            "デザイン株式会社",
            "物流株式会社",
            "クリニック",
            "出版",
        ),
        ("健太", "美咲", "翔", "陽菜", "大輔", "由美子", "直樹", "葵"),
        ("佐藤", "高橋", "田中", "渡辺", "小林", "山本", "中村"),
        (("千代田区丸の内1-9-2", "100-0005", "東京"), ("北区梅田3-1-1", "530-0001", "大阪")),
        taxed=1.0,
        joined="",
    ),
)
# How the Japanese names above are written in addresses.
LATIN = {
    **{
        "青葉": "aoba",
        "北斗": "hokuto",
        "桜井": "sakurai",
        "東雲": "shinonome",
        "みなと": "minato",
    },
    **{"若松": "wakamatsu", "あさひ": "asahi", "白波": "shiranami", "京町": "kyomachi"},
    **{"山吹": "yamabuki", "ソフトウェア株式会社": "soft", "製作所": "works", "出版": "books"},
    **{"デザイン株式会社": "design", "物流株式会社": "logistics", "クリニック": "clinic"},
    **{"健太": "kenta", "美咲": "misaki", "翔": "sho", "陽菜": "hina", "大輔": "daisuke"},
    **{"由美子": "yumiko", "直樹": "naoki", "葵": "aoi", "佐藤": "sato", "高橋": "takahashi"},
    **{"田中": "tanaka", "渡辺": "watanabe", "小林": "kobayashi", "山本": "yamamoto"},
    **{"中村": "nakamura"},
}
ADDRESS = ("line1", "postal_code", "city", "country")
SPELT = {"ß": "ss", "ø": "o", "ł": "l", "&": "and"}


def drawn(random: random.Random) -> Iterator[Company]:
    """One company after the other, no name twice, for as long as there are names."""
    left = {
        region: random.sample(
            [(one, two) for one in region.begins for two in region.ends],
            len(region.begins) * len(region.ends),
        )
        for region in REGIONS
    }
    while any(left.values()):
        regions = [region for region in REGIONS if left[region]]
        region = random.choices(regions, [one.weight for one in regions])[0]
        begin, end = left[region].pop()
        people = [_person(random, region) for _ in range(random.choice((1, 1, 1, 2, 2, 3)))]
        people = list(dict.fromkeys(people))
        place = (*random.choice(region.places), region.country)
        yield Company(
            name=f"{begin}{region.joined}{end}",
            domain=f"{slug(f'{LATIN.get(begin, begin)} {LATIN.get(end, end)}', '-')}.example",
            country=region.country,
            currency=region.currency,
            address=dict(zip(ADDRESS, place, strict=True)),
            people=tuple(f"{given} {family}" for given, family in people)
            if region.joined
            else tuple(f"{family} {given}" for given, family in people),
            tax=region.country if random.random() < region.taxed else None,
            latin=tuple(f"{LATIN.get(one, one)} {LATIN.get(two, two)}" for one, two in people),
        )


def _person(random: random.Random, region: Region) -> tuple[str, str]:
    return random.choice(region.first), random.choice(region.last)


def slug(text: str, between: str = ".") -> str:
    """Text in the letters of an address: "Müller-Lüdenscheidt" becomes "muller.ludenscheidt"."""
    for letter, spelt in SPELT.items():
        text = text.replace(letter, spelt)
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", between, plain).strip(between)
