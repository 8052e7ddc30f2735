"""Chores: what one replica does from time to time, and does soon where somebody asks for it."""

from datetime import timedelta
from typing import Final

from sqlalchemy import select, update

from billing.models import Chore
from shared.db import Tx

SYNC_PRICES: Final = "sync prices"
RECONCILE_RECENT: Final = "reconcile recent"
RECONCILE_DAILY: Final = "reconcile daily"
FLAW_CHARS_MAX = 500


async def due(tx: Tx) -> set[str]:
    """Return the names of the chores that are due."""
    names = select(Chore.name).where(Chore.due_at <= await tx.now())
    return set(await tx.scalars(names))


async def take(tx: Tx, name: str, *, lease_s: float) -> bool:
    """Tell whether a chore is due, and put it off for everybody else while it is being done."""
    now = await tx.now()
    statement = select(Chore).where(Chore.name == name, Chore.due_at <= now)
    chore = await tx.scalar(statement.with_for_update(skip_locked=True))
    if chore is None:
        return False
    chore.due_at = now + timedelta(seconds=lease_s)
    return True


async def finish(tx: Tx, name: str, *, again_in_s: float, flaw: str | None = None) -> None:
    """Note that a chore was done, or why it was not, and when it is due again: at once, if somebody asked meanwhile."""
    now = await tx.now()
    chore = await tx.lock(Chore, name)
    assert chore is not None, "there is a row of each"
    chore.flaw = flaw[:FLAW_CHARS_MAX] if flaw else None
    if flaw is None:
        chore.finished_at = now
    if chore.due_at > now:
        chore.due_at = now + timedelta(seconds=again_in_s)


async def age_s(tx: Tx, name: str) -> float:
    """Return how long ago a chore was last done; nothing for one that never was."""
    chore = await tx.get(Chore, name)
    if chore is None or chore.finished_at is None:
        return 0.0
    return (await tx.now() - chore.finished_at).total_seconds()


async def hasten(tx: Tx, name: str) -> None:
    """Have a chore done as soon as somebody is free to."""
    now = await tx.now()
    later = update(Chore).where(Chore.name == name, Chore.due_at > now)
    await tx.execute(later.values(due_at=now))
