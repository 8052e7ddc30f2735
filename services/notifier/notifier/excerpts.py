"""Short, harmless pieces of what people and agents wrote, for a mail."""

import re
import unicodedata

LINES_MAX = 8
LINE_CHARS_MAX = 160
FILES_MAX = 10

_TURNS_TEXT_AROUND = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MARKDOWN_MARKS = re.compile(r"^\s{0,3}(?:#{1,6}\s+|>\s?)|\*\*|__|`+")
_TABLE_RULE = re.compile(r"^[\s|:=_*-]{3,}$")


def line(text: str, *, chars_max: int) -> str:
    """Return the text as one line of at most so many characters, without control characters."""
    clean = " ".join(_storable(text[: chars_max * 8]).split())
    return clean if len(clean) <= chars_max else clean[: chars_max - 1].rstrip() + "…"


def first_lines(markdown: str) -> list[str]:
    """Return the first lines that say something, without Markdown's marks; `…` where more follows."""
    lines: list[str] = []
    for raw in markdown.splitlines():
        clean = line(_MARKDOWN_MARKS.sub("", raw), chars_max=LINE_CHARS_MAX)
        if not clean or _TABLE_RULE.match(clean):
            continue
        if len(lines) == LINES_MAX:
            return [*lines, "…"]
        lines.append(clean)
    return lines


def names(files: list[str]) -> list[str]:
    """Return the first files' names, each on one line."""
    return [line(name, chars_max=100) for name in files[:FILES_MAX]]


def _storable(text: str) -> str:
    """Return the text without what a database, a header or a reader's eye stumbles over."""
    spaced = "".join(" " if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in text)
    return _TURNS_TEXT_AROUND.sub("", spaced)
