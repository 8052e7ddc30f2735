"""A task's story: what happened to it, each thing once, and how its owner's open pages hear of it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from shared.db import Tx
from shared.sql import as_rows, insert_all
from tasks import stream
from tasks.models import Task, TaskEvent
from tasks.schemas import TaskSummary
from tasks.stream import Change

BEFORE_THE_END = ("created", "queued", "started", "cancel_requested")
AFTER_THE_END = ("settled",)

NOTE = insert(TaskEvent).on_conflict_do_nothing().returning(TaskEvent.task_id)
BEGIN = insert_all(TaskEvent, "task_id", "name", "attempt", "at")


async def note(
    tx: Tx, task: Task, name: str, *, attempt: int = 0, detail: str | None = None
) -> bool:
    """Write down that something happened; tell whether it was news."""
    now = await tx.now()
    event = {"task_id": task.id, "name": name, "attempt": attempt, "detail": detail, "at": now}
    return (await tx.execute(NOTE, event)).first() is not None


async def begin(tx: Tx, tasks: Sequence[Task]) -> None:
    """Begin the stories of new tasks, and let their owners see them."""
    now = await tx.now()
    row = {"name": "created", "attempt": 0, "at": now}
    await tx.execute(BEGIN, as_rows({**row, "task_id": task.id} for task in tasks))
    await stream.emit(tx, *map(_summary, tasks))


async def show(tx: Tx, task: Task) -> None:
    """Let the owner see the task as it is now."""
    task.updated_at = max(task.updated_at, await tx.now())
    await stream.emit(tx, _summary(task))


async def told(tx: Tx, task_id: UUID) -> Sequence[TaskEvent]:
    """Return what happened to a task in the order of a story, however late each part was heard of."""
    events = await tx.scalars(select(TaskEvent).where(TaskEvent.task_id == task_id))
    return sorted(events, key=lambda event: (_chapter(event.name), event.attempt))


def _summary(task: Task) -> Change:
    return Change(task.user_id, "task", TaskSummary.of(task).model_dump(mode="json"))


def _chapter(name: str) -> int:
    if name in BEFORE_THE_END:
        return BEFORE_THE_END.index(name)
    return len(BEFORE_THE_END) + (name in AFTER_THE_END)
