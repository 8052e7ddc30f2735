"""Words: what the original products called the kinds of lines, which their clients still read."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from billing.models import Kind

GENERATED: Final = "^spend:[a-z0-9_.-]*generation:"
"""The key of what was spent on a feature that generates something."""


class Word(StrEnum):
    """What the originals called a line."""

    PURCHASE = "purchase"
    SPEND = "spend"
    GENERATION = "generation"
    REFUND = "refund"
    BONUS = "bonus"


WORDS: Final[Mapping[Kind, Word]] = {
    Kind.PURCHASE: Word.PURCHASE,
    Kind.SUBSCRIPTION: Word.PURCHASE,
    Kind.CAPTURE: Word.SPEND,
    Kind.REFUND: Word.REFUND,
    Kind.DISPUTE: Word.REFUND,
}
KINDS_OF: Final[Mapping[Word, list[Kind]]] = {
    word: [kind for kind in Kind if WORDS.get(kind, Word.BONUS) is word] for word in Word
}


def word_of(kind: str, key: str) -> Word:
    """Return the originals' word for a line; what they had none for was a bonus, given or ended."""
    if kind == Kind.CAPTURE and re.match(GENERATED, key):
        return Word.GENERATION
    return WORDS.get(Kind(kind), Word.BONUS)
