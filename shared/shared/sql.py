"""Statements for many rows at once: one statement serves any number, and the database is asked once.

An `IN` list or a `VALUES` list is another statement for every length, which is made, planned and cached anew;
the driver's "execute many" is one execution a row.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, TextClause, any_, bindparam, literal, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute


def among(
    column: ColumnElement[Any] | InstrumentedAttribute[Any], values: Collection[object]
) -> ColumnElement[bool]:
    """Return the condition that a column's value is one of these."""
    return column == any_(literal(list(values), ARRAY(column.type)))


def insert_all(model: type[DeclarativeBase], *columns: str, tail: str = "") -> TextClause:
    """Return the statement that inserts `rows` (see `as_rows`) into these columns of the model's table."""
    names, table = ", ".join(columns), model.__tablename__
    return _with_rows(
        f"INSERT INTO {table} ({names})"  # noqa: S608 - the names of our tables and columns
        f" SELECT {names} FROM jsonb_populate_recordset(NULL::{table}, :rows) {tail}"
    )


def update_all(model: type[DeclarativeBase], *columns: str) -> TextClause:
    """Return the statement that sets these columns of the rows with the ids in `rows` (see `as_rows`)."""
    values, table = ", ".join(f"{name} = new.{name}" for name in columns), model.__tablename__
    return _with_rows(
        f"UPDATE {table} SET {values}"  # noqa: S608 - the names of our tables and columns
        f" FROM jsonb_populate_recordset(NULL::{table}, :rows) AS new WHERE {table}.id = new.id"
    )


def as_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the parameter of `insert_all` and `update_all`."""
    return {"rows": [{name: _as_json(value) for name, value in row.items()} for row in rows]}


def _as_json(value: object) -> object:
    if isinstance(value, (UUID, datetime)):
        return str(value)
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value


def _with_rows(sql: str) -> TextClause:
    return text(sql).bindparams(bindparam("rows", type_=JSONB))
