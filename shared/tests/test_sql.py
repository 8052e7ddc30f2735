"""Many rows in one statement: whatever their types, however many, and with nulls where a column is not given."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import BigInteger, DateTime, LargeBinary, Text, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.db import Database
from shared.sql import as_rows, insert_all, update_all


class Base(DeclarativeBase):
    type_annotation_map = {
        int: BigInteger, str: Text, bytes: LargeBinary, Any: JSONB, datetime: DateTime(timezone=True),
    }  # fmt: skip


class Thing(Base):
    __tablename__ = "things"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    count: Mapped[int]
    seal: Mapped[bytes | None]
    is_red: Mapped[bool] = mapped_column(server_default="false")
    notes: Mapped[Any | None]
    at: Mapped[datetime | None]


INSERT = insert_all(
    Thing, "id", "name", "count", "seal", "notes", "at", tail="ON CONFLICT DO NOTHING RETURNING id"
)
UPDATE = update_all(Thing, "count", "is_red")


@pytest.fixture
async def database(database_url):
    database = Database(database_url, source="test")
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    yield database
    await database.close()


def thing(**fields):
    usual = {"name": "a", "count": 1, "seal": b"\x00\xff", "notes": {"a": [1, None]}}
    return {"id": uuid4(), **usual, "at": datetime(2026, 1, 31, tzinfo=UTC), **fields}


async def things(tx):
    return {row.id: row for row in await tx.scalars(select(Thing))}


@pytest.mark.parametrize("count", [1, 2, 500])
async def test_rows_arrive_as_they_were_whatever_their_types(database, count):
    rows = [thing(count=number, notes=[[number], "x"]) for number in range(count)]

    async with database.transaction() as tx:
        await tx.execute(INSERT, as_rows(rows))
        there = await things(tx)

    assert {name: getattr(there[rows[-1]["id"]], name) for name in rows[-1]} == rows[-1]
    assert len(there) == count


async def test_none_is_null_in_every_column(database):
    row = thing(name=None, seal=None, notes=None, at=None)

    async with database.transaction() as tx:
        await tx.execute(INSERT, as_rows([row]))
        nulls = "name IS NULL AND seal IS NULL AND notes IS NULL AND at IS NULL"
        found = await tx.execute(text(f"SELECT 1 FROM things WHERE {nulls}"))

    assert len(found.all()) == 1


async def test_a_column_that_no_row_gives_is_null(database):
    rows = [{"id": uuid4(), "count": 1}, {"id": uuid4(), "count": 2}]

    async with database.transaction() as tx:
        await tx.execute(INSERT, as_rows(rows))
        there = await things(tx)

    assert {row.name for row in there.values()} == {None}


async def test_no_rows_change_nothing(database):
    async with database.transaction() as tx:
        assert (await tx.execute(INSERT, as_rows([]))).all() == []
        await tx.execute(UPDATE, as_rows([]))


async def test_the_tail_of_an_insert_counts(database):
    row = thing()

    async with database.transaction() as tx:
        first = (await tx.execute(INSERT, as_rows([row]))).scalars().all()
        again = (await tx.execute(INSERT, as_rows([row]))).scalars().all()

    assert (first, again) == ([row["id"]], [])


async def test_an_update_changes_the_named_rows_alone(database):
    rows = [thing(), thing(), thing()]
    changes = [{"id": row["id"], "count": 7, "is_red": True} for row in rows[:2]]

    async with database.transaction() as tx:
        await tx.execute(INSERT, as_rows(rows))
        await tx.execute(UPDATE, as_rows(changes))
        there = await things(tx)

    assert [(there[row["id"]].count, there[row["id"]].is_red) for row in rows] == [
        (7, True), (7, True), (1, False),
    ]  # fmt: skip
