"""What a figure means is said in the same words on the page and in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from billing.metrics.definitions import DEFINITIONS

DOCS = Path(__file__).parent.parent / "docs" / "metrics.md"


@pytest.mark.parametrize("figure", sorted(DEFINITIONS))
def test_the_docs_hold_the_definition_word_by_word(figure):
    text = re.sub(r"\s+(> )?", " ", DOCS.read_text())
    assert DEFINITIONS[figure] in text
