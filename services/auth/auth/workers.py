"""What nobody needs any more is deleted."""

from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import InstrumentedAttribute

from auth.models import OneTimeToken, Session, Throttle
from shared.db import Database, Tx
from shared.workers import Loop

BATCH_MAX: Final = 1000
SWEEP_S: Final = 60
KEPT_FOR: Final = timedelta(days=30)


def sweeper(database: Database) -> Loop:
    """Return the loop that deletes links, sessions and throttles a month after they are over."""

    async def sweep_once() -> bool:
        async with database.transaction() as tx:
            return await sweep(tx)

    return Loop("auth sweeper", sweep_once, poll_s=SWEEP_S)


async def sweep(tx: Tx) -> bool:
    """Delete a batch of each; tell whether there may be more."""
    long_ago = await tx.now() - KEPT_FOR
    deleted_counts = [
        await _delete(tx, OneTimeToken.hash, OneTimeToken.expires_at < long_ago),
        await _delete(tx, Session.id, Session.ends_at < long_ago),
        await _delete(tx, Throttle.key, Throttle.last_failed_at < long_ago),
    ]
    return BATCH_MAX in deleted_counts


async def _delete(tx: Tx, key: InstrumentedAttribute[object], is_over: ColumnElement[bool]) -> int:
    over = select(key).where(is_over).limit(BATCH_MAX).with_for_update(skip_locked=True)
    batch = over.cte()  # a subquery may be asked once for each row, and each time gives others
    deleted = await tx.execute(delete(key.class_).where(key.in_(select(batch))).returning(key))
    return len(deleted.all())
