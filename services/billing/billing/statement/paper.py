"""The statement on paper: a PDF that a bookkeeper files, with what it takes to check it.

Making it is a second's work for a processor, and its library takes two to load: both happen in a thread, when
somebody asks for one.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont
from typing_extensions import override

from billing.statement.document import Document

FONTS: Final = Path(__file__).with_name("fonts")
FAMILY: Final = "DejaVu"
INK, SOFT, RULE, BAND = (29, 29, 31), (110, 110, 115), (210, 210, 215), (245, 245, 247)
MARGIN_MM: Final = 18.0
LINE_MM: Final = 5.2
# Width in mm and how it stands, of each column of the lines.
COLUMNS: Final = (
    ("Line", 13, "R"),
    ("Time (UTC)", 33, "L"),
    ("What", 68, "L"),
    ("Kind", 24, "L"),
    ("Credits", 18, "R"),
    ("Balance", 18, "R"),
)
WORDS: Final = {
    "purchase": "Credits bought",
    "subscription": "Credits of plans",
    "bonus": "Bonuses",
    "admin_grant": "Given by an operator",
    "goodwill": "Goodwill",
    "adjustment": "Adjustments",
    "capture": "Spent",
    "refund": "Taken back after refunds",
    "dispute": "Taken back for disputes",
    "reinstatement": "Given back",
    "expiry": "Expired",
}


def as_pdf(document: Document) -> bytes:
    """Return a signed statement as PDF."""
    paper = _Paper(document)
    paper.add_page()
    paper.head()
    paper.sums()
    paper.lines()
    paper.proof()
    return bytes(paper.output())


class _Paper(FPDF):
    """A statement, page by page."""

    def __init__(self, document: Document) -> None:
        super().__init__(format="A4")
        self._document = document
        self.set_margin(MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=MARGIN_MM + 4)
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(FAMILY, style, FONTS / name)
        font = self.fonts[FAMILY.lower()]
        assert isinstance(font, TTFFont), "it was added above"
        self._known = frozenset(font.cmap)
        self._widths: dict[str, float] = {}
        self.set_title(f"Statement of credits {document['account']}")
        self.set_creator(document["issuer"])
        self.set_creation_date(datetime.fromisoformat(document["issued_at"]))
        self.set_lang("en")

    @override
    def footer(self) -> None:
        """Say on each page whose statement it is, and which page."""
        self.set_y(-MARGIN_MM + 4)
        self._say(f"{self._document['account']} · {_span(self._document)}", size=7, colour=SOFT)
        self.set_y(-MARGIN_MM + 4)
        self._say(f"Page {self.page_no()} of {{nb}}", size=7, colour=SOFT, align="R")

    def head(self) -> None:
        """Say what this is, whose, and for when."""
        self._say("ImpacterAGI", size=10, colour=SOFT, style="B")
        self._say("Statement of credits", size=20, style="B", height=12)
        self._say(_span(self._document), size=11, height=7)
        self.ln(4)
        for name, value in (
            ("Account", self._document["account"]),
            ("Issued", f"{_time(self._document['issued_at'])} UTC by {self._document['issuer']}"),
        ):
            self._pair(name, value)
        self.ln(5)

    def sums(self) -> None:
        """Tell what the period began with, what came and went, and what it ended with."""
        opening, closing = self._document["opening"], self._document["closing"]
        self._sum("Opening balance", opening["balance"], style="B")
        for kind, amount in self._document["totals"].items():
            self._sum(WORDS.get(kind, kind), amount, is_signed=True)
        self._sum("Closing balance", closing["balance"], style="B")
        self.ln(6)

    def lines(self) -> None:
        """Show every line; a page begins with the titles of the columns."""
        if not self._document["lines"]:
            self._say("Nothing moved in this period.", size=9, colour=SOFT)
            return
        self._titles()
        for place, line in enumerate(self._document["lines"]):
            self._line(line, is_banded=bool(place % 2))

    def proof(self) -> None:
        """Say how it is checked that nothing was changed."""
        signature = self._document["signature"]
        self.ln(8)
        if self.get_y() > self.eph - 30:
            self.add_page()
        self._say("How to check this statement", size=9, style="B")
        self._prose(
            "Every line carries a hash over itself and the line before it. The same statement as JSON is signed; "
            "`impacter verify` checks the chain and the signature offline, and that two statements follow one "
            f"another. The public key is at {self._document['issuer']}/.well-known/billing-keys.json."
        )
        for name, value in (
            ("Opening hash", self._document["opening"]["hash"]),
            ("Closing hash", self._document["closing"]["hash"]),
            ("Key", signature["key_id"]),
            ("Signature", signature["value"]),
        ):
            self._pair(name, value, size=6.5)

    def _titles(self) -> None:
        self._font(7.5, "B", SOFT)
        self.set_draw_color(*RULE)
        for title, width, align in COLUMNS:
            self.cell(width, 6, title, align=align, border="B")
        self.ln(7)

    def _line(self, line: dict[str, Any], *, is_banded: bool) -> None:
        if self.will_page_break(LINE_MM):
            self.add_page()
            self._titles()
        self._font(7.5)
        self.set_fill_color(*BAND)
        for text, (_, width, align) in zip(_cells(line), COLUMNS, strict=True):
            self.cell(width, LINE_MM, self._fitting(text, width), align=align, fill=is_banded)
        self.ln(LINE_MM)

    def _sum(self, name: str, amount: int, *, style: str = "", is_signed: bool = False) -> None:
        text = f"{amount:+,}" if is_signed else f"{amount:,}"
        self._font(9.5, style)
        self.set_draw_color(*RULE)
        self.cell(134, 6.5, name, border="B")
        self.cell(40, 6.5, _minus(text), border="B", align="R")
        self.ln(6.5)

    def _pair(self, name: str, value: str, *, size: float = 8.5) -> None:
        self._font(size, colour=SOFT)
        self.cell(26, 5, name)
        self._font(size)
        self.multi_cell(0, 5, self._plain(value), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _prose(self, text: str) -> None:
        self._font(8, colour=SOFT)
        self.multi_cell(0, 4.4, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(2)

    def _say(
        self,
        text: str,
        *,
        size: float,
        style: str = "",
        colour: tuple[int, int, int] = INK,
        height: float = 5,
        align: str = "L",
    ) -> None:
        self._font(size, style, colour)
        self.cell(0, height, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _font(self, size: float, style: str = "", colour: tuple[int, int, int] = INK) -> None:
        self.set_font(FAMILY, style, size)
        self.set_text_color(*colour)

    def _fitting(self, text: str, width: float) -> str:
        """Return as much of a text as a column holds."""
        text, room = self._plain(text), width - 2 * self.c_margin
        widths = list(accumulate(self._width(sign) for sign in text))
        if not widths or widths[-1] <= room:
            return text
        return f"{text[: bisect_right(widths, room - self._width('…'))]}…"

    def _width(self, sign: str) -> float:
        """Return the width of a sign in a line of the table; asked once."""
        if sign not in self._widths:
            self._widths[sign] = self.get_string_width(sign)
        return self._widths[sign]

    def _plain(self, text: str) -> str:
        """Return a text on one line, in signs that the font has."""
        return "".join(
            sign if ord(sign) in self._known else "\N{REPLACEMENT CHARACTER}"
            for sign in _one_line(text)
        )


def _cells(line: dict[str, Any]) -> Iterator[str]:
    yield str(line["line"])
    yield _time(line["created_at"])
    yield line["description"]
    yield line["kind"].replace("_", " ")
    yield _minus(f"{line['amount']:+,}")
    yield f"{line['balance_after']:,}"


def _span(document: Document) -> str:
    since, until = document["period"]["from"], document["period"]["to"]
    return f"{_day(since)} to {_day(until)} (UTC)"


def _day(moment: str) -> str:
    at = datetime.fromisoformat(moment)
    is_midnight = (at.hour, at.minute, at.second) == (0, 0, 0)
    day = f"{at.day} {at:%B} {at.year}"
    return day if is_midnight else f"{day}, {at:%H:%M}"


def _time(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M:%S}"


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def _one_line(text: str) -> str:
    return " ".join(text.split())
