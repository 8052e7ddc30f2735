"""Pruning: what is over goes, page by page, and nothing else does."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from shared.db import Database, Tx
from shared.migrate import migrate
from shared.pruning import MESSAGING, Aged, Pruner

ROWS = 3000
INBOX = MESSAGING[0]
KEPT = Aged("inbox", "first_seen_at", timedelta(days=10))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, source="test")
    await migrate(database.engine)
    async with database.transaction() as tx:
        await tx.execute(text("TRUNCATE inbox, idempotency_keys"))
        await tx.execute(
            text("""
                INSERT INTO inbox (event_id, source, name, first_seen_at)
                SELECT gen_random_uuid(), 'test', 'x', now() - CAST(mod(n, 20) || ' days' AS interval)
                FROM generate_series(1, :rows) AS n
            """),
            {"rows": ROWS},
        )
    yield database
    await database.close()


async def ages(database: Database) -> list[int]:
    """Return the ages that there are, in days."""
    async with database.transaction() as tx:
        rows = await tx.execute(
            text("SELECT DISTINCT extract(day FROM now() - first_seen_at)::int AS age FROM inbox")
        )
        return sorted(row.age for row in rows)


async def walk(pruner: Pruner) -> int:
    """Walk through all tables; return in how many steps."""
    steps = 1
    while await pruner.step():
        steps += 1
    return steps


async def test_what_is_over_is_deleted_page_by_page(database: Database) -> None:
    pruner = Pruner(database, [KEPT], pages=2)

    steps = await walk(pruner)

    assert steps > 2
    assert await ages(database) == list(range(10))


async def test_a_walk_begins_anew_after_its_last_table(database: Database) -> None:
    pruner = Pruner(database, [INBOX, KEPT, MESSAGING[1]])

    first = await walk(pruner)
    async with database.transaction() as tx:
        await tx.execute(text("UPDATE inbox SET first_seen_at = now() - interval '11 days'"))
    second = await walk(pruner)

    assert (first, second) == (3, 3)
    assert await ages(database) == []


async def test_a_step_reads_its_pages_alone(database: Database) -> None:
    plans: list[str] = []

    async def explain(tx: Tx) -> None:
        statement = (
            "EXPLAIN DELETE FROM inbox WHERE ctid >= CAST(:first AS tid)"
            " AND ctid < CAST(:last AS tid) AND first_seen_at < now()"
        )
        rows = await tx.execute(text(statement), {"first": (0, 0), "last": (2, 0)})
        plans.extend(row[0] for row in rows)

    async with database.transaction() as tx:
        await explain(tx)

    assert any("Tid Range Scan" in line for line in plans)


async def test_keys_are_forgotten_after_35_days(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            text("""
                INSERT INTO idempotency_keys (caller, route, key, request_hash, created_at)
                SELECT 'usr', 'POST /x', 'key' || days, '', now() - CAST(days || ' days' AS interval)
                FROM unnest(ARRAY[0, 34, 36]) AS days
            """)
        )

    await walk(Pruner(database, MESSAGING))

    async with database.transaction() as tx:
        rows = await tx.execute(text("SELECT key FROM idempotency_keys ORDER BY key"))
        assert [row.key for row in rows] == ["key0", "key34"]
