"""The words that names are found by: lower-cased, without accents, from any script."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 100
# So that a name pasted from a whole document stays a name.
MOST = 40
# Accents on Latin, Greek and Cyrillic letters; the marks of other scripts are letters in effect.
ACCENTS = re.compile("[\u0300-\u036f]")
# Scripts written without spaces: every place in a run may begin a word.
UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]{2,}")
HIGHEST = "\U0010ffff"
SURROGATES = range(0xD800, 0xE000)


def folded(text: str) -> str:
    """The text as it is compared: "Müller" and "MULLER" are both "muller"."""
    plain = unicodedata.normalize("NFKD", text.replace("\0", "")).casefold()
    return unicodedata.normalize("NFC", ACCENTS.sub("", plain))


def words(text: str) -> list[str]:
    """The words of a search in their order, each once: "Ada's Café, 2" is ada, s, cafe, 2."""
    parts = "".join(
        each if unicodedata.category(each)[0] in "LMN" else " " for each in folded(text)
    )
    return list(dict.fromkeys(word[:LONGEST] for word in parts.split()))[:MOST]


def terms(text: str | None) -> set[str]:
    """What a name is to be found by: its words, and where no spaces part words each beginning."""
    found = set(words(text or ""))
    for word in tuple(found):
        for run in UNSPACED.finditer(word):
            found |= {word[start:] for start in range(run.start(), run.end() - 1)}
    return found


def address_terms(address: str | None) -> set[str]:
    """What a mail address is to be found by: the whole of it, and its words."""
    return {address_term(address), *terms(address)} if address else set()


def address_term(address: str) -> str:
    return folded(address).strip()[:LONGEST]


def range_of(beginning: str) -> tuple[str, str]:
    """The first term that begins so, and the first after all that do, by code points."""
    for at in range(len(beginning) - 1, -1, -1):
        if beginning[at] != HIGHEST:
            following = ord(beginning[at]) + 1
            following = SURROGATES.stop if following in SURROGATES else following
            return beginning, beginning[:at] + chr(following)
    return beginning, HIGHEST * LONGEST
