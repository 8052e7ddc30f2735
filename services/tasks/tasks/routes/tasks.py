"""Asking for work, and what came of it."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import RedirectResponse

from shared.blobs import Blobs
from shared.db import Database, Tx
from shared.http import CurrentUser, Once, OnceOnly, Transaction, resource, response_of
from shared.idempotency import Mark
from shared.ids import FileId, TaskId
from shared.moments import Moment
from shared.pages import Cursor, Limit, cursor_of, id_of
from shared.text import Text
from shared.tokens import User
from tasks import history, lifecycle, quotes, story
from tasks.asking import Asking, shown
from tasks.classification import AgentType
from tasks.history import Filters
from tasks.hub import Hub
from tasks.models import Task
from tasks.quotes import Wanted
from tasks.routes.documented import refusals
from tasks.schemas import (
    AcceptedTask,
    FileLink,
    NewTask,
    QuoteView,
    StatusWord,
    Tasks,
    TaskSummary,
    TaskView,
    Work,
)
from tasks.settings import TasksSettings

TheAsking = Annotated[Asking, resource(Asking)]
TheHub = Annotated[Hub, resource(Hub)]
OurBlobs = Annotated[Blobs, resource(Blobs)]
OurDatabase = Annotated[Database, resource(Database)]
TheSettings = Annotated[TasksSettings, resource(TasksSettings)]

PATH, ALIAS = "/api/tasks", "/api/tasks/create"

router = APIRouter()


@router.post("/api/tasks/estimate", operation_id="estimate_task", responses=refusals(400, 401))
async def estimate(
    body: Work, user: CurrentUser, tx: Transaction, settings: TheSettings
) -> QuoteView:
    """What the work is expected to cost and the most that it can, offered for a while."""
    quote = await quotes.make(
        tx, user.id, body.description, body.agent_type, valid_s=settings.quote_valid_s
    )
    return QuoteView.of(quote)


@router.post(
    PATH,
    status_code=201,
    response_model=AcceptedTask,
    operation_id="create_task",
    responses=refusals(400, 401, 402, 404, 409),
)
@router.post(ALIAS, status_code=201, response_model=AcceptedTask, include_in_schema=False)
async def create(body: NewTask, user: CurrentUser, once: Once, asking: TheAsking) -> Response:
    """Accept a task on the quote's terms, or on today's; billing decides whether it may run."""
    wanted = Wanted(user.id, body.description, body.agent_type, body.quote_id)
    return response_of(await asking.ask(wanted, _mark(once, user)))


def _mark(once: OnceOnly, user: User) -> Mark | None:
    """Return what tells a request for work apart: its caller's own key, on either path."""
    mark = once.mark(user)
    return replace(mark, route=PATH) if mark else None


def _filters(
    user: CurrentUser,
    status: Annotated[list[StatusWord] | None, Query(max_length=10)] = None,
    agent_type: AgentType | None = None,
    q: Annotated[Text | None, Query(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] = None,
    created_after: Annotated[Moment | None, Query()] = None,
    created_before: Annotated[Moment | None, Query()] = None,
) -> Filters:
    return Filters(
        user_id=user.id,
        statuses={word.status for word in status or ()},
        agent_type=agent_type,
        words=q,
        created_after=created_after,
        created_before=created_before,
    )


@router.get("/api/tasks", operation_id="list_tasks", responses=refusals(401))
async def list_tasks(
    filters: Annotated[Filters, Depends(_filters)],
    tx: Transaction,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Tasks:
    """The user's tasks, newest first; `status` may be given several times, `q` is looked for in the text."""
    rows = await history.listed(tx, filters, limit=limit, before=id_of(cursor))
    return Tasks(tasks=[TaskSummary.of(task) for task in rows], next_cursor=cursor_of(rows, limit))


@router.get("/api/tasks/{task_id}", operation_id="show_task", responses=refusals(401, 404))
async def show(task_id: TaskId, user: CurrentUser, tx: Transaction) -> TaskView:
    """A task with its result, its files and its story so far."""
    return await _in_full(tx, await history.find(tx, user.id, task_id))


@router.post(
    "/api/tasks/{task_id}/cancel",
    status_code=202,
    operation_id="cancel_task",
    responses=refusals(401, 404, 409),
)
async def cancel(task_id: TaskId, user: CurrentUser, tx: Transaction, hub: TheHub) -> TaskView:
    """Ask for the end of a task; it has ended when its status says so, and costs nothing then."""
    await hub.take_turn(tx, user.id)
    return await _in_full(tx, await lifecycle.cancel(tx, user.id, task_id))


@router.post(
    "/api/tasks/{task_id}/retry",
    status_code=201,
    response_model=AcceptedTask,
    operation_id="retry_task",
    responses=refusals(401, 402, 404, 409),
)
async def retry(
    task_id: TaskId,
    user: CurrentUser,
    tx: Transaction,
    once: Once,
    hub: TheHub,
    settings: TheSettings,
) -> Response:
    """Ask for the work of a task that came to nothing again: a new task on today's terms."""

    async def work() -> AcceptedTask:
        await hub.take_turn(tx, user.id)
        return shown(
            await lifecycle.retry(tx, user.id, task_id, checkout_url=settings.checkout_url)
        )

    return await once.run(tx, user, work, status=201)


@router.get(
    "/api/tasks/{task_id}/files/{file_id}",
    status_code=302,
    response_class=RedirectResponse,
    operation_id="open_task_file",
    responses=refusals(401, 404),
)
async def open_file(
    task_id: TaskId,
    file_id: FileId,
    user: CurrentUser,
    database: OurDatabase,
    blobs: OurBlobs,
) -> RedirectResponse:
    """Go to the file by a link that is signed anew for a few minutes."""
    link = await _signed(database, blobs, user, task_id, file_id)
    return RedirectResponse(link, status_code=302, headers={"Cache-Control": "no-store"})


@router.get(
    "/api/tasks/{task_id}/files/{file_id}/link",
    operation_id="link_task_file",
    responses=refusals(401, 404),
)
async def link_file(
    task_id: TaskId, file_id: FileId, user: CurrentUser, database: OurDatabase, blobs: OurBlobs
) -> FileLink:
    """The same link for a page, which can follow no redirection that needs its access token."""
    return FileLink(url=await _signed(database, blobs, user, task_id, file_id))


async def _signed(
    database: Database, blobs: Blobs, user: User, task_id: UUID, file_id: UUID
) -> str:
    async with database.transaction() as tx:
        file = await history.find_file(tx, user.id, task_id, file_id)
    return await blobs.link(file.key, name=file.name, media_type=file.media_type)


async def _in_full(tx: Tx, task: Task) -> TaskView:
    return TaskView.in_full(
        task, await history.files_of(tx, task.id), await story.told(tx, task.id)
    )
