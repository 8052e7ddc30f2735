"""The relay: the loop from the outbox to the bus.

It locks a batch of rows (`SKIP LOCKED`: any number of relays share the work), publishes it, deletes what the
bus confirmed and commits: the one sanctioned place where the network is used inside a transaction. A row
leaves only after its confirm, so an event may be published twice and is never lost.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import DateTime, Row, delete, func, literal, or_, select, update

from shared.bus import Bus, PublishFailed
from shared.db import Database, Tx
from shared.events import Message
from shared.metrics import LOOP_FAILURES, count_published
from shared.sql import among
from shared.tables import outbox
from shared.tracing_messages import sending

log = structlog.get_logger()

BATCH_MAX = 500
POLL_S = 1.0
RETRY_S_MAX = 30
COUNT_MAX = 100_000  # whoever asks how it is shall not make it worse


class Relay:
    """Forwards what a database's transactions published."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus

    async def run(self) -> None:
        """Forward for ever: at once after a local commit, by a short poll for what others left."""
        failures = 0
        while True:
            self._database.published.clear()
            try:
                moved = await self.run_once()
                failures = 0
            except Exception as flaw:  # noqa: BLE001 - the loop outlives its database and its bus
                failures += 1
                moved = 0
                LOOP_FAILURES.labels(self._database.source, "relay").inc()
                log.warning("relay_failed", source=self._database.source, reason=str(flaw))
            if moved < BATCH_MAX:
                await self._rest(POLL_S * min(2**failures, 5))

    async def run_once(self) -> int:
        """Forward one batch; return how many events the bus confirmed."""
        async with self._database.transaction() as tx:
            rows = await _take(tx)
            if not rows:
                return 0
            failed = await self._publish(rows)
            confirmed = [row.id for row in rows if row.id not in failed]
            await tx.execute(delete(outbox).where(among(outbox.c.id, confirmed)))
            for row in rows:
                if row.id in failed:
                    await _postpone(tx, row, failed[row.id])
        lost = [row.name for row in rows if row.id in failed]
        kept = [row.name for row in rows if row.id not in failed]
        count_published(self._database.source, kept, lost)
        return len(confirmed)

    async def _publish(self, rows: Sequence[Row[Any]]) -> dict[int, str]:
        messages = [Message(row.name, row.headers, bytes(row.body)) for row in rows]
        try:
            with sending(self._database.source, messages) as marked:
                await self._bus.publish(marked)
        except PublishFailed as failure:
            return {rows[index].id: reason for index, reason in failure.reasons.items()}
        return {}

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._database.published.wait()
        except TimeoutError:
            return


async def _take(tx: Tx) -> Sequence[Row[Any]]:
    now = func.coalesce(literal(tx.now_if_known, DateTime(timezone=True)), func.now())
    due = or_(outbox.c.retry_at.is_(None), outbox.c.retry_at <= now)
    statement = select(outbox).where(due).order_by(outbox.c.id).limit(BATCH_MAX)
    return (await tx.execute(statement.with_for_update(skip_locked=True))).all()


async def _postpone(tx: Tx, row: Row[Any], reason: str) -> None:
    """Let a row that the bus would not take wait, so that it does not hold up the rows behind it."""
    wait = timedelta(seconds=min(2 ** min(row.attempts, 10) * 0.1, RETRY_S_MAX))
    log.warning("publish_failed", name=row.name, event_id=row.headers["ce-id"], reason=reason)
    await tx.execute(
        update(outbox)
        .where(outbox.c.id == row.id)
        .values(attempts=row.attempts + 1, retry_at=await tx.now() + wait)
    )


async def backlog(tx: Tx) -> tuple[int, float]:
    """Return how many events wait in the outbox, counted to 100,000, and the age of the oldest in seconds."""
    counted = select(outbox.c.id).limit(COUNT_MAX).subquery()
    oldest = select(outbox.c.created_at).order_by(outbox.c.id).limit(1).scalar_subquery()
    statement = select(func.count().label("waiting"), oldest.label("oldest")).select_from(counted)
    row = (await tx.execute(statement)).one()
    age_s = (await tx.now() - row.oldest).total_seconds() if row.oldest else 0.0
    return row.waiting, max(age_s, 0.0)
