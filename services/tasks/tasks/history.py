"""A user's tasks and their files, found and listed."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select

from shared.db import Tx
from shared.errors import NotFound
from tasks.classification import AgentType
from tasks.models import Task, TaskFile
from tasks.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which tasks to list; what is None or empty does not matter."""

    user_id: UUID | None = None
    statuses: Collection[Status] = ()
    agent_type: AgentType | None = None
    words: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


async def listed(tx: Tx, filters: Filters, *, limit: int, before: UUID | None) -> Sequence[Task]:
    """Return the tasks that fit, newest first, older than the one given."""
    statement = select(Task).where(*_conditions(filters)).order_by(Task.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Task.id < before)
    return await tx.scalars(statement)


async def find(tx: Tx, user_id: UUID, task_id: UUID, *, is_locked: bool = False) -> Task:
    """Return a task of this user's; raise NotFound, also for another's."""
    task = await (tx.lock if is_locked else tx.get)(Task, task_id)
    if task is None or task.user_id != user_id:
        raise NotFound
    return task


async def find_file(tx: Tx, user_id: UUID, task_id: UUID, file_id: UUID) -> TaskFile:
    """Return a file of a task of this user's; raise NotFound."""
    await find(tx, user_id, task_id)
    file = await tx.get(TaskFile, file_id)
    if file is None or file.task_id != task_id:
        raise NotFound
    return file


async def files_of(tx: Tx, task_id: UUID) -> Sequence[TaskFile]:
    """Return the files of a task in the order they were named in."""
    return await tx.scalars(
        select(TaskFile).where(TaskFile.task_id == task_id).order_by(TaskFile.place)
    )


def _conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    if filters.user_id is not None:
        yield Task.user_id == filters.user_id
    if filters.statuses:
        yield Task.status.in_(filters.statuses)
    if filters.agent_type is not None:
        yield Task.agent_type == filters.agent_type
    if filters.words is not None:
        yield Task.description.icontains(filters.words, autoescape=True)
    if filters.created_after is not None:
        yield Task.created_at > filters.created_after
    if filters.created_before is not None:
        yield Task.created_at < filters.created_before
