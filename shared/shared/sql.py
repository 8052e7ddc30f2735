"""Statements for many rows at once: lists travel as arrays, so that one statement serves any number.

An `IN` list or a `VALUES` list is another statement for every length, which is made, planned and cached anew.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute


def among(
    column: ColumnElement[Any] | InstrumentedAttribute[Any], values: Collection[object]
) -> ColumnElement[bool]:
    """Return the condition that a column's value is one of these."""
    return column == any_(literal(list(values), ARRAY(column.type)))
