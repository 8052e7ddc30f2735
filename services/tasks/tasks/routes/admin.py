"""Everybody's tasks, for operators."""

from typing import Annotated

from fastapi import APIRouter, Query

from shared.http import CurrentOperator, Transaction
from shared.ids import UserId
from shared.pages import Cursor, Limit, cursor_of, id_of
from tasks import history
from tasks.history import Filters
from tasks.routes.documented import refusals
from tasks.schemas import OwnedTask, OwnedTasks, StatusWord

router = APIRouter()


@router.get("/api/admin/tasks", operation_id="list_all_tasks", responses=refusals(401, 403))
async def list_all_tasks(
    _: CurrentOperator,
    tx: Transaction,
    status: Annotated[list[StatusWord] | None, Query(max_length=10)] = None,
    user_id: UserId | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> OwnedTasks:
    """Everybody's tasks, newest first, with whose they are."""
    filters = Filters(user_id=user_id, statuses={word.status for word in status or ()})
    rows = await history.listed(tx, filters, limit=limit, before=id_of(cursor))
    return OwnedTasks(
        tasks=[OwnedTask.owned(task) for task in rows], next_cursor=cursor_of(rows, limit)
    )
