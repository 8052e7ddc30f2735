"""Statements for many rows at once: one statement serves any number, and the database is asked once.

An `IN` list or a `VALUES` list is another statement for every length, which is made, planned and cached anew;
the driver's "execute many" is one execution a row. Rows travel as one array a column.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

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
    sql = f"INSERT INTO {table} ({names}) SELECT {names} FROM {_new(columns)} {tail}"  # noqa: S608 - the names of our tables and columns
    return _with_arrays(sql, model, columns)


def update_all(model: type[DeclarativeBase], *columns: str) -> TextClause:
    """Return the statement that sets these columns of the rows with the ids in `rows` (see `as_rows`)."""
    values, table = ", ".join(f"{name} = new.{name}" for name in columns), model.__tablename__
    source = _new(("id", *columns))
    sql = f"UPDATE {table} SET {values} FROM {source} WHERE {table}.id = new.id"  # noqa: S608 - the names of our tables and columns
    return _with_arrays(sql, model, ("id", *columns))


def as_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the parameters of `insert_all` and `update_all` for rows of the same columns; what they lack is null."""
    all_rows = list(rows)
    names = all_rows[0] if all_rows else ()
    return {name: [row[name] for row in all_rows] for name in names}


def _new(columns: Collection[str]) -> str:
    arrays = ", ".join(f":{name}" for name in columns)
    return f"unnest({arrays}) AS new ({', '.join(columns)})"


def _with_arrays(sql: str, model: type[DeclarativeBase], columns: Collection[str]) -> TextClause:
    kinds = {name: model.__table__.c[name].type for name in columns}
    return text(sql).bindparams(
        *(bindparam(name, None, type_=_array(kind)) for name, kind in kinds.items())
    )


def _array(kind: Any) -> ARRAY[Any]:
    """Return the type of a column's values; a JSON value that is a list is no array, and None is no JSON."""
    element = JSONB(none_as_null=True) if isinstance(kind, JSONB) else kind
    return ARRAY(element, dimensions=1)
