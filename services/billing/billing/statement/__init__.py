"""Statements: an account's lines over a period, with the chain that holds them, signed, in three forms."""

from billing.statement.document import (
    LINES_MAX,
    PAPER_LINES_MAX,
    Document,
    Period,
    TooLong,
    canonical,
    collect,
)
from billing.statement.keys import StatementKeys
from billing.statement.press import Press
from billing.statement.sheet import as_csv

__all__ = [
    "LINES_MAX",
    "PAPER_LINES_MAX",
    "Document",
    "Period",
    "Press",
    "StatementKeys",
    "TooLong",
    "as_csv",
    "canonical",
    "collect",
]
