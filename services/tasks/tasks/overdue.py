"""Tasks that billing has not answered in time: each is given up, and ends unless its run has begun after all.

Agent-runner decides that: only there is known whether credits of the task are being spent at this moment.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select

from shared.db import Database, Tx
from shared.workers import Loop
from tasks import lifecycle
from tasks.hub import Hub
from tasks.models import Task
from tasks.status import Status

POLL_S = 5


class Overdue:
    """Gives up pending tasks of which nothing was heard for so many seconds."""

    def __init__(self, database: Database, hub: Hub, *, after_s: float) -> None:
        self._database = database
        self._hub = hub
        self._patience = timedelta(seconds=after_s)

    def loop(self, name: str) -> Loop:
        """Return the loop that looks every few seconds, after a start not at once: answers may be waiting."""
        return Loop(name, self.work_once, poll_s=POLL_S, rests_first=True)

    async def work_once(self) -> bool:
        """Give up the task that has waited longest; tell whether there was one."""
        async with self._database.transaction() as tx:
            before = await tx.now() - self._patience
            found = await _longest_pending(tx, before)
            if found is None:
                return False
            await self._hub.take_turn(tx, found.user_id)
            task = await tx.lock(Task, found.id)
            if task is not None and task.status == Status.PENDING and task.updated_at < before:
                await lifecycle.give_up(tx, task)
        return True


async def _longest_pending(tx: Tx, before: datetime) -> Row[Any] | None:
    statement = (
        select(Task.id, Task.user_id)
        .where(Task.status == Status.PENDING, Task.updated_at < before)
        .order_by(Task.updated_at)
        .limit(1)
    )
    return (await tx.execute(statement)).first()
