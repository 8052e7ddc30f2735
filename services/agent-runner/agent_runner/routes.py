"""HTTP in: the desk, where a person sees the runs and does the work of one."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile

from agent_runner import desk
from agent_runner.desk import Attachments
from agent_runner.executors import Executors
from agent_runner.models import Run, RunState
from agent_runner.runs import Limits
from agent_runner.schemas import (
    ExecutorState,
    ExecutorStates,
    FileView,
    Runs,
    RunSummary,
    RunView,
    StatusChange,
)
from shared import problems
from shared.contracts.tasks import Outcome
from shared.errors import Invalid
from shared.http import CurrentOperator, Operator, Transaction, resource
from shared.ids import TaskId
from shared.pages import Cursor, Limit, cursor_of, id_of

UPLOAD_BYTES_MAX = 101 * 1024 * 1024  # a file of 100 MiB and the form around it

router = APIRouter(prefix="/api/admin", tags=["admin"])


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return problems.refusals(401, 403, *statuses)


FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "additionalProperties": False,
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        }
    },
}


@router.get("/runs", operation_id="list_runs", responses=_refusals())
async def list_runs(
    _: CurrentOperator,
    tx: Transaction,
    state: RunState | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Runs:
    """All runs, or those in a state."""
    rows = await desk.page(tx, state=state, limit=limit, before=id_of(cursor))
    return Runs(
        runs=[RunSummary.model_validate(row) for row in rows], next_cursor=cursor_of(rows, limit)
    )


@router.get("/runs/{task_id}", operation_id="show_run", responses=_refusals(404))
async def show_run(task_id: TaskId, _: CurrentOperator, tx: Transaction) -> RunView:
    """One task's run with what it delivered."""
    run = await desk.find(tx, task_id)
    return RunView.of(run, (await desk.files_of(tx, run))[run.id])


@router.post("/runs/{task_id}/status", operation_id="set_run_status", responses=_refusals(404, 409))
async def set_run_status(
    task_id: TaskId,
    body: StatusChange,
    who: CurrentOperator,
    tx: Transaction,
    limits: Annotated[Limits, resource(Limits)],
) -> RunView:
    """Take a task over, complete it with a result, or end it with a reason."""
    if body.status in ("in-progress", "running"):
        run = await desk.take(tx, task_id, limits, by=who.name)
    else:
        run = await _end(tx, task_id, body, who)
    return RunView.of(run, (await desk.files_of(tx, run))[run.id])


@router.post(
    "/runs/{task_id}/files",
    status_code=201,
    operation_id="attach_run_file",
    responses=_refusals(404, 409, 413),
    max_body_size=UPLOAD_BYTES_MAX,
    openapi_extra={"requestBody": FORM},
)
async def attach_run_file(
    task_id: TaskId,
    request: Request,
    _: CurrentOperator,
    attachments: Annotated[Attachments, resource(Attachments)],
) -> FileView:
    """Attach a file to a task that a person has in hand; the body is read only for an operator."""
    async with request.form(max_files=1, max_fields=1) as form:
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            message = "Send one file as the field `file` of a multipart form."
            raise Invalid(message)
        file = await attachments.attach(
            task_id,
            upload.file,
            name=upload.filename or "",
            media_type=upload.content_type or "",
        )
    return FileView.model_validate(file)


@router.get("/executors", operation_id="list_executors", responses=_refusals())
async def list_executors(
    _: CurrentOperator, executors: Annotated[Executors, resource(Executors)]
) -> ExecutorStates:
    """Who does the work, and whether it can."""
    states = await executors.states()
    return ExecutorStates(
        executors=[ExecutorState(name=name, state=state) for name, state in states.items()]
    )


async def _end(tx: Transaction, task_id: TaskId, body: StatusChange, who: Operator) -> Run:
    if body.status == "completed":
        return await desk.complete(
            tx, task_id, result=body.result, units_used=body.units_used, by=who.name
        )
    outcome = Outcome.CANCELLED if body.status == "cancelled" else Outcome.FAILED
    return await desk.refuse(tx, task_id, outcome, reason=body.reason, by=who.name)
