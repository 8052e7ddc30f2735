"""A small service to try the library on."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import text

from shared.db import Database
from shared.migrate import migrate


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with the shared tables, empty, and one more table to change something in."""
    opened = Database(database_url, source="auth")
    await migrate(opened.engine)
    async with opened.transaction() as tx:
        await tx.execute(
            text("CREATE TABLE IF NOT EXISTS effects (id text PRIMARY KEY, count int)")
        )
        await tx.execute(text("TRUNCATE effects, outbox, inbox, parked, idempotency_keys"))
    yield opened
    await opened.close()


@pytest.fixture
def mark() -> str:
    return uuid4().hex
