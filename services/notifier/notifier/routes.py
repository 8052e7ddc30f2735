"""HTTP in: what operators see of the mails."""

from typing import Annotated

from fastapi import APIRouter, Query

from notifier import messages
from notifier.schemas import MessagePage, MessageView, State
from shared.http import CurrentOperator, Transaction
from shared.ids import UserId
from shared.pages import Cursor, Limit, cursor_of, id_of
from shared.problems import Problem

router = APIRouter()


@router.get(
    "/api/admin/messages",
    operation_id="list_messages",
    responses={
        401: {"model": Problem, "description": "Not signed in"},
        403: {"model": Problem, "description": "Not an operator"},
    },
)
async def list_messages(
    _: CurrentOperator,
    tx: Transaction,
    user_id: Annotated[UserId | None, Query()] = None,
    state: Annotated[State | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> MessagePage:
    """Mails and how far each has come, newest first."""
    rows = await messages.listed(
        tx, user_id=user_id, state=state, limit=limit, before=id_of(cursor)
    )
    views = [MessageView.model_validate(row) for row in rows]
    return MessagePage(messages=views, next_cursor=cursor_of(rows, limit))
