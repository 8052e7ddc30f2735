"""Tasks that ended before their run began: credits that are held for one later are let go by a run that ends at once."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from agent_runner import texts
from agent_runner.models import Tombstone
from agent_runner.runs import CANCELLED, DESCRIPTION_BYTES_MAX, Ending
from shared.clock import first_id
from shared.contracts.tasks import Outcome, TaskCancelRequested, TaskFinished
from shared.db import Tx
from shared.pruning import Aged

NOT_BEGUN = "The task could not be begun in time."
ENDINGS: Final = {
    Outcome.CANCELLED: Ending(Outcome.CANCELLED, reason=CANCELLED),
    Outcome.FAILED: Ending(Outcome.FAILED, reason=NOT_BEGUN),
}

KEPT_FOR: Final = timedelta(days=90)
AGED: Final = Aged("tombstones", "created_at", KEPT_FOR + timedelta(days=1))
"""A day longer than a task may wait for its credits: none is begun whose tombstone is gone."""


async def end_task(tx: Tx, event: TaskCancelRequested, *, executor: str) -> None:
    """End a task that has no run; who asks again is told the same."""
    outcome = Outcome.FAILED if event.is_overdue else Outcome.CANCELLED
    values = {"run_id": tx.new_id(), "outcome": outcome, "created_at": await tx.now()}
    await tx.insert_once(Tombstone, task_id=event.task_id, **values)
    [tombstone] = await tx.scalars(select(Tombstone).where(Tombstone.task_id == event.task_id))
    ending = ENDINGS[Outcome(tombstone.outcome)]
    tx.publish(
        TaskFinished(
            task_id=event.task_id,
            user_id=event.user_id,
            run_id=tombstone.run_id,
            description=texts.cut(event.description, DESCRIPTION_BYTES_MAX),
            outcome=ending.outcome,
            executor=executor,
            reason=ending.reason,
        )
    )


def ending_of(tombstone: Tombstone | None, task_id: UUID, *, now: datetime) -> Ending | None:
    """Return how a task's run ends as it begins: as the task did, or, for one too old to know, as not begun in time."""
    if tombstone is not None:
        return ENDINGS[Outcome(tombstone.outcome)]
    return ENDINGS[Outcome.FAILED] if task_id < first_id(now - KEPT_FOR) else None
