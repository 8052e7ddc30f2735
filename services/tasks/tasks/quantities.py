"""How many of something a text asks for: "Find me 1,000 leads" is 1,000.

A number counts when a thing that is counted follows it ("100 qualified leads") or a wish precedes it ("find
me 50 investors"). Prices, percentages, ratios, years, distances and negative numbers do not.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

HUGE = 10**9
EN_DASH = "\u2013"
WORDS_BETWEEN_MAX = 3

_DIGIT_GROUPS = re.compile(r"(?<!\S)\d{1,3}(?:\s\d{3})+(?!\S)")
_NUMBER = re.compile(r"(\d{1,3}(?:[,.'\u2019]\d{3})+|\d+)(?:\.(\d+))?(k?)")
_OPENING = "([{\"'\u201c\u2018*_~+"
_CLOSING = ".,;:!?)]}\"'\u201d\u2019*_+"
_ENDS_SENTENCE = re.compile(r"[.;:!?]\W*$")


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


WISHES = words(
    "find get give send generate collect gather source compile build list need want bring search "
    "look looking searching create make email mail deliver fetch"
)
FILLERS = words(
    "me us my our a an the list of about around approximately roughly up to at least most some "
    "exactly another over more than only just top total for"
)
STOPS = words(
    "of in from within with for to at on by and or that who which find get send miles mile km "
    "kilometers kilometres meters days day weeks week months month years year hours hour minutes "
    "percent employees employee dollars usd euros eur"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the text, without the punctuation around it, and the number that it is."""

    text: str
    number: int | None
    ends_sentence: bool


def quantity(text: str, units: Collection[str]) -> int | None:
    """Return the number of units that the text asks for, at most a thousand million, or None."""
    words = [_word(chunk) for chunk in _DIGIT_GROUPS.sub(_joined, text.lower()).split()]
    places = [index for index, word in enumerate(words) if word.number]
    wished = [index for index in places if _is_wished(words, index)]
    named = [index for index in places if _is_named(words, index, units)]
    best = sorted({*wished} & {*named}) or named or wished
    return words[best[0]].number if best else None


def _joined(groups: re.Match[str]) -> str:
    return "".join(groups[0].split())


def _word(chunk: str) -> Word:
    text = chunk.lstrip(_OPENING).rstrip(_CLOSING)
    return Word(text, _number(text), bool(_ENDS_SENTENCE.search(chunk)))


def _number(text: str) -> int | None:
    """Return what the digits say, of a range its upper end; None for all that is no plain number."""
    low, dash, high = text.replace(EN_DASH, "-").partition("-")
    if dash:
        return _number(high) if _NUMBER.fullmatch(low) and _NUMBER.fullmatch(high) else None
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    whole, fraction, thousands = match.groups(default="")
    digits = "".join(filter(str.isdecimal, whole)).lstrip("0")
    if len(digits) >= len(str(HUGE)):
        return HUGE
    scale = 1000 if thousands else 1
    milli = int(digits or "0") * 1000 + int(fraction[:3].ljust(3, "0"))
    return min(-(-milli * scale // 1000), HUGE)


def _is_wished(words: Sequence[Word], index: int) -> bool:
    """Tell whether only fillers stand between the number and a wish, or the start of the text."""
    if index + 1 < len(words) and words[index + 1].text in STOPS:
        return False
    before = index - 1
    while before >= 0 and words[before].text in FILLERS:
        before -= 1
    return before < 0 or words[before].text in WISHES


def _is_named(words: Sequence[Word], index: int, units: Collection[str]) -> bool:
    """Tell whether one of the units follows the number within a few words."""
    if words[index].ends_sentence:
        return False
    for word in words[index + 1 : index + 2 + WORDS_BETWEEN_MAX]:
        if word.text in units:
            return True
        if word.text in STOPS or word.number is not None or word.ends_sentence:
            return False
    return False
