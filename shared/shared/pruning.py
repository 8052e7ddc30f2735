"""Rows that nobody can need any more are deleted: each table is walked from its first page to its last.

    Service(..., aged=[Aged("sessions", "ends_at", timedelta(days=30))])

No event pays for an index on its age, and no transaction is long: a step looks at so many pages (a TID range scan
of PostgreSQL), and after the last table the walk rests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import TextClause, text

from shared.db import Database
from shared.workers import Loop

log = structlog.get_logger()

REST_S: Final = 3600
PAGES: Final = 1000
"""8 MB, of which a step reads what is not in memory."""


@dataclass(frozen=True, slots=True)
class Aged:
    """A table whose rows are needed for so long after the moment in that column."""

    table: str
    column: str
    kept_for: timedelta


MESSAGING: Final = (
    # Longer than Stripe sends an event again (30 days), and than any bus holds one.
    Aged("inbox", "first_seen_at", timedelta(days=35)),
    Aged("idempotency_keys", "created_at", timedelta(days=35)),
)


class Pruner:
    """Walks through tables; two of them at once do no harm, the later finds less."""

    def __init__(self, database: Database, tables: Sequence[Aged], *, pages: int = PAGES) -> None:
        self._database = database
        self._tables = tables
        self._pages = pages
        self._place = (0, 0)  # of the table, and its next page

    def loop(self, name: str) -> Loop:
        """Return the loop that walks once an hour, from an hour after its start on."""
        return Loop(f"{name} pruning", self.step, poll_s=REST_S, rests_first=True)

    async def step(self) -> bool:
        """Delete what is over in the next pages; tell whether the walk goes on."""
        number, page = self._place
        aged = self._tables[number]
        async with self._database.transaction() as tx:
            period = {"first": (page, 0), "last": (page + self._pages, 0)}
            over = {"over": await tx.now() - aged.kept_for}
            row = (await tx.execute(_statement(aged), {**period, **over})).one()
        if row.deleted:
            log.info("pruned", table=aged.table, rows=row.deleted)
        is_through = page + self._pages >= row.pages
        self._place = (number + 1, 0) if is_through else (number, page + self._pages)
        if self._place[0] < len(self._tables):
            return True
        self._place = (0, 0)
        return False


def _statement(aged: Aged) -> TextClause:
    table, column = aged.table, aged.column
    return text(f"""
        WITH deleted AS (
            DELETE FROM {table} WHERE ctid >= CAST(:first AS tid) AND ctid < CAST(:last AS tid)
            AND {column} < :over RETURNING 1
        )
        SELECT count(*) AS deleted,
            pg_relation_size('{table}') / current_setting('block_size')::int AS pages
        FROM deleted
    """)  # noqa: S608 - our own words
