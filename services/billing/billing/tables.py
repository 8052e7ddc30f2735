"""Tables as CSV (RFC 4180), which no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Iterable

FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def rows(cells: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV: nothing for None, and an apostrophe before text that would be a formula."""
    text = io.StringIO()
    csv.writer(text).writerows([_cell(cell) for cell in row] for row in cells)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULAS):
        return f"'{value}"
    return "" if value is None else value
